"""Phrases as subtitles: SubRip and WebVTT.

A phrase becomes as many cues as it needs at two lines each. Where its displayed words have
times, each cue lasts from its first word to its last; else the phrase's time is shared by
the number of characters.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from tympan.wire.phrases import SpokenPhrase

_SAMPLES_PER_MILLISECOND = 16
_LINE_LENGTH = 42
_LINES = 2
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
        if not text:
            continue
        who = f"Speaker {phrase.speaker}: " if phrase.speaker is not None else ""
        # Scripts without spaces have no other place to break a line than between characters.
        lines = textwrap.wrap(who + text, _LINE_LENGTH, break_on_hyphens=False)
        shown = [lines[at : at + _LINES] for at in range(0, len(lines), _LINES)]
        for (start, end), some in zip(_times(phrase, shown, len(who.split())), shown, strict=True):
            first, last = (round(at / _SAMPLES_PER_MILLISECOND) for at in (start, end))
            yield first, max(last, first + _SHORTEST_MS), "\n".join(some)


def _times(phrase: SpokenPhrase, shown: Sequence[Sequence[str]], unspoken: int) -> Iterator[tuple[int, int]]:
    """From which sample to which each cue of a phrase is shown.

    Args:
        phrase: The phrase.
        shown: The lines of its cues.
        unspoken: Words at the beginning that nobody says: the name of the speaker.
    """
    counts = [sum(len(line.split()) for line in lines) for lines in shown]
    counts[0] -= unspoken
    words = phrase.candidates[0].display_words
    if len(words) == sum(counts) and all(counts):
        at = 0
        for count in counts:
            yield words[at].start, words[at + count - 1].end
            at += count
        return
    lengths = [sum(map(len, lines)) for lines in shown]
    for number in range(len(shown)):
        before, after = (sum(lengths[:end]) / sum(lengths) for end in (number, number + 1))
        span = phrase.end - phrase.start
        yield phrase.start + round(before * span), phrase.start + round(after * span)


def _clock(milliseconds: int, point: str) -> str:
    """A time of day.

    >>> _clock(3_723_004, ",")
    '01:02:03,004'
    """
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{rest:03d}"
