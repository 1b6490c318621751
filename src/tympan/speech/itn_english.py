"""English numbers that are written without losing or tearing the words around them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tympan.speech.number_words import number_name

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DAYS = {number_name(day, "en", "ordinal"): number_name(day, "en", "ordinal_num") for day in range(1, 32)}
_COUNTS = {number_name(count, "en"): str(count) for count in range(10, 100)}
_COUNTED = (
    "day|dollar|foot|gallon|hour|inch|kilo|kilometer|meter|metre|mile|minute|month|page|person|point|pound|"
    "second|storey|story|ton|week|year"
)


def _any_of(names: Iterable[str]) -> str:
    longest_first = sorted(names, key=len, reverse=True)
    return "|".join(name.replace("-", "[- ]") for name in longest_first)


_DAY_OF_MONTH = re.compile(rf"\b(the )({_any_of(_DAYS)})(?= of (?:{_MONTHS})\b)", re.IGNORECASE)
_COMPOUND = re.compile(rf"(?<![\w-])({_any_of(_COUNTS)})(?=-(?:{_COUNTED})\b)", re.IGNORECASE)


def write_english(text: str) -> str:
    """Write days of months and counted compounds as figures.

    Grammars write "21 May" and leave words out; here every word that was said stays.

    >>> write_english("On the twenty-first of May a twenty-five-year-old came.")
    'On the 21st of May a 25-year-old came.'
    """
    dated = _DAY_OF_MONTH.sub(lambda found: found[1] + _DAYS[_name(found[2])], text)
    return _COMPOUND.sub(lambda found: _COUNTS[_name(found[1])], dated)


def _name(words: str) -> str:
    return words.casefold().replace(" ", "-")
