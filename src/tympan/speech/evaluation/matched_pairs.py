"""Whether two recognisers differ: the matched pairs sentence-segment word error test.

Recordings are cut into segments that begin and end where both recognisers are right, so
that errors of different segments are independent. The difference in errors per segment is then
tested against 0 (Gillick and Cox, "Some statistical issues in the comparison of speech
recognition algorithms", ICASSP 1989; MAPSSWE in NIST's sc_stats, whose segments these are).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tympan.domain.evaluation import Comparison, ErrorCounts
from tympan.speech.metrics import Alignment, Operation

BOUNDARY_WORDS = 2
"""Words in a row that both recognisers have right, and that end a segment. Source: sc_stats."""

LEAST_SEGMENTS = 50
"""With fewer the normal approximation is not to be trusted."""

SIGNIFICANCE = 0.05

_LEAST_FOR_VARIANCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedPairs:
    """The result of the test.

    Attributes:
        segments: Segments in which either recogniser has an error.
        mean_difference: Errors of the second minus errors of the first, per segment.
        statistic: ``W``; None where all segments differ by the same.
        p_value: Two-sided.
    """

    segments: int
    mean_difference: float
    statistic: float | None
    p_value: float

    @property
    def is_reliable(self) -> bool:
        """Whether there are segments enough for the normal approximation."""
        return self.segments >= LEAST_SEGMENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossComparison:
    """Two models that heard the same test set in different evaluations.

    Attributes:
        baseline, model: Pooled counts of each.
        comparison: Interval and verdict.
        test: Matched pairs.
        fixed, broken: Reference words that became right, and wrong.
    """

    baseline: ErrorCounts
    model: ErrorCounts
    comparison: Comparison
    test: MatchedPairs
    fixed: int
    broken: int


def segment_errors(first: Alignment, second: Alignment) -> Iterator[tuple[int, int]]:
    """Errors of both recognisers in each segment of one recording where there are any.

    Args:
        first: Of the first hypothesis with the reference.
        second: Of the second hypothesis with the same reference.

    Raises:
        ValueError: The alignments have references of different lengths.
    """
    columns = list(zip(_errors_by_word(first), _errors_by_word(second), strict=True))
    errors, right_in_a_row = (0, 0), 0
    for at, (one, other) in enumerate(columns):
        # Even places are the gaps between words, where words are inserted.
        is_word = at % 2 == 1
        if one or other:
            errors, right_in_a_row = (errors[0] + one, errors[1] + other), 0
        elif is_word:
            right_in_a_row += 1
        if right_in_a_row == BOUNDARY_WORDS and any(errors):
            yield errors
            errors = (0, 0)
    if any(errors):
        yield errors


def matched_pairs(segments: Iterable[tuple[int, int]]) -> MatchedPairs:
    """Test whether the second recogniser makes as many errors as the first.

    With ``Z`` the differences over ``n`` segments, ``W = mean(Z) / (sd(Z) / sqrt(n))`` is normal
    if they do not differ. Where all differences are equal there is no variance to estimate, and
    the exact sign test takes over.

    Args:
        segments: What ``segment_errors`` gives, over all recordings.
    """
    differences = [second - first for first, second in segments]
    count = len(differences)
    if count < _LEAST_FOR_VARIANCE:
        return MatchedPairs(
            segments=count, mean_difference=float(sum(differences)), statistic=None, p_value=1.0
        )
    mean = sum(differences) / count
    variance = sum((one - mean) ** 2 for one in differences) / (count - 1)
    if variance == 0:
        p_value = 1.0 if mean == 0 else 2.0 ** (1 - count)
        return MatchedPairs(segments=count, mean_difference=mean, statistic=None, p_value=p_value)
    statistic = mean / math.sqrt(variance / count)
    return MatchedPairs(
        segments=count,
        mean_difference=mean,
        statistic=statistic,
        p_value=math.erfc(abs(statistic) / math.sqrt(2)),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """P values that hold for all comparisons together, in the order given.

    Source:
        Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
        of Statistics 6 (1979).

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = highest
    return adjusted


def indistinct_groups(count: int, differing: set[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Neighbours in a ranking that cannot be told apart, as long as they get.

    Args:
        count: How many there are, ranked from 0.
        differing: Pairs ``(better, worse)`` of ranks that do differ.

    >>> indistinct_groups(4, {(0, 2), (0, 3), (1, 3), (2, 3)})
    [(0, 1), (1, 2)]
    """
    groups: list[tuple[int, ...]] = []
    for first in range(count):
        end = first + 1
        while end < count and all((one, end) not in differing for one in range(first, end)):
            end += 1
        is_new = not groups or end - 1 > groups[-1][-1]
        if end - first > 1 and is_new:
            groups.append(tuple(range(first, end)))
    return groups


def _errors_by_word(alignment: Alignment) -> list[int]:
    """Errors at each place of the reference: gap, word, gap, word, ... gap."""
    errors = [0]
    for pair in alignment.pairs:
        if pair.operation is Operation.INSERTION:
            errors[-1] += 1
        else:
            errors += [int(pair.operation is not Operation.CORRECT), 0]
    return errors
