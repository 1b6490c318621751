"""Transcripts of several models in one grid under what was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

Columns = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Cell:
    """What one model heard at one place.

    Attributes:
        op: C, S, D or I; empty where another model inserted a word and this one did not.
        word: What was heard; empty for a deletion.
    """

    op: str
    word: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """One column of the grid.

    Attributes:
        said: The word of the reference; empty where a word was inserted.
        cells: One for each model.
    """

    said: str
    cells: Sequence[Cell]

    @property
    def is_right(self) -> bool:
        """Whether every model heard what was said."""
        return all(cell.op == "C" for cell in self.cells)


_NOTHING = Cell("")


@dataclass(slots=True)
class _Line:
    """One alignment by words of the reference.

    Attributes:
        words: Reference word and what was heard of it.
        inserted: What was heard before each of them, and behind the last.
    """

    words: list[tuple[str, Cell]]
    inserted: list[list[Cell]]


def grid(alignments: Sequence[Columns]) -> list[Place]:
    """Alignments of several models with the same reference, side by side.

    >>> said = [{"op": "C", "ref": "a", "hyp": "a"}, {"op": "S", "ref": "b", "hyp": "x"}]
    >>> more = [{"op": "I", "hyp": "um"}, {"op": "C", "ref": "a", "hyp": "a"}, {"op": "D", "ref": "b"}]
    >>> [(place.said, [cell.op for cell in place.cells]) for place in grid([said, more])]
    [('', ['', 'I']), ('a', ['C', 'C']), ('b', ['S', 'D'])]
    """
    lines = [_line(columns) for columns in alignments]
    places: list[Place] = []
    for at in range(max((len(line.inserted) for line in lines), default=0)):
        before = [line.inserted[at] if at < len(line.inserted) else [] for line in lines]
        places += [Place("", cells) for cells in zip_longest(*before, fillvalue=_NOTHING)]
        here = [line.words[at] if at < len(line.words) else ("", _NOTHING) for line in lines]
        if any(cell.op for _, cell in here):
            places.append(Place(next(said for said, cell in here if cell.op), [cell for _, cell in here]))
    return places


def _line(columns: Columns) -> _Line:
    line = _Line([], [[]])
    for column in columns:
        cell = Cell(column.get("op", ""), column.get("hyp", ""))
        if cell.op == "I":
            line.inserted[-1].append(cell)
        else:
            line.words.append((column.get("ref", ""), cell))
            line.inserted.append([])
    return line
