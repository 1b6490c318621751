"""Names inside archives: any script, any tool, any malice."""

from __future__ import annotations

import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable

_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075
_FIELD_HEAD = struct.Struct("<HH")
_PATH_HEAD = struct.Struct("<BI")
_IGNORED_NAMES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_DRIVE = re.compile(r"[A-Za-z]:")
_LEGACY_ENCODINGS = {
    "ar": "cp720", "be": "cp866", "bg": "cp866", "cs": "cp852", "el": "cp737", "fa": "cp720", "he": "cp862",
    "hr": "cp852", "hu": "cp852", "ja": "cp932", "ko": "cp949", "pl": "cp852", "ru": "cp866", "sk": "cp852",
    "th": "cp874", "tr": "cp857", "uk": "cp866", "vi": "cp1258", "zh": "gb18030",
}  # fmt: skip
"""What Windows in that language wrote into zips before it wrote UTF-8."""


def entry_name(info: zipfile.ZipInfo, locale: str) -> str:
    """The name of an entry, NFC, with ``/`` as written and single dots left out.

    A name marked as UTF-8, or carried in the Unicode path field, is certain. Else the bytes
    are read as UTF-8 if they are valid UTF-8 (macOS writes so without saying it), then in the
    old encoding of the locale's language, then as the zip standard's code page 437.
    """
    name = info.orig_filename
    if not info.flag_bits & _UTF8_FLAG and not name.isascii():
        name = _unmarked_name(info, locale)
    parts = unicodedata.normalize("NFC", name).split("/")
    return "/".join(part for part in parts if part != ".")


def unsafe_reason(name: str) -> str | None:
    """Why a name could mean something outside the archive, or None."""
    if name.startswith("/") or _DRIVE.match(name):
        return "its path is absolute"
    if "\\" in name:
        return "its path has a backslash"
    if ".." in name.split("/"):
        return "its path leads out of the archive with '..'"
    if not name or any(unicodedata.category(c) in ("Cc", "Cs") for c in name):
        return "its name holds control characters"
    return None


def is_ignored(name: str) -> bool:
    """Whether an operating system put it there, not the user."""
    *folders, last = name.split("/")
    return "__MACOSX" in folders or last.casefold() in _IGNORED_NAMES or last.startswith("._")


def common_folder(names: Iterable[str]) -> str:
    """The one folder, with its slash, that holds every safe name; empty when there is none.

    >>> common_folder(["set/a.wav", "set/trans.txt"]), common_folder(["a.wav", "set/b.wav"])
    ('set/', '')
    """
    folders = {name.split("/")[0] + "/" if "/" in name else "" for name in names if not unsafe_reason(name)}
    return folders.pop() if len(folders) == 1 else ""


def name_key(name: str) -> str:
    """Equal for names that differ only in letter case or in how accents are written."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _unmarked_name(info: zipfile.ZipInfo, locale: str) -> str:
    # Without the flag, the zipfile module has read the bytes as code page 437, which loses nothing.
    raw = info.orig_filename.encode("cp437")
    unicode_path = _unicode_path(info.extra, raw)
    if unicode_path is not None:
        return unicode_path
    legacy = _LEGACY_ENCODINGS.get(locale.split("-", maxsplit=1)[0])
    for encoding in ("utf-8", legacy):
        if encoding is not None:
            try:
                return raw.decode(encoding)
            except UnicodeDecodeError:
                continue
    return info.orig_filename


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    # Info-ZIP: version 1, CRC-32 of the plain name, the name in UTF-8.
    while len(extra) >= _FIELD_HEAD.size:
        field, size = _FIELD_HEAD.unpack_from(extra)
        body = extra[_FIELD_HEAD.size : _FIELD_HEAD.size + size]
        extra = extra[_FIELD_HEAD.size + size :]
        if field == _UNICODE_PATH and len(body) >= _PATH_HEAD.size:
            _, checksum = _PATH_HEAD.unpack_from(body)
            if checksum == zlib.crc32(raw):
                return body[_PATH_HEAD.size :].decode("utf-8", errors="replace")
    return None
