"""Voices without a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import InvalidInputError
from tympan.ports.speaker_embedder import VoiceTrace
from tympan.speech.speaker_turns import voice_windows

VoicesIn = Callable[[NDArray[np.float32]], Sequence[tuple[int, int, int]]]
"""Says who speaks in a recording: start, end and a number below 32 for each stretch."""

_SILENCE = 1e-4
_DIMENSIONS = 32


class FakeEmbedder:
    """Knows who speaks without listening; a window is like all voices in it, by their share.

    Args:
        voices: See there; one voice throughout, unless silent, when not given.

    Attributes:
        is_installed: While false, speakers cannot be told apart.
    """

    def __init__(self, voices: VoicesIn | None = None) -> None:
        self._voices = voices or (lambda samples: [(0, samples.size, 0)])
        self.is_installed = True

    def check(self) -> None:
        """Make sure that it is installed."""
        if not self.is_installed:
            raise InvalidInputError(
                "The fake was told to be missing. Its operator can install it: pip install nothing",
                code="DiarizationNotInstalled",
                target="diarization",
            )

    def trace(self, recordings: Sequence[NDArray[np.float32]]) -> Sequence[VoiceTrace]:
        """Say who speaks."""
        self.check()
        return [self._traced(samples) for samples in recordings]

    def _traced(self, samples: NDArray[np.float32]) -> VoiceTrace:
        spoken = [
            (start, end, voice)
            for start, end, voice in self._voices(samples)
            if np.max(np.abs(samples[start:end]), initial=0.0) >= _SILENCE
        ]
        stretches: list[tuple[int, int]] = []
        for start, end, _ in spoken:
            if stretches and stretches[-1][1] == start:
                stretches[-1] = (stretches[-1][0], end)
            else:
                stretches.append((start, end))
        windows = voice_windows(stretches)
        vectors = np.zeros((len(windows), _DIMENSIONS), np.float32)
        for row, (first, after) in zip(vectors, windows, strict=True):
            for start, end, voice in spoken:
                row[voice] += max(0, min(end, after) - max(start, first))
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1.0)
        return VoiceTrace(stretches=tuple(stretches), windows=tuple(windows), vectors=vectors)
