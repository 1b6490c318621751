"""What an evaluation gathers, recording by recording, for its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from tympan.domain.evaluation import ErrorCounts
from tympan.domain.manifest import Utterance
from tympan.speech.evaluation.entities import (
    Entity,
    EntityCounts,
    EntityKind,
    add_entities,
    place_entities,
    score_entities,
)
from tympan.speech.evaluation.hallucination import HallucinationFlag, Heard, hallucination_flags
from tympan.speech.evaluation.matched_pairs import segment_errors
from tympan.speech.evaluation.slices import DURATION_EDGES_S, SIGNAL_TO_NOISE_EDGES_DB, band
from tympan.speech.evaluation.suspects import Reading, Suspect, suspect_reference
from tympan.speech.evaluation.terms import TermCounts, TermScore, score_terms
from tympan.speech.metrics import Operation
from tympan.speech.text import Normalizer
from tympan.usecases.evaluation_terms import TermList
from tympan.usecases.recording_score import RecordingScore


@dataclass(slots=True)
class ModelFindings:
    """What was found of one model.

    Attributes:
        recordings: Word counts of each recording.
        alignments: Letters of each alignment.
        by_term: Counts of each term; ``term_counts`` of each recording.
        biased, unbiased: Errors on words of terms, and on all others.
        flags: Signs of made-up words in each recording.
        confidences: Mean confidence of each recording; None where there is none.
        words: Confidence of each heard word, and whether it is right.
        right: How often each reference word was right.
    """

    recordings: list[ErrorCounts] = field(default_factory=list)
    alignments: list[str] = field(default_factory=list)
    by_term: dict[str, TermCounts] = field(default_factory=dict)
    biased: ErrorCounts = field(default_factory=ErrorCounts)
    unbiased: ErrorCounts = field(default_factory=ErrorCounts)
    term_counts: list[TermCounts] = field(default_factory=list)
    entities: dict[EntityKind, EntityCounts] = field(default_factory=dict)
    flags: list[tuple[HallucinationFlag, ...]] = field(default_factory=list)
    confidences: list[float | None] = field(default_factory=list)
    words: list[tuple[float, bool]] = field(default_factory=list)
    right: Counter[str] = field(default_factory=Counter)

    @property
    def terms(self) -> TermScore:
        """Terms over all recordings."""
        return TermScore(by_term=self.by_term, biased=self.biased, unbiased=self.unbiased)

    def add_terms(self, score: TermScore) -> None:
        """Count the terms of one recording."""
        for name, counts in score.by_term.items():
            self.by_term[name] = self.by_term.get(name, TermCounts()) + counts
        self.biased += score.biased
        self.unbiased += score.unbiased
        self.term_counts.append(score.total())


@dataclass(slots=True)
class PairFindings:
    """What was found of two models side by side, the first one earlier in the list.

    Attributes:
        segments: Errors of both in each segment that has any, for the matched pairs test.
        fixed, broken: Reference words that only the second, or only the first, has right.
        both_right, both_wrong: The others.
    """

    segments: list[tuple[int, int]] = field(default_factory=list)
    fixed: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    both_right: int = 0
    both_wrong: int = 0


@dataclass(slots=True)
class Analysis:
    """Takes in the recordings of an evaluation in their order.

    Attributes:
        locale, normalizer: Of the test.
        terms: That are looked for.
        model_ids: Tested models in order; equal ones count once where models are to agree.
        columns: What is known of each recording, by name, for slices.
        suspects: Suspected references by place.
        said: How often each reference word occurs.
    """

    locale: str
    normalizer: Normalizer
    terms: TermList
    model_ids: Sequence[str]
    columns: list[dict[str, str]] = field(default_factory=list)
    signal_to_noise: list[float | None] = field(default_factory=list)
    suspects: dict[int, Suspect] = field(default_factory=dict)
    said: Counter[str] = field(default_factory=Counter)
    models: list[ModelFindings] = field(default_factory=list)
    pairs: dict[tuple[int, int], PairFindings] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """One set of findings for each model and pair."""
        self.models = [ModelFindings() for _ in self.model_ids]
        self.pairs = {pair: PairFindings() for pair in combinations(range(len(self.model_ids)), 2)}

    def add(self, utterance: Utterance, scores: Sequence[RecordingScore], ratio_db: float | None) -> None:
        """Take in one recording with the score of each model."""
        reference = scores[0].reference_words
        place = len(self.columns)
        self.columns.append(columns_of(utterance, ratio_db))
        self.signal_to_noise.append(ratio_db)
        self.said.update(reference)
        entities = place_entities(utterance.transcript or "", self.locale, self.normalizer)
        for found, score in zip(self.models, scores, strict=True):
            self._add_to(found, utterance.duration_s, entities, score)
        for (first, second), pair in self.pairs.items():
            one, other = scores[first].alignment, scores[second].alignment
            pair.segments += segment_errors(one, other)
            _add_words(pair, reference, one.hits(), other.hits())
        different = dict(zip(self.model_ids, scores, strict=True))
        suspect = suspect_reference(
            reference,
            [_reading(score) for score in different.values()],
            duration_s=utterance.duration_s,
            is_unspaced=self.normalizer.is_unspaced,
        )
        if suspect is not None:
            self.suspects[place] = suspect

    def _add_to(
        self, found: ModelFindings, duration_s: float, entities: Sequence[Entity], score: RecordingScore
    ) -> None:
        reference, hypothesis, alignment = score.reference_words, score.hypothesis_words, score.alignment
        found.recordings.append(score.words)
        found.alignments.append(alignment.operations)
        found.add_terms(score_terms(self.terms.book, reference, hypothesis, alignment))
        found.entities = add_entities(found.entities, score_entities(entities, alignment))
        heard = Heard(
            text=score.hypothesis.text,
            reference=reference,
            hypothesis=hypothesis,
            alignment=alignment,
            duration_s=duration_s,
            is_unspaced=self.normalizer.is_unspaced,
        )
        found.flags.append(hallucination_flags(heard))
        found.confidences.append(mean_confidence(score))
        for pair in alignment.pairs:
            is_right = pair.operation is Operation.CORRECT
            if pair.reference is not None and is_right:
                found.right[reference[pair.reference]] += 1
            confidence = None if pair.hypothesis is None else score.heard[pair.hypothesis].confidence
            if confidence is not None:
                found.words.append((confidence, is_right))


def columns_of(utterance: Utterance, ratio_db: float | None) -> dict[str, str]:
    """What is known of a recording: labels of its dataset, and what was measured."""
    folder = utterance.name.rpartition("/")[0]
    known: Mapping[str, str | None] = {
        "speaker": utterance.group if utterance.group != utterance.name else None,
        "folder": folder or None,
        "duration": band(utterance.duration_s, DURATION_EDGES_S, "s"),
        "signalToNoise": band(ratio_db, SIGNAL_TO_NOISE_EDGES_DB, "dB"),
        "sampleRate": f"{utterance.source_rate_hz} Hz",
    }
    measured = {name: value for name, value in known.items() if value is not None}
    return {**(utterance.labels or {}), **measured}


def mean_confidence(score: RecordingScore) -> float | None:
    """Mean confidence of the compared words; None when no word has one."""
    known = [word.confidence for word in score.heard if word.confidence is not None]
    return sum(known) / len(known) if known else None


def _reading(score: RecordingScore) -> Reading:
    return Reading(words=score.hypothesis_words, alignment=score.alignment, confidence=mean_confidence(score))


def _add_words(
    pair: PairFindings, reference: Sequence[str], first: Sequence[bool], second: Sequence[bool]
) -> None:
    for word, is_right, is_right_later in zip(reference, first, second, strict=True):
        if is_right and is_right_later:
            pair.both_right += 1
        elif is_right_later:
            pair.fixed[word] += 1
        elif is_right:
            pair.broken[word] += 1
        else:
            pair.both_wrong += 1
