"""How well a domain's own terms are heard, and what favouring them does to all other words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tympan.domain.evaluation import ErrorCounts
from tympan.speech.evaluation.occurrences import Occurrence, PhraseBook, columns_of
from tympan.speech.metrics import Alignment, Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class TermCounts:
    """How often a term was said and heard.

    Attributes:
        found: Said, and heard at the same place.
        missed: Said, and not heard there.
        invented: Heard where it was not said.
    """

    found: int = 0
    missed: int = 0
    invented: int = 0

    @property
    def recall(self) -> float | None:
        """Share of what was said that was heard; None when it was never said."""
        said = self.found + self.missed
        return self.found / said if said else None

    @property
    def precision(self) -> float | None:
        """Share of what was heard that was said; None when it was never heard."""
        heard = self.found + self.invented
        return self.found / heard if heard else None

    @property
    def f1(self) -> float | None:
        """``2 found / (2 found + missed + invented)``; None when neither said nor heard."""
        whole = 2 * self.found + self.missed + self.invented
        return 2 * self.found / whole if whole else None

    def __add__(self, other: TermCounts) -> TermCounts:
        return TermCounts(
            found=self.found + other.found,
            missed=self.missed + other.missed,
            invented=self.invented + other.invented,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TermScore:
    """Terms in one recording, or in several together.

    Attributes:
        by_term: Only terms that were said or heard.
        biased: Errors on words that belong to a term (B-WER).
        unbiased: Errors on all other words (U-WER). Both together are all word errors.
    """

    by_term: Mapping[str, TermCounts] = field(default_factory=dict)
    biased: ErrorCounts = field(default_factory=ErrorCounts)
    unbiased: ErrorCounts = field(default_factory=ErrorCounts)

    def total(self, terms: Iterable[str] | None = None) -> TermCounts:
        """Counts of all terms, or of those named."""
        names = self.by_term if terms is None else terms
        return sum((self.by_term[name] for name in names if name in self.by_term), TermCounts())

    def __add__(self, other: TermScore) -> TermScore:
        by_term = dict(self.by_term)
        for name, counts in other.by_term.items():
            by_term[name] = by_term.get(name, TermCounts()) + counts
        return TermScore(
            by_term=by_term, biased=self.biased + other.biased, unbiased=self.unbiased + other.unbiased
        )


def score_terms(
    terms: PhraseBook, reference: Sequence[str], hypothesis: Sequence[str], alignment: Alignment
) -> TermScore:
    """Score the terms of one recording.

    A term counts as heard where an occurrence in the hypothesis touches one in the reference in
    the alignment. A reference word is biased when it stands in a term; an inserted word, when
    it stands in a term of the hypothesis.

    Args:
        terms: Names, and their words after normalisation.
        reference: Normalised words.
        hypothesis: Normalised words.
        alignment: Of the two.

    Source:
        B-WER and U-WER as in Le et al., "Contextualized streaming end-to-end speech recognition
        with trie-based deep biasing and shallow fusion", Interspeech 2021, section 3.1.
    """
    said, heard = list(terms.find(reference)), list(terms.find(hypothesis))
    if not said and not heard:
        return TermScore(unbiased=alignment.counts)
    return TermScore(
        by_term=_met(said, heard, alignment),
        **_split(_covered(said, len(reference)), _covered(heard, len(hypothesis)), alignment),
    )


def _met(
    said: Sequence[Occurrence], heard: Sequence[Occurrence], alignment: Alignment
) -> dict[str, TermCounts]:
    reference, hypothesis = columns_of(alignment)
    open_spans: dict[str, list[tuple[int, int]]] = {}
    for one in heard:
        open_spans.setdefault(one.phrase, []).append((hypothesis[one.start], hypothesis[one.end - 1]))
    counts: dict[str, TermCounts] = {}
    for one in said:
        first, last = reference[one.start], reference[one.end - 1]
        spans = open_spans.get(one.phrase, [])
        meeting = next((span for span in spans if span[0] <= last and first <= span[1]), None)
        if meeting is not None:
            spans.remove(meeting)
        now = TermCounts(missed=1) if meeting is None else TermCounts(found=1)
        counts[one.phrase] = counts.get(one.phrase, TermCounts()) + now
    for name, spans in open_spans.items():
        if spans:
            counts[name] = counts.get(name, TermCounts()) + TermCounts(invented=len(spans))
    return counts


def _covered(occurrences: Iterable[Occurrence], length: int) -> list[bool]:
    covered = [False] * length
    for one in occurrences:
        covered[one.start : one.end] = [True] * (one.end - one.start)
    return covered


def _split(
    reference: Sequence[bool], hypothesis: Sequence[bool], alignment: Alignment
) -> dict[str, ErrorCounts]:
    kinds: dict[bool, list[Operation]] = {True: [], False: []}
    for pair in alignment.pairs:
        if pair.reference is not None:
            kinds[reference[pair.reference]].append(pair.operation)
        elif pair.hypothesis is not None:
            kinds[hypothesis[pair.hypothesis]].append(pair.operation)
    return {"biased": counted(kinds[True]), "unbiased": counted(kinds[False])}


def counted(operations: Sequence[Operation]) -> ErrorCounts:
    """Counts of a selection of alignment columns."""
    return ErrorCounts(
        hits=operations.count(Operation.CORRECT),
        substitutions=operations.count(Operation.SUBSTITUTION),
        deletions=operations.count(Operation.DELETION),
        insertions=operations.count(Operation.INSERTION),
    )
