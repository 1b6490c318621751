"""Words so frequent that hearing them says nothing about a special term."""

from __future__ import annotations

from functools import cache
from importlib import resources

from spellchecker import SpellChecker

LISTED_LANGUAGES = ("en", "de", "es", "fr", "it", "nl", "pt")
"""Languages with a list."""

_COUNTED = frozenset(LISTED_LANGUAGES) - {"en"}
_MOST = 20_000
_LONGEST_GERMAN_WORD = 10
"""German writes nouns with capitals, and so they have hardly been counted: whatever is no longer than
this is taken, however rare it seems."""
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DAYS_AND_MONTHS = frozenset((*_DAYS, *(f"{day}s" for day in _DAYS), *_MONTHS))
"""Ordinary words that English writes with capitals only, so that its list, made of small letters, has
them not."""


@cache
def ordinary_words(language: str) -> frozenset[str] | None:
    """Ordinary words in lower case; None for a language without a list.

    English words come from the vocabulary of the recogniser. Those of other languages are the most
    frequent of the word counts in the package pyspellchecker, which knows few names.

    Args:
        language: First part of a locale, such as ``en``.
    """
    if language in _COUNTED:
        counts = SpellChecker(language=language).word_frequency.dictionary
        frequent = sorted(counts, key=lambda word: counts[word], reverse=True)[:_MOST]
        short = (word for word in counts if len(word) <= _LONGEST_GERMAN_WORD) if language == "de" else ()
        return frozenset((*frequent, *short))
    file = resources.files("tympan.speech.ordinary_words") / f"{language}.txt"
    if not file.is_file():
        return None
    lines = file.read_text(encoding="utf-8").splitlines()
    words = frozenset(line for line in lines if not line.startswith("#"))
    return words | _DAYS_AND_MONTHS if language == "en" else words
