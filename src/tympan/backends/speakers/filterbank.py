"""Kaldi's log-mel filterbank, as speaker networks were trained with."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from tympan.ports.audio import SAMPLE_RATE_HZ

MELS = 80
FRAME_SAMPLES = 400
"""25 ms."""
HOP_SAMPLES = 160
"""10 ms."""

_FFT = 512
_LOWEST_HZ = 20.0
_EMPHASIS = 0.97
_WINDOW_POWER = 0.85


def log_mels(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The log energies of mel bands over time.

    No dither; frames that the recording does not fill are left out, as in Kaldi.

    Args:
        samples: Shape ``(samples,)``, 16 kHz mono in [-1, 1].

    Returns:
        Shape ``(frames, 80)``, one frame every 10 ms.

    Source:
        Kaldi, ``feat/feature-window.cc`` and ``feat/mel-computations.cc``.
    """
    if samples.size < FRAME_SAMPLES:
        return np.zeros((0, MELS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME_SAMPLES)[::HOP_SAMPLES]
    frames = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    shaped = (frames - np.float32(_EMPHASIS) * before) * _window()
    power = np.abs(np.fft.rfft(shaped, _FFT, axis=1)[:, : _FFT // 2]) ** 2
    energies = power.astype(np.float32) @ _bands()
    log: NDArray[np.float32] = np.log(np.maximum(energies, np.finfo(np.float32).eps))
    return log


@cache
def _window() -> NDArray[np.float32]:
    """Kaldi's own window, called povey."""
    angle = 2 * np.pi * np.arange(FRAME_SAMPLES) / (FRAME_SAMPLES - 1)
    return ((0.5 - 0.5 * np.cos(angle)) ** _WINDOW_POWER).astype(np.float32)


@cache
def _bands() -> NDArray[np.float32]:
    """Triangles that overlap by half on the mel scale, shape ``(256, 80)``."""
    low, high = _mel(np.array([_LOWEST_HZ, SAMPLE_RATE_HZ / 2]))
    step = (high - low) / (MELS + 1)
    left = low + step * np.arange(MELS)
    mels = _mel(np.arange(_FFT // 2) * SAMPLE_RATE_HZ / _FFT)[:, np.newaxis]
    rising, falling = (mels - left) / step, (left + 2 * step - mels) / step
    bands: NDArray[np.float32] = np.clip(np.minimum(rising, falling), 0.0, None).astype(np.float32)
    return bands


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    mel: NDArray[np.float64] = 1127.0 * np.log(1.0 + hertz / 700.0)
    return mel
