"""Finding the terms of a list in what a recogniser wrote for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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
    """Its first word is no ordinary one, nor its last."""


class PhraseIndex:
    """Terms by their sounds. Safe to share between threads; thousands cost little to look through.

    Args:
        terms: What to listen for.
        language: First part of a locale; tells which words are ordinary.
    """

    def __init__(self, terms: Sequence[Term], language: str) -> None:
        self._ordinary = ordinary_words(language) or frozenset()
        keyed = [(term, sound_key(term.spoken)) for term in terms]
        kept = [(term, key) for term, key in keyed if len(key) >= _SHORTEST_KEY]
        self._terms = [term for term, _ in kept]
        self._keys = [(key, sound_classes(key)) for _, key in kept]
        pairs: dict[str, list[int]] = {}
        for place, (_, classes) in enumerate(self._keys):
            for pair in _pairs(classes):
                pairs.setdefault(pair, []).append(place)
        self._with_pair = {pair: np.array(places) for pair, places in pairs.items()}
        self._lengths = np.array([len(key) for key, _ in self._keys], np.intp)
        self._counts = np.array([max(1, len(_pairs(classes))) for _, classes in self._keys])

    def __len__(self) -> int:
        return len(self._terms)

    def matches(
        self, words: Sequence[str], *, within: float, is_ordinary_left_out: bool = False
    ) -> list[Match]:
        """The terms that some words may stand for, the most alike first.

        Args:
            words: Of a text, in their order.
            within: Largest distance.
            is_ordinary_left_out: Ordinary words stand for themselves, and no stretch begins or ends
                with one.
        """
        windows = self._windows(words)
        if is_ordinary_left_out:
            windows = (window for window in windows if window.is_rare)
        found = [match for window in windows for match in self._alike(window, within)]
        return sorted(found, key=lambda one: (one.distance, one.first - one.after))

    def _windows(self, words: Sequence[str]) -> Iterator[_Window]:
        plain = [word.strip(_EDGES).casefold() for word in words]
        is_ordinary = [not word or word in self._ordinary for word in plain]
        keys = [sound_key(word) for word in plain]
        for first in range(len(words)):
            for after in range(first + 1, min(len(words), first + _LONGEST_WINDOW) + 1):
                key = "".join(keys[first:after])
                if len(key) >= _SHORTEST_KEY:
                    is_rare = not is_ordinary[first] and not is_ordinary[after - 1]
                    yield _Window(first, after, key, all(is_ordinary[first:after]), is_rare)

    def _alike(self, window: _Window, within: float) -> Iterator[Match]:
        key, classes = window.key, sound_classes(window.key)
        places = self._near(classes, within)
        longest = np.maximum(self._lengths[places], len(key))
        places = places[np.abs(self._lengths[places] - len(key)) <= within * longest]
        if not places.size:
            return
        known = [self._keys[place] for place in places]
        far = _distances(key, [own for own, _ in known])
        near = _distances(classes, [own for _, own in known])
        distances = (far + near) / 2
        for at in np.flatnonzero(distances <= within):
            yield Match(
                self._terms[places[at]], window.first, window.after, float(distances[at]), window.is_ordinary
            )

    def _near(self, classes: str, within: float) -> NDArray[np.intp]:
        """Terms that share enough pairs of sounds."""
        lists = [self._with_pair[pair] for pair in _pairs(classes) if pair in self._with_pair]
        if not lists:
            return np.zeros(0, np.intp)
        shared = np.bincount(np.concatenate(lists), minlength=len(self._terms))
        least, less = _SHARED
        return np.flatnonzero(shared >= max(least, less - within) * self._counts)


def _distances(key: str, others: Sequence[str]) -> NDArray[np.float32]:
    """From 0 for the same to 1 for nothing in common."""
    found: NDArray[np.float32] = cdist(
        [key], others, scorer=Levenshtein.normalized_distance, dtype=np.float32
    )[0]
    return found


def _pairs(classes: str) -> set[str]:
    framed = f"^{classes}$"
    return {framed[at : at + 2] for at in range(len(framed) - 1)}


def replaced(words: Sequence[str], matches: Sequence[Match]) -> tuple[list[str], list[Match]]:
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
