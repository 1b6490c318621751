"""Synthetic speech for training from text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A voice on this machine.

    Attributes:
        id: Such as ``pico:en-US``.
        language: BCP-47 tag.
        speaker: The same real speaker gives the same value, whatever the engine.
        licence: SPDX identifier of the voice data.
        isolation: GPL engines run only as ``subprocess``.
        cost: CPU seconds per second of audio.
    """

    id: str
    language: str
    speaker: str
    licence: str
    isolation: Literal["in_process", "subprocess"]
    cost: float


class Synthesizer(Protocol):
    """Speaks text."""

    def voices(self, locale: str) -> Sequence[Voice]:
        """Voices for a locale's language, the locale's own region first; may be empty."""
        ...

    def synthesize(self, text: str, voice: Voice, *, rate: float = 1.0) -> NDArray[np.float32]:
        """Speak a sentence, shape ``(samples,)``, 16 kHz mono in [-1, 1].

        The same text, voice and rate give the same samples.

        Raises:
            EngineError: The voice cannot speak this text.
        """
        ...
