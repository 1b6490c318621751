"""Which stream is decoded next, and how many there may be."""

from __future__ import annotations

import heapq
import itertools
import logging
import math
import threading
import time
from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

from tympan.domain.errors import UnavailableError

_SHARE = 0.85
"""Of the machine that streams may plan with; the rest is for everybody else."""
_PARTIALS_SHARE = 0.5
"""Of what finals leave: more partials than that, and finals wait behind them."""
_LONGEST_STEP_S = 2.0
_LATE_S = 0.5
"""Finals that wait longer than this are a sign that there are too many streams."""
_HALF_LIFE_S = 5.0
_FIRST_COST = 0.05
_LEARNED = 0.05
_RETRY_S = 5

log = logging.getLogger(__name__)


class Urgency(IntEnum):
    """What is done first."""

    FINAL = 0
    GUESS = 1
    PARTIAL = 2


class Decodable(Protocol):
    """Something that has decoding to do now and then."""

    def work(self) -> Urgency | None:
        """Do the most urgent of what is due; how urgent the next is, None when nothing is due.

        Only one thread at a time is inside.
        """
        ...


class LivePool:
    """Threads that decode for many streams: finals before guesses before partials.

    It learns what finals and partials cost and says how often partials can come and whether one
    more stream can be followed.

    Args:
        threads: Decodings at once.
        most: Most streams; None: as many as the measured cost allows.
        seconds: A clock that only goes forward.
    """

    def __init__(
        self, threads: int, *, most: int | None = None, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._threads = threads
        self._most = most
        self._seconds = seconds
        self._waiting: list[tuple[Urgency, int, Decodable]] = []
        self._later: dict[Decodable, float] = {}
        self._turn = itertools.count()
        self._changed = threading.Condition()
        self._started = 0
        self._is_closed = False
        self._active = 0
        self._final_cost = self._partial_cost = _FIRST_COST
        self._final_wait_s, self._waited_at = 0.0, seconds()

    @property
    def active(self) -> int:
        """Streams that are followed."""
        return self._active

    def admit(self) -> None:
        """Let one more stream in; ``leave`` ends its stay.

        Raises:
            UnavailableError: There are as many as this machine can follow (``TooManyRequests``).
        """
        with self._changed:
            room = self._room()
            if self._active >= room:
                raise UnavailableError(
                    f"{self._active} streams are open, as many as this machine can follow in time. "
                    f"Try again in {_RETRY_S} s.",
                    retry_after_s=_RETRY_S,
                    code="TooManyRequests",
                )
            self._active += 1

    def leave(self) -> None:
        """A stream has ended."""
        with self._changed:
            self._active -= 1

    def step_s(self, wanted_s: float) -> float:
        """Seconds between two partials of a stream so that finals stay in time."""
        with self._changed:
            left = _PARTIALS_SHARE * (self._threads * _SHARE - self._active * self._final_cost)
            needed = self._active * self._partial_cost / left if left > 0 else _LONGEST_STEP_S
        return min(_LONGEST_STEP_S, max(wanted_s, needed))

    def note_final(self, *, cost: float, waited_s: float | None) -> None:
        """Learn from a final.

        Args:
            cost: CPU seconds for each second of speech.
            waited_s: How long it waited; None where its client sends faster than real time, so
                that waiting is its own doing.
        """
        with self._changed:
            self._final_cost += _LEARNED * (cost - self._final_cost)
            if waited_s is not None:
                late_s = self._late_s()
                self._final_wait_s = late_s + _LEARNED * (waited_s - late_s)

    def note_partial(self, cpu_s: float) -> None:
        """Learn what a partial costs."""
        with self._changed:
            self._partial_cost += _LEARNED * (cpu_s - self._partial_cost)

    def call(self, one: Decodable, urgency: Urgency) -> None:
        """Let a thread do what is due for a stream; harmless when nothing is."""
        with self._changed:
            if self._is_closed:
                return
            heapq.heappush(self._waiting, (urgency, next(self._turn), one))
            self._wake()

    def call_later(self, one: Decodable, in_s: float) -> None:
        """Let a thread do in so many seconds what is due for a stream then.

        Its client may have sent much at once and stay silent now, so that nothing else would call.
        """
        with self._changed:
            self._later.setdefault(one, self._seconds() + in_s)
            self._wake()

    def close(self) -> None:
        """Let the threads end."""
        with self._changed:
            self._is_closed = True
            self._waiting.clear()
            self._later.clear()
            self._changed.notify_all()

    def _wake(self) -> None:
        if self._started < self._threads:
            self._started += 1
            threading.Thread(target=self._run, name="live-decoding", daemon=True).start()
        self._changed.notify()

    def _room(self) -> int:
        if self._most is not None:
            return self._most
        if self._active > self._threads and self._late_s() > _LATE_S:
            return self._active
        each = self._final_cost + self._partial_cost / _LONGEST_STEP_S
        return max(self._threads, math.floor(self._threads * _SHARE / each))

    def _late_s(self) -> float:
        """How late finals are; what was measured long ago counts for less."""
        self._final_wait_s *= 0.5 ** ((self._seconds() - self._waited_at) / _HALF_LIFE_S)
        self._waited_at = self._seconds()
        return self._final_wait_s

    def _is_any_due(self) -> bool:
        """Whether something waits, now that what was to be called later has been looked through."""
        now = self._seconds()
        for one in [one for one, at in self._later.items() if at <= now]:
            del self._later[one]
            heapq.heappush(self._waiting, (Urgency.PARTIAL, next(self._turn), one))
        return bool(self._waiting)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._is_any_due() and not self._is_closed:
                    soonest = min(self._later.values(), default=None)
                    self._changed.wait(None if soonest is None else soonest - self._seconds())
                if self._is_closed:
                    return
                _, _, one = heapq.heappop(self._waiting)
            try:
                again = one.work()
            except Exception:
                log.exception("a stream could not be decoded")
                continue
            if again is not None:
                self.call(one, again)
