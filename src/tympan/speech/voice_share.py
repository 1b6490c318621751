"""Measures of a recording taken while it streams by: loudness, clipping, speech share."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

FRAME_SAMPLES = 320
"""20 ms at 16 kHz."""

SILENCE_DBFS = -60.0
"""A recording whose loudest 20 ms stay below this holds nothing that could be heard."""

_SAMPLE_RATE_HZ = 16_000
_CLIPPED_LEVEL = 0.9995
_QUIETEST_DBFS = -100.0
_MIN_RANGE_DB = 9.0
"""Speech varies more than this; hum and noise do not."""
_THRESHOLD_PLACE = 0.4
_BRIDGE_FRAMES = 15
"""Dips shorter than 300 ms stay inside a stretch of speech."""


class VoiceMeter:
    """Watches blocks of 16 kHz mono samples on their way; keeps 4 bytes per 20 ms."""

    def __init__(self) -> None:
        self._levels = array("f")
        self._rest: NDArray[np.float32] = np.zeros(0, dtype=np.float32)
        self._samples = 0
        self._clipped = 0

    def watch(self, blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """Pass the blocks on, each of shape ``(samples,)`` in [-1, 1], and measure them."""
        for block in blocks:
            self._measure(block)
            yield block
        if self._rest.size:
            self._levels.frombytes(_frame_levels(self._rest[np.newaxis, :]).tobytes())
            self._rest = self._rest[:0]

    @property
    def samples(self) -> int:
        """Samples seen so far."""
        return self._samples

    @property
    def duration_s(self) -> float:
        """Seconds seen so far."""
        return self._samples / _SAMPLE_RATE_HZ

    @property
    def clipped_share(self) -> float:
        """Share of samples at full scale, 0 to 1."""
        return self._clipped / self._samples if self._samples else 0.0

    @property
    def is_silent(self) -> bool:
        """Whether even the loudest 20 ms are below -60 dBFS."""
        return not self._levels or max(self._levels) < SILENCE_DBFS

    @property
    def speech_share(self) -> float:
        """Share of the recording that is speech, 0 to 1; see ``speech_share``."""
        return speech_share(np.frombuffer(self._levels, dtype=np.float32))

    def _measure(self, block: NDArray[np.float32]) -> None:
        self._samples += block.size
        self._clipped += int(np.count_nonzero(np.abs(block) >= _CLIPPED_LEVEL))
        joined = np.concatenate([self._rest, block]) if self._rest.size else block
        whole = joined.size // FRAME_SAMPLES * FRAME_SAMPLES
        self._levels.frombytes(_frame_levels(joined[:whole].reshape(-1, FRAME_SAMPLES)).tobytes())
        self._rest = joined[whole:].copy()


def speech_share(levels: NDArray[np.float32]) -> float:
    """Estimate which share of a recording is speech, from the level of its frames.

    A frame counts when it rises far enough out of the recording's own noise floor: above
    40 % of the way (in dB) from the quietest to the loudest tenth. Short dips inside
    speech count too. It is a cheap figure for a report, not a voice activity detector:
    music and slamming doors are taken for speech.

    Args:
        levels: RMS level per 20 ms frame in dBFS, shape ``(frames,)``.

    Returns:
        0 to 1; 0 for silence and for steady noise.
    """
    if levels.size == 0:
        return 0.0
    # The floor is looked for below any real microphone's noise, so that digital silence
    # between words does not stretch the scale.
    ordered = np.sort(np.maximum(levels, SILENCE_DBFS))
    floor, top = ordered[ordered.size // 10], ordered[ordered.size * 95 // 100]
    if top <= SILENCE_DBFS or top - floor < _MIN_RANGE_DB:
        return 0.0
    is_loud = levels > floor + _THRESHOLD_PLACE * (top - floor)
    places = np.flatnonzero(is_loud)
    gaps = np.diff(places)
    bridged = int(np.sum(gaps[gaps <= _BRIDGE_FRAMES] - 1))
    return float((places.size + bridged) / levels.size)


def _frame_levels(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    power = np.einsum("ij,ij->i", frames, frames) / max(frames.shape[1], 1)
    levels: NDArray[np.float32] = (10 * np.log10(np.maximum(power, 10 ** (_QUIETEST_DBFS / 10)))).astype(
        np.float32
    )
    return levels
