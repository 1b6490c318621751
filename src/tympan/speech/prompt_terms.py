"""The words of a free text that a recogniser may not know."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tympan.speech.ordinary_words import LISTED_LANGUAGES, ordinary_words

_SHORTEST = 3
_LONGEST_NAME = 5
_EDGES = re.compile(r"^[^\w]+|[^\w]+$")
_POSSESSIVE = re.compile(r"['’]s$")
_INNER_MARKS = re.compile(r"[^\w]+|_")
_SENTENCE_ENDS = ".!?:;"


def prompt_terms(text: str, language: str | None) -> tuple[str, ...]:
    """Names and unusual words of a text, each once, in their order.

    A word is unusual when the list of ordinary words of its language has it not. Words with capitals
    that follow each other and of which one is unusual are a name, and a term together.

    Args:
        text: Such as the prompt that clients of other services send.
        language: First part of a locale; None: ordinary is what is so in any language with a list.

    >>> prompt_terms("The patient takes apixaban. Ask Saoirse Ronan.", "en")
    ('apixaban', 'Saoirse Ronan', 'Saoirse', 'Ronan')
    """
    if not text:
        return ()
    lists = [ordinary_words(one) for one in (LISTED_LANGUAGES if language is None else (language,))]
    ordinary = frozenset().union(*(one for one in lists if one is not None))
    terms: list[str] = []
    for run in _runs(text):
        rare = [_is_rare(word, ordinary, is_within=at > 0) for at, word in enumerate(run)]
        terms += _names(run, rare)
    return tuple(dict.fromkeys(terms))


def _runs(text: str) -> Iterator[list[str]]:
    """Words between which there are no marks."""
    run: list[str] = []
    for piece in text.split():
        core = _EDGES.sub("", piece)
        if run and not piece[:1].isalnum():
            yield run
            run = []
        if core:
            run.append(_POSSESSIVE.sub("", core))
        if not piece[-1:].isalnum():
            yield run
            run = []
    yield run


def _names(run: list[str], rare: list[bool]) -> Iterator[str]:
    """The rare words of a run, each after the name that it is part of."""
    at = 0
    while at < len(run):
        after = at
        while after < len(run) and run[after][:1].isupper():
            after += 1
        first = at
        while first < after and not rare[first] and first == 0:
            first += 1  # a capital at the start of a sentence says nothing
        if 1 < after - first <= _LONGEST_NAME and any(rare[first:after]):
            yield " ".join(run[first:after])
        after = max(after, at + 1)
        yield from (word for word, is_rare in zip(run[at:after], rare[at:after], strict=True) if is_rare)
        at = after


def _is_rare(word: str, ordinary: frozenset[str], *, is_within: bool) -> bool:
    parts = [part for part in _INNER_MARKS.split(word) if len(part) >= _SHORTEST]
    if not ordinary:
        # No list for the language: only how a word is written tells.
        return bool(parts) and ((is_within and word[:1].isupper()) or word[1:] != word[1:].lower())
    return any(not part.isdigit() and part.casefold() not in ordinary for part in parts)
