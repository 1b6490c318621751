"""Recordings through FFmpeg (PyAV), soxr and libsndfile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import av
import numpy as np
import soundfile
import soxr
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from tympan.domain.errors import InvalidInputError
from tympan.ports.audio import SAMPLE_RATE_HZ, AudioInfo, AudioReader

# Only containers that hold sound by themselves. Playlists (hls, dash, concat, sdp) and image
# or script formats are absent on purpose: they can make FFmpeg open other files or addresses.
_CONTAINERS = (
    "aac", "ac3", "aiff", "amr", "amrnb", "amrwb", "ape", "asf", "au", "caf", "eac3", "flac", "gsm",
    "matroska", "mov", "mp3", "mpegts", "nistsphere", "nut", "ogg", "rm", "tta", "voc", "w64", "wav", "webm",
    "wv",
)  # fmt: skip
_OPTIONS = {
    "format_whitelist": ",".join(_CONTAINERS),
    # The bytes come from an open file object; no protocol is ever needed.
    "protocol_whitelist": "none",
    "max_streams": "16",
}
# The header of a WAV says all; guessing more from its sound takes ten times as long as decoding.
_WAV_OPTIONS = _OPTIONS | {"probesize": "4096", "analyzeduration": "0", "max_size": "16384"}

# These say in their header how long they are, so a recording that breaks off is noticed.
_EXACT_LENGTH = frozenset({"aiff", "au", "caf", "flac", "matroska", "mov", "w64", "wav"})
_MISSING_TOLERANCE_S = 0.1
_MP3_TOLERATED_PACKETS = 2
"""An MP3 cut out of a longer one begins and ends with frames that lack their neighbours."""

_MAX_WAV_CHUNKS = 64
_UNKNOWN_WAV_LENGTH = 0x7FFF_0000
"""Programs that write WAV into a pipe put such a length there, for want of knowing it."""

_MAX_RATE_HZ = 768_000
_FULL_SCALE = 32768
_FLAC_BLOCK_SAMPLES = SAMPLE_RATE_HZ


class AvAudioCodec:
    """Decodes what FFmpeg decodes, in blocks; memory does not grow with the length."""

    def open(self, file: BinaryIO) -> AudioReader:
        """See ``ports.audio.AudioCodec.open``."""
        options = _WAV_OPTIONS if _is_whole_wav(file) else _OPTIONS
        try:
            container = av.open(file, mode="r", options=options, metadata_errors="replace")
        except (av.error.FFmpegError, ValueError, OSError) as reason:
            raise _unreadable("The file is not a recording, or is damaged at its start") from reason
        streams = container.streams.audio
        if not streams:
            container.close()
            raise _unreadable("The file holds no sound")
        return AvAudioReader(container, streams[0])

    def write_flac(self, blocks: Iterator[NDArray[np.float32]], file: BinaryIO) -> int:
        """See ``ports.audio.AudioCodec.write_flac``."""
        target = _Target(file)
        try:
            written = _write_flac(blocks, target)
        except soundfile.LibsndfileError:
            target.check()
            raise
        target.check()
        return written

    def read_flac(self, file: BinaryIO) -> NDArray[np.float32]:
        """See ``ports.audio.AudioCodec.read_flac``."""
        try:
            samples, rate = soundfile.read(file, dtype="int16", always_2d=False)
        except soundfile.LibsndfileError as reason:
            raise _unreadable("The stored recording is damaged") from reason
        if rate != SAMPLE_RATE_HZ or samples.ndim != 1:
            raise _unreadable("The stored recording is not 16 kHz mono")
        scaled: NDArray[np.float32] = np.divide(samples, _FULL_SCALE, dtype=np.float32)
        return scaled


class _Target:
    """A file that remembers why it could not be written; libsndfile forgets it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._reason: OSError | None = None
        self.seek = file.seek
        self.tell = file.tell
        self.read = file.read

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as reason:
            self._reason = self._reason or reason
            return 0

    def check(self) -> None:
        if self._reason is not None:
            raise self._reason


