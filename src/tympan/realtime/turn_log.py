"""Keeping what was said in a turn, where the owner of its endpoint wants that."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from tympan.domain.endpoint_log import base_place
from tympan.domain.errors import ServiceError
from tympan.realtime.services import answerer_of
from tympan.usecases.endpoint_logs import EndpointLogs, NewLog
from tympan.usecases.listening import HeardPhrase
from tympan.usecases.serving import Chosen
from tympan.wire.log_document import Asked, live_log_document

_MEMORY_BYTES = 1 << 20
_BLOCK_SAMPLES = 16_000
_SAMPLE = np.dtype("<i2")

log = logging.getLogger(__name__)


class TurnLog:
    """Collects audio and phrases of a turn; written when the turn is over.

    Args:
        logs: Keeps them.
        chosen: The models that answer, by locale, the likeliest first.
        session_id: A UUID by which the client knows the session.
        request_id: Of the turn.
        began_at: When it began.
    """

    def __init__(
        self,
        logs: EndpointLogs,
        chosen: Mapping[str, Chosen],
        *,
        session_id: str,
        request_id: str,
        began_at: datetime,
    ) -> None:
        self._logs = logs
        self._locale, self._chosen = next(iter(chosen.items()))
        endpoint = self._chosen.endpoint
        self._asked = Asked(
            session_id=session_id,
            request_id=request_id,
            endpoint_id=endpoint.id if endpoint else None,
            began_at=began_at,
        )
        self._phrases: list[HeardPhrase] = []
        # On disk once it is long: a session may last for hours.
        self._audio = tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES)  # noqa: SIM115  closed by ``keep``
        self._samples = 0

    def hear(self, samples: NDArray[np.float32]) -> None:
        """Take audio, shape ``(channels, samples)``; channels are mixed."""
        if samples.size:
            mixed = np.clip(samples.mean(axis=0), -1.0, 1.0) * 32767
            self._audio.write(np.rint(mixed).astype(_SAMPLE).tobytes())
            self._samples += samples.shape[1]

    def say(self, phrase: HeardPhrase) -> None:
        """Take a phrase."""
        self._phrases.append(phrase)

    def keep(self) -> None:
        """Write it; a failure is logged, since the client has its answer."""
        with self._audio:
            if not self._samples:
                return
            try:
                self._logs.keep(self._new_log())
            except ServiceError:
                log.exception("turn could not be logged", extra={"endpoint": self._asked.endpoint_id})

    def _new_log(self) -> NewLog:
        self._audio.seek(0)
        return NewLog(
            place=self._asked.endpoint_id or base_place(self._locale),
            session_id=self._asked.session_id,
            began_at=self._asked.began_at,
            audio=self._blocks(),
            samples=self._samples,
            result=live_log_document(
                self._phrases, self._samples, self._locale, answerer_of(self._chosen), self._asked
            ),
        )

    def _blocks(self) -> Iterator[NDArray[np.float32]]:
        while data := self._audio.read(_BLOCK_SAMPLES * _SAMPLE.itemsize):
            yield (np.frombuffer(data, _SAMPLE).astype(np.float32) / 32767).astype(np.float32)
