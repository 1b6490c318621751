"""Phrases as subtitles: SubRip and WebVTT, one cue for each phrase."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from tympan.wire.phrases import SpokenPhrase

_SAMPLES_PER_MILLISECOND = 16
_LINE_LENGTH = 42
_SHORTEST_MS = 1


def srt_chunks(phrases: Iterable[SpokenPhrase]) -> Iterator[bytes]:
    """SubRip, cue by cue."""
    for number, (start, end, text) in enumerate(_cues(phrases), start=1):
        yield f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{text}\n\n".encode()


def vtt_chunks(phrases: Iterable[SpokenPhrase]) -> Iterator[bytes]:
    """WebVTT, cue by cue."""
    yield b"WEBVTT\n\n"
    for start, end, text in _cues(phrases):
        # "-->" inside a text would begin another cue.
        safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        yield f"{_clock(start, '.')} --> {_clock(end, '.')}\n{safe}\n\n".encode()


def _cues(phrases: Iterable[SpokenPhrase]) -> Iterator[tuple[int, int, str]]:
    """Start and end in milliseconds, and the text in lines of a readable length."""
    for phrase in phrases:
        text = " ".join(phrase.candidates[0].display.split())
        if text:
            start, end = (round(at / _SAMPLES_PER_MILLISECOND) for at in (phrase.start, phrase.end))
            who = f"Speaker {phrase.speaker}: " if phrase.speaker is not None else ""
            lines = textwrap.wrap(who + text, _LINE_LENGTH, break_long_words=False, break_on_hyphens=False)
            yield start, max(end, start + _SHORTEST_MS), "\n".join(lines)


def _clock(milliseconds: int, point: str) -> str:
    """A time of day.

    >>> _clock(3_723_004, ",")
    '01:02:03,004'
    """
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{rest:03d}"
