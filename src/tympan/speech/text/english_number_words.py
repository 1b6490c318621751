"""English: spoken numbers in one form.

The published normalisation reads 104 as "one oh four" and 102.7 as "one oh two point seven".
People say "one hundred and four" as well, and a recogniser writes 104 for both. So every
spoken number is brought to its shortest spoken form:

=============================================  ======================
one hundred four, one hundred and four, 104    one oh four
one hundred thirty six, 136, 1:36              one thirty six
nineteen hundred and five, 1905                nineteen oh five
two thousand twenty four, 2024                 twenty twenty four
two thousand three hundred, 2,300              twenty three hundred
a hundred, 100                                 one hundred
one zero four                                  one oh four
five dollars and ten cents, $5.10              five dollars ten cents
ten a m, 10 a.m.                               ten am
=============================================  ======================

Numbers from ten thousand on keep their scales: "twelve thousand three forty five".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from re import Match

from tympan.speech.text.english_numbers import cardinal
from tympan.speech.text.rewriting import Edit, Step, replacing

_UNITS = {cardinal(value): value for value in range(1, 10)}
_TEENS = {cardinal(value): value for value in range(10, 20)}
_TENS = {cardinal(value): value for value in range(20, 100, 10)}
_SCALES = {cardinal(10**power).split()[1]: 10**power for power in (3, 6, 9, 12)}
_SMALL = _UNITS | _TEENS | _TENS
_LARGE = {*_SCALES, "hundred"}
_NOUGHTS = {"zero", "oh"}
_NUMBER_WORDS = {*_SMALL, *_SCALES, *_NOUGHTS, "hundred"}
_COINS = ("cent", "cents", "penny", "pence", "paisa", "paise")
_ORDINALS = (
    "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|"
    "fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth|fortieth|"
    "fiftieth|sixtieth|seventieth|eightieth|ninetieth"
)
_ANY_SMALL = "|".join(_SMALL)
_ANY_TENS = "|".join(_TENS)
_ANY_LARGE = "|".join(["hundred", *_SCALES])

_WORD = re.compile(r"\S+")
_PER_CENT = re.compile(r"(?<!\S)per cent(?!\S)")
_O_CLOCK = re.compile(r"(?<!\S)o clock(?!\S)")
_INDEFINITE = re.compile(rf"(?<!\S)an?(?= (?:{_ANY_LARGE})(?!\S))")
_HALF_DAY = re.compile(rf"(?<!\S)((?:{_ANY_SMALL}|o'clock) [ap]) m(?!\S)")
_AND_COINS = re.compile(
    r"(?<!\S)(dollars?|pounds?|euros?|rupees?) and"
    rf"(?=(?: (?:{_ANY_TENS}))?(?: (?:{_ANY_SMALL}))? (?:{'|'.join(_COINS)})(?!\S))"
)
_AND_ORDINAL = re.compile(rf"(?<!\S)({_ANY_LARGE}) and(?= (?:(?:{_ANY_TENS}) )?(?:{_ORDINALS})(?!\S))")

_PAIRS_END = 10_000  # from here on scales are spoken


def shortest(value: int) -> str:
    """The shortest spoken form of a positive number.

    >>> shortest(104), shortest(2024), shortest(12345)
    ('one oh four', 'twenty twenty four', 'twelve thousand three forty five')
    """
    if value < _PAIRS_END and value % 1000 != 0:
        return _in_pairs(value)
    words: list[str] = []
    for name, scale in reversed(_SCALES.items()):
        if value >= scale:
            words += [_in_pairs(value // scale), name]
            value %= scale
    return " ".join([*words, _in_pairs(value)] if value else words)


def _in_pairs(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    if hundreds == 0:
        return cardinal(rest)
    if rest == 0:
        return f"{cardinal(hundreds)} hundred"
    return f"{cardinal(hundreds)} {'oh ' if rest in _UNITS.values() else ''}{cardinal(rest)}"


def _below_hundred(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """The value from 1 to 99 that begins at a word, and the word after it."""
    if at >= len(words) or words[at] not in _SMALL:
        return None
    value = _SMALL[words[at]]
    if words[at] in _TENS and at + 1 < len(words) and words[at + 1] in _UNITS:
        return value + _UNITS[words[at + 1]], at + 2
    return value, at + 1


def _after_and(words: Sequence[str], at: int) -> int:
    return at + 1 if at < len(words) and words[at] == "and" else at


def _word_at(words: Sequence[str], at: int) -> str:
    return words[at] if at < len(words) else ""


def _group(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """The value from 1 to 9999 without scales that begins at a word, and the word after it."""
    found = _below_hundred(words, at)
    if found is None:
        return None
    value, at = found
    if _word_at(words, at) == "hundred":
        value, at = value * 100, at + 1
        rest = _below_hundred(words, _after_and(words, at))
        if rest is not None and _word_at(words, rest[1]) != "hundred":
            return value + rest[0], rest[1]
    return value, at


def _phrase(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """The whole number that begins at a word, and the word after it."""
    total, smallest = 0, 10**15
    end = at
    while True:
        group = _group(words, _after_and(words, at) if total else at)
        if group is None:
            return (total, end) if total else None
        value, at = group
        scale = _SCALES.get(_word_at(words, at))
        if scale is None:
            return (total + value, at) if value < smallest else (total, end)
        if scale >= smallest:
            return total, end
        total, smallest, at = total + value * scale, scale, at + 1
        end = at


def _shortened(text: str) -> Iterator[Edit]:
    places = list(_WORD.finditer(text))
    words = [place.group() for place in places]
    at = 0
    while at < len(words):
        found = _phrase(words, at)
        if found is None or _word_at(words, found[1]) in _NUMBER_WORDS:
            at += 1
            continue
        value, end = found
        after = shortest(value)
        if after != " ".join(words[at:end]) and not _LARGE.isdisjoint(words[at:end]):
            yield Edit(places[at].start(), places[end - 1].end(), after)
        at = end


def _noughts(text: str) -> Iterator[Edit]:
    places = list(_WORD.finditer(text))
    words = ["", *(place.group() for place in places), ""]
    for at, place in enumerate(places, start=1):
        before, word, after = words[at - 1 : at + 2]
        is_after_number = before in _SMALL or before in _NOUGHTS or before == "point"
        is_before_number = after in _SMALL or after in _NOUGHTS
        if (word == "zero" and (is_after_number or is_before_number)) or (word == "o" and is_after_number):
            yield Edit(place.start(), place.end(), "oh")


def _first(match: Match[str]) -> str:
    return str(match[1])


NUMBER_WORD_STEPS = (
    Step(name="per cent", edits=replacing(_PER_CENT, "percent")),
    Step(name="o clock", edits=replacing(_O_CLOCK, "o'clock")),
    Step(name="a hundred", edits=replacing(_INDEFINITE, "one")),
    Step(name="and before coins", edits=replacing(_AND_COINS, _first)),
    Step(name="and before ordinals", edits=replacing(_AND_ORDINAL, _first)),
    Step(name="zero as oh", edits=_noughts, is_repeated=True),
    Step(name="shortest spoken number", edits=_shortened, is_repeated=True),
    Step(name="a m and p m", edits=replacing(_HALF_DAY, lambda match: f"{match[1]}m")),
)
"""Need lower case, single spaces and no punctuation."""
