"""Words that a general audience must not read, by language.

Short on purpose: what has a plain meaning in a clinic, a court or a kitchen is not among them.
Owners add their own by the profanity section of a display format file.
"""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def profane_words(locale: str) -> tuple[str, ...]:
    """Profane words and phrases in lower case; none for a language without a list.

    Args:
        locale: BCP-47 tag; only its language counts.
    """
    file = resources.files("tympan.speech.profane_words") / f"{locale.partition('-')[0].lower()}.txt"
    if not file.is_file():
        return ()
    return tuple(line for line in file.read_text(encoding="utf-8").splitlines() if line.strip())
