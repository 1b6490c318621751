"""Spoken numbers by text2num, which finds them; how they are written is decided here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from text_to_num import find_numbers

from tympan.speech.itn_house_rules import core_of
from tympan.speech.itn_units import month_words, unit_words
from tympan.speech.number_words import is_lone_scale

LANGUAGES = frozenset({"da", "nl", "pt"})

_MARKED_END = re.compile(r"[^\w]$")
_PERCENT = {"pt": ("por", "cento")}
_LARGE = {
    "da": ("million", "millioner", "milliard", "milliarder"),
    "nl": ("miljoen", "miljard"),
    "pt": ("milhão", "milhões", "bilhão", "bilhões"),
}
_CLOCKS = {
    "nl": (re.compile(r"\b([01]?\d|2[0-4]) uur ([1-5]\d)\b"), r"\1:\2 uur"),
    "pt": (re.compile(r"(?<=\b[àÀ]s )([01]?\d|2[0-4]) e ([1-5]\d)\b"), r"\1:\2"),
}
_CLOCK_LINK = {"nl": "uur", "pt": "e"}
_PAIRED_YEAR = re.compile(r"\b(1[1-9]|20) ([1-9]\d)(?![\d.,]*\d)")
_DANISH_AND = "og"
_SMALLEST = 10
_THOUSAND = 1000
_GROUPED_FROM = 10_000
_MILLION = 10**6
_LAST_MINUTE = 59


class _Spoken:
    """A word as the finder wants it; marks part it from its neighbours."""

    def __init__(self, token: str, *, is_barred: bool) -> None:
        self._word = core_of(token)
        self._is_barred = is_barred
        self.is_last = bool(_MARKED_END.search(token))

    def text(self) -> str:
        return self._word

    def nt_separated(self, previous: _Spoken) -> bool:
        return previous.is_last

    def not_a_number_part(self) -> bool:
        return self._is_barred or not self._word


@dataclass(frozen=True, slots=True, kw_only=True)
class _Number:
    """A number that was found: words ``[start, end)``."""

    start: int
    end: int
    figures: str
    value: float
    is_ordinal: bool

    @property
    def is_whole(self) -> bool:
        return not self.is_ordinal and self.figures.isdigit()


def write_found_numbers(text: str, language: str) -> str:
    """The text with numbers as figures.

    >>> write_found_numbers("Custa vinte e cinco reais, dez por cento a mais.", "pt")
    'Custa 25 reais, 10% a mais.'
    """
    tokens = text.split()
    numbers = list(_numbers(tokens, language))
    written: list[str] = []
    at = 0
    for index, number in enumerate(numbers):
        follower = numbers[index + 1] if index + 1 < len(numbers) else None
        figures, end = _written(tokens, number, follower, language)
        if figures:
            written += tokens[at : number.start]
            written.append(_with_marks(tokens, number.start, end, figures))
            at = end
    joined = " ".join((*written, *tokens[at:]))
    if language in _CLOCKS:
        clock, form = _CLOCKS[language]
        joined = clock.sub(form, joined)
    return _PAIRED_YEAR.sub(r"\1\2", joined) if language == "nl" and joined != text else joined


def _numbers(tokens: Sequence[str], language: str) -> Iterator[_Number]:
    percent = _PERCENT.get(language, ("", ""))
    cores = [core_of(token) for token in tokens]
    barred = [place > 0 and (cores[place - 1], core) == percent for place, core in enumerate(cores)]
    words = [_Spoken(token, is_barred=bar) for token, bar in zip(tokens, barred, strict=True)]
    held: _Number | None = None
    for found in find_numbers(words, language, threshold=0):
        number = _Number(
            start=found.start,
            end=found.end,
            figures=found.text,
            value=found.value,
            is_ordinal=found.is_ordinal,
        )
        joined = _joined(held, number, tokens) if held is not None else None
        if held is not None and joined is None:
            yield held
        held = joined or number
    if held is not None:
        yield held


def _joined(number: _Number, follower: _Number, tokens: Sequence[str]) -> _Number | None:
    """Two finds that are one number: "drie komma een" and "vier", "tusind" "og" "femogtyve"."""
    if _goes_on(number, follower, tokens):
        return replace(number, end=follower.end, figures=number.figures + follower.figures)
    is_linked = follower.start == number.end + 1 and tokens[number.end] == _DANISH_AND
    is_round = number.is_whole and number.value >= _THOUSAND and number.value % _THOUSAND == 0
    if is_linked and is_round and follower.is_whole and follower.value < _THOUSAND:
        value = int(number.value + follower.value)
        return replace(number, end=follower.end, figures=str(value), value=value)
    return None


def _goes_on(number: _Number, follower: _Number, tokens: Sequence[str]) -> bool:
    """Whether a single digit adds a place to a decimal number: "drie komma een vier"."""
    is_near = number.end == follower.start and not _MARKED_END.search(tokens[number.end - 1])
    return is_near and "," in number.figures and follower.is_whole and len(follower.figures) == 1


def _written(
    tokens: Sequence[str], number: _Number, follower: _Number | None, language: str
) -> tuple[str, int]:
    """Figures, or nothing where the words stay; and the word after the last one replaced."""
    is_marked = bool(_MARKED_END.search(tokens[number.end - 1]))
    after = [] if is_marked else [core_of(token) for token in tokens[number.end : number.end + 2]]
    if tuple(after) == _PERCENT.get(language):
        return f"{_grouped(number)}%", number.end + 2
    words = [core_of(token) for token in tokens[number.start : number.end]]
    is_counted = bool(after) and after[0] in unit_words(language)
    is_uncounted = is_lone_scale(words, language) and not is_counted
    if is_uncounted or (len(words) == 1 and words[0] in _LARGE[language]):
        return "", number.end
    if number.is_whole and words[-1] in _LARGE[language] and number.value % _MILLION == 0:
        scale = (
            _MILLION if words[-1] in _LARGE[language][: len(_LARGE[language]) // 2] else _THOUSAND * _MILLION
        )
        return f"{int(number.value) // scale} {words[-1]}", number.end
    if not number.is_whole and not number.is_ordinal:
        return number.figures, number.end
    is_dated = _is_day(after, language) and number.is_whole
    is_timed = _is_hour(tokens, number, follower, language)
    if number.value >= _SMALLEST or (number.is_whole and (is_counted or is_dated or is_timed)):
        return _grouped(number), number.end
    return "", number.end


def _is_day(after: Sequence[str], language: str) -> bool:
    """Whether a month follows, with or without "de"."""
    names = month_words(language)
    return any(word in names for word in after[:1]) or (after[:1] == ["de"] and after[-1] in names)


def _is_hour(tokens: Sequence[str], number: _Number, follower: _Number | None, language: str) -> bool:
    """Whether minutes follow, as in "às três e trinta" and "om drie uur dertig"."""
    if (
        language not in _CLOCK_LINK
        or follower is None
        or follower.start != number.end + 1
        or not follower.is_whole
    ):
        return False
    is_linked = tokens[number.end] == _CLOCK_LINK[language]
    is_told = language != "pt" or (number.start > 0 and core_of(tokens[number.start - 1]) == "às")
    return is_linked and is_told and _SMALLEST <= follower.value <= _LAST_MINUTE


def _grouped(number: _Number) -> str:
    if not number.is_whole or number.value < _GROUPED_FROM or number.figures.startswith("0"):
        return number.figures
    return f"{int(number.value):,}".replace(",", ".")


def _with_marks(tokens: Sequence[str], start: int, end: int, figures: str) -> str:
    """Figures with the marks that stood around the words."""
    lead = re.match(r"\W*", tokens[start])
    trail = re.search(r"\W*$", tokens[end - 1])
    return f"{lead[0] if lead else ''}{figures}{trail[0] if trail else ''}"
