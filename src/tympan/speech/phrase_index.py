"""Finding the terms of a list in what a recogniser wrote for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from tympan.speech.ordinary_words import ordinary_words
from tympan.speech.sound_key import sound_classes, sound_key

_LONGEST_WINDOW = 5
_SHARED = (0.34, 0.8)
"""Of the pairs of neighbouring sounds of a term, so many must be in a window to be compared at all: at
least the first number, and the second less the distance that is allowed."""
_MOST_ROWS = 1024
"""Latin letters make some 150 pairs of sounds. Other scripts keep their letters and make many more,
which then share rows: a term is compared a little too often, and the index stays small."""
_SHORTEST_KEY = 3
_EDGES = '.,?!:;…"“”„«»()[]'


@dataclass(frozen=True, slots=True)
class Term:
    """Something to listen for.

    Attributes:
        display: As it is written.
        spoken: As it is said.
    """

    display: str
    spoken: str


@dataclass(frozen=True, slots=True)
class Match:
    """A stretch of words that sounds like a term.

    Attributes:
        term: Which.
        first: Its first word.
        after: The word after its last.
        distance: 0 for the same sounds, 1 for none in common.
        is_ordinary: All the words are ordinary ones.
    """

    term: Term
    first: int
    after: int
    distance: float
    is_ordinary: bool


@dataclass(frozen=True, slots=True)
class _Window:
    first: int
    after: int
    key: str
    is_ordinary: bool
    is_rare: bool
    """Its first word is no ordinary one and no number, nor its last."""


class PhraseIndex:
    """Terms by their sounds. Safe to share between threads; thousands cost little to look through.

    Args:
        terms: What to listen for.
        language: First part of a locale; tells which words are ordinary.
    """

    def __init__(self, terms: Sequence[Term], language: str) -> None:
        self._ordinary = ordinary_words(language) or frozenset()
        keyed = [(place, term, sound_key(term.spoken)) for place, term in enumerate(terms)]
        # Sorted by length, the terms that are long enough for a window and no longer are one slice.
        kept = sorted((one for one in keyed if len(one[2]) >= _SHORTEST_KEY), key=lambda one: len(one[2]))
        self._terms = [term for _, term, _ in kept]
        self._places = np.array([place for place, _, _ in kept], np.intp)
        self._keys = _strings([key for _, _, key in kept])
        self._classes = _strings([sound_classes(key) for _, _, key in kept])
        self._lengths = np.array([len(key) for _, _, key in kept], np.intp)
        pairs = [_pairs(classes) for classes in self._classes]
        rows = {pair: row % _MOST_ROWS for row, pair in enumerate(sorted(set().union(*pairs)))}
        owned = [sorted({rows[pair] for pair in own}) for own in pairs]
        self._rows = rows
        self._counts = np.array([len(own) for own in owned], np.float64)
        # One row a pair of sounds, one column a term: 1 where the term has the pair.
        self._has_pair = np.zeros((min(len(rows), _MOST_ROWS), len(kept)), np.uint8)
        for column, own in enumerate(owned):
            self._has_pair[own, column] = 1
        self._word_counts = _word_counts(self._terms)

    def __len__(self) -> int:
        return len(self._terms)

    def matches(
        self, words: Sequence[str], *, within: float, is_ordinary_left_out: bool = False
    ) -> Iterator[Match]:
        """The terms that some words may stand for, the most alike first.

        Args:
            words: Of a text, in their order.
            within: Largest distance.
            is_ordinary_left_out: Ordinary words and numbers stand for themselves, and no stretch
                begins or ends with one.

        Yields:
            Each match as it is asked for: of thousands that are somewhat alike few are looked at.
        """
        windows = list(self._windows(words))
        if is_ordinary_left_out:
            windows = [window for window in windows if window.is_rare]
        needed = self._needed(within)
        found = [self._alike(window, within, needed) for window in windows]
        if not found:
            return
        columns = np.concatenate([columns for columns, _ in found])
        distances = np.concatenate([distances for _, distances in found])
        numbers = np.repeat(np.arange(len(found)), [own.size for own, _ in found])
        sizes = np.array([window.after - window.first for window in windows])[numbers]
        # The last key counts first: distance, the longer window, the earlier one, the earlier term.
        for at in np.lexsort((self._places[columns], numbers, -sizes, distances)):
            window = windows[numbers[at]]
            yield Match(
                self._terms[columns[at]],
                window.first,
                window.after,
                float(distances[at]),
                window.is_ordinary,
            )

    def _windows(self, words: Sequence[str]) -> Iterator[_Window]:
        plain = [word.strip(_EDGES).casefold() for word in words]
        is_ordinary = [not word or word in self._ordinary for word in plain]
        is_common = [known or word.isdigit() for word, known in zip(plain, is_ordinary, strict=True)]
        keys = [sound_key(word) for word in plain]
        for first in range(len(words)):
            for count in self._word_counts:
                after = first + count
                if after > len(words):
                    break
                key = "".join(keys[first:after])
                if len(key) >= _SHORTEST_KEY:
                    is_rare = not is_common[first] and not is_common[after - 1]
                    yield _Window(first, after, key, all(is_ordinary[first:after]), is_rare)

    def _needed(self, within: float) -> NDArray[np.uint16]:
        """How many pairs of sounds each term must share with a window."""
        least, less = _SHARED
        return np.ceil(max(least, less - within) * self._counts).astype(np.uint16)

    def _alike(
        self, window: _Window, within: float, needed: NDArray[np.uint16]
    ) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Columns of the terms that sound like a window, and their distances."""
        key, classes = window.key, sound_classes(window.key)
        columns = self._near(len(key), classes, within, needed)
        if not columns.size:
            return columns, np.zeros(0, np.float32)
        far = _distances(key, self._keys[columns].tolist())
        near = _distances(classes, self._classes[columns].tolist())
        distances = ((far + near) / 2).astype(np.float32, copy=False)
        is_within = distances <= within
        return columns[is_within], distances[is_within]

    def _near(self, length: int, classes: str, within: float, needed: NDArray[np.uint16]) -> NDArray[np.intp]:
        """Terms of such a length that share enough pairs of sounds."""
        rows = sorted({self._rows[pair] for pair in _pairs(classes) if pair in self._rows})
        # What is within a share of the longer of two lengths is one stretch of ascending lengths.
        first = int(np.searchsorted(self._lengths, length - within * length))
        after = int(np.searchsorted(self._lengths, length / (1 - within), side="right"))
        if not rows or first >= after:
            return np.zeros(0, np.intp)
        shared = self._has_pair[rows, first:after].sum(axis=0, dtype=np.uint16)
        return first + np.flatnonzero(shared >= needed[first:after])


