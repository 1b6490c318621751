"""Spoken punctuation: "comma", "question mark", "new line".

Source: developer reference, section 16 (punctuation modes).
"""

from __future__ import annotations

import re
from functools import cache

from tympan.speech.text_forms import without_punctuation

# Phrases that hardly ever mean anything but the mark, and words that often do: those are marks
# only for people who said that they dictate.
_MARKS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "en": (
        {
            "question mark": "?", "exclamation mark": "!", "exclamation point": "!", "full stop": ".",
            "new line": "\n", "new paragraph": "\n\n", "open parenthesis": "(", "close parenthesis": ")",
            "semicolon": ";",
        },
        {"comma": ",", "period": ".", "colon": ":", "hyphen": "-", "ellipsis": "…"},
    ),
    "de": (
        {
            "fragezeichen": "?", "ausrufezeichen": "!", "neue zeile": "\n", "neuer absatz": "\n\n",
            "klammer auf": "(", "klammer zu": ")", "semikolon": ";", "strichpunkt": ";",
        },
        {"komma": ",", "punkt": ".", "doppelpunkt": ":", "bindestrich": "-"},
    ),
    "es": (
        {
            "signo de interrogación": "?", "signo de exclamación": "!", "punto y coma": ";",
            "punto y aparte": ".\n", "punto y seguido": ".", "nueva línea": "\n", "nuevo párrafo": "\n\n",
        },
        {"coma": ",", "punto": ".", "dos puntos": ":", "guion": "-"},
    ),
    "fr": (
        {
            "point d'interrogation": "?", "point d'exclamation": "!", "point virgule": ";",
            "à la ligne": "\n", "nouveau paragraphe": "\n\n", "deux points": ":",
        },
        {"virgule": ",", "point": ".", "trait d'union": "-"},
    ),
    "nl": (
        {
            "vraagteken": "?", "uitroepteken": "!", "nieuwe regel": "\n", "nieuwe alinea": "\n\n",
            "haakje openen": "(", "haakje sluiten": ")", "puntkomma": ";", "dubbele punt": ":",
        },
        {"komma": ",", "punt": ".", "koppelteken": "-"},
    ),
    "pt": (
        {
            "ponto de interrogação": "?", "ponto de exclamação": "!", "ponto e vírgula": ";",
            "ponto final": ".", "nova linha": "\n", "novo parágrafo": "\n\n", "dois pontos": ":",
            "abre parênteses": "(", "fecha parênteses": ")",
        },
        {"vírgula": ",", "ponto": ".", "hífen": "-"},
    ),
    "it": (
        {
            "punto interrogativo": "?", "punto esclamativo": "!", "punto e virgola": ";",
            "punto e a capo": ".\n", "nuova riga": "\n", "nuovo paragrafo": "\n\n", "due punti": ":",
        },
        {"virgola": ",", "punto": ".", "trattino": "-"},
    ),
}  # fmt: skip
_SENTENCE_ENDS = ".?!\n"


def knows_dictation(locale: str) -> bool:
    """Whether there is a table of spoken marks for the language."""
    return _language(locale) in _MARKS


def write_marks(text: str, locale: str, *, is_dictated: bool) -> str:
    r"""Write spoken marks as marks.

    Args:
        text: Display text.
        locale: BCP-47 tag; a language without a table leaves the text as it is.
        is_dictated: Everything that can be a mark is one, and marks of the recogniser's own
            are taken away. Else only phrases that hardly mean anything else are marks.

    >>> write_marks("Dear Ann, comma. New line. How are you question mark", "en-US", is_dictated=True)
    'Dear Ann,\nHow are you?'
    >>> write_marks("A long period, question mark", "en-US", is_dictated=False)
    'A long period?'
    """
    language = _language(locale)
    if language not in _MARKS:
        return without_punctuation(text) if is_dictated else text
    pattern, marks = _pattern(language, is_dictated)
    if not pattern.search(text):
        return without_punctuation(text) if is_dictated else text
    words = without_punctuation(text) if is_dictated else text
    return _joined(pattern.sub(lambda found: f"\0{marks[found[1].casefold()]}\0", words))


@cache
def _pattern(language: str, is_dictated: bool) -> tuple[re.Pattern[str], dict[str, str]]:  # noqa: FBT001
    sure, likely = _MARKS[language]
    marks = {**sure, **likely} if is_dictated else sure
    names = "|".join(re.escape(name) for name in sorted(marks, key=len, reverse=True))
    # What the recogniser itself wrote around a spoken mark gives way to it.
    around = r"[\s,.;:!?]*"
    return re.compile(rf"{around}(?<!\w)({names})(?!\w){around}", re.IGNORECASE), marks


def _joined(text: str) -> str:
    """Put marks where they stand in writing, and begin sentences with a capital."""
    out = ""
    parts = text.split("\0")
    for place, part in enumerate(parts):
        is_mark = place % 2 == 1
        if not part:
            continue
        if is_mark:
            out = out.rstrip(" ")
            out += f" {part}" if part == "(" and out else part
            continue
        starts_sentence = bool(out) and out[-1] in _SENTENCE_ENDS
        glue = "" if not out or out[-1] in "\n(-" else " "
        out += glue + (part[:1].upper() + part[1:] if starts_sentence else part)
    return out.strip()


def _language(locale: str) -> str:
    return locale.partition("-")[0].lower()
