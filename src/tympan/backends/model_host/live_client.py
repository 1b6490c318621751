"""The LiveRecognizer port over a model host."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tympan.backends.model_host.frames import error_from
from tympan.backends.model_host.live_frames import (
    HEADER,
    LONGEST_MESSAGE,
    LiveHeader,
    event_from,
    sample_bytes,
)
from tympan.domain.errors import UnavailableError
from tympan.domain.model import Bundle
from tympan.ports.live_recognition import Ended, LiveEvent, LiveOptions, LiveStream
from tympan.ports.tracing import NO_TRACES, Tracer

_CONNECT_S = 2.0
_OPEN_S = 120.0
"""Loading a model takes so long at most."""
_END = b""


class ModelHostLive:
    """Recognises streams by asking a model host. Thread-safe.

    All connections live on one event loop in a thread of its own.

    Args:
        url: Of the host, such as ``http://127.0.0.1:9000``.
        secret: What host and callers share.
        tracer: Lets the host go on with what is traced here.
    """

    def __init__(self, url: str, secret: str, *, tracer: Tracer = NO_TRACES) -> None:
        self._tracer = tracer
        self._url = f"ws{url.removeprefix('http')}/live"
        self._headers = {"Authorization": f"Bearer {secret}"}
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self, bundle: Bundle, options: LiveOptions, on_event: Callable[[LiveEvent], None]) -> LiveStream:
        """Begin to listen; see ``ports.live_recognition``."""
        loop = self._running_loop()
        stream = _HostStream(loop, on_event)
        header = LiveHeader(bundle=bundle, options=options)
        headers = self._headers | dict(self._tracer.carrier())
        opening = asyncio.run_coroutine_threadsafe(self._open(header, headers, stream), loop)
        try:
            opening.result(_CONNECT_S + _OPEN_S)
        except TimeoutError as reason:
            opening.cancel()
            raise _away(reason) from reason
        return stream

    async def _open(self, header: LiveHeader, headers: dict[str, str], stream: _HostStream) -> None:
        try:
            socket = await connect(
                self._url,
                additional_headers=headers,
                open_timeout=_CONNECT_S,
                max_size=LONGEST_MESSAGE,
                compression=None,
                proxy=None,  # a proxy of the environment must not hear recordings
            )
            await socket.send(HEADER.dump_json(header).decode())
            answer = json.loads(await asyncio.wait_for(socket.recv(), _OPEN_S))
        except (OSError, TimeoutError, WebSocketException) as reason:
            raise _away(reason) from reason
        if answer:
            await socket.close()
            raise error_from(answer)
        stream.begin(socket)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="live-streams", daemon=True).start()
            return self._loop


class _HostStream:
    """One connection; what is not about threads runs on the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_event: Callable[[LiveEvent], None]) -> None:
        self._loop = loop
        self._on_event = on_event
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._counting = threading.Lock()
        self._samples = self._unsent = 0
        self._is_over = False
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self, socket: ClientConnection) -> None:
        """Start to send and to receive; on the loop."""
        for work in (self._send(socket), self._receive(socket)):
            self._tasks.add(self._loop.create_task(work))

    def feed(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples."""
        if not samples.size:
            return
        with self._counting:
            self._samples += samples.size
            self._unsent += samples.size
        self._loop.call_soon_threadsafe(self._outgoing.put_nowait, sample_bytes(samples))

    def finish(self) -> None:
        """There will be no more samples."""
        self._loop.call_soon_threadsafe(self._outgoing.put_nowait, _END)

    def close(self) -> None:
        """Give the stream up."""
        self._is_over = True
        self._loop.call_soon_threadsafe(self._stop)

    @property
    def backlog(self) -> int:
        """Samples that the host has not taken yet."""
        with self._counting:
            return self._unsent

    async def _send(self, socket: ClientConnection) -> None:
        try:
            while True:
                data = await self._outgoing.get()
                await socket.send(data)  # waits while the host does not read
                with self._counting:
                    self._unsent -= len(data) // 4
                if data == _END:
                    return
        except WebSocketException:
            return  # told by the task that receives

    async def _receive(self, socket: ClientConnection) -> None:
        error = None
        try:
            async for message in socket:
                event = event_from(str(message))
                self._tell(event)
                if isinstance(event, Ended):
                    self._stop()
                    return
            error = _away(None)
        except WebSocketException as reason:
            error = _away(reason)
        finally:
            await socket.close()
        self._tell(Ended(samples=self._samples, error=error))
        self._stop()

    def _tell(self, event: LiveEvent) -> None:
        if not self._is_over:
            self._is_over = isinstance(event, Ended)
            self._on_event(event)

    def _stop(self) -> None:
        for task in self._tasks - {asyncio.current_task()}:
            task.cancel()


def _away(reason: Exception | None) -> UnavailableError:
    kind = "it closed the connection" if reason is None else type(reason).__name__
    return UnavailableError(
        f"The model host cannot be reached ({kind}); it may be starting. Try again in a few seconds.",
        retry_after_s=2,
    )
