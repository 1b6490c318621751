"""Warnings about test recordings that a tested model was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tympan.domain.dataset import Dataset
from tympan.domain.manifest import Utterance
from tympan.domain.model import CustomModel, Model
from tympan.ports.blobs import BlobStore
from tympan.ports.store import Store
from tympan.speech.manifest_lines import read_records

_NAMES_SHOWN = 5


def overlap_warnings(
    store: Store, blobs: BlobStore, utterances: Sequence[Utterance], models: Sequence[Model]
) -> tuple[str, ...]:
    """Say which recordings were trained on, per tested model.

    Recordings are the same when their samples are, whatever their names.
    """
    warnings: list[str] = []
    for model in models:
        if isinstance(model, CustomModel):
            warnings += _of_model(store, blobs, utterances, model)
    return tuple(warnings)


def _of_model(
    store: Store, blobs: BlobStore, utterances: Sequence[Utterance], model: CustomModel
) -> Iterator[str]:
    with store.read() as tx:
        datasets = [(dataset_id, tx.datasets.find(dataset_id)) for dataset_id in model.dataset_ids]
    trained_on = {key for _, dataset in datasets if dataset for key in _audio_keys(blobs, dataset)}
    shared = [utterance.name for utterance in utterances if utterance.audio_key in trained_on]
    if shared:
        more = f" and {len(shared) - _NAMES_SHOWN} more" if len(shared) > _NAMES_SHOWN else ""
        yield (
            f"Model '{model.display_name}' was trained on {len(shared)} of the {len(utterances)} recordings "
            f"of this test ({', '.join(shared[:_NAMES_SHOWN])}{more}). Its result looks better than it is; "
            "test on other recordings."
        )
    gone = [dataset_id for dataset_id, dataset in datasets if dataset is None]
    if gone:
        yield (
            f"Model '{model.display_name}' was trained on datasets that were deleted ({', '.join(gone)}). "
            "Whether they held recordings of this test is not known."
        )


def _audio_keys(blobs: BlobStore, dataset: Dataset) -> Iterator[str]:
    if dataset.manifest_key is not None and dataset.kind.has_audio:
        for utterance in read_records(blobs.stream(dataset.manifest_key), Utterance):
            yield utterance.audio_key
