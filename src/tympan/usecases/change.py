"""How an update says which members it leaves alone."""

from enum import Enum
from typing import Final, TypeVar

T = TypeVar("T")


class Unchanged(Enum):
    """The type of ``UNCHANGED``."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED
"""Default of every member of a change: leave it as it is. None means: clear it."""


def changed(current: T, wanted: T | Unchanged) -> T:
    """The wanted value, or the current one when the change does not name it."""
    return current if isinstance(wanted, Unchanged) else wanted
