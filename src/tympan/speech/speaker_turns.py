"""Who speaks when: from windows of voice to turns, and from turns to the speaker of a phrase."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tympan.speech.segmentation import FRAME_SAMPLES, Span

WINDOW_SAMPLES = 24_000
"""1.5 s: shorter windows confuse voices, longer ones mix them."""
_HOP_SAMPLES = 12_000
_SAMPLE_RATE_HZ = 16_000
_LEAST_SAMPLES = 4_000
"""Less than 250 ms of voice says nothing about whose it is."""

_EDGE_WEIGHT = 0.05
_CHANGE_COST = 0.5
"""What a change of speaker within a stretch must gain, in cosine summed over 32 ms frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerTurn:
    """A stretch in which one person speaks; times are counts of 16 kHz samples.

    Attributes:
        speaker: A number; equal ones are the same person.
    """

    start: int
    end: int
    speaker: int


def voice_windows(stretches: Sequence[Span]) -> list[Span]:
    """Cut stretches of voice into windows of 1.5 s that overlap by half.

    Args:
        stretches: Ranges of samples, ascending and disjoint.

    Returns:
        Ranges of samples in time order. A stretch that is shorter than a window is one;
        stretches under 250 ms have none.

    >>> voice_windows([(0, 2_000), (10_000, 20_000), (30_000, 60_000)])
    [(10000, 20000), (30000, 54000), (36000, 60000)]
    """
    windows: list[Span] = []
    for start, end in stretches:
        room = end - start - WINDOW_SAMPLES
        if end - start < _LEAST_SAMPLES:
            continue
        if room <= 0:
            windows.append((start, end))
            continue
        steps = -(-room // _HOP_SAMPLES)
        # Spread evenly, so that the last window ends where the voice does.
        firsts = [start + room * step // steps for step in range(steps + 1)]
        windows.extend((first, first + WINDOW_SAMPLES) for first in firsts)
    return windows


def speech_seconds(windows: Sequence[Span]) -> NDArray[np.float32]:
    """How much speech each window stands for, overlaps counted once."""
    lengths = np.array([end - start for start, end in windows], np.float32).reshape(-1)
    new = np.where(lengths < WINDOW_SAMPLES, lengths, np.float32(_HOP_SAMPLES))
    return np.asarray(new / _SAMPLE_RATE_HZ, np.float32)


def turns_of(
    stretches: Sequence[Span], windows: Sequence[Span], likeness: NDArray[np.float32]
) -> list[SpeakerTurn]:
    """Say who speaks in each stretch of voice.

    Every frame of 32 ms takes the mean likeness of the windows it lies in, and most of that
    in whose middle it lies. The speakers of a stretch are the best path over its frames, on
    which every change has its cost.

    Args:
        stretches: Ranges of samples in which there is voice, ascending and disjoint.
        windows: As ``voice_windows`` cuts them.
        likeness: Shape ``(windows, speakers)``: cosine of each window with each speaker.

    Returns:
        Turns in time order; ``speaker`` counts the columns of ``likeness``. Stretches
        without a window have none.
    """
    turns: list[SpeakerTurn] = []
    place = 0
    for start, end in stretches:
        first = place
        while place < len(windows) and windows[place][0] < end:
            place += 1
        if place == first:
            continue
        frames = _frame_likeness((start, end), windows[first:place], likeness[first:place])
        path = _best_path(frames)
        edges = [0, *(np.flatnonzero(np.diff(path)) + 1), len(path)]
        turns.extend(
            SpeakerTurn(
                start=start + int(left) * FRAME_SAMPLES,
                end=min(end, start + int(right) * FRAME_SAMPLES),
                speaker=int(path[left]),
            )
            for left, right in pairwise(edges)
        )
    return turns


def numbered(channels: Sequence[Sequence[SpeakerTurn]]) -> list[list[SpeakerTurn]]:
    """The same turns with speakers numbered from 1 in the order in which they first speak.

    >>> turns = [SpeakerTurn(start=9, end=12, speaker=4), SpeakerTurn(start=12, end=15, speaker=0)]
    >>> [[turn.speaker for turn in channel] for channel in numbered([turns])]
    [[1, 2]]
    """
    heard = sorted(
        (turn.start, channel, turn.speaker) for channel, turns in enumerate(channels) for turn in turns
    )
    order = list(dict.fromkeys(speaker for _, _, speaker in heard))
    numbers = {speaker: number for number, speaker in enumerate(order, start=1)}
    return [
        [SpeakerTurn(start=turn.start, end=turn.end, speaker=numbers[turn.speaker]) for turn in turns]
        for turns in channels
    ]


def changes_of(turns: Iterable[SpeakerTurn]) -> list[int]:
    """Where another speaker begins: the sample, or the middle of the silence in between."""
    return [
        (before.end + after.start) // 2
        for before, after in pairwise(turns)
        if before.speaker != after.speaker
    ]


def speaker_within(turns: Sequence[SpeakerTurn], start: int, end: int) -> int | None:
    """Who speaks most between two samples; the nearest speaker where nobody does.

    Args:
        turns: In time order.
        start: First sample.
        end: The sample after the last.

    Returns:
        None when there are no turns at all.
    """
    shares: dict[int, int] = {}
    for turn in turns:
        shared = min(end, turn.end) - max(start, turn.start)
        if shared > 0:
            shares[turn.speaker] = shares.get(turn.speaker, 0) + shared
    if shares:
        return max(shares, key=lambda speaker: shares[speaker])
    middle = (start + end) // 2
    nearest = min(turns, key=lambda turn: max(turn.start - middle, middle - turn.end), default=None)
    return None if nearest is None else nearest.speaker


def _frame_likeness(
    stretch: Span, windows: Sequence[Span], likeness: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Likeness per frame of a stretch, shape ``(frames, speakers)``."""
    start, end = stretch
    middles = start + FRAME_SAMPLES * (np.arange(-(-(end - start) // FRAME_SAMPLES)) + 0.5)
    sums = np.zeros((middles.size, likeness.shape[1]), np.float32)
    weights = np.zeros((middles.size, 1), np.float32)
    for (first, after), alike in zip(windows, likeness, strict=True):
        touched = slice((first - start) // FRAME_SAMPLES, -(-(after - start) // FRAME_SAMPLES))
        off = np.abs(middles[touched] - (first + after) / 2) / ((after - first) / 2)
        weight = np.maximum(1.0 - off, _EDGE_WEIGHT).astype(np.float32)[:, np.newaxis]
        sums[touched] += weight * alike
        weights[touched] += weight
    return np.asarray(sums / np.maximum(weights, np.finfo(np.float32).eps), np.float32)


def _best_path(frames: NDArray[np.float32]) -> NDArray[np.intp]:
    """The speaker of each frame, so that likeness less the cost of changes is highest."""
    speakers = np.arange(frames.shape[1])
    came_from = np.zeros(frames.shape, np.intp)
    score = frames[0].astype(np.float64)
    for index in range(1, len(frames)):
        changed = score.max() - _CHANGE_COST
        came_from[index] = np.where(score >= changed, speakers, score.argmax())
        score = np.maximum(score, changed) + frames[index]
    path = np.zeros(len(frames), np.intp)
    path[-1] = score.argmax()
    for index in range(len(frames) - 1, 0, -1):
        path[index - 1] = came_from[index, path[index]]
    return path