class AvAudioReader:
    """One recording being read; closes itself at its end."""

    def __init__(self, container: InputContainer, stream: AudioStream) -> None:
        self._container = container
        self._stream = stream
        decoder = stream.codec_context
        rate = int(decoder.sample_rate or 0) if decoder is not None else 0
        channels = int(decoder.channels or 0) if decoder is not None else 0
        if not 0 < rate <= _MAX_RATE_HZ or channels < 1:
            container.close()
            raise _unreadable("The file is in a form nobody here can decode, or damaged at its start")
        # Files are many and short: starting threads for each costs more than it gains.
        decoder.thread_count = 1
        self.info = AudioInfo(
            container=container.format.name.split(",")[0],
            codec=decoder.name,
            sample_rate_hz=rate,
            channels=channels,
            announced_s=self._announced_s() or None,
        )

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """See ``ports.audio.AudioReader.blocks``."""
        for block in self._resampled(_mono, 1):
            yield block[0]

    def channel_blocks(self) -> Iterator[NDArray[np.float32]]:
        """See ``ports.audio.AudioReader.channel_blocks``."""
        wanted = self.info.channels
        yield from self._resampled(lambda frame: as_many_channels(frame_samples(frame), wanted), wanted)

    def _resampled(
        self, read: Callable[[AudioFrame], NDArray[np.float32]], channels: int
    ) -> Iterator[NDArray[np.float32]]:
        """Blocks of shape ``(channels, samples)`` at 16 kHz, from what ``read`` makes of frames."""
        seconds, rate = 0.0, self.info.sample_rate_hz
        try:
            resampler = _Resampler(rate, channels)
            for frame in self._frames():
                if frame.sample_rate != rate:  # chained streams may change their rate
                    yield from resampler.finish()
                    resampler, rate = _Resampler(frame.sample_rate, channels), frame.sample_rate
                seconds += frame.samples / rate
                yield from resampler.feed(read(frame))
            yield from resampler.finish()
            self._check_length(seconds)
        finally:
            self._container.close()

    def _frames(self) -> Iterator[AudioFrame]:
        tolerated = _MP3_TOLERATED_PACKETS if self.info.container == "mp3" else 0
        try:
            for packet in self._container.demux(self._stream):
                try:
                    yield from packet.decode()
                except av.error.InvalidDataError:
                    tolerated -= 1
                    if tolerated < 0:
                        raise
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, ValueError, OSError) as reason:
            raise _unreadable("The recording is damaged and cannot be decoded to its end") from reason

    def _announced_s(self) -> float:
        """The length that the file says it has; 0 where it says nothing."""
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        if self._container.duration and len(self._container.streams) == 1:
            return float(self._container.duration / av.time_base)
        return 0.0

    def _check_length(self, seconds: float) -> None:
        if self.info.container not in _EXACT_LENGTH:
            return
        announced = self._announced_s()
        if seconds < announced - max(_MISSING_TOLERANCE_S, announced / 100):
            raise _unreadable(f"The recording breaks off after {seconds:.1f} s of {announced:.1f} s")


