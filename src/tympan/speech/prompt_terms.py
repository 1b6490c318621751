"""Terms in a prompt, as people write prompts for recognisers: lists of names, or sentences with some."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tympan.speech.ordinary_words import ordinary_words

_LONGEST_TERM = 5
_SHORTEST_LOWER = 5
"""Letters of a word without capitals that may be a term; shorter ones are sounds and scraps."""

_JOINER = "\ue000"
"""Stands between a title and its name while sentences and words are told apart."""

_ITEMS = re.compile(r"[,;\n•|]+")
_SENTENCES = re.compile(r"(?<=[.!?])\s+")
_EDGES = "\"'“”„«»()[]{}:.!?…"
_HEADING = re.compile(r"^[^:]{0,40}:\s*")


def prompt_terms(prompt: str, language: str) -> tuple[str, ...]:
    """What of a prompt is worth favouring: names and unusual words.

    A short item of a list is one term. In a sentence each run of words that are capitalised, or
    that are no ordinary words where a list of those is known, is one.

    Args:
        prompt: In any form.
        language: First part of a locale; tells which words are ordinary.

    >>> prompt_terms("Glossary: Xoriant, agkistrodon bite, the weather", "en")
    ('Xoriant', 'agkistrodon bite')
    >>> prompt_terms("Hello, welcome to the call with Dr. Okonkwo from Kubermatic.", "en")
    ('Dr. Okonkwo', 'Kubermatic')
    """
    found: dict[str, None] = {}
    for sentence in _SENTENCES.split(_joined_titles(prompt)):
        for item in _ITEMS.split(_HEADING.sub("", sentence.strip())):
            words = [word for word in item.split() if word.strip(_EDGES)]
            is_list = len(words) <= _LONGEST_TERM and _ITEMS.search(prompt) is not None
            terms = _whole(words, language) if is_list else _runs(words, language)
            found.update(dict.fromkeys(terms))
    return tuple(term.replace(_JOINER, " ") for term in found)


def _joined_titles(text: str) -> str:
    """A title stays with its name, and its full stop ends no sentence."""
    return re.sub(r"\b(Dr|Mr|Mrs|Ms|Prof|St|Mme|Sr|Sra)\.\s+", rf"\1.{_JOINER}", text)


def _whole(words: list[str], language: str) -> Iterator[str]:
    """A whole item, if one of its words is unusual; of a sentence's pieces only the unusual run."""
    unusual = [_is_unusual(word, language, is_first=place == 0) for place, word in enumerate(words)]
    if not any(unusual):
        return
    if unusual[0] or all(word[:1].islower() for word in words):
        yield " ".join(word.strip(_EDGES) for word in words)
    else:
        yield from _runs(words, language)


def _runs(words: list[str], language: str) -> Iterator[str]:
    run: list[str] = []
    for place, word in enumerate([*words, ""]):
        if word and _is_unusual(word, language, is_first=place == 0):
            run.append(word.strip(_EDGES))
        elif run:
            for first in range(0, len(run), _LONGEST_TERM):
                yield " ".join(run[first : first + _LONGEST_TERM])
            run = []


def _is_unusual(word: str, language: str, *, is_first: bool) -> bool:
    bare = word.replace(_JOINER, " ").strip(_EDGES)
    known = ordinary_words(language)
    if known is not None and all(_stem(part) in known for part in bare.split()):
        return False
    if any(character.isupper() or character.isdigit() for character in bare[1:]):
        return True
    if bare[:1].isupper():
        # A capital in front of a sentence says nothing where no list tells ordinary words.
        return known is not None or not is_first
    return known is not None and len(bare) >= _SHORTEST_LOWER


def _stem(word: str) -> str:
    """In lower case, without what English hangs on with an apostrophe."""
    return word.lower().strip(_EDGES).partition("'")[0].partition("’")[0]
