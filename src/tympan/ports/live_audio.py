"""Audio that arrives in pieces."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class LiveAudio(Protocol):
    """Turns the bytes of one stream into samples. Not thread-safe.

    How the bytes are cut changes nothing.
    """

    @property
    def channels(self) -> int:
        """How many there are; 0 while the header has not come."""
        ...

    @property
    def received_ms(self) -> int:
        """Length of the audio that came, in whole milliseconds, rounded up."""
        ...

    @property
    def dropped_bytes(self) -> int:
        """Bytes at the end that were not a whole sample; known once all have come."""
        ...

    def feed(self, data: bytes) -> NDArray[np.float32]:
        """Take the next bytes.

        Returns:
            Shape ``(channels, samples)``, 16 kHz in [-1, 1]; often fewer samples than came, or
            none.

        Raises:
            InvalidInputError: This is no audio that can be read.
        """
        ...

    def finish(self) -> NDArray[np.float32]:
        """What is left once all bytes have come; a sample that was cut off is dropped."""
        ...
