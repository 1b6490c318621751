"""The manifest as JSON Lines: one record a line, its type in ``type``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import TypeVar

from tympan.domain.errors import InvalidInputError
from tympan.domain.manifest import (
    FormattingRule,
    ManifestRecord,
    PronunciationEntry,
    Sentence,
    Utterance,
)

Record = TypeVar("Record", Utterance, Sentence, PronunciationEntry, FormattingRule)

_NAMES: dict[type[ManifestRecord], str] = {
    Utterance: "utterance",
    Sentence: "sentence",
    PronunciationEntry: "pronunciation",
    FormattingRule: "formatting",
}


def write_records(records: Iterable[ManifestRecord]) -> Iterator[bytes]:
    """One line of UTF-8 JSON per record, each with its line end; members that are None are left out."""
    for record in records:
        values = ((field.name, getattr(record, field.name)) for field in fields(record))
        document = {"type": _NAMES[type(record)]} | {k: v for k, v in values if v is not None}
        yield json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def read_records(lines: Iterable[bytes], record_type: type[Record]) -> Iterator[Record]:
    """The records of one type, in order; records of other types are passed over.

    Args:
        lines: The manifest's bytes in pieces of any size: the stream of a blob or an open file.
        record_type: One of the classes of ``domain.manifest``.

    Raises:
        InvalidInputError: A line is not such a record (code ``InvalidDataset``).
    """
    wanted = _NAMES[record_type]
    known = {field.name for field in fields(record_type)}
    for number, line in enumerate(_whole_lines(lines), start=1):
        try:
            document = json.loads(line)
            if document.pop("type") == wanted:
                # A member that a newer version added is passed over.
                yield record_type(**{name: value for name, value in document.items() if name in known})
        except (ValueError, KeyError, TypeError, AttributeError) as reason:
            raise InvalidInputError(
                f"Line {number} of the manifest cannot be read. Import the dataset again.",
                code="InvalidDataset",
            ) from reason


def _whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line for line in whole if line)
    if rest:
        yield rest
