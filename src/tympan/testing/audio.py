"""A codec without FFmpeg, and small recordings for tests."""

from __future__ import annotations

import io
import wave
import zipfile
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import InvalidInputError
from tympan.ports.audio import SAMPLE_RATE_HZ, AudioInfo, AudioReader

_FULL_SCALE = 32768
_SYLLABLES_HZ = 4.0


class WavCodec:
    """Reads 16-bit WAV only, and stores WAV where the real codec stores FLAC."""

    def open(self, file: BinaryIO) -> AudioReader:
        """Open a WAV."""
        file.seek(0)
        try:
            with wave.open(file, "rb") as recording:
                info = AudioInfo(
                    container="wav",
                    codec="pcm_s16le",
                    sample_rate_hz=recording.getframerate(),
                    channels=recording.getnchannels(),
                )
                promised = recording.getnframes() * recording.getnchannels() * 2
                data = recording.readframes(recording.getnframes())
        except (wave.Error, EOFError) as reason:
            raise InvalidInputError(f"The file is not a WAV: {reason}.", code="AudioUnreadable") from reason
        return _WavReader(info, data, is_whole=len(data) == promised)

    def write_flac(self, blocks: Iterator[NDArray[np.float32]], file: BinaryIO) -> int:
        """Write the blocks as WAV."""
        samples = np.concatenate([np.zeros(0, dtype=np.float32), *blocks])
        file.write(wav_bytes(samples))
        return int(samples.size)

    def read_flac(self, file: BinaryIO) -> NDArray[np.float32]:
        """A stored recording."""
        return np.concatenate([np.zeros(0, dtype=np.float32), *self.open(file).blocks()])


class _WavReader:
    def __init__(self, info: AudioInfo, data: bytes, *, is_whole: bool) -> None:
        self.info = info
        self._data = data
        self._is_whole = is_whole

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """See ``ports.audio.AudioReader.blocks``."""
        for block in self.channel_blocks():
            yield block.mean(axis=0)

    def channel_blocks(self) -> Iterator[NDArray[np.float32]]:
        """See ``ports.audio.AudioReader.channel_blocks``."""
        frames = np.frombuffer(self._data, dtype="<i2").reshape(-1, self.info.channels)
        samples = frames.T.astype(np.float32) / _FULL_SCALE
        if self.info.sample_rate_hz != SAMPLE_RATE_HZ:
            count = round(samples.shape[1] * SAMPLE_RATE_HZ / self.info.sample_rate_hz)
            places = np.arange(count) * self.info.sample_rate_hz / SAMPLE_RATE_HZ
            before = np.arange(samples.shape[1])
            samples = np.array([np.interp(places, before, channel) for channel in samples])
        for start in range(0, samples.shape[1], SAMPLE_RATE_HZ):
            yield samples[:, start : start + SAMPLE_RATE_HZ].astype(np.float32)
        if not self._is_whole:
            raise InvalidInputError("The recording breaks off.", code="AudioUnreadable")


def speech_like(seconds: float, seed: int = 0, rate_hz: int = SAMPLE_RATE_HZ) -> NDArray[np.float32]:
    """Noise that rises and falls like syllables, with pauses; the same for the same seed.

    Returns:
        Shape ``(samples,)``, peak about 0.3.
    """
    generator = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    syllables = np.clip(np.sin(2 * np.pi * _SYLLABLES_HZ * time_s), 0, 1) ** 2
    talking = np.sin(2 * np.pi * 0.4 * time_s + generator.uniform(0, 6)) > -0.5  # noqa: PLR2004
    noise = generator.normal(0, 0.08, time_s.size)
    samples: NDArray[np.float32] = (
        noise * syllables * talking + generator.normal(0, 1e-4, time_s.size)
    ).astype(np.float32)
    return samples


def wav_bytes(samples: NDArray[np.float32], rate_hz: int = SAMPLE_RATE_HZ, channels: int = 1) -> bytes:
    """A 16-bit WAV file; every channel gets the same samples, shape ``(samples,)``."""
    values = np.rint(samples * _FULL_SCALE).clip(-_FULL_SCALE, _FULL_SCALE - 1).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(channels)
        recording.setsampwidth(2)
        recording.setframerate(rate_hz)
        recording.writeframes(np.repeat(values, channels).tobytes())
    return file.getvalue()


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """A zip with these files, in this order."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()
