"""Why somebody was turned away, in the few words that those who watch a server count by."""

from __future__ import annotations

from tympan.domain.errors import (
    EngineError,
    ForbiddenError,
    ModelDamagedError,
    NotAuthenticatedError,
    ServiceError,
    StorageFullError,
    UnavailableError,
)
from tympan.ports.meters import Refusal

_BY_CODE = {"TooManyRequests": Refusal.NO_ROOM, "QuotaViolation": Refusal.QUOTA}
_BY_CLASS: tuple[tuple[type[ServiceError], Refusal], ...] = (
    (NotAuthenticatedError, Refusal.KEY),
    (ForbiddenError, Refusal.KEY),
    (UnavailableError, Refusal.UNAVAILABLE),
    (StorageFullError, Refusal.UNAVAILABLE),
    (EngineError, Refusal.FAILED),
    (ModelDamagedError, Refusal.FAILED),
)


def refusal_of(error: ServiceError) -> Refusal:
    """The reason that an error is counted under.

    >>> from tympan.domain.errors import InvalidInputError
    >>> refusal_of(InvalidInputError("no audio")), refusal_of(ServiceError("a crash"))
    (<Refusal.INVALID: 'invalid'>, <Refusal.FAILED: 'failed'>)
    """
    if isinstance(error, UnavailableError) and error.code in _BY_CODE:
        return _BY_CODE[error.code]
    for kind, reason in _BY_CLASS:
        if isinstance(error, kind):
            return reason
    return Refusal.FAILED if type(error) is ServiceError else Refusal.INVALID
