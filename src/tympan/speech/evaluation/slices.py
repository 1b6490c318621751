"""Error rates of parts of a test set: by speaker, duration, noise, and whatever else is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tympan.domain.evaluation import ErrorCounts, Interval
from tympan.speech.bootstrap import LEAST_RECORDINGS, rate_interval

LEAST_WORDS = 100
"""A slice with fewer words, or too few recordings for a fair sample, is small: shown, not trusted."""

DURATION_EDGES_S = (2.0, 5.0, 10.0, 20.0, 60.0)
SIGNAL_TO_NOISE_EDGES_DB = (5.0, 10.0, 20.0, 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A part of the recordings.

    Attributes:
        column: What they have in common, such as ``speaker``.
        value: Which.
        recordings: How many.
        words: Pooled counts, one per model.
        intervals: Of the word error rates, bootstrap by recording.
        is_small: Too little to judge by.
    """

    column: str
    value: str
    recordings: int
    words: tuple[ErrorCounts, ...]
    intervals: tuple[Interval, ...]
    is_small: bool


def band(value: float | None, edges: Sequence[float], unit: str) -> str | None:
    """The band a measured value lies in; None when it was not measured.

    >>> band(3.0, (2.0, 5.0), "s"), band(1.0, (2.0, 5.0), "s"), band(9.0, (2.0, 5.0), "s")
    ('2-5 s', 'under 2 s', '5 s and more')
    """
    if value is None or math.isnan(value):
        return None
    if value < edges[0]:
        return f"under {edges[0]:g} {unit}"
    for low, high in pairwise(edges):
        if value < high:
            return f"{low:g}-{high:g} {unit}"
    return f"{edges[-1]:g} {unit} and more"


def slices(
    columns: Sequence[Mapping[str, str]], words: Sequence[Sequence[ErrorCounts]], *, draws: int = 2000
) -> list[Slice]:
    """Every slice of every column that parts the recordings, largest first.

    Args:
        columns: What is known of each recording, by name of the column.
        words: Counts of each model on each recording: outer models, inner recordings.
        draws: Of each bootstrap.
    """
    members: dict[str, dict[str, list[int]]] = {}
    for at, known in enumerate(columns):
        for column, value in known.items():
            members.setdefault(column, {}).setdefault(value, []).append(at)
    found: list[Slice] = []
    for column in sorted(members):
        values = members[column]
        covered = sum(map(len, values.values()))
        is_whole = len(values) == 1 and covered == len(columns)
        if is_whole or (len(values) > 1 and len(values) == covered):
            continue  # the same for all recordings, or different for each: no parts of the test set
        ordered = sorted(values.items(), key=lambda item: (-len(item[1]), item[0]))
        found += [_slice(column, value, places, words, draws) for value, places in ordered]
    return found


def _slice(
    column: str, value: str, places: Sequence[int], words: Sequence[Sequence[ErrorCounts]], draws: int
) -> Slice:
    chosen = [[model[at] for at in places] for model in words]
    totals = tuple(sum(some, ErrorCounts()) for some in chosen)
    spoken = totals[0].reference_length if totals else 0
    return Slice(
        column=column,
        value=value,
        recordings=len(places),
        words=totals,
        intervals=tuple(rate_interval(some, draws=draws) for some in chosen),
        is_small=len(places) < LEAST_RECORDINGS or spoken < LEAST_WORDS,
    )
