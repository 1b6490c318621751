"""Cutting a long recording, as it arrives, into windows that can be recognised one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import InvalidInputError

_FRAME_SAMPLES = 800
"""50 ms: loudness is compared over three of these."""
_SMOOTHED_FRAMES = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """A stretch of a recording.

    Attributes:
        start: Its first sample in the recording.
        samples: Shape ``(channels, samples)``, 16 kHz in [-1, 1].
    """

    start: int
    samples: NDArray[np.float32]


def windows(
    blocks: Iterator[NDArray[np.float32]], *, longest: int = 960_000, shortest: int = 480_000
) -> Iterator[Window]:
    """Cut a recording at the quietest places, where every channel is quiet.

    At most ``longest`` samples and one block are held at once.

    Args:
        blocks: Shape ``(channels, samples)`` each, 16 kHz.
        longest: Most samples of a window; 960,000 are 60 s.
        shortest: Fewest, but for the last window.

    Returns:
        Windows that follow each other without a gap.

    Raises:
        InvalidInputError: As ``blocks`` do, once everything before it was given out.
    """
    waiting: list[NDArray[np.float32]] = []
    size = start = 0
    try:
        for block in blocks:
            waiting.append(block)
            size += block.shape[1]
            while size >= longest:
                samples = np.concatenate(waiting, axis=1)
                cut = _quietest(samples[:, :longest], shortest)
                yield Window(start=start, samples=samples[:, :cut])
                start, size = start + cut, size - cut
                waiting = [samples[:, cut:].copy()]
    except InvalidInputError:
        if size:
            yield Window(start=start, samples=np.concatenate(waiting, axis=1))
        raise
    if size:
        yield Window(start=start, samples=np.concatenate(waiting, axis=1))


def _quietest(samples: NDArray[np.float32], first: int) -> int:
    """The middle of the quietest 150 ms behind ``first``, as a count of samples."""
    size = int(samples.shape[1])
    frames = (size - first) // _FRAME_SAMPLES
    if frames < _SMOOTHED_FRAMES:
        return size
    searched = samples[:, first : first + frames * _FRAME_SAMPLES].astype(np.float64)
    # The loudest channel counts: a cut must fall into no channel's words.
    energy = np.square(searched.reshape(len(samples), frames, _FRAME_SAMPLES)).mean(axis=2).max(axis=0)
    smooth = np.convolve(energy, np.ones(_SMOOTHED_FRAMES), mode="valid")
    middle = (2 * int(smooth.argmin()) + _SMOOTHED_FRAMES) * _FRAME_SAMPLES // 2
    return int(first + middle)
