"""The header in front of live audio: what the samples behind it are."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from tympan.domain.errors import InvalidInputError

PCM, FLOAT, A_LAW, MU_LAW = 1, 3, 6, 7
_EXTENSIBLE = 0xFFFE
_RIFF, _WAVE, _FORMAT, _DATA = b"RIFF", b"WAVE", b"fmt ", b"data"
_CHUNK = struct.Struct("<4sI")
_BASIC = struct.Struct("<HHIIHH")
_SUBFORMAT_AT = 24
_LONGEST = 65_536
_NAMES = {PCM: "PCM", FLOAT: "float", A_LAW: "A-law", MU_LAW: "mu-law"}
_BITS = {PCM: (8, 16, 24, 32), FLOAT: (32, 64), A_LAW: (8,), MU_LAW: (8,)}
_RATES_HZ = (4_000, 192_000)
_MOST_CHANNELS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveFormat:
    """What samples are.

    Attributes:
        tag: ``PCM``, ``FLOAT``, ``A_LAW`` or ``MU_LAW``.
        bits: Of a sample of one channel.
    """

    tag: int
    channels: int
    rate_hz: int
    bits: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of a sample of all channels."""
        return self.channels * self.bits // 8


def read_wave_header(data: bytes) -> tuple[WaveFormat, int] | None:
    """Read the header at the beginning of live audio; sizes in it say nothing, the end is not known.

    Args:
        data: All that has come so far.

    Returns:
        The format and where the samples begin; None while the header is not complete.

    Raises:
        InvalidInputError: It is no WAV header, or of a format that is not read.
    """
    if not _RIFF.startswith(data[:4]) and not data.startswith(_RIFF):
        raise InvalidInputError(
            "The audio does not begin with a WAV header (RIFF). Send one in front of the samples.",
            target="audio",
        )
    if len(data) < 12:  # noqa: PLR2004  RIFF, its size, WAVE
        return None
    if data[8:12] != _WAVE:
        raise InvalidInputError("The header of the audio is RIFF but not WAVE.", target="audio")
    return _chunks(data)


def _chunks(data: bytes) -> tuple[WaveFormat, int] | None:
    place, found = 12, None
    while place + _CHUNK.size <= len(data):
        name, size = _CHUNK.unpack_from(data, place)
        place += _CHUNK.size
        if name == _DATA:
            if found is None:
                raise InvalidInputError("The WAV header has no format (fmt).", target="audio")
            return found, place
        if size > _LONGEST:
            raise InvalidInputError("The WAV header is longer than any is.", target="audio")
        if place + size > len(data):
            return None
        if name == _FORMAT:
            found = _format(data[place : place + size])
        place += size + size % 2
    if len(data) > _LONGEST:
        raise InvalidInputError("The WAV header is longer than any is.", target="audio")
    return None


def _format(data: bytes) -> WaveFormat:
    if len(data) < _BASIC.size:
        raise InvalidInputError("The format in the WAV header is cut off.", target="audio")
    tag, channels, rate_hz, _, _, bits = _BASIC.unpack_from(data)
    if tag == _EXTENSIBLE and len(data) >= _SUBFORMAT_AT + 2:
        (tag,) = struct.unpack_from("<H", data, _SUBFORMAT_AT)
    if tag not in _NAMES:
        raise InvalidInputError(
            f"The WAV header names format {tag}; PCM, float, A-law and mu-law are read.", target="audio"
        )
    if bits not in _BITS[tag]:
        raise InvalidInputError(f"{_NAMES[tag]} audio of {bits} bits is not read.", target="audio")
    if not 1 <= channels <= _MOST_CHANNELS:
        raise InvalidInputError(f"Audio of {channels} channels is not read.", target="audio")
    low, high = _RATES_HZ
    if not low <= rate_hz <= high:
        raise InvalidInputError(f"Audio of {rate_hz} Hz is not read.", target="audio")
    return WaveFormat(tag=tag, channels=channels, rate_hz=rate_hz, bits=bits)
