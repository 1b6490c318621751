"""The JSONL manifest an import leaves behind: one record per accepted line or file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """A recording with (Acoustic) or without (AudioFiles) its transcript.

    Attributes:
        name: File name inside the upload, in any script.
        audio_key: Blob of the recording as 16 kHz mono FLAC, ``sha256/<hex>``.
        duration_s: Length of the recording in seconds.
        source_rate_hz: Sample rate of the uploaded file, for telephone-band decisions.
        transcript: The human text as uploaded (NFC, trimmed), None for AudioFiles.
        line: Line of the transcript file, from 1.
        group: What must not be split between train, dev and test: the source's speaker or
            session when known, else the recording's own name.
        labels: What the upload's table of recordings says of it, by column, such as a speaker or
            a channel; None where there is no such table.
    """

    name: str
    audio_key: str
    duration_s: float
    source_rate_hz: int
    transcript: str | None = None
    line: int | None = None
    group: str
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A line of related text, or of structured text after expansion.

    Attributes:
        text: Display form as uploaded (NFC, trimmed).
        line: Line of the source file, from 1.
    """

    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PronunciationEntry:
    """How a display form is spoken.

    Attributes:
        display: What shall be written, such as ``3CPO``.
        spoken: What is said, in words, letters or syllables: ``three c p o``.
        line: Line of the source file, from 1.
    """

    display: str
    spoken: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FormattingRule:
    """One line of a display-format file.

    Attributes:
        section: ``itn``, ``rewrite``, ``profanity`` or ``test``.
        source: The pattern, the old text, the phrase or the lexical form.
        target: New text (rewrite) or expected display text (test); empty elsewhere.
        line: Line of the source file, from 1.
    """

    section: str
    source: str
    target: str = ""
    line: int


ManifestRecord = Utterance | Sentence | PronunciationEntry | FormattingRule
