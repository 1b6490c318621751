"""Histograms as SVG made here: no script, no chart library."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tympan.portal.words import duration_words

_WIDTH, _HEIGHT = 640, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 16, 16, 28
_MOST_BARS = 16
_GAP = 2
_STEPS_S = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram, in units of the picture.

    Attributes:
        x, y, width, height: Where it stands.
        span: What falls into it, such as ``10 s to 15 s``.
        count: How much of it there is.
    """

    x: float
    y: float
    width: float
    height: float
    span: str
    count: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """How lengths of recordings are spread.

    Attributes:
        bars: From short to long.
        box: The SVG's view box.
        foot: Where the bars stand; the words below it stand 18 lower.
        left, right: Where the axis begins and ends.
        first, last: What it begins and ends with, in words.
        most: Count of the highest bar.
    """

    bars: Sequence[Bar]
    first: str
    last: str
    most: int
    box: str = f"0 0 {_WIDTH} {_HEIGHT}"
    foot: int = _HEIGHT - _BOTTOM
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT
    top: int = _TOP


def histogram_of(lengths_s: Sequence[float]) -> Histogram | None:
    """How often lengths fall into spans of equal width; None for fewer than two lengths."""
    least = 2
    if len(lengths_s) < least:
        return None
    longest = max(lengths_s)
    step = next((step for step in _STEPS_S if longest / step <= _MOST_BARS), longest / _MOST_BARS)
    low = math.floor(min(lengths_s) / step)
    counts = Counter(min(math.floor(length / step), low + _MOST_BARS) for length in lengths_s)
    high = max(counts)
    most, width = max(counts.values()), (_WIDTH - _LEFT - _RIGHT) / (high - low + 1)
    tall = _HEIGHT - _TOP - _BOTTOM
    bars = [
        Bar(
            x=round(_LEFT + (place - low) * width + _GAP / 2, 1),
            y=round(_HEIGHT - _BOTTOM - counts[place] / most * tall, 1),
            width=round(width - _GAP, 1),
            height=round(counts[place] / most * tall, 1),
            span=f"{_said(place * step)} to {_said((place + 1) * step)}",
            count=counts[place],
        )
        for place in range(low, high + 1)
    ]
    return Histogram(bars, _said(low * step), _said((high + 1) * step), most)


def _said(seconds: float) -> str:
    if seconds % 1:
        return f"{seconds:.1f} s"
    return duration_words(seconds) or "0 s"
