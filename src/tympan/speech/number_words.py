"""The words that numbers are said with, in the languages with inverse text normalisation."""

from __future__ import annotations

import re
from functools import cache

from num2words import num2words as _named

_SPOKEN = (*range(101), *range(200, 1000, 100), 1000, 2000, 10**6, 2 * 10**6, 10**9, 2 * 10**9)
_ORDINALS = (*range(1, 32), *range(40, 101, 10), 1000)
_LINKS = frozenset(["and", "et", "y", "e", "und", "en", "og"])
_MORE = {
    "da": "en et tyve tredive fyrre halvtreds tres halvfjerds firs halvfems hundrede hundred "
    "halv kvart komma",
    "de": "halb viertel dreiviertel zwo beide ein eine",
    "en": "oh double triple half quarter hundreds thousands",
    "es": "un una veintiún media cuarto coma punto",
    "fr": "une demi demie quart virgule septante huitante octante nonante",
    "it": "una mezza mezzo quarto virgola",
    "nl": "half kwart komma één eén",
    "pt": "uma duas meia meio vírgula catorze quatorze",
}
_COMPOUNDING = frozenset({"da", "de", "it", "nl"})
_SHORTEST_PART = 3
_SCALES = {
    "da": "hundrede tusind tusinde million milliard",
    "de": "hundert tausend million milliarde",
    "en": "hundred thousand million billion",
    "es": "cien ciento mil millón",
    "fr": "cent mille million milliard",
    "it": "cento mille milione miliardo",
    "nl": "honderd duizend miljoen miljard",
    "pt": "cem cento mil milhão bilhão",
}
_ARTICLES = frozenset(
    ["a", "an", "un", "une", "una", "uno", "ein", "eine", "einen", "einer", "um", "uma", "een"]
)
_ENGLISH_ZERO = "oh"


def number_name(value: int, language: str, to: str = "cardinal") -> str:
    """A number in words; ``to`` as num2words has it: ``cardinal``, ``ordinal``, ``ordinal_num``, ``year``."""
    words: str = _named(value, lang=language, to=to)
    # Dutch numbers come with accents that its orthography keeps for stress.
    return words.replace("éé", "ee") if language == "nl" else words


@cache
def number_words(language: str) -> frozenset[str]:
    """Lower-case words that numbers are made of; those that mean other things too are among them."""
    words: set[str] = set(_MORE[language].split())
    for value in _SPOKEN:
        words |= _parts(number_name(value, language))
    for value in _ORDINALS:
        words |= _parts(number_name(value, language, to="ordinal"))
    if language in ("es", "pt", "it"):  # the other gender
        words |= {word.removesuffix("os") + "as" for word in words if word.endswith("os")}
        words |= {word.removesuffix("o") + "a" for word in words if word.endswith("o")}
    return frozenset(words - _LINKS)


@cache
def digit_words(language: str) -> dict[str, str]:
    """The digits 0 to 9 by the words they are said with one by one."""
    digits = {number_name(value, language): str(value) for value in range(10)}
    if language == "en":
        digits[_ENGLISH_ZERO] = "0"
    if language == "da":
        digits["en"] = "1"
    if language == "de":
        digits["zwo"] = "2"
    return digits


def is_number_word(word: str, language: str) -> bool:
    """Whether a lower-case word is part of a number, or in some languages holds one.

    >>> is_number_word("fünfundzwanzig", "de"), is_number_word("weights", "en")
    (True, False)
    """
    return _pattern(language).search(word) is not None


def is_lone_scale(words: list[str], language: str) -> bool:
    """Whether lower-case words are "a hundred", "mille" and the like, with no count before it.

    Such words seldom mean an exact number ("a thousand thanks").
    """
    rest = words[1:] if words and words[0] in _ARTICLES else words
    return len(rest) == 1 and rest[0] in _SCALES[language].split()


@cache
def _pattern(language: str) -> re.Pattern[str]:
    words = sorted(number_words(language), key=len, reverse=True)
    if language not in _COMPOUNDING:
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)")
    whole = [word for word in words if len(word) < _SHORTEST_PART]
    parts = [word for word in words if len(word) >= _SHORTEST_PART]
    alternatives = [*map(re.escape, parts), *(rf"\b{re.escape(word)}\b" for word in whole)]
    return re.compile("|".join(alternatives))


def _parts(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))
