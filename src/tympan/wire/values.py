"""How single values are spelled: times, durations, names of states."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from tympan.domain.errors import InvalidInputError
from tympan.wire.versions import ApiVersion

Document = dict[str, object]
"""A JSON object ready to be written."""

E = TypeVar("E", bound=StrEnum)
_TICKS_PER_SAMPLE = 625
# A letter must follow P, and one must follow T, so that "P" and "PT" are no durations.
_DURATION = re.compile(
    r"P(?=[\dT])(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?"
    r"(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?",
    re.IGNORECASE | re.ASCII,
)
_UNITS_S = (365 * 86400, 30 * 86400, 7 * 86400, 86400, 3600, 60, 1)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?", re.IGNORECASE)


def timestamp(moment: datetime) -> str:
    """A UTC time without a fraction.

    >>> timestamp(datetime(2024, 7, 14, 17, 15, 55, 999, tzinfo=UTC))
    '2024-07-14T17:15:55Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def optional_timestamp(moment: datetime | None) -> str | None:
    """A UTC time, or None, which leaves the member out."""
    return None if moment is None else timestamp(moment)


def read_timestamp(text: str) -> datetime | None:
    """A time as clients write it, UTC when it names no zone; None when it is none.

    >>> read_timestamp("2018-01-24T09:54:39Z").hour
    9
    """
    if not _INSTANT.fullmatch(text.strip()):
        return None
    try:
        moment = datetime.fromisoformat(text.strip().upper())
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def duration(seconds: float) -> str:
    """An ISO 8601 duration, to a hundredth of a second.

    >>> duration(59), duration(2.58), duration(3723.5), duration(0)
    ('PT59S', 'PT2.58S', 'PT1H2M3.5S', 'PT0S')
    """
    hundredths = round(seconds * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 100:.2f}".rstrip("0").rstrip(".")
    parts = [f"{hours}H" if hours else "", f"{minutes}M" if minutes else "", f"{text}S" if rest else ""]
    return "PT" + ("".join(parts) or "0S")


def read_duration(text: str) -> float | None:
    """The seconds of an ISO 8601 duration; None when it is none.

    A month counts 30 days and a year 365, since nothing says where it begins.

    >>> read_duration("PT12H"), read_duration("P1DT0.5S"), read_duration("P"), read_duration("0")
    (43200.0, 86400.5, None, None)
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return None
    return sum(
        float(count.replace(",", ".")) * unit_s
        for count, unit_s in zip(match.groups(), _UNITS_S, strict=True)
        if count is not None
    )


def long_duration(seconds: float) -> str:
    """An ISO 8601 duration in days and hours, as lives of entities are written.

    >>> long_duration(48 * 3600), long_duration(90000), long_duration(3600)
    ('P2D', 'P1DT1H', 'PT1H')
    """
    days, rest = divmod(round(seconds), 86_400)
    time = duration(rest)[1:] if rest else ""
    return f"P{days}D{time}" if days else f"P{time or 'T0S'}"


def spans(seconds: float | None, version: ApiVersion, name: str = "duration") -> Document:
    """A length of time as a version spells it; none leaves the member out.

    >>> spans(2.58, ApiVersion.V3_2), spans(2.58, ApiVersion.V2024_11_15)
    ({'duration': 'PT2.58S'}, {'durationMilliseconds': 2580})
    """
    if seconds is None:
        return {}
    return {f"{name}Milliseconds": round(seconds * 1000)} if version.is_dated else {name: duration(seconds)}


def ticks(samples: int) -> int:
    """A count of 16 kHz samples in the wire's units of 100 ns; exact."""
    return samples * _TICKS_PER_SAMPLE


def is_storable(text: str) -> bool:
    """Whether every database can keep a text: no U+0000, and valid as UTF-8."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def present(members: Mapping[str, object]) -> Document:
    """The members that have a value; ``properties`` stays when it is empty, since clients walk it.

    >>> present({"a": 1, "b": None, "c": {}, "properties": {}})
    {'a': 1, 'properties': {}}
    """
    return {
        name: value
        for name, value in members.items()
        if value is not None and (value != {} or name == "properties")
    }


def choice(kind: type[E], text: str, target: str) -> E:
    """The member of an enumeration, whatever its case.

    Raises:
        InvalidInputError: There is no such member; the message lists them.
    """
    for member in kind:
        if member.value.lower() == text.strip().lower():
            return member
    allowed = ", ".join(member.value for member in kind)
    raise InvalidInputError(f"{target} '{text}' is not known. Use one of: {allowed}.", target=target)
