"""Whether a model has seen the test: the same words in what it was trained on."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

NGRAM = 8
"""Words in a row that people seldom say twice by chance. Brown et al., "Language models are few-shot
learners" (2020, appendix C), take 8 to 13 by data set."""

LEAST_WORDS = 5
"""A shorter sentence ("yes", "thank you very much") says nothing when it is met again."""

_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff]|[^\W_]+(?:['’][^\W_]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextOverlap:
    """Test texts that were met again.

    Attributes:
        sentences: Places of test texts that occur as a whole, of those with enough words.
        compared: How many have enough words.
        covered_words: Words of test texts inside an n-gram that occurs in the training text.
        words: Words of all test texts.
    """

    sentences: tuple[int, ...]
    compared: int
    covered_words: int
    words: int


def plain_words(text: str) -> list[str]:
    """Words for looking texts up: small letters, no punctuation, numbers as they are written.

    Cheaper than a normaliser, since it reads all the text that a model was trained on.

    >>> plain_words("It's 5 o'clock, Ann!")
    ["it's", '5', "o'clock", 'ann']
    """
    return _WORDS.findall(unicodedata.normalize("NFKC", text).casefold().replace("’", "'"))


class SeenTexts:
    """Collects what of a test set stands in training text, whatever the length of that.

    Memory grows with the test set only.

    Args:
        texts: The references, as they are written.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._words = [plain_words(text) for text in texts]
        self._whole = {tuple(words) for words in self._words if len(words) >= LEAST_WORDS}
        self._grams = {gram for words in self._words for gram in _ngrams(words)}
        self._met_whole: set[tuple[str, ...]] = set()
        self._met_grams: set[tuple[str, ...]] = set()

    def add(self, text: str) -> None:
        """Take in a sentence of the training text."""
        words = plain_words(text)
        if tuple(words) in self._whole:
            self._met_whole.add(tuple(words))
        if self._grams:
            self._met_grams.update(gram for gram in _ngrams(words) if gram in self._grams)

    def overlap(self) -> TextOverlap:
        """What was met so far."""
        places = (at for at, words in enumerate(self._words) if tuple(words) in self._met_whole)
        return TextOverlap(
            sentences=tuple(places),
            compared=sum(len(words) >= LEAST_WORDS for words in self._words),
            covered_words=sum(map(self._covered, self._words)),
            words=sum(map(len, self._words)),
        )

    def _covered(self, words: Sequence[str]) -> int:
        covered = [False] * len(words)
        for at, gram in enumerate(_ngrams(words)):
            if gram in self._met_grams:
                covered[at : at + NGRAM] = [True] * NGRAM
        return sum(covered)


def _ngrams(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return (tuple(words[at : at + NGRAM]) for at in range(len(words) - NGRAM + 1))
