"""What voices sound like, as vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tympan.speech.segmentation import Span


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VoiceTrace:
    """The voices in a recording; ranges are counts of 16 kHz samples.

    Attributes:
        stretches: Where there is voice, ascending and disjoint.
        windows: As ``speech.speaker_turns.voice_windows`` cuts the stretches.
        vectors: Shape ``(windows, dimensions)``, float32, each row of length 1: the more alike
            two voices, the larger the product of their rows.
    """

    stretches: tuple[Span, ...]
    windows: tuple[Span, ...]
    vectors: NDArray[np.float32]


class SpeakerEmbedder(Protocol):
    """Turns voices into vectors. Thread-safe; a computation uses one thread."""

    def check(self) -> None:
        """Make sure that there is what it needs, without loading it.

        Raises:
            InvalidInputError: The weights are not installed (code
                ``DiarizationNotInstalled``); the message says how to install them.
            UnavailableError: The model host cannot be reached.
        """
        ...

    def trace(self, recordings: Sequence[NDArray[np.float32]]) -> Sequence[VoiceTrace]:
        """Find the voices in recordings, one result each, in their order.

        Args:
            recordings: Each of shape ``(samples,)``, 16 kHz mono in [-1, 1], any length.

        Raises:
            InvalidInputError: As ``check``.
            ModelDamagedError: The weights are not the published ones.
            UnavailableError: The model host cannot be reached.
        """
        ...
