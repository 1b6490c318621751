"""Structured text: lists, sentences that refer to them, and a phonetic lexicon.

The file is read twice: ``read_lists`` first, because a sentence may refer to a list that
comes later, then ``read_structured``. Source: developer reference, section 9.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO

from tympan.speech.findings import Finding, error, has_error
from tympan.speech.phones import phone_finding
from tympan.speech.text_lines import TextLine, open_text
from tympan.speech.text_rules import first_control

_NAME = re.compile(r"\w+")
_LIST = re.compile(r"@\s*list\b\s*([^=]*?)\s*(=?)\s*", re.IGNORECASE)
_LEXICON = re.compile(r"@\s*speech:phoneticlexicon\s*", re.IGNORECASE)
_REFERENCE = re.compile(r"\{\s*@\s*([^{}]*?)\s*\}")
_LEFT_OVER = re.compile(r"\{\s*@")


class Part(StrEnum):
    """What a line belongs to."""

    LIST = "list"
    LEXICON = "lexicon"
    SECTION = "section"


@dataclass(frozen=True, slots=True, kw_only=True)
class StructuredLimits:
    """Limits of a file.

    Attributes:
        lists: Lists of items.
        items: Per list.
        lexicon_entries: Of the lexicon.
        pronunciations: Per word of the lexicon.
        sentences: That the file becomes after the lists are filled in.
    """

    lists: int = 20
    items: int = 35_000
    lexicon_entries: int = 15_000
    pronunciations: int = 2
    sentences: int = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StructuredLine:
    """An item, a lexicon entry, a sentence, or a line that cannot be used.

    Attributes:
        number: From 1.
        part: What it belongs to; None for a line that cannot be placed.
        text: The item, the sentence, or the word of a lexicon entry.
        phones: Of a lexicon entry, with single spaces.
        references: Lists that a sentence names, in order.
        findings: Any error refuses the line.
    """

    number: int
    part: Part | None
    text: str
    phones: str = ""
    list_name: str = ""
    references: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """The lists of a file and how often its sentences refer to them.

    Attributes:
        items: The items of each list, in order.
        first_lines: Where each list begins.
        uses: References per list.
        sentences: Sentences that can be used.
    """

    items: dict[str, list[str]] = field(default_factory=dict)
    first_lines: dict[str, int] = field(default_factory=dict)
    uses: Counter[str] = field(default_factory=Counter)
    sentences: int = 0


def read_lists(file: BinaryIO, locale: str, limits: StructuredLimits) -> Lists:
    """Read the lists, and count how sentences refer to them.

    Raises:
        InvalidInputError: The file is in no encoding that can be read (code
            ``EncodingInvalid``).
    """
    reader = _Reader(locale, limits)
    items: dict[str, list[str]] = {}
    sentences: Counter[tuple[str, ...]] = Counter()
    for line in reader.lines(file):
        if has_error(line.findings):
            continue
        if line.part is Part.LIST:
            items.setdefault(line.list_name, []).append(line.text)
        elif line.part is Part.SECTION:
            sentences[line.references] += 1
    uses: Counter[str] = Counter()
    usable = {names: count for names, count in sentences.items() if all(name in items for name in names)}
    for names, count in usable.items():
        for name in names:
            uses[name] += count
    return Lists(items=items, first_lines=reader.first_lines, uses=uses, sentences=sum(usable.values()))


def read_structured(
    file: BinaryIO, locale: str, lists: Lists, limits: StructuredLimits
) -> Iterator[StructuredLine]:
    """Every item, lexicon entry and sentence, and every line that cannot be used, in order.

    Raises:
        InvalidInputError: The file is in no encoding that can be read (code
            ``EncodingInvalid``).
    """
    for line in _Reader(locale, limits).lines(file):
        unknown = next((name for name in line.references if name not in lists.items), None)
        if unknown is None:
            yield line
        else:
            message = (
                f"There is no list '{unknown}'. Define it with '@ list {unknown} =' or correct the name."
            )
            yield StructuredLine(
                number=line.number,
                part=line.part,
                text=line.text,
                findings=(*line.findings, error("ListUnknown", message)),
            )


def reference_parts(text: str) -> tuple[list[str], list[str]]:
    """The plain text around the references of a sentence, and the lists they name.

    >>> reference_parts("play {@title} now")
    (['play ', ' now'], ['title'])
    """
    pieces = _REFERENCE.split(text)
    return pieces[::2], pieces[1::2]


class _Reader:
    """Knows which block of the file it is in."""

    def __init__(self, locale: str, limits: StructuredLimits) -> None:
        self._has_known_phones = locale.startswith("en")
        self.first_lines: dict[str, int] = {}
        self._sizes: Counter[str] = Counter()
        self._limits = limits
        self._part: Part | None = None
        self._list = ""
        self._refusal: Finding | None = None  # why the items of the present list are refused
        self._pronunciations: Counter[str] = Counter()

    def lines(self, file: BinaryIO) -> Iterator[StructuredLine]:
        for line in open_text(file).lines():
            read = self._read(line)
            if read is not None:
                yield read

    def _read(self, line: TextLine) -> StructuredLine | None:
        text = line.text.strip()
        if line.finding is not None:
            return self._refused(line.number, "", line.finding)
        if not text or text.startswith("//"):
            return None
        control = first_control(text)
        if control is not None:
            message = f"The line holds a control character (U+{ord(control):04X}). Remove it."
            return self._refused(line.number, text, error("ControlCharacter", message))
        if text.startswith("-"):
            return self._member(line.number, text[1:].strip())
        finding = self._block(line.number, text)
        return None if finding is None else self._refused(line.number, text, finding)

    def _block(self, number: int, text: str) -> Finding | None:
        if text.startswith("#"):
            self._part, name = Part.SECTION, text[1:].strip()
            return None if _NAME.fullmatch(name) else _bad_name("section", name)
        if _LEXICON.fullmatch(text):
            self._part = Part.LEXICON
            return None
        match = _LIST.fullmatch(text)
        if match is None:
            return error(
                "LineInvalid",
                "The line is neither '@ list name =', '@ speech:phoneticlexicon', '# section', '- entry' nor "
                "'// comment'. Correct or remove it.",
            )
        return self._begin_list(number, match.group(1), has_sign=bool(match.group(2)))

    def _begin_list(self, number: int, name: str, *, has_sign: bool) -> Finding | None:
        self._part, self._list, self._refusal = Part.LIST, name, None
        if not _NAME.fullmatch(name):
            self._refusal = _bad_name("list", name)
        elif not has_sign:
            self._refusal = error(
                "LineInvalid", f"There is no '=' after the list's name. Write '@ list {name} ='."
            )
        elif name not in self.first_lines and len(self.first_lines) >= self._limits.lists:
            self._refusal = error(
                "ListLimit", f"The file has more than {self._limits.lists} lists. Join some."
            )
        else:
            self.first_lines.setdefault(name, number)
        return self._refusal

    def _member(self, number: int, text: str) -> StructuredLine:
        if not text:
            return self._refused(number, text, error("LineEmpty", "There is nothing after the dash."))
        if self._part is Part.LIST:
            return self._item(number, text)
        if self._part is Part.LEXICON:
            return self._lexicon_entry(number, text)
        if self._part is Part.SECTION:
            return self._sentence(number, text)
        message = "The entry stands before any list, lexicon or section. Put '# name' before it."
        return self._refused(number, text, error("LineInvalid", message))

    def _item(self, number: int, text: str) -> StructuredLine:
        if self._refusal is not None:
            return self._refused(number, text, self._refusal)
        if self._sizes[self._list] >= self._limits.items:
            message = f"List '{self._list}' has more than {self._limits.items} items. Split it."
            return self._refused(number, text, error("ListItemLimit", message))
        self._sizes[self._list] += 1
        return StructuredLine(number=number, part=Part.LIST, text=text, list_name=self._list)

    def _lexicon_entry(self, number: int, text: str) -> StructuredLine:
        # A word may hold slashes; phones never do.
        word, slash, phones = (part.strip() for part in text.rpartition("/"))
        finding = None if word and slash and phones else _no_phones()
        if finding is None and self._has_known_phones:
            finding = phone_finding(phones)
        if finding is None and self._pronunciations.total() >= self._limits.lexicon_entries:
            message = f"The lexicon has more than {self._limits.lexicon_entries} entries. Remove some."
            finding = error("LexiconLimit", message)
        if finding is None and self._pronunciations[word] >= self._limits.pronunciations:
            message = f"'{word}' has more than {self._limits.pronunciations} pronunciations. Remove one."
            finding = error("LexiconLimit", message)
        if finding is not None:
            return self._refused(number, text, finding)
        self._pronunciations[word] += 1
        return StructuredLine(number=number, part=Part.LEXICON, text=word, phones=" ".join(phones.split()))

    def _sentence(self, number: int, text: str) -> StructuredLine:
        plain, references = reference_parts(text)
        if any(_LEFT_OVER.search(piece) for piece in plain):
            message = "A reference to a list is not closed. Write '{@name}'."
            return self._refused(number, text, error("LineInvalid", message))
        return StructuredLine(number=number, part=Part.SECTION, text=text, references=tuple(references))

    def _refused(self, number: int, text: str, finding: Finding) -> StructuredLine:
        return StructuredLine(number=number, part=self._part, text=text, findings=(finding,))


def _bad_name(what: str, name: str) -> Finding:
    message = f"'{name}' is not a {what} name. Use letters, digits and underscores."
    return error("SectionNameInvalid" if what == "section" else "ListNameInvalid", message)


def _no_phones() -> Finding:
    return error("PronunciationInvalid", "The entry is not 'word/phones'. Write it like 'cat/K AE T'.")
