"""How long a turn's answers take, counted from the arrival of the audio that they are about."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable

from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.live_recognition import Partial
from tympan.ports.meters import Meters
from tympan.realtime.turn_trace import TurnTrace
from tympan.usecases.live_recognition import HeardEvent, LivePhrase

_MOST_KEPT = 4096
"""Arrivals that are remembered; with pieces of 100 ms seven minutes."""


class TurnMeter:
    """Times one channel of a turn.

    A client may send faster or slower than people speak, so the time of a sample is when it
    came, not where it lies in the recording.

    Args:
        meters: Are told.
        endpoint: As in ``ports.meters``.
        trace: Is told the same.
        seconds: A clock that only goes forward.
    """

    def __init__(
        self,
        meters: Meters,
        endpoint: str,
        trace: TurnTrace,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._meters = meters
        self._endpoint = endpoint
        self._trace = trace
        self._seconds = seconds
        self._counts: list[int] = []
        self._times: list[float] = []
        self._samples = 0
        self._told_until = self._heard_until = -1

    def came(self, samples: int) -> None:
        """So many more samples came just now."""
        self._samples += samples
        self._counts.append(self._samples)
        self._times.append(self._seconds())
        if len(self._counts) > 2 * _MOST_KEPT:
            del self._counts[:_MOST_KEPT], self._times[:_MOST_KEPT]

    def told(self, event: HeardEvent) -> None:
        """This was told to the client just now."""
        if isinstance(event, Partial):
            if event.start > self._told_until:
                self._told_until = event.start
                seconds = self._since(event.start)
                self._meters.first_partial(self._endpoint, seconds)
                self._trace.first_partial(seconds)
        elif isinstance(event, LivePhrase):
            audio_s = max(0, event.until - max(0, self._heard_until)) / SAMPLE_RATE_HZ
            self._heard_until = max(event.until, self._heard_until)
            self._meters.heard(self._endpoint, audio_s=audio_s, cpu_s=event.cpu_s)
            if event.phrase is not None:
                self._told_until = max(self._told_until, event.phrase.end - 1)
                seconds = self._since(event.phrase.end)
                self._meters.final(self._endpoint, seconds)
                self._trace.final(seconds)

    def _since(self, sample: int) -> float:
        """Seconds since a sample came."""
        place = bisect_left(self._counts, sample)
        return self._seconds() - self._times[min(place, len(self._times) - 1)] if self._times else 0.0
