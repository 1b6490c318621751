"""Reading recordings in any form, writing them in one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioInfo:
    """What a file says of itself.

    Attributes:
        container: Such as ``wav``, ``mp3``, ``ogg``.
        codec: Such as ``pcm_s16le``, ``opus``.
        sample_rate_hz: Of the file, before conversion.
        channels: Of the file, before conversion.
        announced_s: Its length in seconds, as its header says; None where that says nothing.
    """

    container: str
    codec: str
    sample_rate_hz: int
    channels: int
    announced_s: float | None = None


class AudioReader(Protocol):
    """An open recording."""

    info: AudioInfo

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """The recording as 16 kHz mono, shape ``(samples,)``, in [-1, 1], about 1 s a block.

        Channels are averaged.

        Raises:
            InvalidInputError: The data breaks off or cannot be decoded (code
                ``AudioUnreadable``).
        """
        ...

    def channel_blocks(self) -> Iterator[NDArray[np.float32]]:
        """The same with channels kept apart, shape ``(channels, samples)``.

        An open recording is read once, by ``blocks`` or by this.

        Raises:
            InvalidInputError: As for ``blocks``.
        """
        ...


class AudioCodec(Protocol):
    """Decodes uploads and encodes stored recordings."""

    def open(self, file: BinaryIO) -> AudioReader:
        """Open a recording in any form the decoder knows.

        Raises:
            InvalidInputError: It is not audio (code ``AudioUnreadable``).
        """
        ...

    def write_flac(self, blocks: Iterator[NDArray[np.float32]], file: BinaryIO) -> int:
        """Write 16 kHz mono 16-bit FLAC; returns the number of samples."""
        ...

    def read_flac(self, file: BinaryIO) -> NDArray[np.float32]:
        """A stored recording, shape ``(samples,)``, 16 kHz mono, in [-1, 1]."""
        ...
