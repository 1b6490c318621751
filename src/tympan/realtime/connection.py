"""One connection: messages of the client become turns."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping

from starlette.websockets import WebSocket, WebSocketDisconnect

from tympan.domain.errors import InvalidInputError, ServiceError
from tympan.ports.tracing import carried
from tympan.realtime.closing import FAILED, IDLE, close_code, close_for, send_if_there
from tympan.realtime.services import RealtimeServices, live_request
from tympan.realtime.turn_runner import TurnRunner
from tympan.realtime.turn_trace import TurnOrigin
from tympan.usecases.access import Principal
from tympan.usecases.refusals import refusal_of
from tympan.wire.usp.messages import ClientMessage, read_binary, read_text, write_text
from tympan.wire.usp.turn_request import Handshake, turn_request

_PATIENT_S = 30.0
"""A client that does not take a message for so long is gone."""

log = logging.getLogger(__name__)


class Connection:
    """Serves a connection until one side ends it.

    Args:
        socket: Accepted.
        services: What it stands on.
        principal: Who calls.
        handshake: What path and query said.
    """

    def __init__(
        self, socket: WebSocket, services: RealtimeServices, principal: Principal, handshake: Handshake
    ) -> None:
        self._socket = socket
        self._services = services
        self._principal = principal
        self._handshake = handshake
        headers, query = socket.headers, handshake.query
        self._connection_id = (
            headers.get("x-connectionid") or query.get("x-connectionid") or query.get("connectionid") or ""
        )
        self._turn: TurnRunner | None = None
        self._turn_id: str | None = None
        self._watching: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Read until the end."""
        try:
            while True:
                try:
                    message = await asyncio.wait_for(self._receive(), self._services.idle_s)
                except TimeoutError:
                    await self._end_idle()
                    return
                if message is None:
                    return
                await self._handle(message)
        except ServiceError as error:
            await self._end_for(error, self._turn)
        finally:
            await self._drop_turn()

    async def drain(self) -> None:
        """End the turn that runs, with what was said so far."""
        if self._turn is not None:
            await self._turn.finish()
            await self._turn.over.wait()

    async def _receive(self) -> ClientMessage | None:
        """The next message; None when the client is gone."""
        try:
            received = await self._socket.receive()
        except (WebSocketDisconnect, RuntimeError):
            return None
        if received["type"] == "websocket.disconnect":
            return None
        text = received.get("text")
        return read_text(text) if text is not None else read_binary(received.get("bytes") or b"")

    async def _handle(self, message: ClientMessage) -> None:
        match message.path:
            case "speech.context":
                await self._begin_turn(message.request_id, message.document())
            case "audio":
                if message.request_id != self._turn_id:
                    if self._is_running() or self._is_late(message):
                        return  # of a turn that is over
                    await self._begin_turn(message.request_id, {})
                if self._turn is not None:
                    await self._turn.take(message.payload)
            case _:
                return  # speech.config, telemetry and the like say nothing that is needed

    def _is_running(self) -> bool:
        return self._turn is not None and not self._turn.over.is_set()

    def _is_late(self, message: ClientMessage) -> bool:
        """Whether audio belongs to a turn of before: a turn's own begins with a header."""
        return not message.payload.startswith(b"RIFF")

    async def _begin_turn(self, request_id: str | None, document: Mapping[str, object]) -> None:
        if not request_id:
            raise InvalidInputError("The message has no X-RequestId.", target="X-RequestId")
        await self._drop_turn()
        request = turn_request(self._handshake, document)

        async def send(path: str, body: Mapping[str, object]) -> None:
            await send_if_there(self._socket, write_text(path, request_id, body), _PATIENT_S)

        wanted = live_request(request, self._principal)
        origin = TurnOrigin(
            session_id=self._session_id(request_id),
            request_id=request_id,
            parent=carried(self._socket.headers),
        )
        turn = TurnRunner(self._services, request, wanted, origin, send)
        self._turn, self._turn_id = turn, request_id
        await turn.begin()
        self._watching = asyncio.create_task(self._watch(turn))

    def _session_id(self, request_id: str) -> str:
        """The id that the client shows its user; later turns of a connection have their own."""
        known = self._connection_id if self._turn_id is None else request_id
        try:
            return str(uuid.UUID(known))
        except ValueError:
            return str(uuid.uuid4())

    async def _watch(self, turn: TurnRunner) -> None:
        """Keep the log of a turn that is over, and close the connection when it has failed."""
        await turn.over.wait()
        await turn.keep_log()
        if turn.failure is not None:
            await self._end_for(turn.failure, turn)

    async def _end_for(self, error: ServiceError, turn: TurnRunner | None) -> None:
        if turn is not None:
            turn.trace.fail(error)
            if close_code(error) == FAILED:
                await turn.tell_failure()
        self._services.meters.refused(refusal_of(error))
        await close_for(self._socket, error)

    async def _end_idle(self) -> None:
        if self._is_running():
            await self.drain()
        await self._socket.close(IDLE, "Nothing was sent for a long time.")

    async def _drop_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn is None:
            return
        turn.close()
        if self._watching is not None:
            await self._watching  # keeps what was said before the client went away
