"""Evaluations: any number of models tested on one dataset."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from tympan.domain.dataset import StoredFile
from tympan.domain.resource import Status, WorkedResource


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCounts:
    """Hits, substitutions, deletions and insertions of an alignment."""

    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def reference_length(self) -> int:
        """Words (or characters) of the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions together."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors per reference word; for an empty reference 0 when nothing was inserted, else 1."""
        if self.reference_length == 0:
            return 1.0 if self.insertions else 0.0
        return self.errors / self.reference_length

    def __add__(self, other: ErrorCounts) -> ErrorCounts:
        return ErrorCounts(
            hits=self.hits + other.hits,
            substitutions=self.substitutions + other.substitutions,
            deletions=self.deletions + other.deletions,
            insertions=self.insertions + other.insertions,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A bootstrap interval; ``level`` is its coverage, such as 0.95."""

    low: float
    high: float
    level: float = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelScore:
    """What one model reached on the whole dataset.

    Attributes:
        model_id: Base or custom model.
        words: Pooled word counts after normalisation.
        characters: Pooled character counts after normalisation.
        tokens: Pooled counts on display tokens (case and punctuation included).
        token_edits: Edits of display tokens by class: punctuation, capitalization,
            inverseTextNormalization, lexical, others.
        sentence_count: Utterances scored.
        sentence_error_count: Utterances with at least one word error.
        word_error_rate_interval: Bootstrap by recording.
        audio_s: Seconds recognised; ``cpu_s``: CPU seconds it took.
    """

    model_id: str
    words: ErrorCounts
    characters: ErrorCounts
    tokens: ErrorCounts
    token_edits: dict[str, int]
    sentence_count: int
    sentence_error_count: int
    word_error_rate_interval: Interval
    audio_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A later model against the first one, on the same recordings.

    Attributes:
        model_id: The later model.
        baseline_id: The first model of the evaluation.
        difference: Paired bootstrap interval of WER(model) - WER(baseline), absolute.
        relative_change: (WER(model) - WER(baseline)) / WER(baseline); None when that is 0.
        probability_better: Share of bootstrap draws in which the later model has fewer errors.
        verdict: ``better``, ``worse`` or ``undecided``: whether the interval excludes 0.
    """

    model_id: str
    baseline_id: str
    difference: Interval
    relative_change: float | None
    probability_better: float
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation(WorkedResource):
    """A test of one or more models on one dataset.

    Attributes:
        dataset_id: An Acoustic dataset (AudioFiles gives text only, no scores).
        model_ids: Tested models in order; the first is the baseline.
        transcription_ids: What each of them heard, as transcriptions; equal models share one.
        normalizer: Name and version of the text normaliser, such as ``tympan-en/1``.
        scores: One per model, in ``model_ids`` order; empty until it succeeded.
        comparisons: Each later model against the first.
        warnings: Such as recordings that were also trained on.
        terms: Words and phrases of its domain that are looked for one by one, as written.
        files: Per-recording score files, the aligned summary as JSON and CSV, sclite files.
    """

    dataset_id: str
    model_ids: tuple[str, ...]
    transcription_ids: tuple[str, ...] = ()
    normalizer: str | None = None
    scores: tuple[ModelScore, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    warnings: tuple[str, ...] = ()
    files: tuple[StoredFile, ...] = ()
    terms: tuple[str, ...] = ()

    def scored(
        self,
        now: datetime,
        *,
        normalizer: str,
        scores: tuple[ModelScore, ...],
        comparisons: tuple[Comparison, ...],
        warnings: tuple[str, ...],
        files: tuple[StoredFile, ...],
    ) -> Self:
        """The evaluation once every model was scored."""
        return replace(
            self,
            status=Status.SUCCEEDED,
            failure=None,
            normalizer=normalizer,
            scores=scores,
            comparisons=comparisons,
            warnings=warnings,
            files=files,
            last_action_at=now,
        )
