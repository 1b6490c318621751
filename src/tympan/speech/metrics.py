"""Word and character errors: the alignment sclite makes, counted the way sclite counts.

Costs are sclite's: substitution 4, deletion 3, insertion 3. Where several alignments cost the
same, the one sclite walks is taken: a diagonal step before a deletion or insertion, an
insertion before a deletion (``net_dp.c`` of SCTK, ``calculate_internal_cells``). Counts are
therefore equal to sclite's on the same words, and so is the picture of the alignment.

With these costs the number of errors can be larger than the Levenshtein distance that jiwer
reports: five substitutions cost 20, three deletions and three insertions around two hits
cost 18.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from tympan.domain.evaluation import ErrorCounts

SUBSTITUTION_COST = 4
DELETION_COST = 3
INSERTION_COST = 3

# Rows of the cost matrix held at a time. Two hours of speech are 20,000 words; the whole
# matrix would be 1.6 GB, blocks of this size are 40 MB.
_BLOCK_ROWS = 512


class Operation(StrEnum):
    """What happened to a word; the letters of the published score files."""

    CORRECT = "C"
    SUBSTITUTION = "S"
    DELETION = "D"
    INSERTION = "I"


@dataclass(frozen=True, slots=True)
class AlignedPair:
    """One column of an alignment.

    Attributes:
        operation: What it is.
        reference: Index of the reference word; None for an insertion.
        hypothesis: Index of the hypothesis word; None for a deletion.
    """

    operation: Operation
    reference: int | None
    hypothesis: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Reference and hypothesis side by side, in order."""

    pairs: tuple[AlignedPair, ...]

    @property
    def counts(self) -> ErrorCounts:
        """Hits, substitutions, deletions and insertions."""
        operations = [pair.operation for pair in self.pairs]
        return ErrorCounts(
            hits=operations.count(Operation.CORRECT),
            substitutions=operations.count(Operation.SUBSTITUTION),
            deletions=operations.count(Operation.DELETION),
            insertions=operations.count(Operation.INSERTION),
        )

    @property
    def operations(self) -> str:
        """One letter a column: all of the alignment but the words."""
        return "".join(map(str, (pair.operation for pair in self.pairs)))

    @classmethod
    def from_operations(cls, operations: str) -> Self:
        """The alignment that ``operations`` tells.

        >>> Alignment.from_operations("CSDI").counts.errors
        3

        Raises:
            ValueError: It holds other letters.
        """
        pairs: list[AlignedPair] = []
        reference = hypothesis = 0
        for operation in map(Operation, operations):
            has_reference = operation is not Operation.INSERTION
            has_hypothesis = operation is not Operation.DELETION
            pairs.append(
                AlignedPair(
                    operation, reference if has_reference else None, hypothesis if has_hypothesis else None
                )
            )
            reference, hypothesis = reference + has_reference, hypothesis + has_hypothesis
        return cls(pairs=tuple(pairs))

    def hits(self) -> list[bool]:
        """Whether each reference word is right."""
        return [pair.operation is Operation.CORRECT for pair in self.pairs if pair.reference is not None]


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> Alignment:
    """Align two word sequences exactly as sclite does.

    Time is proportional to the product of the lengths (1000 x 1000 words take about 15 ms);
    memory to the length of the hypothesis.

    >>> [str(pair.operation) for pair in align("a b c".split(), "a x c d".split()).pairs]
    ['C', 'S', 'C', 'I']
    """
    # sclite walks from the end and prefers hits, so equal ends are always hits. Equal
    # beginnings are not: "a" against "a a" is an insertion and then a hit.
    same = 0
    for one, other in zip(reversed(reference), reversed(hypothesis), strict=False):
        if one != other:
            break
        same += 1
    left, right = len(reference) - same, len(hypothesis) - same
    pairs = _aligned(reference[:left], hypothesis[:right])
    pairs += [AlignedPair(Operation.CORRECT, left + at, right + at) for at in range(same)]
    return Alignment(pairs=tuple(pairs))


def count_words(reference: Sequence[str], hypothesis: Sequence[str]) -> ErrorCounts:
    """The error counts of ``align``."""
    return align(reference, hypothesis).counts


