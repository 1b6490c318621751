"""From the probability of speech to pieces a recogniser can take. Frames last 32 ms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FRAME_SAMPLES = 512
"""Samples a frame lasts at 16 kHz: 32 ms, the step of the voice activity detector."""

Span = tuple[int, int]
"""Half-open range ``[start, end)``, of frames or of samples."""


def speech_stretches(
    speech_probability: NDArray[np.float32],
    *,
    threshold: float = 0.5,
    release: float = 0.35,
    min_silence_frames: int = 16,
    min_speech_frames: int = 3,
) -> list[Span]:
    """Find where speech starts and stops.

    A stretch begins at a frame that reaches ``threshold`` and ends at the first of
    ``min_silence_frames`` frames in a row below ``release``. Shorter dips stay inside it, so
    a stop consonant does not cut a word in two.

    Args:
        speech_probability: Probability of speech per frame, shape ``(frames,)``, in [0, 1].
        threshold: A frame at or above this begins a stretch.
        release: A frame below this is quiet.
        min_silence_frames: Quiet frames that end a stretch; 16 frames are 512 ms.
        min_speech_frames: Stretches with fewer frames at or above ``threshold`` are clicks
            and are left out; 3 frames are 96 ms.

    Returns:
        Frame ranges, ascending and disjoint. Empty for silence.

    >>> speech_stretches(np.array([0, 0.9, 0.9, 0.2, 0.9, 0, 0, 0.1], np.float32), min_silence_frames=2)
    [(1, 5)]
    """
    stretches: list[Span] = []
    start, quiet, voiced = None, 0, 0
    # Quiet frames are appended, so that a stretch at the very end is closed like any other.
    closing = np.zeros(min_silence_frames, dtype=np.float32)
    for index, probability in enumerate(np.concatenate([speech_probability, closing])):
        if start is None:
            if probability >= threshold:
                start, quiet, voiced = index, 0, 1
            continue
        voiced += probability >= threshold
        quiet = quiet + 1 if probability < release else 0
        if quiet == min_silence_frames:
            if voiced >= min_speech_frames:
                stretches.append((start, index + 1 - quiet))
            start = None
    return stretches


def cut_segments(
    stretches: Sequence[Span],
    speech_probability: NDArray[np.float32],
    *,
    max_frames: int,
    pad_frames: int = 12,
    join_frames: int = 48,
    borders: Sequence[int] = (),
) -> list[Span]:
    """Make pieces of a length that a recogniser can take, with a margin around each.

    What is too long is cut at its quietest frame, neighbours are joined while they fit, and
    each piece is padded; padding never reaches into a neighbour.

    Args:
        stretches: As ``speech_stretches`` returns them.
        speech_probability: Shape ``(frames,)``; tells where to cut.
        max_frames: Longest piece, padding included.
        pad_frames: Margin on each side; 12 frames are 384 ms.
        join_frames: Stretches with more silence between them are not joined.
        borders: Nor are those with one of these frames in the silence between them.

    Returns:
        Frame ranges within the recording, ascending and disjoint; together they hold every
        stretch.
    """
    room = max_frames - 2 * pad_frames
    if room < 1:
        raise ValueError(f"pieces of {max_frames} frames leave no room between two margins of {pad_frames}")
    pieces = [piece for stretch in stretches for piece in _cut(stretch, speech_probability, room)]
    joined: list[Span] = []
    for start, end in pieces:
        is_near = bool(joined) and start - joined[-1][1] <= join_frames and end - joined[-1][0] <= room
        if is_near and not any(joined[-1][1] <= border <= start for border in borders):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return _padded(joined, pad_frames, len(speech_probability))


def as_samples(frames: Span, samples: int) -> Span:
    """A range of frames as samples of a recording that has ``samples`` of them."""
    return frames[0] * FRAME_SAMPLES, min(frames[1] * FRAME_SAMPLES, samples)


def _cut(stretch: Span, speech_probability: NDArray[np.float32], room: int) -> list[Span]:
    start, end = stretch
    pieces = []
    while end - start > room:
        # Never in the first half, so that pieces do not become splinters.
        first = start + max(1, room // 2)
        cut = first + int(np.argmin(speech_probability[first : start + room + 1]))
        pieces.append((start, cut))
        start = cut
    pieces.append((start, end))
    return pieces


def _padded(pieces: Sequence[Span], pad_frames: int, frames: int) -> list[Span]:
    padded = []
    for index, (start, end) in enumerate(pieces):
        before = pieces[index - 1][1] if index else 0
        after = pieces[index + 1][0] if index + 1 < len(pieces) else frames
        # Half of a short silence belongs to each neighbour.
        left = min(pad_frames, (start - before) // 2 if index else start)
        right = min(pad_frames, (after - end + 1) // 2 if index + 1 < len(pieces) else frames - end)
        padded.append((start - left, end + right))
    return padded
