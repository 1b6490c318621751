"""Words of each language that the rules for entities look for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from num2words import num2words

_MONTHS = {
    "en": "january february march april may june july august september october november december",
    "de": "januar februar märz april mai juni juli august september oktober november dezember jänner",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "it": ("gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"),
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
}
_CURRENCIES = {
    "en": "dollar dollars cent cents euro euros pound pounds pence penny buck bucks rupee rupees yen",
    "de": "euro euros cent dollar dollars franken rappen pfund",
    "es": "euro euros céntimos dólar dólares centavos peso pesos libra libras",
    "fr": "euro euros centimes dollar dollars franc francs livre livres",
    "it": "euro centesimi dollaro dollari sterlina sterline franco franchi",
    "nl": "euro euro's cent dollar pond",
    "pt": "euro euros cêntimos dólar dólares real reais centavos",
}
_SCALES = {
    "en": "hundred thousand million billion trillion",
    "de": "hundert tausend million millionen milliarde milliarden",
    "es": "cien ciento mil millón millones",
    "fr": "cent cents mille million millions milliard milliards",
    "it": "cento mila mille milione milioni miliardo miliardi",
    "nl": "honderd duizend miljoen miljard",
    "pt": "cem cento mil milhão milhões",
}
_JOINERS = {"en": "and", "de": "und", "es": "y", "fr": "et", "it": "e", "nl": "en", "pt": "e"}
# Months that are other words as well, and number words that are articles when they stand alone.
_AMBIGUOUS_MONTHS = frozenset(["march", "may", "mars", "mai", "marzo", "maart", "mei"])
_ARTICLES = {
    "en": "one",
    "de": "ein eins eine einen einem einer eines",
    "es": "un una uno",
    "fr": "un une",
    "it": "un una uno",
    "nl": "een één",
    "pt": "um uma",
}
_NEVER_NAMES = {"en": "i i'm i've i'll i'd i’m i’ve i’ll i’d ok"}
# Nouns are written with capitals there, or there are no capitals at all.
_NO_CAPITAL_NAMES = ("de", "lb")
_CARDINALS = (*range(101), *range(200, 1000, 100), 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityWords:
    """Words of one language, in lower case.

    Attributes:
        numbers: Words that numbers up to a thousand are made of, and scales.
        joiners: Words that may stand between number words.
        no_numbers_alone: Articles and ordinals, which alone are no number.
        scales: Words such as "million".
        currencies: Words that make a number an amount.
        months: Names of months; ``ambiguous_months`` are other words as well.
        never_names: Words with a capital that name nobody.
        capitals_are_names: Whether a capital inside a sentence tells a name.
    """

    numbers: frozenset[str] = frozenset()
    joiners: frozenset[str] = frozenset()
    no_numbers_alone: frozenset[str] = frozenset()
    scales: frozenset[str] = frozenset()
    currencies: frozenset[str] = frozenset()
    months: frozenset[str] = frozenset()
    ambiguous_months: frozenset[str] = _AMBIGUOUS_MONTHS
    never_names: frozenset[str] = frozenset()
    capitals_are_names: bool = True

    def is_number(self, word: str) -> bool:
        """Whether a lower-case word is part of a number."""
        return word in self.numbers


@cache
def entity_words(language: str) -> EntityWords:
    """The words of a language; one without its own has only rules for digits and capitals."""

    def listed(table: dict[str, str]) -> frozenset[str]:
        return frozenset(table.get(language, "").split())

    ordinals = _ordinals(language)
    return EntityWords(
        numbers=_numbers(language) | listed(_SCALES) | listed(_ARTICLES) | ordinals,
        joiners=listed(_JOINERS),
        no_numbers_alone=listed(_ARTICLES) | ordinals,
        scales=listed(_SCALES),
        currencies=listed(_CURRENCIES),
        months=listed(_MONTHS),
        never_names=listed(_NEVER_NAMES),
        capitals_are_names=language not in _NO_CAPITAL_NAMES,
    )


def _numbers(language: str) -> frozenset[str]:
    return _spoken(language, _CARDINALS, "cardinal") - frozenset(_JOINERS.get(language, "").split())


def _ordinals(language: str) -> frozenset[str]:
    """Ordinals of days. German ones are written with an ending more in dates."""
    words = _spoken(language, range(1, 32), "ordinal") - _numbers(language)
    words -= frozenset(_JOINERS.get(language, "").split())
    return words | {f"{word}n" for word in words} if language == "de" else words


def _spoken(language: str, values: Iterable[int], to: str) -> frozenset[str]:
    if language not in _MONTHS:  # languages whose words were looked through
        return frozenset()
    texts = (num2words(value, lang=language, to=to).lower() for value in values)
    return frozenset(word for text in texts for word in re.findall(r"[^\W\d_]+", text))
