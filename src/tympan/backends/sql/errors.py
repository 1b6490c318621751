"""What the database's errors mean to a caller."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from tympan.domain.errors import (
    ConflictError,
    InvalidInputError,
    ServiceError,
    StorageFullError,
    UnavailableError,
)

_DISK_FULL = "53100"
_UNDEFINED = ("42P01", "42703")  # table, column


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of the database into errors a caller can act on.

    Raises:
        StorageFullError: The disk is full.
        UnavailableError: The database cannot be reached, is busy or was not migrated.
        ConflictError: A unique value exists already.
        InvalidInputError: A value that the database cannot keep.
    """
    try:
        yield
    except exc.SQLAlchemyError as error:
        meaning = _meaning(error)
        if meaning is None:
            raise
        raise meaning from error


def _meaning(error: exc.SQLAlchemyError) -> ServiceError | None:
    cause = getattr(error, "orig", None)
    state = getattr(cause, "sqlstate", None)
    reason = str(cause or error).strip()
    if getattr(cause, "sqlite_errorname", None) == "SQLITE_FULL" or state == _DISK_FULL:
        return StorageFullError(f"The database has no room left ({reason}). Free some disk space.")
    if state in _UNDEFINED or reason.startswith(("no such table", "no such column")):
        return UnavailableError(
            f"The database does not have this release's tables ({reason}). Run: tympan migrate"
        )
    if isinstance(error, exc.IntegrityError):
        return ConflictError(f"The database refused a change that contradicts what it holds ({reason}).")
    if isinstance(error, exc.DataError):
        return InvalidInputError(f"The database cannot keep a value ({reason}).")
    is_lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    if is_lost or isinstance(error, exc.OperationalError | exc.InterfaceError | exc.TimeoutError):
        return UnavailableError(f"The database cannot be used now ({reason}). Try again.")
    return None
