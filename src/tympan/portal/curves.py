"""Curves as SVG made here: no script, no chart library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_WIDTH, _HEIGHT, _MARGIN = 640, 200, 32


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through points.

    Attributes:
        title: What it shows.
        points: ``x,y`` pairs of the SVG polyline.
        low, high: Least and greatest value.
        first, last: Where the x axis begins and ends.
        values: The values themselves, for the table beside the picture.
    """

    title: str
    points: str
    low: float
    high: float
    first: float
    last: float
    values: Sequence[tuple[float, float]]

    @property
    def box(self) -> str:
        """The SVG's view box."""
        return f"0 0 {_WIDTH} {_HEIGHT}"


def curve_of(title: str, values: Sequence[tuple[float, float]]) -> Curve | None:
    """A curve through ``(x, y)`` values in order of x; None for fewer than two."""
    least_points = 2
    if len(values) < least_points:
        return None
    xs, ys = [x for x, _ in values], [y for _, y in values]
    width, height = max(xs) - min(xs) or 1.0, max(ys) - min(ys) or 1.0
    points = " ".join(
        f"{_MARGIN + (x - min(xs)) / width * (_WIDTH - 2 * _MARGIN):.1f},"
        f"{_HEIGHT - _MARGIN - (y - min(ys)) / height * (_HEIGHT - 2 * _MARGIN):.1f}"
        for x, y in values
    )
    return Curve(title, points, min(ys), max(ys), min(xs), max(xs), values)
