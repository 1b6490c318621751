"""Words with their place in a recording."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from tympan.ports.recognizer import RecognizedWord

PlacedWord = tuple[str, int, int, float]
"""Text, first sample, sample after the last, confidence."""


def recognized_words(
    placed: Iterable[PlacedWord], *, offset: int, within: tuple[int, int]
) -> tuple[RecognizedWord, ...]:
    """Words as clients see them: punctuation joins the word it stands at.

    Args:
        placed: As the aligner splits them, each with its leading space.
        offset: First sample of the piece in the recording.
        within: First sample of speech and the sample after the last. The aligner gives silence
            to the words next to it; the detector knows better.

    >>> placed = [(" “", 0, 0, 1.0), ("Hi", 0, 9, 1.0), (",", 9, 9, 1.0), (" you", 9, 16, 1.0)]
    >>> [word.text for word in recognized_words(placed, offset=0, within=(0, 16))]
    ['“Hi,', 'you']
    """
    joined: list[PlacedWord] = []
    opening = ""
    for text, start, end, confidence in placed:
        bare = text.strip()
        if not bare:
            continue
        if not is_punctuation(bare):
            joined.append((opening + bare, start, end, confidence))
            opening = ""
        elif joined and not text.startswith(" "):
            before = joined[-1]
            joined[-1] = (before[0] + bare, *before[1:])
        else:
            opening += bare
    first, last = within
    return tuple(
        RecognizedWord(
            text=text,
            start=min(max(offset + start, first), last),
            end=min(max(offset + end, first), last),
            confidence=confidence,
        )
        for text, start, end, confidence in joined
    )


def is_punctuation(text: str) -> bool:
    """Whether there is nothing but punctuation."""
    return all(unicodedata.category(character)[0] == "P" for character in text)
