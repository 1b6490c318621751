"""The system's clock."""

from datetime import UTC, datetime


class SystemClock:
    """The machine's time of day: the only place that reads it."""

    def now(self) -> datetime:
        """Aware UTC time, to the microsecond."""
        return datetime.now(UTC)  # noqa: TID251  this is the Clock that everybody asks
