"""What is said over HTTP for each error: one table, and a test that none is missing."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

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
from tympan.rest.paths import version_of
from tympan.wire.management.errors import ARGUMENT_CODES, detailed_codes, error_document
from tympan.wire.versions import OURS_SPEAKS, ApiVersion

log = logging.getLogger(__name__)

_RETRY_AFTER_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """How an error class is said.

    Attributes:
        status: HTTP status.
        code: Published outer code.
        detailed: Published inner code, used when the error's own is not published; None
            says that this answer has no inner error.
    """

    status: int
    code: str
    detailed: str | None


SAYINGS: Mapping[type[ServiceError], Saying] = {
    ServiceError: Saying(status=500, code="InternalServerError", detailed="UnexpectedError"),
    InvalidInputError: Saying(status=400, code="InvalidRequest", detailed="InvalidPayload"),
    LocaleMismatchError: Saying(status=400, code="InvalidRequest", detailed="ModelMismatch"),
    ModelExpiredError: Saying(status=400, code="InvalidRequest", detailed="ModelDeprecated"),
    FetchError: Saying(status=400, code="InvalidRequest", detailed="InvalidPayload"),
    NotFoundError: Saying(status=404, code="NotFound", detailed=None),
    NotAuthenticatedError: Saying(status=401, code="Unauthorized", detailed="InvalidSubscription"),
    ForbiddenError: Saying(status=403, code="Forbidden", detailed="Forbidden"),
    ConflictError: Saying(status=409, code="Conflict", detailed="InUseViolation"),
    InvalidStateError: Saying(status=409, code="Conflict", detailed="InvalidPrerequisite"),
    TooLargeError: Saying(status=413, code="InvalidRequest", detailed="InvalidPayload"),
    UnavailableError: Saying(status=503, code="ServiceUnavailable", detailed="UnexpectedError"),
    StorageFullError: Saying(status=503, code="ServiceUnavailable", detailed="UnexpectedError"),
    ModelDamagedError: Saying(status=500, code="InternalServerError", detailed="InvalidModel"),
    EngineError: Saying(status=500, code="PipelineError", detailed="UnexpectedError"),
    CancelledError: Saying(status=409, code="Conflict", detailed="InvalidPrerequisite"),
    SupersededError: Saying(status=409, code="Conflict", detailed="InvalidPrerequisite"),
}
"""What is said for each class of ``domain.errors``."""


class UnsupportedMediaTypeError(ServiceError):
    """The request's content type is not one this route reads."""

    code = "UnsupportedMediaType"


_UNSUPPORTED_MEDIA = Saying(status=415, code="UnsupportedMediaType", detailed=None)
_OVER_QUOTA = Saying(status=429, code="TooManyRequests", detailed="QuotaViolation")
_BY_STATUS = {404: "NotFound", 405: "NotAllowed", 413: "InvalidRequest", 415: "UnsupportedMediaType"}


def saying_of(error: ServiceError) -> Saying:
    """The entry of the nearest class in the table."""
    if isinstance(error, UnsupportedMediaTypeError):
        return _UNSUPPORTED_MEDIA
    if error.code in (_OVER_QUOTA.detailed, _OVER_QUOTA.code):
        return _OVER_QUOTA
    for kind in type(error).__mro__:
        if kind in SAYINGS:
            return SAYINGS[kind]
    return SAYINGS[ServiceError]


def error_response(error: ServiceError, version: ApiVersion = OURS_SPEAKS) -> JSONResponse:
    """The published answer to an error, in words that the client's version has."""
    saying = saying_of(error)
    is_published = error.code in detailed_codes(version) and saying.detailed is not None
    is_argument = saying.code == "InvalidRequest" and error.code in ARGUMENT_CODES
    document = error_document(
        "InvalidArgument" if is_argument else saying.code,
        error.message,
        detailed=error.code if is_published else saying.detailed,
        target=error.target,
        reason=None if is_published or saying.detailed is None else error.code,
    )
    return JSONResponse(document, status_code=saying.status, headers=error_headers(error, saying))


def error_headers(error: ServiceError, saying: Saying) -> dict[str, str]:
    """What goes with an error: when to come back, how to identify."""
    if isinstance(error, UnavailableError):
        return {"Retry-After": str(error.retry_after_s)}
    if saying.status in (_OVER_QUOTA.status, SAYINGS[StorageFullError].status):
        return {"Retry-After": str(_RETRY_AFTER_S)}
    if isinstance(error, NotAuthenticatedError):
        return {"WWW-Authenticate": "Bearer"}
    return {}


async def _on_service_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ServiceError):
        raise error
    if saying_of(error).status == SAYINGS[ServiceError].status:
        log.error("request failed", exc_info=error)
    return error_response(error, version_of(request.scope) or OURS_SPEAKS)


async def _on_http_error(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    code = _BY_STATUS.get(error.status_code, "InvalidRequest")
    message = "There is no such route." if code == "NotFound" else str(error.detail)
    document = error_document(code, message, detailed=None)
    return JSONResponse(document, status_code=error.status_code, headers=dict(error.headers or {}))


async def _on_validation_error(_request: Request, error: Exception) -> JSONResponse:
    details = error.errors() if isinstance(error, RequestValidationError) else []
    where = ".".join(str(part) for part in details[0]["loc"]) if details else "request"
    message = f"{where}: {details[0]['msg']}" if details else "The request is not valid."
    return error_response(InvalidInputError(message, code="InvalidParameterValue", target=where))


async def _on_crash(_request: Request, error: Exception) -> JSONResponse:
    log.error("request crashed", exc_info=error)
    return error_response(
        ServiceError(
            "The server met an unexpected error. It was written to the server's log; please report it."
        )
    )


def install_error_handlers(app: FastAPI) -> None:
    """Answer every error in the published shape."""
    app.add_exception_handler(ServiceError, _on_service_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(Exception, _on_crash)
