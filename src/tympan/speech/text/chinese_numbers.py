"""Chinese: digits to words."""

from __future__ import annotations

import re
from re import Match

from tympan.speech.text.rewriting import Step, replacing

_DIGITS = "零一二三四五六七八九"
_LONGEST_NUMBER = 16
_SHORTEST_CODE = 7
_NUMBER = r"([0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.([0-9]+))?"

_YEAR = re.compile(r"(?<![0-9])([0-9]{4})(?=\s?年)")
_MONEY = re.compile(rf"[¥￥]\s?{_NUMBER}")
_PERCENT = re.compile(rf"{_NUMBER}\s?%")
_CLOCK = re.compile(r"(?<![0-9:])([01]?[0-9]|2[0-4]):([0-5][0-9])(?![0-9:])")
_PLAIN = re.compile(_NUMBER)


def _by_digit(digits: str) -> str:
    return "".join(_DIGITS[int(digit)] for digit in digits)


def spoken(value: int) -> str:
    """A number below 10**16 in characters.

    >>> spoken(104), spoken(12), spoken(100_010)
    ('一百零四', '十二', '十万零一十')
    """
    if value == 0:
        return _DIGITS[0]
    words, gap = "", False
    for scale, name in ((10**12, "万亿"), (10**8, "亿"), (10**4, "万"), (1, "")):
        group, value = divmod(value, scale)
        if group == 0:
            gap = bool(words)
            continue
        words += ("零" if words and (gap or group < 1000) else "") + _group(group) + name  # noqa: PLR2004
        gap = False
    return words.removeprefix("一") if words.startswith("一十") else words


def _group(value: int) -> str:
    words, gap = "", False
    for scale, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, value = divmod(value, scale)
        if digit == 0:
            gap = bool(words)
            continue
        words += ("零" if gap else "") + _DIGITS[digit] + name
        gap = False
    return words


def _whole(text: str) -> str:
    digits = text.replace(",", "")
    is_code = "," not in text and len(digits) >= _SHORTEST_CODE and not digits.endswith("0000")
    if is_code or len(digits) > _LONGEST_NUMBER or (len(digits) > 1 and digits.startswith("0")):
        return _by_digit(digits)
    return spoken(int(digits))


def _plain(match: Match[str]) -> str:
    whole, places = match.groups()
    return _whole(whole) + (f"点{_by_digit(places)}" if places else "")


def _money(match: Match[str]) -> str:
    whole, places = match.groups()
    if places is None or len(places) > 2:  # noqa: PLR2004  jiao and fen
        return f"{_plain(match)}元"
    coins = [(digit, name) for digit, name in zip(places, "角分", strict=False) if digit != "0"]
    return f"{_whole(whole)}元" + "".join(f"{_DIGITS[int(digit)]}{name}" for digit, name in coins)


def _time(match: Match[str]) -> str:
    hours, minutes = int(match[1]), int(match[2])
    if minutes == 0:
        return f"{spoken(hours)}点"
    return f"{spoken(hours)}点{'零' if minutes < 10 else ''}{spoken(minutes)}分"  # noqa: PLR2004


CHINESE_NUMBER_STEPS = (
    Step(name="years", edits=replacing(_YEAR, lambda match: _by_digit(match[1]))),
    Step(name="money", edits=replacing(_MONEY, _money)),
    Step(name="percent", edits=replacing(_PERCENT, lambda match: f"百分之{_plain(match)}")),
    Step(name="times", edits=replacing(_CLOCK, _time)),
    Step(name="numbers", edits=replacing(_PLAIN, _plain)),
)
"""Digits to characters; years digit by digit."""
