"""Spoken numbers by damga's grammars: amounts, times, dates and years as well as numbers."""

from __future__ import annotations

import re
import threading

import damga

LANGUAGES = frozenset({"de", "en", "es", "fr", "it"})
"""Those of its grammars that the case list measures."""

_POUNDS_ARE_MONEY = frozenset({"en-gb", "en-ie"})
_POUND = re.compile(r"\b(pounds?)\b", re.IGNORECASE)
_SHIELD = "qq"
_SHIELDED = re.compile(rf"\b(pounds?){_SHIELD}\b", re.IGNORECASE)


class FiniteStateNumbers:
    """Reads one language with compiled transducers; each language is loaded when it first comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._grammars: dict[str, damga.InverseNormalizer] = {}

    def write(self, text: str, language: str, locale: str) -> str:
        """The text with numbers as figures; it may change other things too."""
        # The native backend is named so that no variable of the environment chooses another,
        # which would compile grammars and write them to the user's cache.
        with self._lock:
            if language not in self._grammars:
                self._grammars[language] = damga.InverseNormalizer(lang=language, backend="native")
            grammar = self._grammars[language]
        is_weight = language == "en" and locale.lower() not in _POUNDS_ARE_MONEY
        if not is_weight:
            return str(grammar.normalize(text))
        # Pounds are money to the grammar, and a weight to most who say them.
        return _SHIELDED.sub(r"\1", grammar.normalize(_POUND.sub(rf"\1{_SHIELD}", text)))
