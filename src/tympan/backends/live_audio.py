"""The LiveAudio port for whatever a stream begins with: WAV, Ogg Opus, FLAC, MP3."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from tympan.backends.live_packets import FlacDecoder, Mp3Decoder, OggOpusDecoder
from tympan.backends.live_wave import LiveWave
from tympan.domain.errors import InvalidInputError
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.live_audio import LiveAudio
from tympan.speech.wave_header import PCM, WaveFormat

_MAGIC_BYTES = 4
_RATES_HZ = (8_000, 96_000)
_MOST_CHANNELS = 8
_RAW = WaveFormat(tag=PCM, channels=1, rate_hz=SAMPLE_RATE_HZ, bits=16)
_UNREAD = {b"\x1aE\xdf\xa3": "WebM", b"RF64": "RF64", b"RIFX": "RIFX", b"FORM": "AIFF", b"#!AM": "AMR"}


class PacketDecoder(Protocol):
    """Decodes sound that comes in packets, at its own rate; channels are 0 until they are known."""

    channels: int
    rate_hz: int

    @property
    def received_ms(self) -> int:
        """How much sound was decoded, in milliseconds rounded up."""
        ...

    def feed(self, data: bytes) -> NDArray[np.float32]:
        """The next samples, shape ``(channels, samples)``."""
        ...

    def finish(self) -> NDArray[np.float32]:
        """The last ones."""
        ...


class StreamedAudio:
    """Looks at the first bytes of a stream, and leaves it to who can read them.

    Args:
        raw_ok: Whether sound without any header is taken to be 16 kHz 16-bit mono PCM.
    """

    def __init__(self, *, raw_ok: bool = False) -> None:
        self._raw_ok = raw_ok
        self._head = b""
        self._stream: LiveAudio | None = None

    @property
    def channels(self) -> int:
        """How many there are; 0 while the header has not come."""
        return self._stream.channels if self._stream else 0

    @property
    def received_ms(self) -> int:
        """Length of the audio that came, in whole milliseconds, rounded up."""
        return self._stream.received_ms if self._stream else 0

    @property
    def dropped_bytes(self) -> int:
        """Bytes at the end that were not a whole sample."""
        return self._stream.dropped_bytes if self._stream else 0

    def feed(self, data: bytes) -> NDArray[np.float32]:
        """Take the next bytes."""
        if self._stream is not None:
            return self._stream.feed(data)
        self._head += data
        if len(self._head) < _MAGIC_BYTES:
            return np.zeros((0, 0), np.float32)
        return self._begin()

    def finish(self) -> NDArray[np.float32]:
        """What is left once all bytes have come."""
        first = self._begin() if self._head and self._stream is None else None
        if self._stream is None:
            return np.zeros((0, 0), np.float32)
        last = self._stream.finish()
        return last if first is None or not first.size else np.concatenate([first, last], axis=1)

    def _begin(self) -> NDArray[np.float32]:
        head, self._head = self._head, b""
        self._stream = _stream_of(head, raw_ok=self._raw_ok)
        return self._stream.feed(head)


class LivePackets:
    """Brings what a decoder hears to 16 kHz.

    Args:
        decoder: Of the stream's form.
    """

    def __init__(self, decoder: PacketDecoder) -> None:
        self._decoder = decoder
        self._resampler: soxr.ResampleStream | None = None
        self.dropped_bytes = 0

    @property
    def channels(self) -> int:
        """How many there are; 0 while nothing was decoded."""
        return self._decoder.channels

    @property
    def received_ms(self) -> int:
        """Length of the audio that was decoded, in whole milliseconds, rounded up."""
        return self._decoder.received_ms

    def feed(self, data: bytes) -> NDArray[np.float32]:
        """Take the next bytes."""
        return self._resampled(self._decoder.feed(data), is_last=False)

    def finish(self) -> NDArray[np.float32]:
        """What is left once all bytes have come."""
        return self._resampled(self._decoder.finish(), is_last=True)

    def _resampled(self, samples: NDArray[np.float32], *, is_last: bool) -> NDArray[np.float32]:
        if self.channels:
            _check_bounds(self._decoder.rate_hz, self.channels)
        if self._decoder.rate_hz in {0, SAMPLE_RATE_HZ}:
            return samples
        if self._resampler is None:
            self._resampler = soxr.ResampleStream(
                self._decoder.rate_hz, SAMPLE_RATE_HZ, self.channels, dtype="float32"
            )
        # soxr takes and gives one channel as a plain row, several as columns.
        given = samples[0] if self.channels == 1 else np.ascontiguousarray(samples.T)
        block = self._resampler.resample_chunk(given, last=is_last)
        resampled: NDArray[np.float32] = np.ascontiguousarray(block.reshape(-1, self.channels).T)
        return np.clip(resampled, -1.0, 1.0)


def _stream_of(head: bytes, *, raw_ok: bool) -> LiveAudio:
    if head.startswith(b"OggS"):
        return LivePackets(OggOpusDecoder())
    if head.startswith(b"fLaC"):
        return LivePackets(FlacDecoder())
    if head.startswith(b"ID3"):
        return LivePackets(Mp3Decoder())
    name = _UNREAD.get(head[:_MAGIC_BYTES])
    if name is not None:
        raise InvalidInputError(
            f"The audio is {name}, which is not read live. Send WAV, Ogg Opus or FLAC.", target="audio"
        )
    if raw_ok and not head.startswith(b"RIFF"):
        return LiveWave(_RAW)
    return LiveWave()  # which says what is wrong with any other beginning


def _check_bounds(rate_hz: int, channels: int) -> None:
    least, most = _RATES_HZ
    if not least <= rate_hz <= most:
        raise InvalidInputError(
            f"The audio has {rate_hz} samples a second. Send {least} to {most}.", target="audio"
        )
    if channels > _MOST_CHANNELS:
        raise InvalidInputError(
            f"The audio has {channels} channels. Send at most {_MOST_CHANNELS}.", target="audio"
        )
