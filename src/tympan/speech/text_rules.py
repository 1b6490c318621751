"""Which lines of text may be trained on and scored against.

Source: developer reference, sections 7.5 and 8.
"""

from __future__ import annotations

import re
import unicodedata

from tympan.speech.findings import Finding, error, warning

_URI = re.compile(r"(?i)(?<![\w.])(?:[a-z][a-z0-9+.-]{1,15}://|www\.)\S")
# Digits may repeat: 10000 is a number, and numbers are spelled out before training.
_CHARACTER_RUN = re.compile(r"([^\s\d])\1{3,}")
_MAX_REPETITIONS = 3
_MAX_GROUP_WORDS = 4
_GERMAN_REFUSED = frozenset("¢¤¥¦§©ª¬®°±²µ×ÿØ")
_JAPANESE_MAX_CHARACTERS = 90
_LAST_PLAIN_CHARACTER = "\u00a1"
_NAMES = {"\t": "a tab", "\r": "a carriage return", "\x00": "a NUL"}


def sentence_findings(text: str, locale: str) -> tuple[Finding, ...]:
    """Check a line of related text: everything but what normalisation leaves of it."""
    findings = [*transcript_findings(text, locale)]
    if _URI.search(text):
        findings.append(error("UriFound", "The line holds a web address. Write it as it is spoken."))
    repeated = _repetition(text)
    if repeated is not None:
        findings.append(
            error(
                "RepetitionTooLong", f"'{_short(repeated)}' comes more than three times in a row. Shorten it."
            )
        )
    if locale.startswith("en") and not text.isascii():
        odd = next((c for c in text if c > _LAST_PLAIN_CHARACTER), None)
        if odd is not None:
            findings.append(
                warning("NonAscii", f"'{odd}' (U+{ord(odd):04X}) is unusual in English text. Check the line.")
            )
    return tuple(findings)


def transcript_findings(text: str, locale: str) -> tuple[Finding, ...]:
    """Check the characters and the length of a transcript or sentence."""
    findings = []
    control = first_control(text)
    if control is not None:
        name = _NAMES.get(control, f"U+{ord(control):04X}")
        findings.append(error("ControlCharacter", f"The line holds a control character ({name}). Remove it."))
    refused = _refused_character(text, locale)
    if refused is not None:
        message = f"'{refused}' (U+{ord(refused):04X}) cannot be spoken. Write what is said instead."
        if refused == "\ufffd":
            message = "The line holds U+FFFD, the mark of a broken encoding. Save the original as UTF-8."
        findings.append(error("CharacterNotAllowed", message))
    if locale.startswith("ja") and len(text) > _JAPANESE_MAX_CHARACTERS:
        findings.append(
            error(
                "SentenceTooLong",
                f"The sentence has {len(text)} characters; at most {_JAPANESE_MAX_CHARACTERS} are used. "
                "Split it.",
            )
        )
    return tuple(findings)


def first_control(text: str) -> str | None:
    """The first control character, or None."""
    if text.isprintable():
        return None
    return next((c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")), None)


def _refused_character(text: str, locale: str) -> str | None:
    if text.isascii():
        return None
    refused = _GERMAN_REFUSED if locale.startswith("de") else frozenset()
    return next((c for c in text if c == "\ufffd" or c in refused), None)


def _repetition(text: str) -> str | None:
    run = _CHARACTER_RUN.search(text)
    if run is not None:
        return run.group()
    words = text.casefold().split()
    for size in range(1, _MAX_GROUP_WORDS + 1):
        equal = 0  # words so far that equal the word one group earlier
        for place in range(size, len(words)):
            equal = equal + 1 if words[place] == words[place - size] else 0
            if equal == _MAX_REPETITIONS * size:
                return " ".join(words[place - size + 1 : place + 1])
    return None


def _short(text: str, most: int = 40) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
