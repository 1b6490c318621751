"""Which datasets a training may use, and for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tympan.domain.dataset import DatasetKind
from tympan.domain.errors import InvalidInputError, InvalidStateError
from tympan.domain.model import BaseModel
from tympan.domain.resource import Status
from tympan.ports.store import Transaction
from tympan.usecases.resource_rules import check_same_locale
from tympan.usecases.training_settings import GENERAL_DATASET, general_dataset_of


def check_general(
    tx: Transaction, settings: Mapping[str, Any], dataset_ids: Sequence[str], base: BaseModel
) -> None:
    """Refuse to hold a trained model against what can tell nothing.

    Raises:
        InvalidInputError: There is no such imported dataset of recordings with transcripts, it has another
            locale, or it is trained on.
    """
    dataset_id, target = general_dataset_of(settings), f"settings.{GENERAL_DATASET}"
    if dataset_id is None:
        return
    dataset = tx.datasets.find(dataset_id)
    if dataset is None or dataset.status is not Status.SUCCEEDED or dataset.kind is not DatasetKind.ACOUSTIC:
        raise InvalidInputError(
            f"{GENERAL_DATASET} names '{dataset_id}', which is no imported dataset of recordings with "
            "transcripts (kind Acoustic). List the datasets to find its id.",
            code="InvalidDataset",
            target=target,
        )
    if dataset_id in dataset_ids:
        raise InvalidInputError(
            f"Dataset '{dataset.display_name}' is trained on, so it cannot tell what the model forgot. Name "
            "another one.",
            code="InvalidDataset",
            target=target,
        )
    check_same_locale(f"dataset '{dataset.display_name}'", dataset.locale, base.locale)


def check_dataset(tx: Transaction, dataset_id: str, base: BaseModel) -> None:
    """Refuse a dataset that this base model cannot be adapted with.

    Raises:
        InvalidInputError: It is unknown, its import failed, or its locale or kind does not fit.
        InvalidStateError: It is still being imported.
    """
    dataset = tx.datasets.find(dataset_id)
    if dataset is None:
        raise InvalidInputError(
            f"datasets names '{dataset_id}', but there is no such dataset. List the datasets to find its id.",
            code="InvalidDataset",
            target="datasets",
        )
    name = f"dataset '{dataset.display_name}'"
    if dataset.status is Status.FAILED:
        reason = dataset.failure.message if dataset.failure else "The reason is not known."
        raise InvalidInputError(
            f"The import of {name} failed: {reason} Correct the data and upload it again.",
            code="FailedDataset",
            target="datasets",
        )
    if dataset.status is not Status.SUCCEEDED:
        raise InvalidStateError(
            f"The import of {name} is {dataset.status}. Wait until it has Succeeded, then train.",
            target="datasets",
        )
    check_same_locale(name, dataset.locale, base.locale)
    if dataset.kind not in base.supported_kinds:
        known = ", ".join(kind.value for kind in base.supported_kinds)
        raise InvalidInputError(
            f"Base model '{base.display_name}' cannot be adapted with {dataset.kind} data ({name}). "
            f"It takes: {known}.",
            code="InvalidDataset",
            target="datasets",
        )
