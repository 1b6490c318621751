"""Zip archives of strangers: listed with suspicion, read by streaming, counted as they unpack.

Nothing in an archive is believed: sizes are counted on the bytes that really come out,
names never touch the file system, and no archive is refused for compressing well (digital
silence does). Source: developer reference, section 7.4.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, Self

from tympan.domain.errors import InvalidInputError
from tympan.speech.archive_names import common_folder, entry_name, is_ignored, name_key, unsafe_reason
from tympan.speech.findings import Finding, error

_CHUNK_BYTES = 1 << 18
_END_BYTES = 22
_END64_BYTES = 56
_LOCATOR_BYTES = 20
_MAX_COMMENT_BYTES = 65_535
_DIRECTORY_BYTES_PER_ENTRY = 512
_ENCRYPTED = 0x1
_UNIX = 3
_NESTED_ENDINGS = (
    ".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".jar", ".cab",
)  # fmt: skip
_NESTED_STARTS = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\xfd7zXZ\x00",
)
_TEXT_ENDINGS = (".txt", ".tsv")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """What an archive may hold.

    Attributes:
        entries: Files, not counting texts.
        total_bytes: Of everything unpacked.
        entry_bytes: Of one unpacked file.
    """

    entries: int = 10_000
    total_bytes: int = 20 * 1024**3
    entry_bytes: int = 2 * 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveEntry:
    """A file that may be read.

    Attributes:
        name: Path inside the archive below the common folder, NFC, in any script.
        zip_info: For ``ZipArchive.copy``.
    """

    name: str
    zip_info: zipfile.ZipInfo

    @property
    def is_text(self) -> bool:
        """Whether it is a .txt or .tsv file."""
        return self.name.casefold().endswith(_TEXT_ENDINGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedEntry:
    """A file that must not be read, and why."""

    name: str
    finding: Finding


class ZipArchive:
    """A zip opened for reading. Not thread-safe: unpack one entry after another."""

    def __init__(
        self,
        archive: zipfile.ZipFile,
        entries: tuple[ArchiveEntry, ...],
        refused: tuple[RefusedEntry, ...],
        limits: ArchiveLimits,
    ) -> None:
        self.entries = entries
        self.refused = refused
        self._archive = archive
        self._limits = limits
        self._unpacked_bytes = 0

    @classmethod
    def open(cls, file: BinaryIO, *, locale: str, limits: ArchiveLimits) -> Self:
        """List an archive.

        Args:
            file: Seekable; stays open as long as the archive is used.
            locale: Tells how names are spelled by old tools that did not say UTF-8.
            limits: What it may hold.

        Raises:
            InvalidInputError: It cannot be read at all: empty, cut short, not a zip
                (``ZipUnreadable``), or it lists far more files than allowed
                (``CountLimit``).
        """
        _check_directory(file, limits)
        file.seek(0)
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as reason:
            raise _unreadable("its list of files is damaged") from reason
        entries, refused = _sorted_out(archive.infolist(), locale, limits)
        if not entries and not refused:
            raise _unreadable("it holds no files")
        return cls(archive, entries, refused, limits)

    def copy(self, entry: ArchiveEntry, into: BinaryIO) -> int:
        """Unpack one entry; returns the number of bytes.

        Raises:
            InvalidInputError: The entry is damaged (``ZipDamaged``), nested (``ZipNested``),
                compressed in an unknown way (``ZipMethodUnsupported``), or it or the whole
                archive unpacks to more than allowed (``SizeLimit``).
        """
        copied = 0
        try:
            with self._archive.open(entry.zip_info) as source:
                while chunk := source.read(_CHUNK_BYTES):
                    if copied == 0 and chunk.startswith(_NESTED_STARTS):
                        raise _refusal(_nested())
                    copied += len(chunk)
                    self._unpacked_bytes += len(chunk)
                    self._check_size(copied)
                    into.write(chunk)
        except NotImplementedError as reason:
            message = "It is compressed in a way that cannot be read. Zip it again with Deflate."
            raise InvalidInputError(message, code="ZipMethodUnsupported") from reason
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as reason:
            message = "It is damaged inside the archive (its checksum is wrong). Zip it again."
            raise InvalidInputError(message, code="ZipDamaged") from reason
        return copied

    def _check_size(self, copied: int) -> None:
        if copied > self._limits.entry_bytes:
            message = f"It unpacks to more than {_gigabytes(self._limits.entry_bytes)}. Split it."
            raise InvalidInputError(message, code="SizeLimit")
        if self._unpacked_bytes > self._limits.total_bytes:
            message = (
                f"The archive unpacks to more than {_gigabytes(self._limits.total_bytes)}; this file and "
                "the ones after it were not read. Split the archive."
            )
            raise InvalidInputError(message, code="SizeLimit")


def _check_directory(file: BinaryIO, limits: ArchiveLimits) -> None:
    # The zipfile module reads the whole directory into memory, so its size is looked at first.
    size = file.seek(0, 2)
    if size == 0:
        raise _unreadable("it is empty (0 bytes)")
    file.seek(0)
    start = file.read(4)
    tail_bytes = min(size, _END_BYTES + _MAX_COMMENT_BYTES + _LOCATOR_BYTES + _END64_BYTES)
    file.seek(size - tail_bytes)
    tail = file.read(tail_bytes)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or end + _END_BYTES > len(tail):
        if start == b"PK\x03\x04":
            raise _unreadable("it breaks off before its end, as after an interrupted upload")
        raise _unreadable("it is not a zip archive")
    directory_bytes = int.from_bytes(tail[end + 12 : end + 16], "little")
    end64 = tail.rfind(b"PK\x06\x06", 0, end)
    if end64 >= 0:
        directory_bytes = max(
            directory_bytes % 0xFFFF_FFFF, int.from_bytes(tail[end64 + 40 : end64 + 48], "little")
        )
    if directory_bytes > (limits.entries + 1000) * _DIRECTORY_BYTES_PER_ENTRY:
        raise InvalidInputError(
            f"The archive lists far more than the {limits.entries} files allowed. Split it.",
            code="CountLimit",
        )


def _sorted_out(
    infos: Iterable[zipfile.ZipInfo], locale: str, limits: ArchiveLimits
) -> tuple[tuple[ArchiveEntry, ...], tuple[RefusedEntry, ...]]:
    named = [(entry_name(info, locale), info) for info in infos if not info.orig_filename.endswith("/")]
    named = [(name, info) for name, info in named if not is_ignored(name)]
    folder = common_folder(name for name, _ in named)
    entries: list[ArchiveEntry] = []
    refused: list[RefusedEntry] = []
    seen: dict[str, str] = {}
    recordings = 0
    for full_name, info in named:
        name = full_name.removeprefix(folder)
        entry = ArchiveEntry(name=name, zip_info=info)
        finding = _entry_finding(full_name, info) or _collision(name, seen)
        recordings += not entry.is_text
        if finding is None and not entry.is_text and recordings > limits.entries:
            message = f"The archive holds more than {limits.entries} recordings. Split it."
            finding = error("CountLimit", message)
        if finding is None:
            seen[name_key(name)] = name
            entries.append(entry)
        else:
            refused.append(RefusedEntry(name=name, finding=finding))
    return tuple(entries), tuple(refused)


def _entry_finding(name: str, info: zipfile.ZipInfo) -> Finding | None:
    reason = unsafe_reason(name)
    mode = info.external_attr >> 16
    if reason is None and info.create_system == _UNIX and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        reason = "it is a link" if stat.S_ISLNK(mode) else "it is not a plain file"
    if reason is not None:
        return error("ZipUnsafePath", f"The file was not read because {reason}. Zip plain files only.")
    if info.flag_bits & _ENCRYPTED:
        return error("ZipEncrypted", "The file is encrypted. Zip it again without a password.")
    if name.casefold().endswith(_NESTED_ENDINGS):
        return _nested()
    return None


def _collision(name: str, seen: dict[str, str]) -> Finding | None:
    other = seen.get(name_key(name))
    if other is None:
        return None
    return error(
        "ZipDuplicateName",
        f"Its name differs from '{other}' only in letter case or not at all. Rename one of them.",
    )


def _nested() -> Finding:
    return error("ZipNested", "It is an archive inside the archive. Put its files into the zip itself.")


def _refusal(finding: Finding) -> InvalidInputError:
    return InvalidInputError(finding.message, code=finding.code)


def _unreadable(why: str) -> InvalidInputError:
    return InvalidInputError(
        f"The archive cannot be read: {why}. Zip the files again and upload the whole file.",
        code="ZipUnreadable",
    )


def _gigabytes(size: int) -> str:
    return f"{size / 1024**3:.1f} GiB"
