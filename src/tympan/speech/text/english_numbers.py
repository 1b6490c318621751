"""English: digits, amounts and times to words.

What these steps write is spoken form in full (``one hundred four``). How spoken numbers are
brought to one form, so that 104, "one oh four" and "one hundred and four" meet, is the next
module's business (``english_number_words``).
"""

from __future__ import annotations

import re
from functools import lru_cache
from re import Match

from num2words import num2words

from tympan.speech.text.rewriting import Step, replacing

_NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)"
_LONGEST_NUMBER = 15  # digits; longer ones are codes
_SHORTEST_CODE = 5  # digits without separators

_MINUS = re.compile(r"(?<![\w)\-])-(?=[$£€¥₹]?\.?[0-9])")
_TIME = re.compile(
    r"(?<![\w:.])([01]?[0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9]))?(?![0-9:])(?P<half>\s*[ap]\.?m\b)?",
    re.IGNORECASE,
)
_MONEY = re.compile(
    rf"([$£€¥₹])\s?({_NUMBER})(?:\.([0-9]+))?"
    r"(?:\s?(k|thousand|m|mn|million|b|bn|billion|trillion)\b(?![.']?\w))?",
    re.IGNORECASE,
)
_MONEY_AFTER = re.compile(rf"(?<![\w.,])({_NUMBER})(?:\.([0-9]+))?\s?([£€¥₹¢])")
_FRACTION = re.compile(r"(?:(?<![\w./])([0-9]+)\s+)?(?<![\w./])([123])/([234])(?![\w/])")
_ORDINAL = re.compile(rf"(?<![0-9.,])({_NUMBER})(st|nd|rd|th)(s?)\b", re.IGNORECASE)
_PLURAL = re.compile(r"(?<![0-9.,])'?([0-9]+)'?s\b", re.IGNORECASE)
_TELEPHONE = re.compile(
    r"(?<![\w.])(?:\+?1[-. ])?(?:\([0-9]{3}\)\s?|[0-9]{3}[-. ])?[0-9]{3}[-.][0-9]{4}(?![\w.]\w|\w)"
)
_DECIMAL = re.compile(rf"(?:(?<![0-9.])({_NUMBER}))?((?:\.[0-9]+)+)")
_INTEGER = re.compile(_NUMBER)

_SCALES = {"k": "thousand", "m": "million", "mn": "million", "b": "billion", "bn": "billion"}
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "", ""),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "¢": ("cent", "cents", "", ""),
}
_FRACTIONS = {
    "1/2": "half",
    "1/3": "third",
    "2/3": "two thirds",
    "1/4": "quarter",
    "3/4": "three quarters",
}
_SYMBOLS = {
    "%": " percent ",
    "&": " and ",
    "+": " plus ",
    "=": " equals ",
    "@": " at ",
    "°": " degrees ",
}
_SYMBOL = re.compile(r"°\s?[CF]\b|[%&+=@°]")


@lru_cache(maxsize=4096)
def cardinal(value: int) -> str:
    """A number in full, without "and": 104 is ``one hundred four``."""
    return _plain(num2words(value, lang="en"))


@lru_cache(maxsize=4096)
def _ordinal(value: int) -> str:
    return _plain(num2words(value, lang="en", to="ordinal"))


def _plain(words: str) -> str:
    return words.replace(" and ", " ").replace(",", "").replace("-", " ")


def _digit_by_digit(text: str) -> str:
    return " ".join(cardinal(int(digit)) for digit in text if digit.isdigit())


def _integer(text: str) -> str:
    """How a run of digits is read.

    Codes are read digit by digit: a leading zero, or five and more digits without separators
    that do not end in 00.
    """
    digits = text.replace(",", "")
    is_code = "," not in text and len(digits) >= _SHORTEST_CODE and not digits.endswith("00")
    if is_code or len(digits) > _LONGEST_NUMBER or (len(digits) > 1 and digits.startswith("0")):
        return _digit_by_digit(digits)
    return cardinal(int(digits))


def _value(text: str) -> str:
    """How an amount is read: never digit by digit, unless it is endless."""
    digits = text.replace(",", "")
    return cardinal(int(digits)) if len(digits) <= _LONGEST_NUMBER else _digit_by_digit(digits)


