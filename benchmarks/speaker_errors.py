"""Diarization error rate: missed, false and confused speech over all speech."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEP_S = 0.01


@dataclass(frozen=True)
class Reference:
    """Someone speaks, in seconds."""

    speaker: str
    start: float
    end: float


@dataclass(frozen=True)
class Errors:
    """Seconds times 1 / ``STEP_S``; overlapped speech counts for each speaker."""

    missed: float = 0
    false: float = 0
    confused: float = 0
    speech: float = 0

    def __add__(self, other: Errors) -> Errors:
        return Errors(
            self.missed + other.missed,
            self.false + other.false,
            self.confused + other.confused,
            self.speech + other.speech,
        )

    @property
    def rate(self) -> float:
        """The diarization error rate."""
        return (self.missed + self.false + self.confused) / self.speech

    @property
    def confused_rate(self) -> float:
        """The part of it that is the wrong speaker."""
        return self.confused / self.speech


def errors_of(
    reference: Sequence[Reference], said: Sequence[Reference], length_s: float, *, collar_s: float = 0.0
) -> Errors:
    """Compare who speaks when, speakers mapped one to one as suits best.

    Args:
        reference: What is true.
        said: What was found.
        length_s: Of the recording.
        collar_s: So much on either side of every edge of the reference is left out.
    """
    counted = np.ones(int(length_s / STEP_S) + 1, bool)
    for one in reference if collar_s else ():
        for edge in (one.start, one.end):
            counted[max(0, round((edge - collar_s) / STEP_S)) : round((edge + collar_s) / STEP_S)] = False
    true, found = (_frames(some, counted.size)[counted] for some in (reference, said))
    spoken, told = true.sum(axis=1), found.sum(axis=1)
    both = float(np.minimum(spoken, told).sum())
    return Errors(
        missed=float(np.maximum(spoken - told, 0).sum()),
        false=float(np.maximum(told - spoken, 0).sum()),
        confused=both - _best_match(true.T.astype(np.float64) @ found),
        speech=float(spoken.sum()),
    )


def _frames(some: Sequence[Reference], frames: int) -> NDArray[np.bool_]:
    """Whether each speaker speaks, shape ``(frames, speakers)``; at least one column."""
    names = sorted({one.speaker for one in some}) or [""]
    speaks = np.zeros((frames, len(names)), bool)
    for one in some:
        speaks[round(one.start / STEP_S) : round(one.end / STEP_S), names.index(one.speaker)] = True
    return speaks


def _best_match(shared: NDArray[np.float64]) -> float:
    """The most time that a one-to-one mapping of rows to columns can share."""
    if len(shared) > shared.shape[1]:
        shared = shared.T
    best = {0: 0.0}  # by the columns that are taken, as bits
    for row in shared:
        further: dict[int, float] = {}
        for taken, time in best.items():
            for column, value in enumerate(row):
                if not taken >> column & 1:
                    key = taken | 1 << column
                    further[key] = max(further.get(key, 0.0), time + float(value))
        best = further
    return max(best.values())
