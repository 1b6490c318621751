"""What there is to train on: the lines of all datasets, and what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tympan.domain.dataset import Dataset, DatasetKind
from tympan.domain.errors import InvalidInputError
from tympan.domain.manifest import FormattingRule, PronunciationEntry, Sentence, Utterance
from tympan.ports.blobs import BlobStore
from tympan.ports.store import Store
from tympan.speech.audio_context import FULL_CONTEXT_S
from tympan.speech.manifest_lines import Record, read_records
from tympan.speech.rewriting import may_rewrite
from tympan.speech.term_text import split_sentences
from tympan.usecases.training_plan import DatasetUse
from tympan.usecases.training_settings import GENERAL_DATASET

_MOST_SAMPLES = 10
_MOST_CHARACTERS_A_SECOND = 40
"""Nobody speaks faster; the transcript belongs to another recording, or to more of them."""

_SHORTEST_S = 0.1


class Tally:
    """Counts what becomes of one dataset.

    Attributes:
        id: None for the inline text.
        used_lines: To be raised by who uses a line.
    """

    def __init__(self, dataset: Dataset | None) -> None:
        self.id = dataset.id if dataset else None
        self.kind = dataset.kind.value if dataset else "Text"
        self.name = dataset.display_name if dataset else "text"
        self.used_lines = 0
        self.used_audio_s = 0.0
        self.is_text_only = False
        self.warnings: list[str] = []
        self._skipped: Counter[str] = Counter()
        self._samples: dict[str, list[str]] = {}

    def skip(self, reason: str, line: str) -> None:
        """Leave a line out."""
        self._skipped[reason] += 1
        samples = self._samples.setdefault(reason, [])
        if len(samples) < _MOST_SAMPLES:
            samples.append(line)

    def as_use(self) -> DatasetUse:
        """The counts so far."""
        return DatasetUse(
            id=self.id,
            kind=self.kind,
            name=self.name,
            used_lines=self.used_lines,
            skipped=dict(self._skipped),
            samples={reason: list(lines) for reason, lines in self._samples.items()},
            used_audio_s=round(self.used_audio_s, 2),
            is_text_only=self.is_text_only,
            warnings=list(self.warnings),
        )


@dataclass(slots=True, kw_only=True)
class Material:
    """All lines that may be trained on, each with the tally of its dataset.

    Attributes:
        general: Everyday recordings with transcripts that are never trained on
            (``everyday_recordings``).
    """

    recordings: list[tuple[Utterance, Tally]] = field(default_factory=list)
    sentences: list[tuple[str, Tally]] = field(default_factory=list)
    entries: list[tuple[PronunciationEntry, Tally]] = field(default_factory=list)
    rules: list[FormattingRule] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)
    general: list[Utterance] = field(default_factory=list)


def collect(store: Store, blobs: BlobStore, dataset_ids: Sequence[str], text: str | None) -> Material:
    """Read the manifests of datasets, and inline text.

    Lines that cannot be used whatever their audio says are left out and counted.

    Raises:
        InvalidInputError: A dataset was deleted or has no manifest.
    """
    material = Material()
    with store.read() as tx:
        datasets = [(dataset_id, tx.datasets.find(dataset_id)) for dataset_id in dataset_ids]
    for dataset_id, dataset in datasets:
        if dataset is None or dataset.manifest_key is None:
            raise InvalidInputError(
                f"Dataset {dataset_id} was deleted before the training began. Create the model again "
                "without it.",
                code="InvalidDataset",
                target="datasets",
            )
        _collect_dataset(material, dataset, blobs, dataset.manifest_key)
    if text and text.strip():
        tally = Tally(None)
        material.tallies.append(tally)
        lines = (Sentence(text=line.strip(), line=n) for n, line in enumerate(text.splitlines(), 1))
        _collect_sentences(material, tally, lines)
    return material


def everyday_recordings(store: Store, blobs: BlobStore, dataset_id: str | None) -> list[Utterance]:
    """What the model is held against; what could not be trained on cannot be heard in one piece either.

    Raises:
        InvalidInputError: The dataset was deleted.
    """
    if dataset_id is None:
        return []
    with store.read() as tx:
        dataset = tx.datasets.find(dataset_id)
    if dataset is None or dataset.manifest_key is None:
        raise InvalidInputError(
            f"Dataset {dataset_id}, which the model was to be held against, was deleted before the training "
            f"began. Create the model again without {GENERAL_DATASET}.",
            code="InvalidDataset",
            target=f"settings.{GENERAL_DATASET}",
        )
    found = read_records(blobs.stream(dataset.manifest_key), Utterance)
    return [
        one
        for one in found
        if one.duration_s <= FULL_CONTEXT_S
        and _unusable(one, (one.transcript or "").strip(), set(), has_text=True) is None
    ]


def _collect_dataset(material: Material, dataset: Dataset, blobs: BlobStore, manifest_key: str) -> None:
    tally = Tally(dataset)
    material.tallies.append(tally)

    def records(kind: type[Record]) -> Iterator[Record]:
        return read_records(blobs.stream(manifest_key), kind)

    if dataset.kind.has_audio:
        _collect_recordings(
            material, tally, records(Utterance), has_text=dataset.kind is DatasetKind.ACOUSTIC
        )
        return
    _collect_sentences(material, tally, records(Sentence))
    for entry in records(PronunciationEntry):
        if not may_rewrite(entry, dataset.locale):
            tally.warnings.append(
                f"Line {entry.line}: '{entry.spoken}' is said in ordinary speech too, so it is not simply "
                f"rewritten to '{entry.display}'. The model is taught the difference by synthetic speech."
            )
        material.entries.append((entry, tally))
    for rule in records(FormattingRule):
        if rule.section != "test":
            material.rules.append(rule)
        tally.used_lines += 1


def _collect_recordings(
    material: Material, tally: Tally, utterances: Iterator[Utterance], *, has_text: bool
) -> None:
    known = {utterance.audio_key for utterance, _ in material.recordings}
    for utterance in utterances:
        text = (utterance.transcript or "").strip()
        reason = _unusable(utterance, text, known, has_text=has_text)
        if reason is not None:
            tally.skip(reason, utterance.name)
        elif utterance.duration_s > FULL_CONTEXT_S:
            tally.is_text_only = True
            material.sentences += [(sentence, tally) for sentence in split_sentences(text)]
        else:
            known.add(utterance.audio_key)
            material.recordings.append((utterance, tally))
    if tally.is_text_only:
        tally.warnings.append(
            f"Recordings longer than {FULL_CONTEXT_S:g} s were not listened to; only their text was used. "
            "Cut them into sentences to train on their sound."
        )


def _unusable(utterance: Utterance, text: str, known: set[str], *, has_text: bool) -> str | None:
    if not has_text:
        return "The recording has no transcript; only transcribed speech can be learnt from."
    if not text:
        return "The transcript is empty."
    if utterance.duration_s < _SHORTEST_S:
        return "The recording is shorter than a tenth of a second."
    if len(text) > _MOST_CHARACTERS_A_SECOND * utterance.duration_s:
        return "The transcript is too long for its recording."
    if utterance.audio_key in known:
        return "The same recording is there already."
    return None


def _collect_sentences(material: Material, tally: Tally, sentences: Iterator[Sentence]) -> None:
    known = {text for text, _ in material.sentences}
    for sentence in sentences:
        if not sentence.text.strip():
            continue
        if sentence.text in known:
            tally.skip("The same sentence is there already.", sentence.text)
            continue
        known.add(sentence.text)
        material.sentences.append((sentence.text, tally))
