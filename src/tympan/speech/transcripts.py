"""Transcript files: ``name<TAB>text``, one recording a line."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from tympan.speech.archive_names import name_key
from tympan.speech.findings import Finding, error
from tympan.speech.text_lines import TextLine, open_text
from tympan.speech.text_rules import transcript_findings

PREFERRED_NAME = "trans.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptLine:
    """A line of a transcript file that is not empty.

    Attributes:
        number: From 1.
        audio: The recording's name as written; empty when the line cannot be split.
        text: What is said, trimmed.
        findings: Any error refuses the line.
    """

    number: int
    audio: str
    text: str
    findings: tuple[Finding, ...] = ()


def read_transcripts(file: BinaryIO, locale: str) -> Iterator[TranscriptLine]:
    """Read a transcript file, passing over empty lines.

    Args:
        file: Seekable; UTF-8 with or without BOM, or UTF-16 with BOM.
        locale: For the characters that a language refuses.

    Raises:
        InvalidInputError: It is in no encoding that can be read (code ``EncodingInvalid``).
    """
    for line in open_text(file).lines():
        if line.finding is not None or line.text.strip():
            yield _split(line, locale)


def choose_transcript(names: Sequence[str]) -> str | None:
    """The transcript among the text files of an archive.

    ``trans.txt`` is preferred, wherever it is nearest to the top; else the only one counts.
    None when there is none or no telling which.
    """
    preferred = [name for name in names if name.rpartition("/")[2].casefold() == PREFERRED_NAME]
    if preferred:
        return min(preferred, key=lambda name: (name.count("/"), name))
    return names[0] if len(names) == 1 else None


class RecordingNames:
    """Finds a recording by the name a transcript gives it.

    Compared exactly, then without regard to letter case and to how accents are written, then
    by the last part of the path where only one recording has it.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._exact = {unicodedata.normalize("NFC", name): name for name in names}
        self._folded = {name_key(name): name for name in names}
        self._last: dict[str, str | None] = {}
        for name in names:
            key = name_key(name.rpartition("/")[2])
            self._last[key] = None if key in self._last else name

    def find(self, written: str) -> str | None:
        """The recording's name, or None."""
        wanted = unicodedata.normalize("NFC", written.strip())
        key = name_key(wanted)
        return self._exact.get(wanted) or self._folded.get(key) or self._last.get(key)


def _split(line: TextLine, locale: str) -> TranscriptLine:
    if line.finding is not None:
        return TranscriptLine(number=line.number, audio="", text="", findings=(line.finding,))
    audio, *texts = (part.strip() for part in line.text.split("\t"))
    if len(texts) != 1:
        return TranscriptLine(number=line.number, audio="", text="", findings=(_tab_finding(len(texts)),))
    findings = transcript_findings(texts[0], locale)
    if not audio or not texts[0]:
        missing = "recording" if not audio else "text"
        findings = (error("LineEmpty", f"The line names no {missing}. Write 'name<TAB>text'."), *findings)
    return TranscriptLine(number=line.number, audio=audio, text=texts[0], findings=findings)


def _tab_finding(tabs: int) -> Finding:
    if tabs == 0:
        return error("TabMissing", "There is no tab between file name and text. Write 'name<TAB>text'.")
    return error("TooManyTabs", f"There are {tabs} tabs; only one may stand, between file name and text.")