def count_characters(reference: str, hypothesis: str) -> ErrorCounts:
    """Character errors of two normalised texts, spaces left out.

    Every error costs 1, as usual for character error rates.
    """
    reference, hypothesis = reference.replace(" ", ""), hypothesis.replace(" ", "")
    tags = [operation.tag for operation in Levenshtein.editops(reference, hypothesis)]
    substitutions, deletions = tags.count("replace"), tags.count("delete")
    return ErrorCounts(
        hits=len(reference) - substitutions - deletions,
        substitutions=substitutions,
        deletions=deletions,
        insertions=tags.count("insert"),
    )


def _aligned(reference: Sequence[str], hypothesis: Sequence[str]) -> list[AlignedPair]:
    codes: dict[str, int] = {}
    reference_codes, hypothesis_codes = _encode(reference, codes), _encode(hypothesis, codes)
    blocks = [reference_codes[at : at + _BLOCK_ROWS] for at in range(0, max(len(reference), 1), _BLOCK_ROWS)]
    first_rows = [np.arange(len(hypothesis) + 1, dtype=np.int32) * INSERTION_COST]
    rows = _cost_rows(first_rows[0], blocks[0], hypothesis_codes)
    for block in blocks[1:]:
        first_rows.append(rows[-1].copy())
        rows = _cost_rows(first_rows[-1], block, hypothesis_codes)
    backwards: list[AlignedPair] = []
    column = len(hypothesis)
    for number in reversed(range(len(blocks))):
        if number < len(blocks) - 1:  # the last block is still at hand
            rows = _cost_rows(first_rows[number], blocks[number], hypothesis_codes)
        for pair in _walk_back(rows, blocks[number], hypothesis_codes, column):
            backwards.append(_shifted(pair, number * _BLOCK_ROWS))
            column -= pair.hypothesis is not None
    backwards += [AlignedPair(Operation.INSERTION, None, at) for at in reversed(range(column))]
    return backwards[::-1]


def _encode(words: Sequence[str], codes: dict[str, int]) -> NDArray[np.int32]:
    return np.array([codes.setdefault(word, len(codes)) for word in words], dtype=np.int32)


def _cost_rows(
    first_row: NDArray[np.int32], reference: NDArray[np.int32], hypothesis: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Rows of the cost matrix, shape ``(len(reference) + 1, len(hypothesis) + 1)``.

    The cheapest way along a row is a running minimum once the cost of the insertions so far
    is taken off, so a whole row is made at once.
    """
    rows = np.empty((len(reference) + 1, len(hypothesis) + 1), dtype=np.int32)
    rows[0] = first_row
    inserted = np.arange(len(hypothesis) + 1, dtype=np.int32) * INSERTION_COST
    for at, code in enumerate(reference):
        above, row = rows[at], rows[at + 1]
        np.add(above, DELETION_COST, out=row)
        np.minimum(row[1:], above[:-1] + (hypothesis != code) * SUBSTITUTION_COST, out=row[1:])
        row -= inserted
        np.minimum.accumulate(row, out=row)
        row += inserted
    return rows


def _walk_back(
    rows: NDArray[np.int32], reference: NDArray[np.int32], hypothesis: NDArray[np.int32], column: int
) -> Iterator[AlignedPair]:
    """The alignment of one block, from its last row up to its first, right to left."""
    row = len(reference)
    while row:
        cost = rows[row, column]
        is_hit = column > 0 and reference[row - 1] == hypothesis[column - 1]
        if column > 0 and cost == rows[row - 1, column - 1] + (0 if is_hit else SUBSTITUTION_COST):
            row, column = row - 1, column - 1
            yield AlignedPair(Operation.CORRECT if is_hit else Operation.SUBSTITUTION, row, column)
        elif column > 0 and cost == rows[row, column - 1] + INSERTION_COST:
            column -= 1
            yield AlignedPair(Operation.INSERTION, None, column)
        else:
            row -= 1
            yield AlignedPair(Operation.DELETION, row, None)


def _shifted(pair: AlignedPair, rows: int) -> AlignedPair:
    if pair.reference is None or rows == 0:
        return pair
    return AlignedPair(pair.operation, pair.reference + rows, pair.hypothesis)
