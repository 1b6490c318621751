"""The model host's side of streams."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from tympan.backends.model_host.frames import error_document, work_values
from tympan.backends.model_host.live_frames import HEADER, LiveHeader, event_text, samples_of
from tympan.domain.errors import EngineError, InvalidInputError, ServiceError
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.live_recognition import Ended, Final, LiveEvent, LiveRecognizer, LiveStream
from tympan.ports.tracing import NO_SPAN, Span, failure_of

_MOST_WAITING = 30 * SAMPLE_RATE_HZ
"""So many samples of a stream may wait before the host stops reading them."""
_LOOK_AGAIN_S = 0.05

Opening = Callable[[Callable[[], LiveStream]], Awaitable[LiveStream]]

log = logging.getLogger(__name__)


async def follow(socket: WebSocket, live: LiveRecognizer, opening: Opening, span: Span = NO_SPAN) -> None:
    """Follow one stream until it or the connection ends.

    Args:
        socket: Accepted.
        live: Recognises.
        opening: Runs what loads a model, in its turn.
        span: Is told what the stream is about and what it took.
    """
    events: asyncio.Queue[LiveEvent] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def on_event(event: LiveEvent) -> None:
        _note(span, event)
        loop.call_soon_threadsafe(events.put_nowait, event)

    try:
        header = _header(await socket.receive_text())
        span.set(work_values(header.bundle, ()))
        stream = await opening(lambda: live.open(header.bundle, header.options, on_event))
    except WebSocketDisconnect:
        return
    except ServiceError as error:
        span.fail(failure_of(error))
        await _refuse(socket, error)
        return
    except Exception as error:
        span.fail(failure_of(error))
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


def _note(span: Span, event: LiveEvent) -> None:
    """Tell a span of a phrase or the end; of a phrase no more than what it took."""
    if isinstance(event, Final):
        span.event("phrase", {"cpu_s": event.cpu_s, "waited_s": event.waited_s})
    elif isinstance(event, Ended):
        span.set({"tympan.audio_s": event.samples / SAMPLE_RATE_HZ})
        if event.error is not None:
            span.fail(failure_of(event.error))


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
