"""Files for NIST's scoring toolkit, and aligned text as sclite prints it.

``trn`` holds a line of words for each recording, ``stm`` the reference with speaker and time,
``ctm`` each heard word with time and confidence. Formats: SCTK, ``doc/infmts.htm``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tympan.speech.metrics import Alignment, Operation

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_CHANNEL = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedWord:
    """A heard word; a time of None is not known.

    Attributes:
        start_s, end_s: Seconds from the beginning of the recording.
        confidence: 0 to 1.
    """

    word: str
    start_s: float | None = None
    end_s: float | None = None
    confidence: float | None = None


def trn_line(recording_id: str, words: Sequence[str]) -> str:
    """One recording of a ``trn`` file."""
    return f"{' '.join(words)} ({recording_id})\n"


def stm_line(recording_id: str, speaker: str, duration_s: float, words: Sequence[str]) -> str:
    """One recording of an ``stm`` file; the whole of it is one segment."""
    name = _UNSAFE.sub("_", speaker).strip("_") or "unknown"
    return f"{recording_id} {_CHANNEL} {name} 0.000 {duration_s:.3f} {' '.join(words)}\n"


def ctm_lines(recording_id: str, words: Sequence[PlacedWord]) -> str:
    """One recording of a ``ctm`` file; a word without a time stands where the last one ended."""
    lines: list[str] = []
    at = 0.0
    for one in words:
        start = at if one.start_s is None else max(at, one.start_s)
        end = start if one.end_s is None else max(start, one.end_s)
        confidence = "" if one.confidence is None else f" {one.confidence:.4f}"
        lines.append(f"{recording_id} {_CHANNEL} {start:.3f} {end - start:.3f} {one.word}{confidence}\n")
        at = start
    return "".join(lines)


def aligned_text(
    recording_id: str, reference: Sequence[str], hypothesis: Sequence[str], alignment: Alignment
) -> str:
    """One recording as sclite's ``pralign`` prints it: errors in capitals, gaps as stars."""
    rows: tuple[list[str], list[str], list[str]] = ([], [], [])
    for pair in alignment.pairs:
        said = "" if pair.reference is None else reference[pair.reference]
        heard = "" if pair.hypothesis is None else hypothesis[pair.hypothesis]
        is_right = pair.operation is Operation.CORRECT
        shown = [said, heard] if is_right else [said.upper(), heard.upper()]
        width = max(1, *map(len, shown))
        for row, text in zip(rows, (*shown, "" if is_right else str(pair.operation)), strict=True):
            is_gap = not text and row is not rows[2]
            row.append("*" * width if is_gap else text.ljust(width))
    counts = alignment.counts
    numbers = f"{counts.hits} {counts.substitutions} {counts.deletions} {counts.insertions}"
    lines = [f"id: ({recording_id})", f"Scores: (#C #S #D #I) {numbers}"]
    for head, row in zip(("REF: ", "HYP: ", "Eval:"), rows, strict=True):
        lines.append(f"{head} {' '.join(row)}".rstrip())
    return "\n".join(lines) + "\n\n"
