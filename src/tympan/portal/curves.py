"""Curves as SVG made here: no script, no chart library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tympan.portal.words import percent

_WIDTH, _HEIGHT = 640, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 16, 28


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through points, over an axis that begins at zero.

    Attributes:
        title: What it shows.
        points: ``x,y`` pairs of the SVG polyline.
        rungs: Horizontal lines: height in the picture, and what it stands for.
        first, last: Where the x axis begins and ends.
        values: The values in words, for the table beside the picture: step and value.
    """

    title: str
    points: str
    rungs: Sequence[tuple[float, str]]
    first: str
    last: str
    values: Sequence[tuple[str, str]]

    @property
    def box(self) -> str:
        """The SVG's view box."""
        return f"0 0 {_WIDTH} {_HEIGHT}"

    @property
    def left(self) -> int:
        """Where the x axis begins."""
        return _LEFT

    @property
    def right(self) -> int:
        """Where the x axis ends."""
        return _WIDTH - _RIGHT

    @property
    def foot(self) -> int:
        """Where the words below the x axis stand."""
        return _HEIGHT - 8


def curve_of(title: str, values: Sequence[tuple[float, float]], *, is_rate: bool = False) -> Curve | None:
    """A curve through ``(x, y)`` values in order of x; None for fewer than two.

    Args:
        title: What it shows.
        values: None of them below zero.
        is_rate: Whether the values are shares, to be said in per cent.
    """
    least_points = 2
    if len(values) < least_points:
        return None
    xs = [x for x, _ in values]
    width, top = max(xs) - min(xs) or 1.0, _round_up(max(y for _, y in values))
    points = " ".join(
        f"{_LEFT + (x - min(xs)) / width * (_WIDTH - _LEFT - _RIGHT):.1f},{_height(y / top):.1f}"
        for x, y in values
    )

    def said(value: float) -> str:
        return percent(value) if is_rate else f"{value:.3g}"

    return Curve(
        title=title,
        points=points,
        rungs=[(_height(share), said(share * top)) for share in (0.0, 0.5, 1.0)],
        first=f"step {min(xs):g}",
        last=f"{max(xs):g}",
        values=[(f"{x:g}", said(y)) for x, y in values],
    )


def _height(share: float) -> float:
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _round_up(value: float) -> float:
    """The next round figure, so that the axis ends on one."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 3, 5, 10) if step * power >= value)
