"""Many files as one zip, written while it is read."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from tympan.domain.errors import NotFoundError


class _Passage(io.RawIOBase):
    """Takes what the zip writer writes, until it is passed on."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[bytes] = []

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]  # all kinds of buffer
        """Keep the bytes."""
        self._waiting.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self._waiting)
        self._waiting.clear()
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipEntry:
    """One file of a zip.

    Attributes:
        name: With its folders.
        at: Its time.
        read: Begins to read it; NotFoundError when it was deleted meanwhile.
    """

    name: str
    at: datetime
    read: Callable[[], Iterator[bytes]]


def zipped(files: Iterable[ZipEntry]) -> Iterator[bytes]:
    """A zip, uncompressed; memory does not grow with its length.

    A file that is deleted meanwhile is left out.
    """
    passage = _Passage()
    with zipfile.ZipFile(passage, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            try:
                chunks = file.read()
            except NotFoundError:
                continue
            info = zipfile.ZipInfo(file.name, file.at.timetuple()[:6])
            # Its length is not known before it was read.
            with archive.open(info, "w", force_zip64=True) as entry:
                for chunk in chunks:
                    entry.write(chunk)
                    yield passage.taken()
            yield passage.taken()
    yield passage.taken()
