"""Steps that normalisers of several languages share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from tympan.speech.text.rewriting import Edit, Step, replacing

_QUOTES = dict.fromkeys("“”„‟«»″＂〝〞", '"') | dict.fromkeys("‘’‚‛‹›ʼ′´`＇", "'")
_DASHES = dict.fromkeys("‐‑‒–—―−﹘﹣－", "-")
_CHARACTERS = {**_QUOTES, **_DASHES, "…": "..."}
_WORD = re.compile(r"\S+")
_MAPPED = re.compile(f"[{re.escape(''.join(_CHARACTERS))}]|[^\\S ]")
_VULGAR_FRACTION = re.compile("[¼-¾⅐-⅞↉]")
_INITIALISM = re.compile(r"(?<![^\W\d_])[^\W\d_](?:\.[^\W\d_])+(?![^\W\d_])\.?")
_HYPHEN = re.compile("-")
_CANDIDATE = re.compile(r"[^\w\s]|_")
_GAPS = re.compile(r"^\s+|\s+$|\s{2,}|[^\S ]")


def _composed(text: str, form: Literal["NFC", "NFKC"]) -> Iterator[Edit]:
    if unicodedata.is_normalized(form, text):
        return
    for match in _WORD.finditer(text):
        after = unicodedata.normalize(form, match.group())
        if after != match.group():
            yield Edit(match.start(), match.end(), after)


def _lowered(text: str) -> Iterator[Edit]:
    for match in _WORD.finditer(text):
        # Lower-casing can leave a letter and its mark apart that have a form as one.
        after = unicodedata.normalize("NFC", match.group().lower())
        if after != match.group():
            yield Edit(match.start(), match.end(), after)


@lru_cache(maxsize=4096)
def _category(character: str) -> str:
    return unicodedata.category(character)


def _unpunctuated(text: str) -> Iterator[Edit]:
    is_after_word = False  # whether the last character that was kept touches this one
    at = 0
    for match in _CANDIDATE.finditer(text):
        start, character = match.start(), match.group()
        if start > at:
            is_after_word = not text[start - 1].isspace()
        at = match.end()
        if _category(character).startswith("M"):
            if not is_after_word:  # a mark whose letter is gone
                yield Edit(start, at, "")
        elif character == "'":
            if not (is_after_word and at < len(text) and text[at].isalpha()):
                yield Edit(start, at, "")
                is_after_word = False
        elif _category(character) == "Cf":  # soft hyphens and joiners are not seen
            yield Edit(start, at, "")
        else:
            yield Edit(start, at, " ")
            is_after_word = False


UNICODE = Step(name="unicode", edits=lambda text: _composed(text, "NFC"))
"""Canonical composition (NFC)."""

COMPATIBILITY = Step(name="compatibility", edits=lambda text: _composed(text, "NFKC"))
"""Compatibility composition (NFKC): full-width letters become ordinary ones."""

CHARACTERS = Step(
    name="quotes, dashes and spaces",
    edits=replacing(_MAPPED, lambda match: _CHARACTERS.get(match.group(), " ")),
)
"""One kind of quotation mark, apostrophe, dash and space."""

VULGAR_FRACTIONS = Step(
    name="vulgar fractions",
    edits=replacing(
        _VULGAR_FRACTION,
        lambda match: f" {unicodedata.normalize('NFKC', match.group()).replace('⁄', '/')} ",
    ),
)
"""``2½`` becomes ``2 1/2``, and not 21/2."""

INITIALISMS = Step(
    name="initialisms", edits=replacing(_INITIALISM, lambda match: match.group().replace(".", ""))
)
"""``U.S.`` becomes ``US``."""

HYPHENS = Step(name="hyphens", edits=replacing(_HYPHEN, " "))
"""``double-jointed`` becomes two words; a leading hyphen goes."""

PUNCTUATION = Step(name="punctuation", edits=_unpunctuated)
"""Punctuation and symbols become spaces, except an apostrophe between letters."""

LOWER_CASE = Step(name="case", edits=_lowered)
"""Lower case."""

SPACES = Step(
    name="spaces",
    edits=replacing(
        _GAPS, lambda match: "" if match.start() == 0 or match.end() == len(match.string) else " "
    ),
)
"""Single spaces, none at the ends."""
