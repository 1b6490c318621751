"""Reading text files of unknown encoding line by line, in constant memory."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from tympan.domain.errors import InvalidInputError
from tympan.speech.findings import Finding, error

MAX_LINE_CHARACTERS = 20_000
"""Longer lines are refused, so that one endless line cannot fill the memory."""

_HEAD_BYTES = 4096
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_UTF32_BOMS = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
_FIRST_SURROGATE = 0xDC80
_LAST_SURROGATE = 0xDCFF
_NUL_SHARE = 4
"""Text with a NUL in every fourth byte or more is UTF-16 or not text at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLine:
    """One line of a file.

    Attributes:
        number: From 1.
        text: Without its line end, NFC, trimmed at both ends except for tabs.
        finding: Why the line cannot be read; ``text`` is empty then.
    """

    number: int
    text: str
    finding: Finding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    """A text file whose encoding is known.

    Attributes:
        file: Stands at the first byte of text.
        encoding: ``utf-8``, ``utf-16-le`` or ``utf-16-be``.
        has_bom: Whether the file began with a byte order mark.
    """

    file: BinaryIO
    encoding: str
    has_bom: bool

    def lines(self) -> Iterator[TextLine]:
        r"""Every line, also empty ones; a line ends at LF or CRLF.

        A line that is not valid in the file's encoding, or is endless, comes with a finding.
        """
        # Python maps each undecodable byte of UTF-8 to a surrogate, so one bad line does not
        # end the reading; UTF-16 knows no such mapping and gets U+FFFD.
        errors = "surrogateescape" if self.encoding == "utf-8" else "replace"
        reader = io.TextIOWrapper(self.file, encoding=self.encoding, errors=errors, newline="\n")
        try:
            number = 0
            while line := reader.readline(MAX_LINE_CHARACTERS + 1):
                number += 1
                if not line.endswith("\n") and len(line) > MAX_LINE_CHARACTERS:
                    _skip_line(reader)
                    yield _too_long(number)
                else:
                    yield _checked(number, line, is_utf8=self.encoding == "utf-8")
        finally:
            reader.detach()


def open_text(file: BinaryIO) -> TextFile:
    """Find the encoding of a seekable file: UTF-8 with or without BOM, or UTF-16 with BOM.

    Raises:
        InvalidInputError: It is another encoding that can be told at once (code
            ``EncodingInvalid``).
    """
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if head.startswith(_UTF32_BOMS):
        raise _other_encoding("UTF-32")
    if head.startswith(_UTF8_BOM):
        file.seek(len(_UTF8_BOM))
        return TextFile(file=file, encoding="utf-8", has_bom=True)
    encoding = _UTF16_BOMS.get(head[:2])
    if encoding is not None:
        file.seek(2)
        return TextFile(file=file, encoding=encoding, has_bom=True)
    if head.count(0) * _NUL_SHARE >= max(len(head), 1):
        raise _other_encoding("UTF-16 without a byte order mark, or not text at all")
    file.seek(0)
    return TextFile(file=file, encoding="utf-8", has_bom=False)


def _other_encoding(what: str) -> InvalidInputError:
    return InvalidInputError(
        f"The text file is {what}. Save it as UTF-8 and upload it again.", code="EncodingInvalid"
    )


def _skip_line(reader: io.TextIOWrapper) -> None:
    while (rest := reader.readline(MAX_LINE_CHARACTERS)) and not rest.endswith("\n"):
        pass


def _too_long(number: int) -> TextLine:
    message = (
        f"The line has more than {MAX_LINE_CHARACTERS} characters. Write one sentence a line, "
        "and end lines with LF or CRLF."
    )
    return TextLine(number=number, text="", finding=error("SizeLimit", message))


def _checked(number: int, line: str, *, is_utf8: bool) -> TextLine:
    bad = _first_undecodable(line, is_utf8=is_utf8)
    if bad is None:
        text = unicodedata.normalize("NFC", line.rstrip("\r\n")).strip(" \u00a0\u3000\ufeff")
        return TextLine(number=number, text=text)
    column = bad + 1
    byte = f"byte 0x{ord(line[bad]) - 0xDC00:02X}" if is_utf8 else "the data"
    message = (
        f"{byte} at column {column} is not valid {'UTF-8' if is_utf8 else 'UTF-16'}: the file was "
        "probably saved in another encoding. Save it as UTF-8 and upload it again."
    )
    return TextLine(
        number=number, text="", finding=error("EncodingInvalid", message[0].upper() + message[1:])
    )


def _first_undecodable(line: str, *, is_utf8: bool) -> int | None:
    if line.isascii():
        return None
    for place, character in enumerate(line):
        is_bad = _FIRST_SURROGATE <= ord(character) <= _LAST_SURROGATE if is_utf8 else character == "\ufffd"
        if is_bad:
            return place
    return None
