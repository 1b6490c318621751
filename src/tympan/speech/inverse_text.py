"""Inverse text normalisation: numbers that were written in words become figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from text_to_num import Occurence, find_numbers

LANGUAGES = frozenset(("da", "de", "en", "es", "fr", "it", "nl", "pt"))
"""First parts of the locales whose numbers are known; elsewhere a text stays as the model wrote it."""

_TOKEN = re.compile(r"\w+(?:['’]\w+)?|[^\w\s]")
_LEAST = 10
"""Smaller numbers stay words, unless they measure something or are read out figure by figure."""
_LEAST_DIGITS = 3
_CENTURIES = range(13, 21)
_YEARS = range(10, 100)
_SCALES = frozenset((100, 1000))
_LARGEST = 1_000_000
"""From here on the words are easier to read than so many zeros."""

_UNITS = {
    "da": ("procent", "grader", "kroner", "euro"),
    "de": (
        "prozent",
        "grad",
        "euro",
        "uhr",
        "kilogramm",
        "kilo",
        "gramm",
        "milligramm",
        "liter",
        "milliliter",
    ),
    "en": (
        *("percent", "degrees", "degree", "dollars", "dollar", "cents", "pounds", "euros", "euro", "o'clock"),
        *("am", "pm", "kilograms", "kilos", "grams", "milligrams", "micrograms", "litres", "liters"),
        *("millilitres", "milliliters", "kilometers", "kilometres", "millimeters", "millimetres", "mg", "kg"),
    ),
    "es": (
        "grados",
        "euros",
        "euro",
        "pesos",
        "dólares",
        "kilogramos",
        "kilos",
        "gramos",
        "miligramos",
        "litros",
    ),
    "fr": ("degrés", "euros", "euro", "dollars", "kilogrammes", "kilos", "grammes", "milligrammes", "litres"),
    "it": ("gradi", "euro", "chilogrammi", "chili", "grammi", "milligrammi", "litri"),
    "nl": ("procent", "graden", "euro", "kilogram", "kilo", "gram", "milligram", "liter"),
    "pt": ("graus", "euros", "euro", "reais", "quilogramas", "quilos", "gramas", "miligramas", "litros"),
}
_PERCENT = re.compile(r"(?<=\d) ?percent\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Token:
    """A word in the form that the library asks for."""

    found: re.Match[str]

    def text(self) -> str:
        return self.found.group()

    def nt_separated(self, _previous: object) -> bool:
        return False

    def not_a_number_part(self) -> bool:
        return any(character.isdigit() for character in self.found.group())


def with_figures(text: str, locale: str) -> str:
    """Write numbers from ten on, measures and spelled-out figures in figures; all else stays.

    Twice is the same as once. What the model wrote in figures is never touched.

    Args:
        text: In any of the forms of a text.
        locale: BCP-47 tag; another language than ``LANGUAGES`` gives the text as it is.

    >>> with_figures("Twenty-five people, two cats and the second opinion.", "en-US")
    '25 people, two cats and the second opinion.'
    >>> with_figures("Es kostet fünfundzwanzig Euro.", "de-DE")
    'Es kostet 25 Euro.'
    """
    language = locale.partition("-")[0].lower()
    if language not in LANGUAGES:
        return text
    tokens = [_Token(found) for found in _TOKEN.finditer(text)]
    written, place = [], 0
    for first, after, figures in _replacements(tokens, language):
        start, end = tokens[first].found.start(), tokens[after - 1].found.end()
        written += [text[place:start], figures]
        place = end
    written.append(text[place:])
    shown = "".join(written)
    return _PERCENT.sub("%", shown) if language == "en" else shown


def _replacements(tokens: Sequence[_Token], language: str) -> Iterator[tuple[int, int, str]]:
    """Stretches of tokens, each with the figures that take its place."""
    found = find_numbers(tokens, language, threshold=0.0)
    place = 0
    while place < len(found):
        run = _digits(found[place:])
        if len(run) >= _LEAST_DIGITS:
            yield run[0].start, run[-1].end, "".join(one.text for one in run)
            place += len(run)
        elif language == "en" and _is_year(found[place : place + 2]):
            first, second = found[place : place + 2]
            yield first.start, second.end, first.text + second.text
            place += 2
        else:
            one = found[place]
            place += 1
            if _is_worth_it(one, tokens, language):
                yield one.start, one.end, one.text


def _digits(found: Sequence[Occurence]) -> list[Occurence]:
    """The single figures in front, one right behind the other."""
    run: list[Occurence] = []
    for one in found:
        is_digit = not one.is_ordinal and len(one.text) == 1
        if not is_digit or (run and one.start != run[-1].end):
            break
        run.append(one)
    return run


def _is_year(pair: Sequence[Occurence]) -> bool:
    if len(pair) < 2:  # noqa: PLR2004
        return False
    first, second = pair
    is_plain = not first.is_ordinal and not second.is_ordinal and first.end == second.start
    return is_plain and first.value in _CENTURIES and second.value in _YEARS


def _is_worth_it(one: Occurence, tokens: Sequence[_Token], language: str) -> bool:
    if one.value >= _LARGEST or (one.end - one.start == 1 and one.value in _SCALES):
        return False
    if one.value >= _LEAST or one.value != int(one.value):
        return True
    after = tokens[one.end].text().lower() if one.end < len(tokens) else ""
    return not one.is_ordinal and after in _UNITS[language]
