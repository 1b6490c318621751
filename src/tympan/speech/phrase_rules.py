"""Replacing and masking whole phrases, longest first.

Source: developer reference, section 10 (rewrite and profanity).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

GRAMMAR_MARKS = frozenset(".,?、!:;？。，¿¡।؟،")
_UNSPACED_LANGUAGES = ("zh", "ja")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text with what stands around it.

    Attributes:
        core: The word without grammar marks at its ends.
        start, end: Place of the core in the text.
    """

    core: str
    start: int
    end: int


def words_of(text: str, locale: str) -> list[Word]:
    """The words that phrases are compared by; grammar marks at their ends do not count.

    In Chinese and Japanese every character is a word, except in runs of Latin letters.
    """
    if locale.split("-", maxsplit=1)[0] in _UNSPACED_LANGUAGES:
        return _unspaced_words(text)
    words = []
    place = 0
    for piece in text.split():
        start = text.index(piece, place)
        place = end = start + len(piece)
        while start < end and text[start] in GRAMMAR_MARKS:
            start += 1
        while end > start and text[end - 1] in GRAMMAR_MARKS:
            end -= 1
        if start < end:
            words.append(Word(text[start:end], start, end))
    return words


class PhraseRules:
    """Phrases and what belongs to each; the longest that fits wins, then the earliest.

    Args:
        phrases: Each phrase with its value.
        locale: Tells how a text is split into words.
    """

    def __init__(self, phrases: Mapping[str, str], locale: str) -> None:
        self._locale = locale
        self._values: dict[tuple[str, ...], tuple[str, str]] = {}
        for phrase, value in phrases.items():
            key = tuple(word.core.casefold() for word in words_of(phrase, locale))
            if key:
                self._values.setdefault(key, (phrase, value))
        self._longest = max(map(len, self._values), default=0)

    def apply(self, text: str, write: Callable[[str, str], str]) -> tuple[str, tuple[str, ...]]:
        """Write each phrase found anew.

        Args:
            text: Any display text.
            write: From the text found and the phrase's value to what is written.

        Returns:
            The new text, and the phrases that were found, in order.
        """
        words = words_of(text, self._locale)
        pieces, found, place, index = [], [], 0, 0
        while index < len(words):
            count = self._match(words, index)
            if count == 0:
                index += 1
                continue
            phrase, value = self._values[tuple(w.core.casefold() for w in words[index : index + count])]
            start, end = words[index].start, words[index + count - 1].end
            written = write(text[start:end], value)
            pieces += [text[place:start], written]
            # "Inc." before a full stop does not need a second one.
            place = end + (1 if written[-1:] in GRAMMAR_MARKS and text[end : end + 1] == written[-1:] else 0)
            found.append(phrase)
            index += count
        return "".join([*pieces, text[place:]]), tuple(found)

    def _match(self, words: list[Word], index: int) -> int:
        for count in range(min(self._longest, len(words) - index), 0, -1):
            if tuple(word.core.casefold() for word in words[index : index + count]) in self._values:
                return count
        return 0


def _unspaced_words(text: str) -> list[Word]:
    words: list[Word] = []
    for place, character in enumerate(text):
        if character in GRAMMAR_MARKS or character.isspace():
            continue
        last = words[-1] if words else None
        if last is not None and last.end == place and character.isascii() and last.core.isascii():
            words[-1] = Word(last.core + character, last.start, place + 1)
        else:
            words.append(Word(character, place, place + 1))
    return words
