"""What a monitor reads, and the counting of requests."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tympan.ports.meters import Meters
from tympan.rest.auth import principal_of, require_owner
from tympan.rest.calls import services_of

router = APIRouter()
UNMATCHED = "none"
"""Stands in for the route where no template matched; what clients make up is never a label."""
PORTAL = "portal"
_FAILED = 500


@router.get("/metrics")
def read_metrics(request: Request) -> Response:
    """All figures of this gateway, and those of database and model host, for Prometheus.

    Wants one of the owner's keys, as bearer or in the key header, unless the operator has
    opened it.

    Raises:
        NotAuthenticatedError: No key, or one nobody knows.
        ForbiddenError: The key opens one endpoint only.
    """
    services = services_of(request)
    if not services.is_metrics_open:
        require_owner(principal_of(request))
    readings = services.observing.readings()
    shown = services.meters.exposition(readings, request.headers.get("accept", ""))
    return Response(shown.body, media_type=shown.content_type)


class Metered:
    """Times every request over HTTP by the template of its route."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self._app = app
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and time it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), _FAILED

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            self._meters.answered(
                route=template_of(scope),
                method=shown_method(scope),
                status=status,
                seconds=time.perf_counter() - began,
            )


_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def shown_method(scope: Scope) -> str:
    """The method of a request, if it is one of HTTP's own."""
    return scope["method"] if scope["method"] in _METHODS else UNMATCHED


def template_of(scope: Scope) -> str:
    """The template of the route that answers a request; known once it was routed."""
    # The route itself knows its path below the router it is written in, FastAPI the whole of it.
    routed = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    path = getattr(routed, "path", None)
    if path is not None:
        return str(path)
    # The portal is mounted: its own routes are known to itself only.
    return PORTAL if "app_root_path" in scope else UNMATCHED
