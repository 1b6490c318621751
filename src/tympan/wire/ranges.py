"""Ranges of bytes that clients ask for."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def asked_span(wanted: str | None, size_bytes: int) -> tuple[int, int] | None:
    """The bytes ``[start, end)`` a ``Range`` header asks for; empty when they are past the end.

    None where there is no range, or a form that need not be known: then everything is sent.

    >>> asked_span("bytes=2-3", 10), asked_span("bytes=-4", 10), asked_span("bytes=1-2,5-6", 10)
    ((2, 4), (6, 10), None)

    Source:
        RFC 9110, section 14.
    """
    match = _RANGE.fullmatch(wanted.strip()) if wanted else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        return max(0, size_bytes - int(last)), size_bytes
    return int(first), min(int(last) + 1, size_bytes) if last else size_bytes
