"""Model bundles as folders on this machine, copied from the blob store when first needed."""

from __future__ import annotations

import errno
import hashlib
import logging
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from tympan.domain.errors import ModelDamagedError, NotFoundError, StorageFullError
from tympan.domain.model import Bundle, BundleFile
from tympan.ports.blobs import BlobStore

_CHUNK_BYTES = 1024 * 1024

log = logging.getLogger(__name__)


class LocalModelFiles:
    """Keeps one folder a bundle, named by the bundle's digest.

    Several processes may share the folder: a copy is made aside and appears whole, by a
    rename. The folder may be deleted at any time; what is needed is copied again.

    Args:
        blobs: Where the bytes are.
        folder: For the copies; made when missing.
    """

    def __init__(self, blobs: BlobStore, folder: Path) -> None:
        self._blobs = blobs
        self._folder = folder

    def fetch(self, bundle: Bundle) -> Path:
        """A local folder with the bundle's files, each checked against its SHA-256 now.

        A damaged copy is replaced once from the blob store.

        Raises:
            ModelDamagedError: A blob is missing or damaged; the message names the file.
            StorageFullError: No room is left for the copy.
        """
        place = self._folder / bundle.digest
        damaged = _damaged_file(place, bundle)
        if damaged is None:
            return place
        if place.exists():
            log.warning("local copy of a model is damaged", extra={"folder": str(place), "file": damaged})
            self._discard(place)
        copy = self._folder / f".{bundle.digest}.{uuid.uuid4().hex}"
        try:
            self._copy(bundle, copy)
            self._publish(copy, place)
        finally:
            shutil.rmtree(copy, ignore_errors=True)
        damaged = _damaged_file(place, bundle)
        if damaged is not None:
            raise ModelDamagedError(
                f"{damaged} in {place} changed while it was copied. Check the disk, then try again.",
                target=damaged,
            )
        return place

    def store(self, engine: str, folder: Path) -> Bundle:
        """Put every file of a folder into the blob store; twice is harmless.

        Raises:
            StorageFullError: No room is left.
        """
        files = []
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                stored = self._blobs.put_content(_chunks(path))
                files.append(BundleFile(name=path.name, sha256=stored.sha256, size_bytes=stored.size_bytes))
        return Bundle(engine=engine, files=tuple(files))

    def _copy(self, bundle: Bundle, into: Path) -> None:
        try:
            into.mkdir(parents=True)
            for file in bundle.files:
                self._copy_file(file, into / file.name)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise StorageFullError(
                f"No room is left in {self._folder} for a copy of the model. Free some space; the folder "
                "itself may be emptied."
            ) from error

    def _copy_file(self, file: BundleFile, path: Path) -> None:
        digest = hashlib.sha256()
        try:
            with path.open("wb") as out:
                for chunk in self._blobs.stream(file.key):
                    digest.update(chunk)
                    out.write(chunk)
        except NotFoundError as error:
            raise _lost(file, "is missing from") from error
        if digest.hexdigest() != file.sha256:
            raise _lost(file, "is damaged in")

    def _publish(self, copy: Path, place: Path) -> None:
        try:
            copy.rename(place)
        except OSError:
            # Another process was faster; the caller checks what it left.
            if not place.exists():
                raise

    def _discard(self, place: Path) -> None:
        aside = place.with_name(f".{place.name}.{uuid.uuid4().hex}")
        try:
            place.rename(aside)
        except FileNotFoundError:
            return
        shutil.rmtree(aside, ignore_errors=True)


def _damaged_file(place: Path, bundle: Bundle) -> str | None:
    """The first file that is not what it should be, or None."""
    for file in bundle.files:
        path = place / file.name
        try:
            if path.stat().st_size != file.size_bytes:
                return file.name
            with path.open("rb") as opened:
                if hashlib.file_digest(opened, "sha256").hexdigest() != file.sha256:
                    return file.name
        except FileNotFoundError:
            return file.name
    return None


def _lost(file: BundleFile, how: str) -> ModelDamagedError:
    return ModelDamagedError(
        f"The model file {file.name} ({file.key}) {how} the blob store. Restore it from a backup, or import "
        "or train the model again.",
        target=file.name,
    )


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
