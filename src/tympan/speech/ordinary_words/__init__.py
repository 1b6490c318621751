"""Words so frequent that hearing them says nothing about a special term."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def ordinary_words(language: str) -> frozenset[str] | None:
    """Ordinary words in lower case; None for a language without a list.

    Args:
        language: First part of a locale, such as ``en``.
    """
    file = resources.files("tympan.speech.ordinary_words") / f"{language}.txt"
    if not file.is_file():
        return None
    lines = file.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
