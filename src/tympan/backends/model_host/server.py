"""The model host: a recogniser behind a loopback port and a shared secret."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio.to_thread
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from tympan.backends.model_host.frames import (
    BUNDLE,
    IDENTIFY,
    RECOGNIZE,
    RESULTS,
    STATE,
    STRETCHES,
    TRACE,
    error_document,
    pack_voices,
    unpack,
    work_values,
)
from tympan.backends.model_host.live_frames import LONGEST_MESSAGE
from tympan.backends.model_host.live_host import follow
from tympan.domain.errors import ForbiddenError, InvalidInputError, ServiceError, UnavailableError
from tympan.ports.live_recognition import LiveRecognizer
from tympan.ports.recognizer import Recognizer
from tympan.ports.speaker_embedder import SpeakerEmbedder
from tympan.ports.tracing import NO_TRACES, Role, Tracer, carried, traced

R = TypeVar("R")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_DRAIN_S = 20
"""As long as the gateway's own, so that no answer of the host has lost its asker."""
_FIRST_GUESS_S = 1.0
_NOT_ALLOWED = 1008

log = logging.getLogger(__name__)


class _Admission:
    """Lets a bounded number of calls in, and says honestly when to come back.

    Args:
        at_once: Calls that run together.
        waiting: Calls that may wait for them.
    """

    def __init__(self, *, at_once: int, waiting: int) -> None:
        self._limiter = anyio.CapacityLimiter(at_once)
        self._at_once = at_once
        self._most = at_once + waiting
        self._inside = 0
        self._usual_s = _FIRST_GUESS_S

    def check_room(self) -> None:
        """Make sure that one more call may wait.

        Raises:
            UnavailableError: Too many wait already.
        """
        if self._inside >= self._most:
            wait_s = max(1, round(self._usual_s * self._inside / self._at_once))
            raise UnavailableError(
                f"The model host has {self._inside} requests in work. Try again in {wait_s} s.",
                retry_after_s=wait_s,
                code="TooManyRequests",
            )

    async def run(self, work: Callable[[], R]) -> R:
        """Run blocking work in a thread.

        Raises:
            UnavailableError: Too many calls wait already.
        """
        self.check_room()
        self._inside += 1
        begun = time.monotonic()
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._inside -= 1
            self._usual_s += 0.1 * (time.monotonic() - begun - self._usual_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """What runs inside a model host.

    Attributes:
        recognizer: Hears what was said.
        live: Hears what is being said.
        embedder: Hears who says it.
        tracer: Traces it, as part of what the caller traces.
    """

    recognizer: Recognizer
    live: LiveRecognizer
    embedder: SpeakerEmbedder
    tracer: Tracer = NO_TRACES


def host_application(
    engines: Engines,
    secret: str,
    *,
    at_once: int = 1,
    waiting: int = 32,
) -> Starlette:
    """The routes of a model host.

    Args:
        engines: Do the work.
        secret: Every route but ``/health`` wants it as bearer.
        at_once: Recognitions that run together.
        waiting: Recognitions that may wait before callers are asked to come back.
    """
    hearing = _Admission(at_once=at_once, waiting=waiting)
    # Loading waits for the disk: it must not stand behind a queue of recognitions.
    loading = _Admission(at_once=1, waiting=waiting)
    asked = _loading_handlers(engines, loading) | _listening_handlers(engines, hearing)

    async def check_voices(_: Request) -> Response:
        engines.embedder.check()
        return JSONResponse({})

    async def state(_: Request) -> Response:
        return Response(STATE.dump_json(engines.recognizer.state()), media_type="application/json")

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "Healthy"})

    @asynccontextmanager
    async def closing(_: Starlette) -> AsyncIterator[None]:
        yield
        await anyio.to_thread.run_sync(engines.tracer.close)

    told: dict[str, Handler] = {"/state": state, "/voices": check_voices}
    return Starlette(
        routes=[
            *(
                Route(path, _guarded(_traced(handle, engines.tracer), secret), methods=["POST"])
                for path, handle in asked.items()
            ),
            *(Route(path, _guarded(handle, secret)) for path, handle in told.items()),
            WebSocketRoute("/live", _following(engines, loading, secret)),
            Route("/health", health),
        ],
        lifespan=closing,
    )


