"""The model host's side of streams."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from tympan.backends.model_host.frames import error_document
from tympan.backends.model_host.live_frames import HEADER, LiveHeader, event_text, samples_of
from tympan.domain.errors import EngineError, InvalidInputError, ServiceError
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.live_recognition import Ended, LiveEvent, LiveRecognizer, LiveStream

_MOST_WAITING = 30 * SAMPLE_RATE_HZ
"""So many samples of a stream may wait before the host stops reading them."""
_LOOK_AGAIN_S = 0.05

Opening = Callable[[Callable[[], LiveStream]], Awaitable[LiveStream]]

log = logging.getLogger(__name__)


async def follow(socket: WebSocket, live: LiveRecognizer, opening: Opening) -> None:
    """Follow one stream until it or the connection ends.

    Args:
        socket: Accepted.
        live: Recognises.
        opening: Runs what loads a model, in its turn.
    """
    events: asyncio.Queue[LiveEvent] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def on_event(event: LiveEvent) -> None:
        loop.call_soon_threadsafe(events.put_nowait, event)

    try:
        header = _header(await socket.receive_text())
        stream = await opening(lambda: live.open(header.bundle, header.options, on_event))
    except WebSocketDisconnect:
        return
    except ServiceError as error:
        await _refuse(socket, error)
        return
    except Exception:
        log.exception("a stream could not be opened")
        await _refuse(socket, EngineError("The stream could not be opened. The host's log says why."))
        return
    telling = asyncio.create_task(_tell(socket, events))
    try:
        if await _feed(socket, stream):
            await telling
    finally:
        stream.close()
        telling.cancel()


async def _feed(socket: WebSocket, stream: LiveStream) -> bool:
    """Hand samples on until there are no more; false when the connection ended before."""
    while True:
        try:
            data = await socket.receive_bytes()
        except (WebSocketDisconnect, RuntimeError):  # gone, or closed by the task that tells
            return False
        if not data:
            stream.finish()
            return True
        stream.feed(samples_of(data))
        while stream.backlog > _MOST_WAITING:  # noqa: ASYNC110  a stream has no event of this loop
            await asyncio.sleep(_LOOK_AGAIN_S)


async def _tell(socket: WebSocket, events: asyncio.Queue[LiveEvent]) -> None:
    """Say that the stream is open, then what is heard, until its end or until nobody is there."""
    with suppress(WebSocketDisconnect):
        await socket.send_text("{}")
        while True:
            event = await events.get()
            await socket.send_text(event_text(event))
            if isinstance(event, Ended):
                await socket.close()
                return


def _header(text: str) -> LiveHeader:
    try:
        return HEADER.validate_json(text)
    except ValueError as reason:
        raise InvalidInputError(f"The header of the stream cannot be read: {reason}") from reason


async def _refuse(socket: WebSocket, error: ServiceError) -> None:
    with suppress(WebSocketDisconnect):
        await socket.send_text(json.dumps(error_document(error)))
        await socket.close()
