"""Blobs in a local folder or in a bucket, through obstore."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import AzureStore, GCSStore, LocalStore, S3Store

from tympan.domain.blob_key import checked_key, content_key
from tympan.domain.errors import (
    InvalidInputError,
    NotFoundError,
    ServiceError,
    StorageFullError,
    UnavailableError,
)
from tympan.ports.blobs import BlobInfo, StoredBlob
from tympan.ports.clock import Clock

if TYPE_CHECKING:  # obstore has these names for type checkers only
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

_Bucket = S3Store | AzureStore | GCSStore
_BUCKETS: Mapping[str, type[_Bucket]] = {"s3": S3Store, "az": AzureStore, "gs": GCSStore}
_INCOMING = ".incoming"  # keys cannot begin with a dot
_CHUNK_BYTES = 1024 * 1024
_UNESCAPED = re.compile(r"[A-Za-z0-9._/-]+")
# S3 takes 10,000 parts of at least 5 MiB: 48 GiB in all. One at a time keeps memory small.
_PART_BYTES = 5 * 1024 * 1024
_PARTS_AT_ONCE = 1
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_REFUSED_WORDS = ("403 Forbidden", "401 Unauthorized")  # lists are refused without an error class
_NO_FOLDER_WORDS = "Not a directory"  # a part of the key is a blob itself
_FULL_WORDS = ("No space left", "InsufficientStorage", "QuotaExceeded", "InsufficientAccountStorage")
# A blob that no row names is swept a day after it was written. One that is there already
# is only trusted while enough of that day is left for its new owner's row.
_TRUSTED_FOR = timedelta(hours=12)
_ABANDONED_AFTER = timedelta(days=1)


class ObstoreBlobs:
    """A blob store on ``file://``, ``s3://``, ``az://`` or ``gs://``. Thread-safe.

    A blob is first written to a local temporary file, where it is hashed; then the file is
    moved into the folder or sent to the bucket. So memory stays small, nothing half
    written is ever visible, and an upload that breaks off leaves nothing in the bucket.

    Args:
        url: Folder or bucket, with an optional prefix behind the bucket's name.
        clock: Tells how old blobs are.
        options: obstore's configuration, such as ``endpoint``, ``region``, ``access_key_id``
            and ``secret_access_key`` (S3) or ``account_name`` and ``account_key`` (Azure).
            What is not given comes from the platform, such as the role of the machine.
        spool_dir: For the temporary files of buckets; the system's folder when not given.
        signs_urls: False where clients cannot reach the bucket themselves.

    Raises:
        InvalidInputError: The URL or an option cannot be used.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        options: Mapping[str, str] | None = None,
        spool_dir: Path | None = None,
        signs_urls: bool = True,
    ) -> None:
        self._clock = clock
        self._root = _local_root(url)
        self._store: LocalStore | _Bucket
        if self._root is None:
            self._store = _bucket(url, dict(options or {}))
            self._spool_dir = spool_dir or Path(tempfile.gettempdir())
        else:
            self._store = LocalStore(self._root, mkdir=True)
            self._spool_dir = self._root / _INCOMING
        self._signs_urls = signs_urls and self._root is None
        self._spool_dir.mkdir(parents=True, exist_ok=True)
        if self._root is not None:
            self._drop_abandoned()

    def put(self, key: str, chunks: Iterable[bytes]) -> StoredBlob:
        """Write a blob from chunks; it appears whole or not at all."""
        checked_key(key)
        with self._spooled(chunks) as (path, size_bytes, sha256):
            self._publish(path, key)
        return StoredBlob(key, size_bytes, sha256)

    def put_content(self, chunks: Iterable[bytes]) -> StoredBlob:
        """Write a blob under the hash of its bytes; a bucket that has it is not sent it again."""
        with self._spooled(chunks) as (path, size_bytes, sha256):
            key = content_key(sha256)
            if self._root is not None or not self._is_fresh(key):
                self._publish(path, key)
        return StoredBlob(key, size_bytes, sha256)

    def stream(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes ``[start, end)`` in chunks; an end behind the blob's is its end."""
        checked_key(key)
        with _translated(key):
            if start == 0 and end is None:
                return _chunks(key, obstore.get(self._store, key))
            size_bytes = self.info(key).size_bytes
            end = size_bytes if end is None else min(end, size_bytes)
            if start >= end:
                return iter(())
            return _chunks(key, obstore.get(self._store, key, options={"range": (start, end)}))

    def open(self, key: str) -> BinaryIO:
        """The blob as a seekable file: the file itself, or read by ranges of 1 MiB and more."""
        info = self.info(key)
        if self._root is not None:
            return (self._root / key).open("rb")
        raw = _RangeFile(self._store, key, info.size_bytes)
        return cast("BinaryIO", io.BufferedReader(raw, _CHUNK_BYTES))

    def info(self, key: str) -> BlobInfo:
        """Size and age."""
        checked_key(key)
        with _translated(key):
            meta = obstore.head(self._store, key)
        return BlobInfo(key, meta["size"], meta["last_modified"])

    def exists(self, key: str) -> bool:
        """Whether the blob is there."""
        try:
            self.info(key)
        except NotFoundError:
            return False
        return True

    def delete(self, key: str) -> None:
        """Remove the blob; harmless when there is none."""
        checked_key(key)
        try:
            with _translated(key):
                obstore.delete(self._store, key)
        except NotFoundError:
            return

    def list(self, prefix: str) -> Iterator[BlobInfo]:
        """All blobs whose key starts with ``prefix``, in no order."""
        folder = prefix.rpartition("/")[0]
        if folder:
            checked_key(folder)
        # The store itself only knows whole parts between slashes.
        with _translated(prefix):
            for page in obstore.list(self._store, folder or None, chunk_size=1000):
                for meta in page:
                    key = meta["path"]
                    if key.startswith(prefix) and not key.startswith(f"{_INCOMING}/"):
                        yield BlobInfo(key, meta["size"], meta["last_modified"])

    def signed_url(self, key: str, *, expires_s: int) -> str | None:
        """A URL of the bucket; None for folders and where clients cannot reach the bucket."""
        checked_key(key)
        if not self._signs_urls or isinstance(self._store, LocalStore):
            return None
        # obstore 0.12 signs the escaped name for Azure, which refuses it: the server serves those.
        if isinstance(self._store, AzureStore) and not _UNESCAPED.fullmatch(key):
            return None
        with _translated(key):
            return obstore.sign(self._store, "GET", key, timedelta(seconds=expires_s))

    @contextmanager
    def _spooled(self, chunks: Iterable[bytes]) -> Iterator[tuple[Path, int, str]]:
        """A temporary file with all the bytes, their number and hash; gone at the end."""
        with _room(self._spool_dir):
            file = tempfile.NamedTemporaryFile(dir=self._spool_dir, prefix="tympan-", delete=False)  # noqa: SIM115
        path = Path(file.name)
        try:
            with file:
                size_bytes, sha256 = _copy(chunks, file, self._spool_dir)
            yield path, size_bytes, sha256
        finally:
            path.unlink(missing_ok=True)

    def _publish(self, path: Path, key: str) -> None:
        if self._root is not None:
            target = self._root / key
            with _room(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
            return
        try:
            with _translated(key):
                obstore.put(self._store, key, path, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE)
        except NotFoundError as error:
            raise UnavailableError("The bucket does not exist. Create it, or correct its name.") from error

    def _is_fresh(self, key: str) -> bool:
        try:
            return self._clock.now() - self.info(key).modified_at < _TRUSTED_FOR
        except NotFoundError:
            return False

    def _drop_abandoned(self) -> None:
        # A process that was killed cannot remove its temporary file.
        oldest = (self._clock.now() - _ABANDONED_AFTER).timestamp()
        for path in self._spool_dir.iterdir():
            try:
                if path.stat().st_mtime < oldest:
                    path.unlink()
            except FileNotFoundError:
                continue  # its owner, or another process that cleans up, was faster


class _RangeFile(io.RawIOBase):
    """A blob in a bucket as a file; each read is one range request."""

    def __init__(self, store: ObjectStore, key: str, size_bytes: int) -> None:
        super().__init__()
        self._store = store
        self._key = key
        self._size_bytes = size_bytes
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size_bytes}[whence]
        if origin + offset < 0:
            raise ValueError(f"cannot seek to {origin + offset}")
        self._position = origin + offset
        return self._position

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        data = self._fetch(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        # The inherited method would ask for 8 KiB at a time.
        return self._fetch(self._size_bytes)

    def _fetch(self, length: int) -> bytes:
        end = min(self._position + length, self._size_bytes)
        if self._position >= end:
            return b""
        with _translated(self._key):
            data = bytes(obstore.get_range(self._store, self._key, start=self._position, end=end))
        self._position += len(data)
        return data


def _local_root(url: str) -> Path | None:
    parts = urlsplit(url)
    if parts.scheme != "file":
        return None
    if parts.netloc not in ("", "localhost") or not parts.path:
        raise InvalidInputError(f"'{url}' names no folder. Write file:///var/lib/tympan/blobs.")
    return Path(url2pathname(parts.path)).absolute()


def _bucket(url: str, options: dict[str, str]) -> _Bucket:
    parts = urlsplit(url)
    if parts.scheme not in _BUCKETS or not parts.netloc:
        raise InvalidInputError(
            f"'{parts.scheme}://{parts.netloc}' cannot be used for blobs. "
            "Write file:///folder, s3://bucket, az://container or gs://bucket.",
            target="blob_url",
        )
    is_plain = options.get("endpoint", "").startswith("http://")
    client: ClientConfig = {"allow_http": is_plain, "connect_timeout": "10s", "timeout": "600s"}
    retry: RetryConfig = {"max_retries": 5, "retry_timeout": timedelta(seconds=60)}
    try:
        make = _BUCKETS[parts.scheme].from_url
        return make(url, config=cast("Any", options), client_options=client, retry_config=retry)
    except BaseException as error:
        # An option that obstore does not know ends in a panic, which is no Exception.
        if not isinstance(error, BaseError | ValueError) and type(error).__name__ != "PanicException":
            raise
        raise InvalidInputError(
            f"The options for {parts.scheme}:// cannot be used: {_first_line(error)}", target="blob_url"
        ) from error


def _copy(chunks: Iterable[bytes], file: IO[bytes], folder: Path) -> tuple[int, str]:
    """Write the chunks; returns their total length in bytes and their SHA-256."""
    digest = hashlib.sha256()
    size_bytes = 0
    for chunk in chunks:
        digest.update(chunk)
        size_bytes += len(chunk)
        with _room(folder):
            file.write(chunk)
    with _room(folder):
        file.flush()
    return size_bytes, digest.hexdigest()


def _chunks(key: str, result: obstore.GetResult) -> Iterator[bytes]:
    with _translated(key):
        for chunk in result.stream(min_chunk_size=_CHUNK_BYTES):
            yield bytes(chunk)


@contextmanager
def _room(path: Path) -> Iterator[None]:
    """Say in plain words that a disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError(
                f"No room is left on the disk that holds {path} ({error.strerror}). "
                "Nothing of this upload was kept. Free some space and try again."
            ) from error
        raise


@contextmanager
def _translated(key: str) -> Iterator[None]:
    """Turn errors of the store into errors a caller can act on."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no blob '{key}'.") from error
    except BaseError as error:
        raise _meaning(error, key) from error


def _meaning(error: BaseError, key: str) -> ServiceError:
    reason = _first_line(error)
    if _NO_FOLDER_WORDS in reason:
        return NotFoundError(f"There is no blob '{key}'.")
    is_refused = isinstance(error, PermissionDeniedError | UnauthenticatedError)
    if is_refused or any(word in reason for word in _REFUSED_WORDS):
        return UnavailableError(f"The bucket refuses the server's credentials ({reason}). Check its keys.")
    if any(word in reason for word in _FULL_WORDS):
        return StorageFullError(f"The blob store has no room left ({reason}). Free some space.")
    return UnavailableError(f"The blob store cannot be used now ({reason}). Try again.")


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
