"""A blob store in memory."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import BinaryIO

from tympan.domain.blob_key import checked_key, content_key
from tympan.domain.errors import NotFoundError, StorageFullError
from tympan.ports.blobs import BlobInfo, StoredBlob
from tympan.ports.clock import Clock
from tympan.testing.clock import FakeClock

_CHUNK_BYTES = 64 * 1024


class MemoryBlobs:
    """Keeps blobs in a dictionary.

    Args:
        clock: Gives blobs their age; a fake one when not given.
        capacity_bytes: Most bytes it holds; None is no limit.
    """

    def __init__(self, clock: Clock | None = None, *, capacity_bytes: int | None = None) -> None:
        self._clock = clock or FakeClock()
        self._capacity_bytes = capacity_bytes
        self._blobs: dict[str, tuple[bytes, datetime]] = {}
        self._writing = threading.Lock()

    def put(self, key: str, chunks: Iterable[bytes]) -> StoredBlob:
        """Keep a blob."""
        return self._keep(checked_key(key), b"".join(chunks))

    def put_content(self, chunks: Iterable[bytes]) -> StoredBlob:
        """Keep a blob under the hash of its bytes."""
        data = b"".join(chunks)
        return self._keep(content_key(hashlib.sha256(data).hexdigest()), data)

    def stream(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes ``[start, end)`` in chunks."""
        data = self._find(key)[0][start:end]
        return (data[at : at + _CHUNK_BYTES] for at in range(0, len(data), _CHUNK_BYTES))

    def open(self, key: str) -> BinaryIO:
        """The blob as a file."""
        return io.BytesIO(self._find(key)[0])

    def info(self, key: str) -> BlobInfo:
        """Size and age."""
        data, modified_at = self._find(key)
        return BlobInfo(key, len(data), modified_at)

    def exists(self, key: str) -> bool:
        """Whether the blob is there."""
        return checked_key(key) in self._blobs

    def delete(self, key: str) -> None:
        """Forget the blob."""
        self._blobs.pop(checked_key(key), None)

    def list(self, prefix: str) -> Iterator[BlobInfo]:
        """All blobs whose key starts with ``prefix``."""
        return iter([self.info(key) for key in sorted(self._blobs) if key.startswith(prefix)])

    def signed_url(self, key: str, *, expires_s: int) -> str | None:  # noqa: ARG002  the port asks for it
        """None: the server must serve it."""
        checked_key(key)
        return None

    def _keep(self, key: str, data: bytes) -> StoredBlob:
        with self._writing:
            others = sum(len(kept) for other, (kept, _) in self._blobs.items() if other != key)
            if self._capacity_bytes is not None and others + len(data) > self._capacity_bytes:
                raise StorageFullError(
                    f"No room is left for blob '{key}' of {len(data)} bytes. Free some space."
                )
            self._blobs[key] = (data, self._clock.now())
        return StoredBlob(key, len(data), hashlib.sha256(data).hexdigest())

    def _find(self, key: str) -> tuple[bytes, datetime]:
        blob = self._blobs.get(checked_key(key))
        if blob is None:
            raise NotFoundError(f"There is no blob '{key}'.")
        return blob
