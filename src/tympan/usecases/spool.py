"""Temporary storage: in memory while small, on disk when large."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Self, cast

from tympan.domain.errors import StorageFullError

_MEMORY_BYTES = 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Spool:
    """Bytes that are written once from front to back, and then read."""

    def __init__(self, memory_bytes: int = _MEMORY_BYTES) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=memory_bytes)  # noqa: SIM115  closed by ``close``
        self.size_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def file(self) -> BinaryIO:
        """The file itself, for those who write and seek on their own (inside ``room``)."""
        return cast("BinaryIO", self._file)

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            StorageFullError: The disk for temporary files is full.
        """
        with room():
            self._file.write(data)
        self.size_bytes += len(data)

    def chunks(self) -> Iterator[bytes]:
        """Everything written, from the start."""
        with room():
            self._file.seek(0)
            while chunk := self._file.read(_CHUNK_BYTES):
                yield chunk

    def close(self) -> None:
        """Free the memory or disk."""
        self._file.close()


@contextmanager
def room() -> Iterator[None]:
    """Tell a full disk by its own error.

    Raises:
        StorageFullError: The disk for temporary files is full.
    """
    try:
        yield
    except OSError as reason:
        if reason.errno in _FULL:
            raise StorageFullError(
                "The disk for temporary files is full. Free some space; the import can be repeated then."
            ) from reason
        raise
