"""Live sound in packets: Ogg Opus, FLAC and MP3, decoded by FFmpeg (PyAV) without threads.

FFmpeg's own readers of files wait for bytes, so that each stream would need a thread. Here what
cuts a stream into packets takes bytes as they come, and only the decoder is FFmpeg's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from tympan.backends.audio_av import as_many_channels, frame_samples
from tympan.domain.errors import InvalidInputError
from tympan.speech.ogg_packets import OggError, OggPacket, OggPacketReader

_OPUS_RATE_HZ = 48_000
_OPUS_HEAD_BYTES = 19
_TOLERATED_PACKETS = 2
"""A stream cut out of a longer one begins with frames that lack their neighbours."""

_SLICE_BYTES = 4096
_MOST_VALUES = 4_000_000
"""So much sound no honest 4 KiB hold: more than a minute, and silence in FLAC is not half of it."""

_ID3_BYTES = 10
_STREAMINFO_BYTES = 34
_MAX_METADATA_BYTES = 16 << 20


class _PacketDecoder:
    """Decodes packets, whoever finds them; rate and channels are those of the first frame."""

    def __init__(self) -> None:
        self.channels = 0
        self.rate_hz = 0
        self.dropped_bytes = 0
        self._samples = 0
        self._failures = 0
        self._values = 0

    @property
    def received_ms(self) -> int:
        """How much sound was decoded, in milliseconds rounded up."""
        return -(-self._samples * 1000 // self.rate_hz) if self.rate_hz else 0

    def _joined(self, blocks: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        joined = np.concatenate([np.zeros((self.channels, 0), np.float32), *blocks], axis=1)
        self._samples += joined.shape[1]
        return joined

    def _decoded(self, decoder: Any, packet: av.Packet | None) -> Iterator[NDArray[np.float32]]:  # noqa: ANN401 - av has no types here
        try:
            frames: list[AudioFrame] = decoder.decode(packet)
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, ValueError) as reason:
            self._failures += 1
            if self._failures > _TOLERATED_PACKETS:
                raise _damaged() from reason
            return
        for frame in frames:
            if not self.channels:
                self.channels, self.rate_hz = len(frame.layout.channels), frame.sample_rate
            if frame.sample_rate != self.rate_hz:
                raise _unreadable("The audio changes its sample rate. Begin a new turn where it does.")
            self._values += frame.samples * self.channels
            if self._values > _MOST_VALUES:
                raise _unreadable("The audio holds far more sound than its size allows. Send it as WAV.")
            try:
                yield as_many_channels(frame_samples(frame), self.channels)
            except InvalidInputError as reason:
                raise _damaged() from reason


class OggOpusDecoder(_PacketDecoder):
    """Opus in Ogg (RFC 7845), also several streams one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._reader = OggPacketReader()
        self._decoder: Any = None
        self._is_tagged = False
        self._pre_skip = 0
        self._stream_samples = 0

    def feed(self, data: bytes) -> NDArray[np.float32]:
        """The next samples, at the stream's own rate."""
        blocks: list[NDArray[np.float32]] = []
        try:
            for piece in _slices(data):
                self._values = 0
                for packet in self._reader.feed(piece):
                    blocks += self._take(packet)
        except OggError as reason:
            raise _unreadable(f"{reason}. Send it again from its beginning.") from reason
        return self._joined(blocks)

    def finish(self) -> NDArray[np.float32]:
        """The last ones."""
        return self._joined([])

    def _take(self, packet: OggPacket) -> Iterator[NDArray[np.float32]]:
        if self._decoder is None:
            self._begin(packet.data)
        elif not self._is_tagged:  # the second packet is OpusTags
            self._is_tagged = True
        else:
            for block in self._decoded(self._decoder, av.Packet(packet.data)):
                self._stream_samples += block.shape[1]
                yield self._trimmed(block, packet)
        if packet.is_last_of_stream:
            self._decoder = None

    def _begin(self, head: bytes) -> None:
        if not head.startswith(b"OpusHead") or len(head) < _OPUS_HEAD_BYTES:
            raise _unreadable("The Ogg stream does not hold Opus. Send Ogg Opus, or WAV.")
        decoder: Any = av.CodecContext.create("opus", "r")
        # From it the decoder knows the channels, and what to skip at the start.
        decoder.extradata = head
        decoder.thread_count = 1
        self._decoder, self._is_tagged, self._stream_samples = decoder, False, 0
        self._pre_skip = int.from_bytes(head[10:12], "little")
        if not self.channels:
            self.channels, self.rate_hz = head[9], _OPUS_RATE_HZ

    def _trimmed(self, block: NDArray[np.float32], packet: OggPacket) -> NDArray[np.float32]:
        """Without the filling of the last packet, which the last position leaves out."""
        if not packet.is_last_of_stream or packet.position is None:
            return block
        excess = self._stream_samples - (packet.position - self._pre_skip)
        # A stream that was joined late has positions of before; then nothing can be said.
        return block[:, : block.shape[1] - excess] if 0 < excess < block.shape[1] else block


