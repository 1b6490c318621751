"""A clock that tests set."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""What a fresh fake clock shows: a Monday morning."""


class FakeClock:
    """Stands still until it is told otherwise.

    Args:
        start: Aware UTC time it shows first.
    """

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def now(self) -> datetime:
        """The time it was set to."""
        return self._now

    def set(self, now: datetime) -> None:
        """Show another time from now on."""
        self._now = now

    def advance(self, seconds: float) -> datetime:
        """Let time pass; returns the new time."""
        self._now += timedelta(seconds=seconds)
        return self._now
