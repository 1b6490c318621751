"""A span for every request over HTTP."""

from __future__ import annotations

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tympan.ports.meters import BASE
from tympan.ports.tracing import Role, Span, Tracer, Value, carried, traced
from tympan.rest.metrics import shown_method, template_of
from tympan.rest.recognition_meter import named_endpoint
from tympan.wire.addresses import is_id

_REQUEST_ID = "x-requestid"
_CLEAN_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_QUIET = ("/health", "/metrics")
"""What machines ask every few seconds."""
_OUR_FAULT = 500


class Traced:
    """Traces every request by the template of its route, below what the client says it is part of.

    FastAPI could do it, but tells paths and queries too, and a query may hold phrases and keys.
    """

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as part of a span; the answer names it by its id."""
        if scope["type"] != "http" or scope["path"].startswith(_QUIET):
            await self._app(scope, receive, send)
            return
        headers, method = Headers(scope=scope), shown_method(scope)
        request_id = _request_id(headers)
        values: dict[str, Value] = {"http.request.method": method, "tympan.request_id": request_id}
        parent = carried(headers)
        with traced(self._tracer, method, role=Role.SERVER, parent=parent, values=values) as span:

            async def watch(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _answered(span, message["status"])
                    MutableHeaders(scope=message)["X-RequestId"] = request_id
                await send(message)

            try:
                await self._app(scope, receive, watch)
            finally:
                template = template_of(scope)
                span.rename(f"{method} {template}")
                span.set({"http.route": template} | _endpoint(scope))


def _request_id(headers: Headers) -> str:
    """The client's own id of the request, or a new one."""
    given = headers.get(_REQUEST_ID, "")
    return given if _CLEAN_ID.fullmatch(given) else str(uuid.uuid4())


def _answered(span: Span, status: int) -> None:
    span.set({"http.response.status_code": status})
    if status >= _OUR_FAULT:
        span.fail(str(status))


def _endpoint(scope: Scope) -> dict[str, Value]:
    """The endpoint that the request names, in its path or otherwise."""
    named = named_endpoint(scope) or scope.get("path_params", {}).get("endpoint_id", "")
    return {"tympan.endpoint": named} if named == BASE or is_id(named) else {}
