"""What a stream has brought lately."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Tape:
    """The latest samples of a stream, addressed by their place in it.

    Attributes:
        begin, end: First sample that is held, and the sample after the last.
    """

    def __init__(self) -> None:
        self._pieces: list[NDArray[np.float32]] = []
        self.begin = self.end = 0

    def add(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples, shape ``(samples,)``."""
        self._pieces.append(samples)
        self.end += samples.size

    def forget(self, before: int) -> None:
        """Let go of pieces that end before a sample."""
        while self._pieces and self.begin + self._pieces[0].size <= before:
            self.begin += self._pieces.pop(0).size

    def between(self, first: int, after: int) -> NDArray[np.float32]:
        """What is held of a stretch, shape ``(samples,)``."""
        held = np.concatenate([np.zeros(0, np.float32), *self._pieces])
        return held[max(0, first - self.begin) : max(0, after - self.begin)]
