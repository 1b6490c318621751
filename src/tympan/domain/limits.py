"""What a published limit is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit as users read it.

    Attributes:
        name: For programs, such as ``datasets``.
        value: The value that is enforced; 0 where ``unit`` says that 0 is no limit.
        unit: Such as ``bytes`` or ``requests in 10 s``.
        what: What it limits, for people.
        setting: The environment variable that changes it; None for one that is fixed.
    """

    name: str
    value: float
    unit: str
    what: str
    setting: str | None = None
