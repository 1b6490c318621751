"""What a transcription leaves behind: the kinds of its files, and who writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from tympan.domain.transcription import SourceOutcome, SourceResult, Transcription, TranscriptionCounts
from tympan.usecases.listening import HeardPhrase

RESULT_KIND = "Transcription"
REPORT_KIND = "TranscriptionReport"
SUBTITLES_KIND = "Subtitles"
"""Ours, and never listed among the published files: clients read every file of theirs as JSON."""

Phrases = Callable[[], Iterable[HeardPhrase]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writers:
    """What results look like; the formats are of no concern here.

    Attributes:
        result: Writes a recording's result file.
        report: Writes how each source ended.
        subtitles: Write a recording as subtitles, by the ending of the file.
    """

    result: Callable[[Transcription, SourceResult, Phrases], Iterator[bytes]]
    report: Callable[[TranscriptionCounts, Iterable[SourceOutcome]], Iterator[bytes]]
    subtitles: Mapping[str, Callable[[Iterable[HeardPhrase]], Iterator[bytes]]]