class _Resampler:
    """Collects about a second of samples at a time and brings them to 16 kHz."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate_hz = rate_hz
        self._channels = channels
        self._waiting: list[NDArray[np.float32]] = []
        self._waiting_samples = 0
        same = rate_hz == SAMPLE_RATE_HZ
        self._stream = (
            None if same else soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, channels, dtype="float32")
        )

    def feed(self, samples: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        self._waiting.append(samples)
        self._waiting_samples += samples.shape[1]
        if self._waiting_samples >= self._rate_hz:
            yield from self._flush(is_last=False)

    def finish(self) -> Iterator[NDArray[np.float32]]:
        yield from self._flush(is_last=True)

    def _flush(self, *, is_last: bool) -> Iterator[NDArray[np.float32]]:
        joined = np.concatenate([np.zeros((self._channels, 0), np.float32), *self._waiting], axis=1)
        self._waiting, self._waiting_samples = [], 0
        if self._stream is not None:
            # soxr takes one channel as a plain row, several as columns.
            given = joined[0] if self._channels == 1 else np.ascontiguousarray(joined.T)
            block = self._stream.resample_chunk(given, last=is_last)
            joined = block[np.newaxis] if self._channels == 1 else block.T
        if joined.size:
            yield np.clip(joined, -1.0, 1.0)


def _write_flac(blocks: Iterator[NDArray[np.float32]], target: _Target) -> int:
    written = 0
    with soundfile.SoundFile(
        target, "w", samplerate=SAMPLE_RATE_HZ, channels=1, format="FLAC", subtype="PCM_16"
    ) as flac:
        for block in blocks:
            # By hand, because libsndfile scales by 32767 and would change 16-bit sources.
            scaled = np.rint(block * _FULL_SCALE).clip(-_FULL_SCALE, _FULL_SCALE - 1)
            flac.write(scaled.astype(np.int16))
            target.check()
            written += block.size
    return written


def _mono(frame: AudioFrame) -> NDArray[np.float32]:
    """The frame's channels averaged, shape ``(1, samples)``, full scale 1."""
    channels = frame_samples(frame)
    mono: NDArray[np.float32] = channels if len(channels) == 1 else channels.mean(axis=0, keepdims=True)
    return mono


def as_many_channels(samples: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """So many channels; chained streams may bring other numbers of them."""
    if len(samples) == channels:
        return samples
    missing = max(0, channels - len(samples))
    return np.pad(samples, ((0, missing), (0, 0)))[:channels]


def frame_samples(frame: AudioFrame) -> NDArray[np.float32]:
    """The frame's channels, shape ``(channels, samples)``, full scale 1."""
    samples: NDArray[Any] = frame.to_ndarray()
    channels = len(frame.layout.channels)
    if samples.shape[0] != channels:  # packed: the channels lie side by side in one row
        samples = samples.reshape(-1, channels).T
    return _scaled(samples)


def _scaled(samples: NDArray[Any]) -> NDArray[np.float32]:
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - np.float32(128)) / np.float32(128)
    if samples.dtype.kind == "i":
        full_scale = np.float32(-int(np.iinfo(samples.dtype).min))
        whole: NDArray[np.float32] = np.divide(samples, full_scale, dtype=np.float32, casting="unsafe")
        return whole
    with np.errstate(over="ignore", invalid="ignore"):  # found out below
        scaled = samples.astype(np.float32)
    if not np.isfinite(scaled).all():
        raise _unreadable("The recording holds samples that are not numbers")
    return scaled


def _is_whole_wav(file: BinaryIO) -> bool:
    """Whether it is a WAV.

    Raises:
        InvalidInputError: Its sound is shorter than its header says, which FFmpeg lets pass.
    """
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(12)
    is_wav = head[:4] == b"RIFF" and head[8:] == b"WAVE"
    place = len(head)
    for _ in range(_MAX_WAV_CHUNKS if is_wav else 0):
        file.seek(place)
        chunk = file.read(8)
        length = int.from_bytes(chunk[4:], "little")
        if len(chunk) < len(head) - 4 or length >= _UNKNOWN_WAV_LENGTH:
            break
        place += 8
        if chunk[:4] == b"data":
            if place + length > size:
                raise _unreadable(f"The recording breaks off after {size - place} of {length} bytes of sound")
            break
        place += length + length % 2
    file.seek(0)
    return is_wav


def _unreadable(what: str) -> InvalidInputError:
    return InvalidInputError(
        f"{what}. Play it to check, export it again (WAV, FLAC, MP3, Ogg, M4A and WebM all work), and upload "
        "it again.",
        code="AudioUnreadable",
    )
