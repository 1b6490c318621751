"""The paths of the speech protocol.

Source: real-time protocol, section 1: one handler serves them all.
"""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import parse_qsl

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from tympan.domain.errors import ForbiddenError, NotAuthenticatedError, ServiceError
from tympan.ports.meters import Refusal
from tympan.realtime.connection import Connection
from tympan.realtime.services import RealtimeServices
from tympan.usecases.access import Principal
from tympan.wire.usp.turn_request import Mode, read_handshake

PATHS = (
    *(f"/speech/recognition/{mode}/cognitiveservices/v1" for mode in Mode),
    "/stt/speech/universal/v2",
    "/speech/universal/v2",
)
_KEY = "ocp-apim-subscription-key"

log = logging.getLogger(__name__)


class Realtime:
    """All connections of this process.

    Args:
        services: What they stand on.
    """

    def __init__(self, services: RealtimeServices) -> None:
        self._services = services
        self._connections: set[Connection] = set()
        self._is_draining = False

    def routes(self) -> list[BaseRoute]:
        """The routes, for the application."""
        return [WebSocketRoute(path, self._serve) for path in PATHS]

    async def drain(self, longest_s: float) -> None:
        """Let no more in, and end the turns that run with what was said so far."""
        self._is_draining = True
        draining = [asyncio.create_task(one.drain()) for one in self._connections]
        if draining:
            await asyncio.wait(draining, timeout=longest_s)

    async def _serve(self, socket: WebSocket) -> None:
        if self._is_draining:
            self._services.meters.refused(Refusal.STOPPING)
            await _refuse(socket, 503, "The server is stopping.")
            return
        query = parse_qsl(socket.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        try:
            secret = _secret(socket.headers, {name.lower(): value for name, value in query})
            principal = await anyio.to_thread.run_sync(self._services.access.authenticate, secret)
        except NotAuthenticatedError:
            self._services.meters.refused(Refusal.KEY)
            await _refuse(socket, 401, "The key is missing or wrong.")
            return
        except ForbiddenError as error:
            self._services.meters.refused(Refusal.KEY)
            await _refuse(socket, 403, error.message)
            return
        except ServiceError as error:
            self._services.meters.refused(Refusal.UNAVAILABLE)
            await _refuse(socket, 503, error.message)
            return
        await self._follow(socket, principal, query)

    async def _follow(self, socket: WebSocket, principal: Principal, query: list[tuple[str, str]]) -> None:
        await socket.accept("USP" if "USP" in socket.scope.get("subprotocols", ()) else None)
        handshake = read_handshake(socket.url.path, query)
        connection = Connection(socket, self._services, principal, handshake)
        self._connections.add(connection)
        self._services.meters.connection(1)
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)
            self._services.meters.connection(-1)


def _secret(headers: Headers, query: dict[str, str]) -> str | None:
    """The key or token, from a header or, as browsers must, from the query."""
    for place in (headers, query):
        key = place.get(_KEY)
        if key:
            return key.strip()
        scheme, _, token = (place.get("authorization") or "").strip().partition(" ")
        if scheme.lower() == "bearer" and token:
            return token.strip()
    return None


async def _refuse(socket: WebSocket, status: int, text: str) -> None:
    await socket.send_denial_response(PlainTextResponse(text, status_code=status))
