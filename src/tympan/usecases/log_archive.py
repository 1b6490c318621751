"""Files of the blob store as one zip, written while it is read."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator

from tympan.domain.endpoint_log import LogFile
from tympan.domain.errors import NotFoundError
from tympan.ports.blobs import BlobStore


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


def zipped(blobs: BlobStore, files: Iterable[LogFile]) -> Iterator[bytes]:
    """A zip of log files in folders by day; memory does not grow with its length.

    A file that is deleted meanwhile is left out.
    """
    passage = _Passage()
    with zipfile.ZipFile(passage, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            try:
                chunks = blobs.stream(file.key)
            except NotFoundError:
                continue
            info = zipfile.ZipInfo(f"{file.created_at:%Y-%m-%d}/{file.name}", file.created_at.timetuple()[:6])
            with archive.open(info, "w") as entry:
                for chunk in chunks:
                    entry.write(chunk)
                    yield passage.taken()
            yield passage.taken()
    yield passage.taken()
