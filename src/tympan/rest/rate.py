"""The rate of management requests: counted by key, said in every answer.

Source: developer reference, section 19; the headers of the IETF draft "RateLimit header
fields for HTTP" in its older form (three headers) and its newer one (two).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tympan.domain.errors import UnavailableError
from tympan.rest.auth import require_owner
from tympan.rest.calls import services_of
from tympan.usecases.access import Principal
from tympan.usecases.traffic import Standing

_NOTED = "tympan.standing"


class RateHeaders:
    """Writes where the caller stands into the answers of routes that count."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer with the headers."""
        noted: list[Standing] = []
        scope[_NOTED] = noted

        async def send_with_headers(message: Message) -> None:
            if noted and message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_headers(noted[-1]))
            await send(message)

        await self._app(scope, receive, send_with_headers)


def count_request(request: Request, principal: Annotated[Principal, Depends(require_owner)]) -> None:
    """Count a request of a key, whether it is shown itself or by a token.

    Raises:
        UnavailableError: It is one too many (code ``QuotaViolation``).
    """
    standing = services_of(request).management_rate.take(principal.key_id)
    if standing is None:
        return
    request.scope[_NOTED].append(standing)
    if standing.is_over:
        raise UnavailableError(
            f"More than {standing.limit} management requests in {standing.window_s} s came with this key. "
            f"Go on after {standing.reset_s} s; the setting TYMPAN_MANAGEMENT_RATE allows more.",
            retry_after_s=standing.reset_s,
            code="QuotaViolation",
        )


def _headers(standing: Standing) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(standing.limit),
        "RateLimit-Remaining": str(standing.remaining),
        "RateLimit-Reset": str(standing.reset_s),
        "RateLimit-Policy": f'"management";q={standing.limit};w={standing.window_s}',
        "RateLimit": f'"management";r={standing.remaining};t={standing.reset_s}',
    }


Counted = Depends(count_request)
