"""English number words and the digits they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_UNITS = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9",
}  # fmt: skip
_TEENS = {
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15",
    "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19",
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90,
}  # fmt: skip
_SCALES = {"thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
_REPEATS = {"double": 2, "triple": 3}
_ZERO = "oh"
_YEAR_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Digits:
    """What number words stand for.

    Attributes:
        text: The digits.
        end: The word after the last one used.
    """

    text: str
    end: int


def digit_readings(words: Sequence[str], start: int) -> tuple[Digits, ...]:
    """All ways to read one group of number words that begins at ``start``; lower-case words.

    >>> digit_readings(["five", "hundred", "two"], 0)
    (Digits(text='502', end=3), Digits(text='500', end=2))
    """
    word = words[start]
    follower = words[start + 1] if start + 1 < len(words) else ""
    if word in _REPEATS:
        digit = "0" if follower == _ZERO else _UNITS.get(follower)
        return (Digits(digit * _REPEATS[word], start + 2),) if digit is not None else ()
    if word == _ZERO:
        return (Digits("0", start + 1),)
    readings = []
    below_hundred = _below_hundred(words, start)
    if below_hundred is not None:
        hundreds = _cardinal(words, start)
        readings += [hundreds, *_without_last(words, start, hundreds)]
        is_scaled = words[below_hundred.end : below_hundred.end + 1] in (["hundred"], *[[s] for s in _SCALES])
        if not is_scaled and below_hundred not in readings:
            readings.append(below_hundred)
    return tuple(readings)


def write_numbers(words: Sequence[str]) -> list[str]:
    """The words with number words written as digits, as a base recogniser would.

    Cardinals become one number; runs of single digits and years join.

    >>> write_numbers("dial one oh five or wait twenty five years from nineteen ninety nine".split())
    ['dial', '105', 'or', 'wait', '25', 'years', 'from', '1999']
    """
    written: list[str] = []
    place = 0
    while place < len(words):
        run = _digit_run(words, place) or _year(words, place) or _number(words, place)
        written.append(words[place] if run is None else run.text)
        place = place + 1 if run is None else run.end
    return written


def is_number_word(word: str) -> bool:
    """Whether a lower-case word is part of a number."""
    return word in _UNITS or word in _TEENS or word in _TENS or word == _ZERO


def _below_hundred(words: Sequence[str], start: int) -> Digits | None:
    word = words[start] if start < len(words) else ""
    if word in _UNITS:
        return Digits(_UNITS[word], start + 1)
    if word in _TEENS:
        return Digits(_TEENS[word], start + 1)
    if word not in _TENS:
        return None
    unit = _UNITS.get(words[start + 1], "0") if start + 1 < len(words) else "0"
    return Digits(str(_TENS[word] + int(unit)), start + (2 if unit != "0" else 1))


def _cardinal(words: Sequence[str], start: int) -> Digits:
    """The longest whole number from ``start``, where a number below a hundred stands."""
    total, place, scale = 0, start, 10**12
    while True:
        group = _below_thousand(words, place)
        if group is None:
            break
        word = words[group.end] if group.end < len(words) else ""
        if _SCALES.get(word, scale) >= scale:
            if scale < 10**12 or total == 0:
                total, place = total + int(group.text), group.end
            break
        scale = _SCALES[word]
        total, place = total + int(group.text) * scale, group.end + 1
    return Digits(str(total), place)


def _below_thousand(words: Sequence[str], start: int) -> Digits | None:
    first = _below_hundred(words, start)
    if first is None or words[first.end : first.end + 1] != ["hundred"]:
        return first
    place = first.end + 1
    joined = place + 1 if words[place : place + 1] == ["and"] else place
    rest = _below_hundred(words, joined)
    if rest is None:
        return Digits(str(int(first.text) * 100), place)
    return Digits(str(int(first.text) * 100 + int(rest.text)), rest.end)


def _without_last(words: Sequence[str], start: int, number: Digits) -> tuple[Digits, ...]:
    # "five hundred two" may also be 500 and then 2.
    first = _below_hundred(words, start)
    if first is None or words[first.end : first.end + 1] != ["hundred"] or number.end <= first.end + 1:
        return ()
    return (Digits(str(int(first.text) * 100), first.end + 1),)


def _digit_run(words: Sequence[str], start: int) -> Digits | None:
    digits, place = "", start
    while place < len(words) and (words[place] in _UNITS or (words[place] == _ZERO and digits)):
        digits += _UNITS.get(words[place], "0")
        place += 1
    scaled = words[place : place + 1] in (["hundred"], *[[scale] for scale in _SCALES])
    return Digits(digits, place) if len(digits) > 1 and not scaled else None


def _year(words: Sequence[str], start: int) -> Digits | None:
    first = _below_hundred(words, start)
    second = _below_hundred(words, first.end) if first is not None else None
    if first is None or second is None or len(first.text + second.text) != _YEAR_DIGITS:
        return None
    return Digits(first.text + second.text, second.end)


def _number(words: Sequence[str], start: int) -> Digits | None:
    return None if _below_hundred(words, start) is None else _cardinal(words, start)
