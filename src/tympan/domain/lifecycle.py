"""When models expire.

Source: ``Custom Speech model lifecycle``; the published test vectors are in the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

_QUARTER_ENDS = ((1, 15), (4, 15), (7, 15), (10, 15))


class LifecycleRule(StrEnum):
    """Which published rule gives a model its dates."""

    QUARTER = "quarter"
    ANNIVERSARY = "anniversary"
    NEVER = "never"


class ExpiredEndpointPolicy(StrEnum):
    """What an endpoint does once its model's decoding date has passed."""

    FALL_BACK = "fall-back"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """From when on adaptation and decoding end; None is never."""

    adaptation_at: datetime | None
    decoding_at: datetime | None


def expiry(created_at: datetime, rule: LifecycleRule) -> Expiry:
    """The dates of a model made at ``created_at`` (aware UTC), at 00:00:00Z.

    ``QUARTER``: the first quarter end (15 January, April, July, October) on or after the
    day, plus one year for adaptation and two for decoding. ``ANNIVERSARY``: one and two
    years after the day itself.
    """
    if rule is LifecycleRule.NEVER:
        return Expiry(adaptation_at=None, decoding_at=None)
    day = created_at.astimezone(UTC).date()
    start = _quarter_end(day) if rule is LifecycleRule.QUARTER else day
    return Expiry(adaptation_at=_after_years(start, 1), decoding_at=_after_years(start, 2))


def has_passed(expires_at: datetime | None, now: datetime) -> bool:
    """True from the expiry date on."""
    return expires_at is not None and now >= expires_at


def _quarter_end(day: date) -> date:
    ends = [date(day.year, month, dom) for month, dom in _QUARTER_ENDS]
    return next((end for end in ends if end >= day), date(day.year + 1, *_QUARTER_ENDS[0]))


def _after_years(day: date, years: int) -> datetime:
    # 29 February has no anniversary in most years: the day after stands in.
    leap_day = (day.month, day.day) == (2, 29)
    later = date(day.year + years, 3, 1) if leap_day else day.replace(year=day.year + years)
    return datetime(later.year, later.month, later.day, tzinfo=UTC)
