"""Which normaliser a locale gets.

What no normaliser does, on purpose: no table of British and American spellings, no expansion
of abbreviations ("Mr.", "St."), no removal of hesitations. Each would hide differences that a
transcript's author can see and decide on; the guidance for transcripts asks for them instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tympan.speech.text.chinese_numbers import CHINESE_NUMBER_STEPS
from tympan.speech.text.english_number_words import NUMBER_WORD_STEPS
from tympan.speech.text.english_numbers import NUMBER_STEPS
from tympan.speech.text.german_words import GERMAN_WORD_STEPS
from tympan.speech.text.normalizer import Normalizer
from tympan.speech.text.number_languages import NUMBER_LANGUAGES
from tympan.speech.text.number_steps import number_steps, ordinal_steps
from tympan.speech.text.rewriting import Edit, Step, replacing
from tympan.speech.text.shared_steps import (
    CHARACTERS,
    COMPATIBILITY,
    HYPHENS,
    INITIALISMS,
    LOWER_CASE,
    PUNCTUATION,
    SPACES,
    UNICODE,
    VULGAR_FRACTIONS,
)
from tympan.speech.text.spelled_numbers import spelling_steps

_CHINESE = ("zh", "yue", "wuu")
_UNSPACED = (*_CHINESE, "ja", "th", "lo", "km", "my")
_SAME_LANGUAGE = {"no": "nb", "nn": "nb"}

_DOTTED_I = Step(
    name="dotted and dotless i",
    edits=replacing(re.compile("[Iİ]"), lambda m: "ı" if m.group() == "I" else "i"),
)
_YO = Step(name="ё as е", edits=replacing(re.compile("ё"), "е"))
_UPPER_LATIN = Step(
    name="Latin letters to upper case",
    edits=replacing(re.compile("[a-z]+"), lambda match: match.group().upper()),
)
_WORD_STEPS = {"de": GERMAN_WORD_STEPS, "ru": (_YO,)}
_VERSIONS = {"de": 2, "es": 2, "fr": 2, "it": 2, "nl": 2, "pt": 2}
"""Of the rules of each language; 1 where none is named. A test fails when rules change and this does not."""
_LATIN = r"A-Za-z0-9\u00c0-\u024f"
_LATIN_PART = re.compile(f"[{_LATIN}']")
_LOOSE_APOSTROPHE = Step(
    name="apostrophes", edits=replacing(re.compile(f"(?<![{_LATIN}])'|'(?![{_LATIN}])"), " ")
)


def normalizer_for(locale: str) -> Normalizer:
    """The normaliser of a locale, such as ``tympan-en/1`` for ``en-GB``.

    Languages without one of their own get ``tympan/1``: NFKC, lower case, no punctuation,
    digits as they are.
    """
    language = locale.split("-", maxsplit=1)[0].lower()
    return _for_language(_SAME_LANGUAGE.get(language, language))


@cache
def _for_language(language: str) -> Normalizer:
    if language == "en":
        return _english()
    is_unspaced = language in _UNSPACED
    steps = [UNICODE, CHARACTERS, VULGAR_FRACTIONS]
    if language in _CHINESE:
        steps += [COMPATIBILITY, *CHINESE_NUMBER_STEPS]
    elif language in NUMBER_LANGUAGES:
        # NFKC makes letters of signs such as º, and digits of others.
        numbers = NUMBER_LANGUAGES[language]
        steps += [*ordinal_steps(numbers), COMPATIBILITY, *number_steps(numbers)]
    else:
        steps.append(COMPATIBILITY)
    if language in ("tr", "az"):
        steps.append(_DOTTED_I)
    steps += [INITIALISMS, HYPHENS, PUNCTUATION, LOWER_CASE]
    if language in _CHINESE:
        steps.append(_UPPER_LATIN)
    if is_unspaced:
        steps += [_LOOSE_APOSTROPHE, Step(name="characters as words", edits=_apart)]
    steps += [SPACES, *_WORD_STEPS.get(language, ()), *spelling_steps(language)]
    is_own = language in NUMBER_LANGUAGES or language in _CHINESE
    return Normalizer(
        name=f"tympan-{language}/{_VERSIONS.get(language, 1)}" if is_own else "tympan/1",
        steps=tuple(steps),
        is_unspaced=is_unspaced,
    )


def _english() -> Normalizer:
    steps = (
        UNICODE,
        CHARACTERS,
        VULGAR_FRACTIONS,
        INITIALISMS,
        *NUMBER_STEPS,
        HYPHENS,
        PUNCTUATION,
        LOWER_CASE,
        SPACES,
        *NUMBER_WORD_STEPS,
    )
    return Normalizer(name="tympan-en/1", steps=steps)


def _apart(text: str) -> Iterator[Edit]:
    """Spaces between characters; Latin words and marks stay together with what they belong to."""
    for at in range(1, len(text)):
        left, right = text[at - 1], text[at]
        if left.isspace() or right.isspace() or not right.isalnum():
            continue
        if not (_LATIN_PART.match(left) and _LATIN_PART.match(right)):
            yield Edit(at, at, " ")
