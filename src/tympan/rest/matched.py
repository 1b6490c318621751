"""The header that names which favoured phrases were heard."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

_MOST_CHARACTERS = 3_000
"""Servers on the way take 4 to 8 kB of headers."""


def matched_headers(matched: Iterable[str]) -> dict[str, str]:
    """``X-Phrases-Matched``, or nothing where none was heard.

    Args:
        matched: The phrases; each is named once. Of very many the last are only counted, as ``+12``:
            no encoded name holds a plus sign.
    """
    names = list(map(quote, dict.fromkeys(matched)))
    shown: list[str] = []
    room = _MOST_CHARACTERS
    for name in names:
        room -= len(name) + 2
        if room < 0:
            break
        shown.append(name)
    if len(shown) < len(names):
        shown.append(f"+{len(names) - len(shown)}")
    return {"X-Phrases-Matched": ", ".join(shown)} if shown else {}
