"""Which languages have inverse text normalisation."""

from __future__ import annotations

ITN_LANGUAGES = frozenset({"da", "de", "en", "es", "fr", "it", "nl", "pt"})
"""ISO 639 codes. In others a result keeps the numbers as the model wrote them, and says so."""


def has_itn(locale: str) -> bool:
    """Whether spoken numbers are written as figures in a locale.

    >>> has_itn("fr-CA"), has_itn("zu-ZA")
    (True, False)
    """
    return language_of(locale) in ITN_LANGUAGES


def language_of(locale: str) -> str:
    """The language of a BCP-47 tag, in lower case."""
    return locale.partition("-")[0].lower()
