"""What a list request may ask: a filter expression, a page, a project."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Operator = Literal["eq", "ne", "gt", "ge", "lt", "le"]


@dataclass(frozen=True, slots=True)
class Compare:
    """``name op value``; names are dataclass field names such as ``display_name``."""

    name: str
    operator: Operator
    value: str | datetime


@dataclass(frozen=True, slots=True)
class And:
    """Both hold."""

    left: Filter
    right: Filter


@dataclass(frozen=True, slots=True)
class Or:
    """At least one holds."""

    left: Filter
    right: Filter


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold."""

    inner: Filter


Filter = Compare | And | Or | Not


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One page of a list, ordered by ``created_at``, then ``id``.

    Attributes:
        where: Only entities for which this holds.
        after: Only entities behind this place, ``(created_at, id)``. What it costs does not
            grow with how many lie before, and entities deleted meanwhile shift nothing.
        skip: Entities to leave out first.
        top: At most this many; None is all.
    """

    where: Filter | None = None
    after: tuple[datetime, str] | None = None
    skip: int = 0
    top: int | None = None


EVERYTHING = Query()
"""All entities, on one page."""


def every(*conditions: Filter | None) -> Filter | None:
    """Join conditions with ``And``, leaving out the absent ones."""
    joined: Filter | None = None
    for condition in conditions:
        if condition is not None:
            joined = condition if joined is None else And(joined, condition)
    return joined
