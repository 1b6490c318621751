"""Where bytes are kept: uploads, recordings, model files, reports."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """What the store knows of a blob."""

    key: str
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob just written."""

    key: str
    size_bytes: int
    sha256: str


class BlobStore(Protocol):
    """A flat space of keys. Thread-safe.

    A blob appears whole or not at all, and is replaced as a whole. A row in the store is
    what makes a blob count; one that no row names is swept a day after it was written.
    """

    def put(self, key: str, chunks: Iterable[bytes]) -> StoredBlob:
        """Write a blob from chunks; memory does not grow with its length.

        Raises:
            StorageFullError: No room is left; nothing is kept.
        """
        ...

    def put_content(self, chunks: Iterable[bytes]) -> StoredBlob:
        """Write a blob under ``sha256/<hash of its bytes>``; writing it twice is harmless.

        Raises:
            StorageFullError: No room is left; nothing is kept.
        """
        ...

    def stream(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes ``[start, end)`` in chunks.

        Raises:
            NotFoundError: There is no such blob.
        """
        ...

    def open(self, key: str) -> BinaryIO:
        """The blob as a seekable binary file, read by ranges.

        Raises:
            NotFoundError: There is no such blob.
        """
        ...

    def info(self, key: str) -> BlobInfo:
        """Size and age.

        Raises:
            NotFoundError: There is no such blob.
        """
        ...

    def exists(self, key: str) -> bool:
        """Whether the blob is there."""
        ...

    def delete(self, key: str) -> None:
        """Remove the blob; harmless when there is none."""
        ...

    def list(self, prefix: str) -> Iterator[BlobInfo]:
        """All blobs whose key starts with ``prefix``, in no order."""
        ...

    def signed_url(self, key: str, *, expires_s: int) -> str | None:
        """A URL that serves the blob without a key; None where the server must serve it."""
        ...
