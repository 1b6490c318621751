"""The LiveAudio port for WAV of any format and rate."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.speech.wave_header import A_LAW, FLOAT, MU_LAW, WaveFormat, read_wave_header


class LiveWave:
    """Reads a WAV header and then samples, resampled to 16 kHz by soxr.

    Args:
        form: Of samples that come without a header.
    """

    def __init__(self, form: WaveFormat | None = None) -> None:
        self._format = form
        self._rest = b""
        self._bytes = 0
        self._resampler: soxr.ResampleStream | None = None
        self.dropped_bytes = 0

    @property
    def channels(self) -> int:
        """How many there are; 0 while the header has not come."""
        return self._format.channels if self._format else 0

    @property
    def received_ms(self) -> int:
        """Length of the audio that came, in whole milliseconds, rounded up."""
        if self._format is None:
            return 0
        byte_rate = self._format.frame_bytes * self._format.rate_hz
        return -(-self._bytes * 1000 // byte_rate)

    def feed(self, data: bytes) -> NDArray[np.float32]:
        """Take the next bytes."""
        waiting = self._rest + data
        if self._format is None:
            found = read_wave_header(waiting) if waiting else None
            if found is None:
                self._rest = waiting
                return np.zeros((0, 0), np.float32)
            self._format, begin = found
            waiting = waiting[begin:]
            self._bytes += len(waiting)
            if self._format.rate_hz != SAMPLE_RATE_HZ:
                self._resampler = soxr.ResampleStream(
                    self._format.rate_hz, SAMPLE_RATE_HZ, self._format.channels, dtype="float32"
                )
        else:
            self._bytes += len(data)
        whole = len(waiting) // self._format.frame_bytes * self._format.frame_bytes
        self._rest = waiting[whole:]
        return self._resampled(_samples(waiting[:whole], self._format), is_last=False)

    def finish(self) -> NDArray[np.float32]:
        """What is left once all bytes have come."""
        self.dropped_bytes += len(self._rest)
        self._rest = b""
        if self._format is None:
            return np.zeros((0, 0), np.float32)
        return self._resampled(np.zeros((0, self._format.channels), np.float32), is_last=True)

    def _resampled(self, samples: NDArray[np.float32], *, is_last: bool) -> NDArray[np.float32]:
        """Shape ``(channels, samples)``, of samples of shape ``(samples, channels)``."""
        if self._resampler is not None:
            # Between samples of full scale the sound itself goes beyond it.
            samples = np.clip(self._resampler.resample_chunk(samples, last=is_last), -1.0, 1.0)
        return np.ascontiguousarray(samples.reshape(-1, self.channels).T, np.float32)


def _samples(data: bytes, form: WaveFormat) -> NDArray[np.float32]:
    """Shape ``(samples, channels)``."""
    values: NDArray[np.float32]
    if form.tag == FLOAT:
        read = np.frombuffer(data, f"<f{form.bits // 8}")
        values = np.nan_to_num(np.clip(read, -1.0, 1.0)).astype(np.float32)
    elif form.tag in (A_LAW, MU_LAW):
        values = np.take(_ALAW if form.tag == A_LAW else _MULAW, np.frombuffer(data, np.uint8))
    else:
        values = _pcm(data, form.bits)
    return values.reshape(-1, form.channels)


def _pcm(data: bytes, bits: int) -> NDArray[np.float32]:
    if bits == 8:  # noqa: PLR2004  the only form without a sign
        return ((np.frombuffer(data, np.uint8).astype(np.float32) - 128) / 128).astype(np.float32)
    if bits == 24:  # noqa: PLR2004  no type of numpy has three bytes
        bytes_of = np.frombuffer(data, np.uint8).reshape(-1, 3)
        padded = np.zeros((len(bytes_of), 4), np.uint8)
        padded[:, 1:] = bytes_of
        return (padded.view("<i4")[:, 0] / float(1 << 31)).astype(np.float32)
    values = np.frombuffer(data, f"<i{bits // 8}").astype(np.float64) / float(1 << (bits - 1))
    return values.astype(np.float32)


def _mu_law_table() -> NDArray[np.float32]:
    """Source: ITU-T G.711."""
    inverted = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (inverted >> 4) & 7, inverted & 15
    size = (((mantissa.astype(np.int32) << 3) + 0x84) << exponent) - 0x84
    return (np.where(inverted & 0x80, -size, size) / 32768).astype(np.float32)


def _a_law_table() -> NDArray[np.float32]:
    """Source: ITU-T G.711."""
    toggled = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent, mantissa = ((toggled >> 4) & 7).astype(np.int32), (toggled & 15).astype(np.int32)
    low, high = (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0)
    size = np.where(exponent == 0, low, high)
    return (np.where(toggled & 0x80, size, -size) / 32768).astype(np.float32)


_MULAW, _ALAW = _mu_law_table(), _a_law_table()