def _time(match: Match[str]) -> str:
    hours, minutes, seconds, half = match.groups()
    words = [cardinal(int(hours))]
    if minutes != "00" or seconds:
        words.append(_two_digits(minutes))
    elif not half:
        words.append("o'clock" if 0 < int(hours) <= 12 else "hundred")  # noqa: PLR2004  the clock's face
    if seconds:
        words.append(_two_digits(seconds))
    return f" {' '.join(words)} {half or ''}"


def _two_digits(text: str) -> str:
    return f"oh {cardinal(int(text))}" if text.startswith("0") else cardinal(int(text))


def _money(match: Match[str]) -> str:
    sign, whole, part, scale = match.groups()
    return _amount(sign, whole, part, scale)


def _money_after(match: Match[str]) -> str:
    whole, part, sign = match.groups()
    return _amount(sign, whole, part, None)


def _amount(sign: str, whole: str, part: str | None, scale: str | None) -> str:
    one, many, small_one, small_many = _CURRENCIES[sign]
    is_coins = part is not None and len(part) == 2 and scale is None and bool(small_many)  # noqa: PLR2004
    if part is not None and not is_coins:
        spoken = f"{_value(whole)} point {_digit_by_digit(part)}"
        return f" {spoken} {_SCALES.get(scale.lower(), scale.lower()) if scale else ''} {many} "
    if scale:
        return f" {_value(whole)} {_SCALES.get(scale.lower(), scale.lower())} {many} "
    coins = int(part or 0)
    notes = int(whole.replace(",", ""))
    words = [f"{_value(whole)} {one if notes == 1 else many}"] if notes or not coins else []
    if coins:
        words.append(f"{cardinal(coins)} {small_one if coins == 1 else small_many}")
    return f" {' '.join(words)} "


def _fraction(match: Match[str]) -> str:
    whole, top, bottom = match.groups()
    words = _FRACTIONS.get(f"{top}/{bottom}")
    if words is None:
        return match.group()
    if whole:
        joined = f"a {words}" if top == "1" else words
        return f" {_integer(whole)} and {joined} "
    return f" one {words} " if top == "1" else f" {words} "


def _ordinal_word(match: Match[str]) -> str:
    digits = match[1].replace(",", "")
    if len(digits) > _LONGEST_NUMBER:
        return match.group()
    return f" {_ordinal(int(digits))}{match[3]} "


def _plural(match: Match[str]) -> str:
    digits = match[1]
    is_century = len(digits) == 4 and digits[0] != "0" and digits[1:] != "000"  # noqa: PLR2004  1990s
    if is_century and digits.endswith("00"):
        return f" {cardinal(int(digits[:2]))} hundreds "
    words = f"{cardinal(int(digits[:2]))} {_two_digits(digits[2:])}" if is_century else _integer(digits)
    if words.endswith("y"):
        return f" {words[:-1]}ies "
    return f" {words}{'es' if words.endswith('x') else 's'} "


def _decimal(match: Match[str]) -> str:
    whole, parts = match.groups()
    points = "".join(f" point {_digit_by_digit(part)}" for part in parts.split(".")[1:])
    return f" {_value(whole) if whole else ''}{points} "


def _symbol(match: Match[str]) -> str:
    degrees = {"C": " degrees celsius ", "F": " degrees fahrenheit "}
    return _SYMBOLS.get(match.group()) or degrees[match.group()[-1]]


NUMBER_STEPS = (
    Step(name="minus", edits=replacing(_MINUS, " minus ")),
    Step(name="times", edits=replacing(_TIME, _time)),
    Step(name="money", edits=replacing(_MONEY, _money)),
    Step(name="money, sign last", edits=replacing(_MONEY_AFTER, _money_after)),
    Step(name="fractions", edits=replacing(_FRACTION, _fraction)),
    Step(name="ordinals", edits=replacing(_ORDINAL, _ordinal_word)),
    Step(name="decades and plurals", edits=replacing(_PLURAL, _plural)),
    Step(
        name="telephone numbers",
        edits=replacing(_TELEPHONE, lambda match: f" {_digit_by_digit(match.group())} "),
    ),
    Step(name="decimals", edits=replacing(_DECIMAL, _decimal)),
    Step(name="integers", edits=replacing(_INTEGER, lambda match: f" {_integer(match.group())} ")),
    Step(name="symbols", edits=replacing(_SYMBOL, _symbol)),
)
"""Digits to words, the widest expressions first."""