def _strings(texts: Sequence[str]) -> NDArray[np.object_]:
    held = np.empty(len(texts), np.object_)
    held[:] = texts
    return held


def _word_counts(terms: Sequence[Term]) -> list[int]:
    """How many words a window may have: few, and as many as a longer term has, or one off."""
    longer = {len(term.spoken.split()) for term in terms}
    beside = {count + off for count in longer if count >= _LONGEST_WINDOW for off in (-1, 0, 1)}
    return sorted({*range(1, _LONGEST_WINDOW + 1), *beside})


def _distances(key: str, others: Sequence[str]) -> NDArray[np.float32]:
    """From 0 for the same to 1 for nothing in common."""
    found: NDArray[np.float32] = cdist(
        [key], others, scorer=Levenshtein.normalized_distance, dtype=np.float32
    )[0]
    return found


def _pairs(classes: str) -> set[str]:
    framed = f"^{classes}$"
    return {framed[at : at + 2] for at in range(len(framed) - 1)}


def replaced(words: Sequence[str], matches: Iterable[Match]) -> tuple[list[str], list[Match]]:
    """Words with terms in the place of what sounds like them, the most alike first.

    Marks around what is replaced stay.

    Returns:
        The words, and the matches that were made use of, in the order of the text.
    """
    taken: set[int] = set()
    used = []
    for match in matches:
        places = set(range(match.first, match.after))
        if not places & taken:
            taken |= places
            used.append(match)
    used.sort(key=lambda one: one.first)
    result: list[str] = []
    place = 0
    for match in used:
        result += words[place : match.first]
        before = re.match(rf"[{re.escape(_EDGES)}]*", words[match.first])
        after = re.search(rf"[{re.escape(_EDGES)}]*$", words[match.after - 1])
        result.append(
            (before.group() if before else "") + match.term.display + (after.group() if after else "")
        )
        place = match.after
    return [*result, *words[place:]], used