def serve(engines: Engines, host: str, port: int, secret: str, *, at_once: int = 1) -> None:
    """Serve until the process is asked to end; what runs then is answered first, for at most 20 s."""
    application = host_application(engines, secret, at_once=at_once)
    uvicorn.run(
        application,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        ws_max_size=LONGEST_MESSAGE,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=_DRAIN_S,
    )


def _loading_handlers(engines: Engines, loading: _Admission) -> dict[str, Handler]:
    """What is asked of models, by path."""

    async def warm(request: Request) -> Response:
        bundle = _validated(BUNDLE.validate_json, await request.body())
        with traced(engines.tracer, "load model", values=work_values(bundle, ())):
            await loading.run(lambda: engines.recognizer.warm(bundle))
        return JSONResponse({})

    async def unload(request: Request) -> Response:
        digest = (await request.body()).decode(errors="replace")
        await loading.run(lambda: engines.recognizer.unload(digest))
        return JSONResponse({})

    return {"/warm": warm, "/unload": unload}


def _listening_handlers(engines: Engines, hearing: _Admission) -> dict[str, Handler]:
    """What is asked of recordings, by path."""

    def listening(work: Callable[[bytes], bytes]) -> Handler:
        async def listen(request: Request) -> Response:
            # Refused before the recordings are read, so that a crowd of callers fills no memory.
            hearing.check_room()
            body = await request.body()
            return Response(await hearing.run(lambda: work(body)))

        return listen

    return {path: listening(work) for path, work in _listening_works(engines).items()}


def _listening_works(engines: Engines) -> dict[str, Callable[[bytes], bytes]]:
    """What is asked of recordings, by path: from the body of a request to that of its answer."""
    recognizer, embedder, tracer = engines.recognizer, engines.embedder, engines.tracer

    def hear(body: bytes) -> bytes:
        header, recordings = unpack(RECOGNIZE, body)
        with traced(tracer, "decode", values=work_values(header.bundle, recordings)) as span:
            found = tuple(recognizer.recognize(header.bundle, recordings, header.options))
            span.set({"tympan.cpu_s": sum(one.cpu_s for one in found)})
        return RESULTS.dump_json(found)

    def identify(body: bytes) -> bytes:
        header, recordings = unpack(IDENTIFY, body)
        with traced(tracer, "identify languages", values=work_values(header.bundle, recordings)):
            found = recognizer.identify_languages(header.bundle, recordings, header.candidates)
        return STRETCHES.dump_json(tuple(map(tuple, found)))

    def trace(body: bytes) -> bytes:
        _, recordings = unpack(TRACE, body)
        with traced(tracer, "trace voices", values=work_values(None, recordings)):
            return pack_voices(embedder.trace(recordings))

    return {"/recognize": hear, "/languages": identify, "/voices": trace}


def _following(
    engines: Engines, loading: _Admission, secret: str
) -> Callable[[WebSocket], Coroutine[Any, Any, None]]:
    async def listen_live(socket: WebSocket) -> None:
        if not _knows(socket.headers.get("authorization", ""), secret):
            await socket.close(_NOT_ALLOWED)
            return
        await socket.accept()
        parent = carried(socket.headers)
        with traced(engines.tracer, "decode stream", role=Role.SERVER, parent=parent) as span:
            await follow(socket, engines.live, loading.run, span)

    return listen_live


def _knows(authorization: str, secret: str) -> bool:
    return hmac.compare_digest(authorization.encode(), f"Bearer {secret}".encode())


def _traced(handle: Handler, tracer: Tracer) -> Handler:
    """What waits and works for a request, as part of what its caller traces."""

    async def followed(request: Request) -> Response:
        name, parent = f"POST {request.url.path}", carried(request.headers)
        with traced(tracer, name, role=Role.SERVER, parent=parent):
            return await handle(request)

    return followed


def _guarded(handle: Handler, secret: str) -> Handler:
    async def guarded(request: Request) -> Response:
        if not _knows(request.headers.get("authorization", ""), secret):
            refusal = ForbiddenError("The model host's secret is missing or wrong.")
            return JSONResponse(error_document(refusal), status_code=403)
        try:
            return await handle(request)
        except ServiceError as error:
            status = 503 if isinstance(error, UnavailableError) else 400
            return JSONResponse(error_document(error), status_code=status)
        except Exception:
            log.exception("request failed", extra={"path": request.url.path})
            raise

    return guarded


def _validated(read: Callable[[bytes], R], body: bytes) -> R:
    try:
        return read(body)
    except ValueError as reason:
        raise InvalidInputError(f"This is no model bundle: {reason}") from reason
