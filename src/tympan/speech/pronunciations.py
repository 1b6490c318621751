"""Pronunciation files: ``display<TAB>spoken``, one entry a line.

Source: developer reference, section 7.6.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from tympan.domain.manifest import PronunciationEntry
from tympan.speech.findings import Finding, error, has_error, warning
from tympan.speech.text_lines import TextLine, open_text
from tympan.speech.text_rules import first_control

_ENGLISH = re.compile(r"[A-Za-z' ]+")
# Letters with their marks: \w without digits and underscore, plus combining marks.
_ANY_LANGUAGE = re.compile(r"(?:[^\W\d_]|[\u0300-\u036f\u0900-\u0dff\u0e31-\u0e4e\u064b-\u065f'’ ])+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PronunciationLine:
    """A line that is not empty; ``entry`` is None when it was refused."""

    number: int
    entry: PronunciationEntry | None
    findings: tuple[Finding, ...] = ()


def read_pronunciations(file: BinaryIO, locale: str) -> Iterator[PronunciationLine]:
    """Read a pronunciation file, passing over empty lines.

    Raises:
        InvalidInputError: It is in no encoding that can be read (code ``EncodingInvalid``).
    """
    seen: dict[str, int] = {}
    for line in open_text(file).lines():
        if line.finding is not None or line.text.strip():
            yield _entry(line, locale, seen)


def spoken_finding(spoken: str, locale: str) -> Finding | None:
    """What is wrong with a spoken form, or None."""
    allowed = _ENGLISH if locale.startswith("en") else _ANY_LANGUAGE
    if allowed.fullmatch(spoken):
        return None
    odd = next((c for c in spoken if not allowed.fullmatch(c)), spoken[:1])
    return error(
        "PronunciationInvalid",
        f"'{odd}' cannot stand in a spoken form. Write it in letters, words or syllables with spaces "
        "between them, such as 'three c p o'.",
    )


def _entry(line: TextLine, locale: str, seen: dict[str, int]) -> PronunciationLine:
    if line.finding is not None:
        return PronunciationLine(number=line.number, entry=None, findings=(line.finding,))
    display, *rest = (" ".join(part.split()) for part in line.text.split("\t"))
    findings = tuple(_findings(display, rest, locale))
    if has_error(findings):
        return PronunciationLine(number=line.number, entry=None, findings=findings)
    if display in seen:
        message = f"'{display}' also stands in line {seen[display]}; both pronunciations are used."
        findings = (*findings, warning("DuplicateEntry", message))
    seen.setdefault(display, line.number)
    entry = PronunciationEntry(display=display, spoken=rest[0], line=line.number)
    return PronunciationLine(number=line.number, entry=entry, findings=findings)


def _findings(display: str, rest: list[str], locale: str) -> Iterator[Finding]:
    if not rest:
        yield error("TabMissing", "There is no tab. Write 'display form<TAB>spoken form'.")
    elif len(rest) > 1:
        yield error("TooManyTabs", f"There are {len(rest)} tabs; only one may stand, between the two forms.")
    elif not display or not rest[0]:
        missing = "display" if not display else "spoken"
        yield error(
            "PronunciationEmpty", f"The {missing} form is empty. Write 'display form<TAB>spoken form'."
        )
    elif (control := first_control(display)) is not None:
        yield error("ControlCharacter", f"The display form holds U+{ord(control):04X}. Remove it.")
    else:
        finding = spoken_finding(rest[0], locale)
        if finding is not None:
            yield finding
