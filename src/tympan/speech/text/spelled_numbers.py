"""Number words in one form, where a language has several: together or apart, in hundreds or thousands.

All steps need lower case and single spaces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from num2words import num2words

from tympan.speech.text.rewriting import Step, replacing

_GERMAN = (
    "ein|eins|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|und|sech|sieb|zig|ßig|hundert|"
    "tausend|zwanzig"
)
_DUTCH = (
    "een|twee|drie|vier|vijf|zes|zeven|acht|negen|tien|elf|twaalf|der|veer|en|twin|tach|tig|honderd|duizend"
)
_ITALIAN = (
    "uno|un|due|tre|quattro|cinque|sei|sette|otto|nove|dieci|undici|dodici|tredici|quattordici|quindici|sedici|"
    "dicia|dici|venti|vent|trenta|trent|quaranta|quarant|cinquanta|cinquant|sessanta|sessant|settanta|settant|"
    "ottanta|ottant|novanta|novant|cento|cent|mila|mille"
)
# Hundreds from eleven to nineteen, by the unit that stands after a thousand.
_GERMAN_TEENS = dict(
    zip(
        ["ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"],
        ["elf", "zwölf", "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"],
        strict=True,
    )
)
_DUTCH_TEENS = dict(
    zip(
        ["twee", "drie", "vier", "vijf", "zes", "zeven", "acht", "negen"],
        ["twaalf", "dertien", "veertien", "vijftien", "zestien", "zeventien", "achttien", "negentien"],
        strict=True,
    )
)
_FRENCH_TEENS = dict(
    zip(
        ("douze", "treize", "quatorze", "quinze", "seize", "dix sept", "dix huit", "dix neuf"),
        ["deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"],
        strict=True,
    )
)
_PORTUGUESE = {
    "dezesseis": "dezasseis",
    "dezessete": "dezassete",
    "dezenove": "dezanove",
    "quatorze": "catorze",
}


def _after(scales: str, morphemes: str, link: str, article: str) -> Step:
    """A step that writes a number together with the hundreds or thousands before it.

    Args:
        scales: Words of one length, as alternatives.
        morphemes: What numbers are made of.
        link: A word that may stand between; alone it is no number.
        article: A number word that alone is an article.
    """
    pattern = rf"(?<={scales}) (?:{link} )?(?!(?:{link}|{article})(?!\S))(?=(?:{morphemes})+(?!\S))"
    return Step(name=f"together after {scales}", edits=replacing(re.compile(pattern), ""))


def _before(scales: str, morphemes: str, link: str) -> Step:
    """A step that writes hundreds or thousands together with how many they are."""
    number = rf"(?!{link} )((?:{morphemes})+)"
    pattern = rf"(?<!\S){number} (?=(?:{scales})(?:{morphemes})*(?!\S))"
    edits = replacing(re.compile(pattern), lambda match: match[1])
    return Step(name=f"together before {scales}", edits=edits, is_repeated=True)


def _without_one(one: str, scales: str, morphemes: str) -> Step:
    """A step that takes away the one before a hundred or a thousand."""
    pattern = rf"(?<!\S){one} ?(?=(?:{scales})(?:{morphemes})*(?!\S))"
    return Step(name=f"no {one} before {scales}", edits=replacing(re.compile(pattern), ""), is_repeated=True)


def _alternatives(words: Mapping[str, str]) -> str:
    return "|".join(words)


def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\S)(?:{pattern})(?!\S)")


GERMAN_SPELLINGS = (
    _without_one("ein", "hundert|tausend", _GERMAN),
    _before("hundert|tausend", _GERMAN, "und"),
    _after("hundert|tausend", _GERMAN, "und", "ein"),
    Step(
        name="tausendneunhundert as neunzehnhundert",
        edits=replacing(
            re.compile(rf"(?<!\S)tausend({_alternatives(_GERMAN_TEENS)})?hundert"),
            lambda match: f"{_GERMAN_TEENS[match[1] or 'ein']}hundert",
        ),
    ),
)

DUTCH_SPELLINGS = (
    Step(name="één", edits=replacing(re.compile("éé"), "ee")),
    Step(name="drieëntwintig", edits=replacing(re.compile("(?<=twee|drie)ën"), "en")),
    _without_one("een", "honderd|duizend", _DUTCH),
    _before("honderd|duizend", _DUTCH, "en"),
    _after("honderd|duizend", _DUTCH, "en", "en"),
    Step(
        name="duizendnegenhonderd as negentienhonderd",
        edits=replacing(
            re.compile(rf"(?<!\S)duizend({_alternatives(_DUTCH_TEENS)})?honderd"),
            lambda match: f"{_DUTCH_TEENS[match[1]] if match[1] else 'elf'}honderd",
        ),
    ),
)

FRENCH_SPELLINGS = (
    Step(
        name="dix-neuf cent as mille neuf cent",
        edits=replacing(
            re.compile(
                rf"(?<!\S)(?<!vingt )(?<!soixante )({_alternatives(_FRENCH_TEENS)}|onze) (cents?)(?!\S)"
            ),
            lambda match: (
                "mille cent" if match[1] == "onze" else f"mille {_FRENCH_TEENS[match[1]]} {match[2]}"
            ),
        ),
    ),
)

ITALIAN_SPELLINGS = (
    Step(name="ventitré", edits=replacing(re.compile(r"(?<=\w)tré(?!\S)"), "tre")),
    _before("cento|mila", _ITALIAN, "e"),
    _after("cento|mille", _ITALIAN, "e", "un|uno"),
    _after("mila", _ITALIAN, "e", "un|uno"),
)

PORTUGUESE_SPELLINGS = (
    Step(
        name="dezesseis as dezasseis",
        edits=replacing(_whole(_alternatives(_PORTUGUESE)), lambda match: _PORTUGUESE[match.group()]),
    ),
)


def coin_step(language: str) -> Step:
    """A step that leaves out what coins are called: ``drei euro und fünfzig cent`` is ``drei euro fünfzig``.

    Only where a number below a hundred stands between the two words.

    Args:
        language: One of ``COINS``.
    """
    notes, link, coins = COINS[language]
    spoken = {num2words(value, lang=language).lower().replace("-", " ") for value in range(1, 100)}
    for step in _SPELLINGS.get(language, ()):
        spoken = {step.apply(text) for text in spoken}
    number = "|".join(sorted(spoken, key=lambda text: (-len(text), text)))
    pattern = rf"(?<!\S)({notes}) (?:(?:{link}) )?({number}) (?:{coins})(?!\S)"
    return Step(
        name="coins",
        edits=replacing(re.compile(pattern), lambda match: f"{match[1]} {match[2]}"),
        is_repeated=True,
    )


COINS: Mapping[str, tuple[str, str, str]] = {
    "de": ("euro|dollar|pfund", "und", "cents?|pence"),
    "es": ("euros?|dólar|dólares|libras?", "con|y", "céntimos?|centavos?"),
    "fr": ("euros?|dollars?|livres?", "et", "centimes?"),
    "it": ("euro|dollari|dollaro|sterline", "e", "centesimi|centesimo"),
    "nl": ("euro|dollar|pond", "en", "cent"),
    "pt": ("euros?|dólar|dólares|reais|real", "e", "cêntimos?|centavos?"),
}
"""Words for notes, between notes and coins, and for coins."""

_SPELLINGS = {
    "de": GERMAN_SPELLINGS,
    "fr": FRENCH_SPELLINGS,
    "it": ITALIAN_SPELLINGS,
    "nl": DUTCH_SPELLINGS,
    "pt": PORTUGUESE_SPELLINGS,
}


def spelling_steps(language: str) -> tuple[Step, ...]:
    """The steps of a language; none for those that are not here."""
    coins = (coin_step(language),) if language in COINS else ()
    return (*_SPELLINGS.get(language, ()), *coins)