class _ParsedDecoder(_PacketDecoder, ABC):
    """Sound whose packets FFmpeg's parsers find, once what comes before was read."""

    _codec = ""

    def __init__(self) -> None:
        super().__init__()
        self._waiting = bytearray()
        self._decoder: Any = None

    def feed(self, data: bytes) -> NDArray[np.float32]:
        """The next samples, at the stream's own rate."""
        if self._decoder is None:
            self._waiting += data
            extradata = self._read_head()
            if extradata is None:
                return self._joined([])
            self._decoder = av.CodecContext.create(self._codec, "r")
            self._decoder.thread_count = 1
            if extradata:
                self._decoder.extradata = extradata
            data, self._waiting = bytes(self._waiting), bytearray()
        blocks: list[NDArray[np.float32]] = []
        for piece in _slices(data):  # of all that a long piece completes, the parser hands out a part only
            self._values = 0
            blocks += self._parsed(piece)
        return self._joined(blocks)

    def finish(self) -> NDArray[np.float32]:
        """The last ones."""
        blocks: list[NDArray[np.float32]] = []
        if self._decoder is not None:
            self._values, before = 0, -1
            while len(blocks) > before:
                before = len(blocks)
                blocks += self._parsed(b"")
            blocks += self._decoded(self._decoder, None)
        return self._joined(blocks)

    def _parsed(self, data: bytes) -> Iterator[NDArray[np.float32]]:
        for packet in self._decoder.parse(data):
            yield from self._decoded(self._decoder, packet)

    @abstractmethod
    def _read_head(self) -> bytes | None:
        """What the decoder must know first; None where more bytes are needed."""

    def _has(self, length: int) -> bool:
        if length > _MAX_METADATA_BYTES:
            raise _unreadable("The audio begins with more than 16 MB of description. Send it without.")
        return len(self._waiting) >= length


class FlacDecoder(_ParsedDecoder):
    """FLAC (RFC 9639); the parser holds back about ten frames until it is sure of them."""

    _codec = "flac"

    def _read_head(self) -> bytes | None:
        place, info = 4, b""
        while self._has(place + 4):
            kind, length = self._waiting[place], int.from_bytes(self._waiting[place + 1 : place + 4], "big")
            place += 4
            if not self._has(place + length):
                return None
            if not kind & 0x7F:
                info = bytes(self._waiting[place : place + length])
            place += length
            if kind & 0x80:
                if len(info) != _STREAMINFO_BYTES:
                    raise _damaged()
                del self._waiting[:place]
                self.rate_hz = int.from_bytes(info[10:13], "big") >> 4
                self.channels = (info[12] >> 1 & 7) + 1
                return info
        return None


class Mp3Decoder(_ParsedDecoder):
    """MP3 behind an ID3 tag; the few hundredths of a second its encoder put in front stay."""

    _codec = "mp3float"

    def _read_head(self) -> bytes | None:
        if not self._has(_ID3_BYTES):
            return None
        # Four bytes of seven bits each.
        length = sum(
            (byte & 0x7F) << shift for byte, shift in zip(self._waiting[6:10], (21, 14, 7, 0), strict=True)
        )
        if not self._has(_ID3_BYTES + length):
            return None
        del self._waiting[: _ID3_BYTES + length]
        return b""


def _slices(data: bytes) -> Iterator[bytes]:
    return (data[place : place + _SLICE_BYTES] for place in range(0, len(data), _SLICE_BYTES))


def _damaged() -> InvalidInputError:
    return _unreadable("The audio is damaged and cannot be decoded. Send it again, or as WAV.")


def _unreadable(message: str) -> InvalidInputError:
    return InvalidInputError(message, code="AudioUnreadable")
