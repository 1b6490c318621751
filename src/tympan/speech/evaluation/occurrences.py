"""Where phrases stand in a sequence of words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tympan.speech.metrics import Alignment


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A phrase in a sequence: which, and its words ``[start, end)``."""

    phrase: str
    start: int
    end: int


class PhraseBook:
    """Phrases to be found; the longest that begins at a word is taken, then what follows it.

    Args:
        phrases: Name of each phrase and its words. Phrases without words are left out; of two
            with the same words the first is kept.
    """

    def __init__(self, phrases: Iterable[tuple[str, Sequence[str]]]) -> None:
        self._names: dict[tuple[str, ...], str] = {}
        for name, words in phrases:
            if words:
                self._names.setdefault(tuple(words), name)
        lengths: dict[str, set[int]] = {}
        for key in self._names:
            lengths.setdefault(key[0], set()).add(len(key))
        self._lengths = {first: sorted(some, reverse=True) for first, some in lengths.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """The phrases that can be found."""
        return tuple(dict.fromkeys(self._names.values()))

    def find(self, words: Sequence[str]) -> Iterator[Occurrence]:
        """Every occurrence, from left to right, without overlap."""
        at = 0
        while at < len(words):
            name, length = self._longest(words, at)
            if name is not None:
                yield Occurrence(name, at, at + length)
            at += length

    def _longest(self, words: Sequence[str], at: int) -> tuple[str | None, int]:
        for length in self._lengths.get(words[at], ()):
            # Near the end fewer words are left than the phrase has.
            found = tuple(words[at : at + length])
            if len(found) == length and found in self._names:
                return self._names[found], length
        return None, 1


def columns_of(alignment: Alignment) -> tuple[list[int], list[int]]:
    """The column of the alignment in which each reference and each hypothesis word stands."""
    reference = [at for at, pair in enumerate(alignment.pairs) if pair.reference is not None]
    hypothesis = [at for at, pair in enumerate(alignment.pairs) if pair.hypothesis is not None]
    return reference, hypothesis
