"""How errors end the program: one table from error class to exit status."""

from __future__ import annotations

from collections.abc import Mapping

from tympan.domain.errors import (
    CancelledError,
    ConflictError,
    EngineError,
    FetchError,
    ForbiddenError,
    InvalidInputError,
    InvalidStateError,
    LocaleMismatchError,
    ModelDamagedError,
    ModelExpiredError,
    NotAuthenticatedError,
    NotFoundError,
    ServiceError,
    StorageFullError,
    SupersededError,
    TooLargeError,
    UnavailableError,
)

FAILED = 1
USAGE = 2
NOT_FOUND = 3
NOT_ALLOWED = 4
UNREACHABLE = 5
CONFLICT = 6
INTERRUPTED = 130

EXIT_STATUS: Mapping[type[ServiceError], int] = {
    ServiceError: FAILED,
    InvalidInputError: USAGE,
    LocaleMismatchError: USAGE,
    ModelExpiredError: USAGE,
    TooLargeError: USAGE,
    FetchError: FAILED,
    NotFoundError: NOT_FOUND,
    NotAuthenticatedError: NOT_ALLOWED,
    ForbiddenError: NOT_ALLOWED,
    UnavailableError: UNREACHABLE,
    ConflictError: CONFLICT,
    InvalidStateError: CONFLICT,
    StorageFullError: FAILED,
    ModelDamagedError: FAILED,
    EngineError: FAILED,
    CancelledError: FAILED,
    SupersededError: FAILED,
}
"""Exit status for each class of ``domain.errors``; ``docs/cli.md`` tells users the same."""

_BY_HTTP_STATUS: Mapping[int, type[ServiceError]] = {
    400: InvalidInputError,
    401: NotAuthenticatedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    413: TooLargeError,
    415: InvalidInputError,
    429: UnavailableError,
    503: UnavailableError,
}


def exit_status(error: ServiceError) -> int:
    """The status of the nearest class in the table."""
    return next(EXIT_STATUS[kind] for kind in type(error).__mro__ if kind in EXIT_STATUS)


def error_from_answer(status: int, document: object) -> ServiceError:
    """The error that an answer of the server stands for."""
    if isinstance(document, dict) and isinstance(document.get("error"), dict):
        document = document["error"]  # as the routes for clients of other services say it
    message = document.get("message") if isinstance(document, dict) else None
    said = message if isinstance(message, str) else f"The server answered with HTTP status {status}."
    kind = _BY_HTTP_STATUS.get(status, ServiceError)
    return UnavailableError(said) if kind is UnavailableError else kind(said)
