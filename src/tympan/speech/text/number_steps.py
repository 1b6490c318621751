"""Digits to words in languages other than English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from re import Match

from num2words import num2words

from tympan.speech.text.number_languages import NumberLanguage
from tympan.speech.text.rewriting import Step, replacing

_LONGEST_NUMBER = 12  # digits; longer ones are codes
_SHORTEST_CODE = 8
_PAIRED_YEARS = range(1100, 2000)

_CLOCK = re.compile(
    r"(?<![\w:.,])([01]?[0-9]|2[0-4]):([0-5][0-9])(?![0-9:])(?P<word>\s?(?:Uhr|uur|h)\b)?", re.IGNORECASE
)
_FRENCH_CLOCK = re.compile(r"(?<![\w:.,])([01]?[0-9]|2[0-4])\s?h\s?([0-5][0-9])?\b")
_GERMAN_DATE = re.compile(
    r"(?:\b(?P<case>am|den|dem|vom|zum|im|bis|seit|ab)\s+)?(?<![\w.,])(?P<day>[0-3]?[0-9])\."
    r"(?=\s?(?:Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember)\b)",
    re.IGNORECASE,
)


def ordinal_steps(language: NumberLanguage) -> tuple[Step, ...]:
    """Ordinals to words, where a language writes them with a sign of their own."""
    if not language.ordinal_suffix:
        return ()
    pattern = re.compile(rf"(?<![0-9.,])([0-9]{{1,4}}){language.ordinal_suffix}")
    return (Step(name="ordinals", edits=replacing(pattern, lambda match: _ordinal(match, language))),)


def number_steps(language: NumberLanguage) -> tuple[Step, ...]:
    """Digits to words, the widest expressions first.

    Groups of exactly three digits after a point or comma are thousands, anything else after
    one is decimal places: which sign is which differs between regions of one language.
    """
    space = " " if language.has_space_groups else ""
    groups = rf"(?<![0-9])[0-9]{{1,3}}(?:(?:[.,{space}])[0-9]{{3}})+(?![0-9])"
    number = rf"({groups}|[0-9]+)(?:([.,])([0-9]+))?"
    steps: list[Step] = []
    if language.code == "de":
        steps.append(Step(name="dates", edits=replacing(_GERMAN_DATE, _german_day)))
    if language.code == "fr":
        steps.append(Step(name="hours", edits=replacing(_FRENCH_CLOCK, lambda m: _time(m, language))))
    steps.append(Step(name="times", edits=replacing(_CLOCK, lambda m: _time(m, language))))
    for sign, word in language.currencies.items():
        steps += _money_steps(number, sign, word, language)
    if language.percent:
        steps.append(Step(name="percent", edits=replacing(re.compile("%"), f" {language.percent} ")))
    steps.append(Step(name="numbers", edits=replacing(re.compile(number), lambda m: _number(m, language))))
    return tuple(steps)


def _money_steps(number: str, sign: str, word: str, language: NumberLanguage) -> Iterator[Step]:
    mark = re.escape(sign)
    for place, pattern in (("first", rf"{mark}\s?{number}(?!\s?{mark})"), ("last", rf"{number}\s?{mark}")):
        edits = replacing(re.compile(pattern), lambda match: _amount(match, language, word))
        yield Step(name=f"money, {sign} {place}", edits=edits)


@lru_cache(maxsize=4096)
def _spoken(value: int, code: str, to: str = "cardinal") -> str:
    words: str = num2words(value, lang=code, to=to)
    # num2words writes Dutch numbers with accents that its orthography keeps for stress.
    return words.replace("éé", "ee") if code == "nl" else words


def _digit_by_digit(digits: str, code: str) -> str:
    return " ".join(_spoken(int(digit), code) for digit in digits)


def _whole(text: str, language: NumberLanguage) -> str:
    digits = re.sub("[^0-9]", "", text)
    is_code = digits == text and len(digits) >= _SHORTEST_CODE and not digits.endswith("000")
    if is_code or len(digits) > _LONGEST_NUMBER or (len(digits) > 1 and digits.startswith("0")):
        return _digit_by_digit(digits, language.code)
    is_year = language.has_paired_years and digits == text and int(digits) in _PAIRED_YEARS
    return _spoken(int(digits), language.code, "year" if is_year else "cardinal")


def _places(text: str, language: NumberLanguage) -> str:
    if not language.reads_places_whole or len(text) > _LONGEST_NUMBER:
        return _digit_by_digit(text, language.code)
    noughts = text[: len(text) - len(text.lstrip("0"))]
    rest = text[len(noughts) :]
    words = [_digit_by_digit(noughts, language.code), _spoken(int(rest), language.code) if rest else ""]
    return " ".join(word for word in words if word)


def _number(match: Match[str], language: NumberLanguage) -> str:
    whole, sign, places = match.groups()
    if not sign:
        return f" {_whole(whole, language)} "
    if language.code == "ru" and len(whole + places) <= _LONGEST_NUMBER:
        digits = re.sub("[^0-9]", "", whole)
        return f" {num2words(f'{digits}.{places}', lang='ru')} "
    word = language.comma if sign == "," else language.point
    return f" {_whole(whole, language)} {word} {_places(places, language)} "


def _amount(match: Match[str], language: NumberLanguage, word: str) -> str:
    whole, sign, places = match.groups()
    if sign and len(places) == 2:  # noqa: PLR2004  a number of coins
        coins = _spoken(int(places), language.code) if int(places) else ""
        return f" {_whole(whole, language)} {word} {coins} "
    return f"{_number(match, language)}{word} "


def _time(match: Match[str], language: NumberLanguage) -> str:
    hours, minutes = match[1], match[2]
    words = [_spoken(int(hours), language.code), language.clock]
    if minutes and int(minutes):
        words.append(_spoken(int(minutes), language.code))
    return f" {' '.join(word for word in words if word)} "


def _ordinal(match: Match[str], language: NumberLanguage) -> str:
    words = _spoken(int(match[1]), language.code, "ordinal")
    if "ª" in match.group():
        words = " ".join(f"{word[:-1]}a" if word.endswith("o") else word for word in words.split())
    return f" {words} "


def _german_day(match: Match[str]) -> str:
    case = match["case"]
    day = _spoken(int(match["day"]), "de", "ordinal")
    return f"{case} {day}n " if case else f"{day} "
