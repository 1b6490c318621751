"""One turn: audio goes to the engine, what it hears goes to the client."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

import anyio.to_thread
import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import InvalidInputError, ServiceError, UnavailableError
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.live_audio import LiveAudio
from tympan.ports.live_recognition import Ended, Partial
from tympan.ports.meters import BASE
from tympan.realtime.services import RealtimeServices, about
from tympan.realtime.turn_log import TurnLog
from tympan.realtime.turn_meter import TurnMeter
from tympan.realtime.turn_trace import TurnOrigin, TurnTrace
from tympan.usecases.live_recognition import HeardEvent, LiveHearing, LivePhrase, LiveRequest
from tympan.usecases.serving import Chosen
from tympan.wire.usp.answers import Language
from tympan.wire.usp.turn import Turn
from tympan.wire.usp.turn_request import TurnRequest

_MOST_WAITING = 20 * SAMPLE_RATE_HZ
_LOOK_AGAIN_S = 0.05
_TRY_AGAIN_S = 0.25
_PIECE_BYTES = 4096
"""A message may hold hours of compressed audio; so much at a time neither fills memory nor halts others."""
_MOST_EVENTS = 200
_MOST_CHANNELS = 2

Send = Callable[[str, Mapping[str, object]], Awaitable[None]]
"""Sends a message of the turn: path and document."""

log = logging.getLogger(__name__)


class TurnRunner:
    """Runs one turn from its first audio to ``turn.end``.

    Args:
        services: What it stands on.
        request: What the client asks for.
        wanted: The same in the words of the use case.
        origin: Names the turn in logs and traces.
        send: Sends a message of this turn.
    """

    def __init__(
        self,
        services: RealtimeServices,
        request: TurnRequest,
        wanted: LiveRequest,
        origin: TurnOrigin,
        send: Send,
    ) -> None:
        self._services = services
        self._request = request
        self._wanted = wanted
        self._origin = origin
        self.trace = TurnTrace(services.tracer, origin)
        self._log: TurnLog | None = None
        self._chosen: Mapping[str, Chosen] = {}
        self._send = send
        self._turn = Turn(request)
        self._audio: LiveAudio = services.live_audio()
        self._hearings: list[LiveHearing] = []
        self._meters: list[TurnMeter] = []
        self._ended: set[int] = set()
        self._events: asyncio.Queue[tuple[int, object]] = asyncio.Queue()
        self._telling: asyncio.Task[None] | None = None
        self._place = ExitStack()
        self._is_finished = False
        self.failure: ServiceError | None = None
        self.over = asyncio.Event()

    async def begin(self) -> None:
        """Choose the model and open the turn.

        Raises:
            ServiceError: The request cannot be answered; the message says why.
        """
        with self.trace.active():
            self._chosen = await anyio.to_thread.run_sync(self._services.live.choose, self._wanted)
        self.trace.answered_by(self._chosen)
        self._log = self._new_log()
        endpoint = self._request.endpoint_id or BASE
        self._place.enter_context(self._services.at_once.one_more(endpoint))
        self._services.meters.stream(endpoint, 1)
        self._place.callback(self._services.meters.stream, endpoint, -1)
        self._turn.answered_by(about(self._chosen, self._request))
        await self._tell(self._turn.begin(uuid.uuid4().hex))

    async def take(self, data: bytes) -> None:
        """Take the next bytes of audio; none are the end of it.

        Raises:
            ServiceError: The audio cannot be read, or the engine has no room.
        """
        if self._is_finished or self.over.is_set():
            return
        if not data:
            await self.finish()
            return
        for place in range(0, len(data), _PIECE_BYTES):
            await self._take_piece(data[place : place + _PIECE_BYTES])

    async def _take_piece(self, data: bytes) -> None:
        samples = self._audio.feed(data)
        if not self._hearings and self._audio.channels:
            await self._listen(self._audio.channels)
        if self._log is not None:
            self._log.hear(samples)
        self._feed(samples)
        while self._is_behind():  # noqa: ASYNC110  the engine has no event of this loop
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def finish(self) -> None:
        """There is no more audio: what was said is told, then the turn ends."""
        if self._is_finished:
            return
        self._is_finished = True
        samples = self._audio.finish()
        if not self._hearings and self._audio.channels:  # a short stream whose decoder held all of it back
            await self._listen(self._audio.channels)
        if self._log is not None:
            self._log.hear(samples)
        if not self._hearings:
            await self._tell(self._turn.end_of_audio(self._audio.received_ms))
            self._close()
            return
        self._feed(samples)
        for hearing in self._hearings:
            hearing.finish()

    async def tell_failure(self) -> None:
        """Say that the turn has failed, where a closing connection does not say it."""
        await self._tell(self._turn.fail())

    async def keep_log(self) -> None:
        """Write the log of the turn, if it has one; once."""
        written, self._log = self._log, None
        if written is not None:
            await anyio.to_thread.run_sync(written.keep)

    def close(self) -> None:
        """Give the turn up."""
        if self._telling is not None:
            self._telling.cancel()
        self._close()

    def _feed(self, samples: NDArray[np.float32]) -> None:
        for hearing, meter, channel in zip(self._hearings, self._meters, samples, strict=False):
            meter.came(channel.size)
            hearing.feed(channel)

    def _new_log(self) -> TurnLog | None:
        endpoint = next(iter(self._chosen.values())).endpoint
        if not self._services.logs.wants(endpoint, is_asked=self._request.is_stored):
            return None
        return TurnLog(
            self._services.logs,
            self._chosen,
            session_id=self._origin.session_id,
            request_id=self._origin.request_id,
            began_at=self._services.clock.now(),
        )

    async def _listen(self, channels: int) -> None:
        if channels > _MOST_CHANNELS:
            raise InvalidInputError(
                f"The audio has {channels} channels; at most {_MOST_CHANNELS} are heard. Send fewer.",
                target="audio",
            )
        loop = asyncio.get_running_loop()

        def opened(channel: int) -> LiveHearing:
            def on_event(event: object) -> None:
                loop.call_soon_threadsafe(self._events.put_nowait, (channel, event))

            return self._services.live.hear(self._wanted, self._chosen, on_event, channel=channel)

        for channel in range(channels):
            with self.trace.active():
                self._hearings.append(await self._patiently(partial(opened, channel)))
            endpoint = self._request.endpoint_id or BASE
            self._meters.append(TurnMeter(self._services.meters, endpoint, self.trace))
        with self.trace.active():  # what is told may need the model host once more
            self._telling = asyncio.create_task(self._tell_all())

    async def _patiently(self, opening: Callable[[], LiveHearing]) -> LiveHearing:
        """Open a stream; an engine that is being started again is waited for.

        After a broken connection one client tries again only once, and at once.
        """
        give_up_at = time.monotonic() + self._services.engine_wait_s
        while True:
            try:
                return await anyio.to_thread.run_sync(opening)
            except UnavailableError as error:
                is_away = error.code == UnavailableError.code
                if not is_away or self.over.is_set() or time.monotonic() > give_up_at:
                    raise
            await asyncio.sleep(_TRY_AGAIN_S)

    def _is_behind(self) -> bool:
        return not self.over.is_set() and any(one.backlog > _MOST_WAITING for one in self._hearings)

    async def _tell_all(self) -> None:
        """Tell what is heard until the turn is over."""
        try:
            while not self._turn.is_over:
                channel, event = await self._events.get()
                for heard in await self._heard(channel, event):
                    await self._follow(channel, heard)
        except ServiceError as error:
            self.failure = error
            self.trace.fail(error)
        except Exception as error:  # the client must hear of it, not wait for ever
            log.exception("a turn failed")
            self.trace.fail(error)
            self.failure = ServiceError(f"The turn failed: {type(error).__name__}. The log says why.")
        self._close()

    async def _heard(self, channel: int, event: object) -> Sequence[HeardEvent]:
        hearing = self._hearings[channel]
        if hearing.is_slow:
            return await anyio.to_thread.run_sync(hearing.heard, event)
        return hearing.heard(event)

    async def _follow(self, channel: int, event: HeardEvent) -> None:
        if isinstance(event, Partial) and self._events.qsize() > _MOST_EVENTS:
            return  # a client that does not read gets the phrases later, and no partials of before
        if isinstance(event, Ended):
            if event.error is not None:
                raise event.error
            self._ended.add(channel)
            if len(self._ended) == len(self._hearings):
                await self._tell(self._turn.end_of_audio(self._audio.received_ms))
        elif isinstance(event, LivePhrase):
            if event.phrase is not None and self._log is not None:
                self._log.say(event.phrase)
            await self._tell(self._turn.say(event.phrase, _language(event), event.until))
        else:
            await self._tell(self._turn.hear(event, channel))
        self._meters[channel].told(event)

    async def _tell(self, messages: Sequence[tuple[str, Mapping[str, object]]]) -> None:
        for path, document in messages:
            await self._send(path, document)

    def _close(self) -> None:
        for hearing in self._hearings:
            hearing.close()
        self._place.close()
        self.trace.end()
        self.over.set()


def _language(event: LivePhrase) -> Language | None:
    told = event.told
    return None if told is None else Language(locale=told.locale, confidence=told.confidence)
