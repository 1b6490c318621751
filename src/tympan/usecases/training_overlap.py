"""What a tested model was trained on, compared with the test: recordings, sentences and terms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tympan.domain.dataset import Dataset
from tympan.domain.manifest import Sentence, Utterance
from tympan.domain.model import CustomModel, Model
from tympan.ports.blobs import BlobStore
from tympan.ports.store import Store
from tympan.speech.evaluation.contamination import SeenTexts, TextOverlap, plain_words
from tympan.speech.evaluation.occurrences import PhraseBook
from tympan.speech.manifest_lines import read_records

_NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Contamination:
    """What of a test one model has seen in training.

    Attributes:
        model_id, model_name: The model.
        is_known: Whether its training data is known at all; not that of base models.
        recordings: Places of test recordings that it was trained on; their samples are equal.
        texts: Test sentences that stand in its training text.
        seen_terms: Terms that stand in its training text.
        missing_datasets: Training data that was deleted, so that nothing can be said of it.
    """

    model_id: str
    model_name: str
    is_known: bool
    recordings: tuple[int, ...] = ()
    texts: TextOverlap | None = None
    seen_terms: frozenset[str] = frozenset()
    missing_datasets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOverlap:
    """Compares a test with what models were trained on."""

    store: Store
    blobs: BlobStore

    def of(self, model: Model, utterances: Sequence[Utterance], terms: Sequence[str] = ()) -> Contamination:
        """What one model has seen of a test.

        Args:
            model: Base models answer that nothing is known.
            utterances: The test.
            terms: To look for in the training text, as they are written.
        """
        if not isinstance(model, CustomModel):
            return Contamination(model_id=model.id, model_name=model.display_name, is_known=False)
        with self.store.read() as tx:
            found = [(one, tx.datasets.find(one)) for one in model.dataset_ids]
        datasets = [dataset for _, dataset in found if dataset is not None]
        seen = SeenTexts([utterance.transcript or "" for utterance in utterances])
        book = PhraseBook((term, plain_words(term)) for term in terms)
        keys: set[str] = set()
        seen_terms: set[str] = set()
        for audio_key, text in self._trained_on(model, datasets):
            if audio_key is not None:
                keys.add(audio_key)
            seen.add(text)
            if len(seen_terms) < len(terms):
                seen_terms.update(one.phrase for one in book.find(plain_words(text)))
        places = (at for at, utterance in enumerate(utterances) if utterance.audio_key in keys)
        return Contamination(
            model_id=model.id,
            model_name=model.display_name,
            is_known=True,
            recordings=tuple(places),
            texts=seen.overlap(),
            seen_terms=frozenset(seen_terms),
            missing_datasets=tuple(one for one, dataset in found if dataset is None),
        )

    def _trained_on(
        self, model: CustomModel, datasets: Sequence[Dataset]
    ) -> Iterator[tuple[str | None, str]]:
        """Every recording and sentence of the training data: key of the audio, and text."""
        for line in (model.text or "").splitlines():
            yield None, line
        for dataset in datasets:
            if dataset.manifest_key is None:
                continue
            if dataset.kind.has_audio:
                for utterance in read_records(self.blobs.stream(dataset.manifest_key), Utterance):
                    yield utterance.audio_key, utterance.transcript or ""
            else:
                for sentence in read_records(self.blobs.stream(dataset.manifest_key), Sentence):
                    yield None, sentence.text


def overlap_warnings(contaminations: Sequence[Contamination], utterances: Sequence[Utterance]) -> list[str]:
    """Say what was trained on, per tested model."""
    return [warning for one in contaminations for warning in _of_model(one, utterances)]


def _of_model(one: Contamination, utterances: Sequence[Utterance]) -> Iterator[str]:
    names = [utterances[at].name for at in one.recordings]
    if names:
        more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
        yield (
            f"Model '{one.model_name}' was trained on {len(names)} of the {len(utterances)} recordings "
            f"of this test ({', '.join(names[:_NAMES_SHOWN])}{more}). Its result looks better than it is; "
            "test on other recordings."
        )
    sentences = set(() if one.texts is None else one.texts.sentences) - set(one.recordings)
    if sentences:
        yield (
            f"{len(sentences)} of the {len(utterances)} transcripts of this test, word for word, are in the "
            f"training text of model '{one.model_name}'. Its result may look better than it is."
        )
    if one.missing_datasets:
        yield (
            f"Model '{one.model_name}' was trained on datasets that were deleted "
            f"({', '.join(one.missing_datasets)}). Whether they held recordings of this test is not known."
        )
