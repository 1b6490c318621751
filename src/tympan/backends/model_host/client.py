"""The ports Recognizer and SpeakerEmbedder over a model host."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress

import httpx
import numpy as np
from numpy.typing import NDArray

from tympan.backends.model_host.frames import (
    BUNDLE,
    IDENTIFY,
    RECOGNIZE,
    RESULTS,
    STATE,
    STRETCHES,
    TRACE,
    IdentifyHeader,
    RecognizeHeader,
    TraceHeader,
    error_from,
    lengths_of,
    pack,
    unpack_voices,
    work_values,
)
from tympan.domain.errors import EngineError, ServiceError, UnavailableError
from tympan.domain.model import Bundle
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.recognizer import HostState, LanguageStretch, Recognition, RecognitionOptions
from tympan.ports.speaker_embedder import VoiceTrace
from tympan.ports.tracing import NO_TRACES, Role, Span, Tracer, traced

_CONNECT_S = 2.0
_STATE_S = 2.0
"""Health probes and monitors ask for the state, and give up themselves after a few seconds."""
_SHORT_ANSWER_S = 10.0
_WARM_S = 600.0
_WAIT_S = 300.0
_LOOK_AGAIN_S = 0.25
_MOST_WAITING = 32
"""So many calls at once wait for a host that is being started again. They hold threads of their
process, which has others to serve meanwhile; who comes beyond them is refused at once."""
_AWAY = (httpx.ConnectError, httpx.ConnectTimeout)
_LOST = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
"""What a call meets whose host has ended. A host that merely answers late is not asked again."""
_SECONDS_A_SECOND = 10.0
"""A host that needs longer than this for a second of audio is taken for hung."""

log = logging.getLogger(__name__)


class ModelHostClient:
    """Recognises by asking a model host. Thread-safe.

    A call that is lost with its host is sent once more when the host is back; not oftener, for it
    may be what ends it. A host that stays away, or is full, is an UnavailableError.

    Args:
        url: Of the host, such as ``http://127.0.0.1:9000``.
        secret: What host and callers share.
        patience_s: How long a call tries again by itself. What answers people leaves it at 0
            and passes the refusal on; background work has time.
        restart_s: How long a call waits for a host that went away, where somebody starts it again.
            At 0 it is not asked again.
        tracer: Traces what is asked, and lets the host go on with it.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        patience_s: float = 0.0,
        restart_s: float = 0.0,
        tracer: Tracer = NO_TRACES,
    ) -> None:
        self._tracer = tracer
        self._patience_s = patience_s
        self._restart_s = restart_s
        self._waiting = threading.BoundedSemaphore(_MOST_WAITING)
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {secret}"},
            # Shorter than the host's own limit, so that no request meets a closing connection.
            limits=httpx.Limits(max_connections=None, keepalive_expiry=2.0),
            trust_env=False,  # a proxy of the environment must not see recordings
        )

    def warm(self, bundle: Bundle) -> None:
        """Load the model and recognise a second of silence."""
        body = BUNDLE.dump_json(bundle)
        with self._asking("warm", bundle):
            self._ask("POST", "/warm", lambda: [body], answer_s=_WARM_S)

    def recognize(
        self, bundle: Bundle, recordings: Sequence[NDArray[np.float32]], options: RecognitionOptions
    ) -> Sequence[Recognition]:
        """Recognise recordings, one result each, in their order."""
        header = RecognizeHeader(bundle=bundle, options=options, lengths=lengths_of(recordings))
        with self._asking("recognize", bundle, recordings):
            return RESULTS.validate_json(
                self._ask(
                    "POST",
                    "/recognize",
                    lambda: pack(RECOGNIZE, header, recordings),
                    answer_s=_patience_for_s(recordings),
                )
            )

    def identify_languages(
        self, bundle: Bundle, recordings: Sequence[NDArray[np.float32]], candidates: Sequence[str]
    ) -> Sequence[Sequence[LanguageStretch]]:
        """Tell which languages are spoken where, one result for each recording."""
        header = IdentifyHeader(bundle=bundle, candidates=tuple(candidates), lengths=lengths_of(recordings))
        with self._asking("identify languages", bundle, recordings):
            return STRETCHES.validate_json(
                self._ask(
                    "POST",
                    "/languages",
                    lambda: pack(IDENTIFY, header, recordings),
                    answer_s=_patience_for_s(recordings),
                )
            )

    def check(self) -> None:
        """Make sure that the host can tell speakers apart."""
        self._ask("GET", "/voices", None, answer_s=_SHORT_ANSWER_S)

    def trace(self, recordings: Sequence[NDArray[np.float32]]) -> Sequence[VoiceTrace]:
        """Find the voices in recordings, one result each, in their order."""
        header = TraceHeader(lengths=lengths_of(recordings))
        with self._asking("trace voices", None, recordings):
            return unpack_voices(
                self._ask(
                    "POST",
                    "/voices",
                    lambda: pack(TRACE, header, recordings),
                    answer_s=_patience_for_s(recordings),
                )
            )

    def unload(self, digest: str) -> None:
        """Free the model's memory."""
        self._ask("POST", "/unload", lambda: [digest.encode()], answer_s=_SHORT_ANSWER_S)

    def state(self) -> HostState:
        """What is loaded now."""
        return STATE.validate_json(self._ask("GET", "/state", None, answer_s=_STATE_S))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _asking(
        self, name: str, bundle: Bundle | None, recordings: Sequence[NDArray[np.float32]] = ()
    ) -> AbstractContextManager[Span]:
        values = work_values(bundle, recordings)
        return traced(self._tracer, f"model host: {name}", role=Role.CLIENT, values=values)

    def _ask(
        self, method: str, path: str, body: Callable[[], Iterable[bytes]] | None, *, answer_s: float
    ) -> bytes:
        """The body of the answer; asked again while the host is full or away and patience lasts."""
        give_up_at = time.monotonic() + self._patience_s
        while True:
            try:
                return self._ask_once(method, path, body, answer_s)
            except UnavailableError as error:
                if time.monotonic() + error.retry_after_s > give_up_at:
                    raise
                time.sleep(error.retry_after_s)

    def _ask_once(
        self, method: str, path: str, body: Callable[[], Iterable[bytes]] | None, answer_s: float
    ) -> bytes:
        try:
            answer = self._sent(method, path, body, httpx.Timeout(answer_s, connect=_CONNECT_S))
        except httpx.TransportError as reason:
            raise UnavailableError(
                f"The model host cannot be reached ({type(reason).__name__}); it may be starting. Try again "
                "in a few seconds.",
                retry_after_s=2,
            ) from reason
        if answer.is_success:
            return answer.content
        raise _error_of(answer)

    def _sent(
        self, method: str, path: str, body: Callable[[], Iterable[bytes]] | None, timeout: httpx.Timeout
    ) -> httpx.Response:
        """The answer; what is asked for work waits for a host that is away, and is sent twice at most."""
        losses, give_up_at, headers = 0, 0.0, self._tracer.carrier()
        while True:
            try:
                content = body() if body else None
                return self._http.request(method, path, content=content, headers=headers, timeout=timeout)
            except (*_AWAY, *_LOST) as reason:
                losses += isinstance(reason, _LOST)
                give_up_at = give_up_at or time.monotonic() + self._restart_s
                # A question about the host, which has no body, is answered by its being away.
                if body is None or losses > 1 or not self._is_back(give_up_at):
                    raise
                log.warning(
                    "the model host went away; asking again", extra={"path": path, "reason": repr(reason)}
                )

    def _is_back(self, give_up_at: float) -> bool:
        """Wait until the host answers again; false when that takes too long, or too many wait."""
        if not self._waiting.acquire(blocking=False):
            return False
        try:
            while time.monotonic() < give_up_at:
                time.sleep(_LOOK_AGAIN_S)
                with suppress(httpx.TransportError):  # not yet
                    if self._http.get("/health", timeout=_STATE_S).is_success:
                        return True
            return False
        finally:
            self._waiting.release()


def _patience_for_s(recordings: Sequence[NDArray[np.float32]]) -> float:
    """How long an answer about recordings may take."""
    return _WAIT_S + _SECONDS_A_SECOND * sum(lengths_of(recordings)) / SAMPLE_RATE_HZ


def _error_of(answer: httpx.Response) -> ServiceError:
    try:
        document = answer.json()
    except ValueError:
        document = None
    if isinstance(document, dict) and "error" in document:
        return error_from(document)
    return EngineError(f"The model host answered {answer.status_code}. Its log says why.")
