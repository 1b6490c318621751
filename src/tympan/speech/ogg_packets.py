"""Packets of an Ogg stream, read as its bytes arrive (RFC 3533)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_CAPTURE = b"OggS\0"
"""What every page begins with, its version included."""

_HEAD_BYTES = 27
_FULL_SEGMENT = 255
_BEGINS, _ENDS = 2, 4
_MAX_PACKET_BYTES = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OggPacket:
    """One packet.

    Attributes:
        position: The granule position of its page; None where the page says none.
        is_last_of_page: Whether ``position`` counts up to the end of this packet.
        is_last_of_stream: Whether nothing of this stream comes after it.
    """

    data: bytes
    position: int | None
    is_last_of_page: bool
    is_last_of_stream: bool


class OggError(ValueError):
    """The bytes are no Ogg stream, or one is damaged."""


class OggPacketReader:
    """Takes the first stream of a file, and after its end the next one (a chain)."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._packet = bytearray()
        self._serial: bytes | None = None

    def feed(self, data: bytes) -> Iterator[OggPacket]:
        """Take the next bytes; yields what they complete.

        Raises:
            OggError: They are no pages.
        """
        self._waiting += data
        while (page := self._whole_page()) is not None:
            yield from self._packets(page)

    def _whole_page(self) -> bytes | None:
        waiting = self._waiting
        if not _CAPTURE.startswith(bytes(waiting[: len(_CAPTURE)])):
            raise OggError("The Ogg stream is damaged")
        if len(waiting) < _HEAD_BYTES or len(waiting) < _HEAD_BYTES + waiting[26]:
            return None
        length = _HEAD_BYTES + waiting[26] + sum(waiting[_HEAD_BYTES : _HEAD_BYTES + waiting[26]])
        if len(waiting) < length:
            return None
        page = bytes(waiting[:length])
        del waiting[:length]
        return page

    def _packets(self, page: bytes) -> Iterator[OggPacket]:
        flags, serial, segments = page[5], page[14:18], page[26]
        if self._serial is None and flags & _BEGINS:
            self._serial = serial
            self._packet.clear()
        if serial != self._serial:
            return
        position = int.from_bytes(page[6:14], "little", signed=True)
        lengths = page[_HEAD_BYTES : _HEAD_BYTES + segments]
        last = max((number for number, length in enumerate(lengths) if length < _FULL_SEGMENT), default=-1)
        place = _HEAD_BYTES + segments
        for number, length in enumerate(lengths):
            self._packet += page[place : place + length]
            place += length
            if length < _FULL_SEGMENT:
                yield OggPacket(
                    data=bytes(self._packet),
                    position=position if position >= 0 else None,
                    is_last_of_page=number == last,
                    is_last_of_stream=number == last and bool(flags & _ENDS),
                )
                self._packet.clear()
        if len(self._packet) > _MAX_PACKET_BYTES:
            raise OggError("The Ogg stream holds a packet of more than 16 MB")
        if flags & _ENDS:
            self._serial = None
