"""How much one caller may ask for: requests in a stretch of time, and requests at once.

Both are counted by each gateway process for itself, in memory. Where several gateways
share the work, a caller whose requests are spread over them has the limit at each one.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tympan.domain.errors import UnavailableError

_MOST_CALLERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a caller stands after a request.

    Attributes:
        limit: Requests in a window.
        window_s: Length of a window.
        remaining: Requests left in this one.
        reset_s: Whole seconds until the next one begins, at least 1.
        is_over: This request is one too many.
    """

    limit: int
    window_s: int
    remaining: int
    reset_s: int
    is_over: bool


@dataclass(slots=True)
class _Window:
    ends_at: float
    count: int


class RequestRate:
    """Counts the requests of each caller in windows that begin with the caller's first one. Thread-safe.

    Args:
        limit: Requests in a window; 0 is no limit.
        window_s: Length of a window.
        seconds: A clock that only goes forward.
    """

    def __init__(self, limit: int, window_s: int = 10, seconds: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._window_s = window_s
        self._seconds = seconds
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, caller: str) -> Standing | None:
        """Count a request; None where there is no limit."""
        if self._limit == 0:
            return None
        with self._lock:
            now = self._seconds()
            window = self._windows.get(caller)
            if window is None or now >= window.ends_at:
                window = self._windows[caller] = _Window(now + self._window_s, 0)
            self._windows.move_to_end(caller)
            if len(self._windows) > _MOST_CALLERS:
                self._windows.popitem(last=False)
            is_over = window.count >= self._limit
            window.count += not is_over
            return Standing(
                limit=self._limit,
                window_s=self._window_s,
                remaining=self._limit - window.count,
                reset_s=max(1, math.ceil(window.ends_at - now)),
                is_over=is_over,
            )


class RequestsAtOnce:
    """Counts the requests that run now, by endpoint. Thread-safe.

    Args:
        limit: Requests at once to one endpoint; 0 is no limit.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def one_more(self, place: str) -> Iterator[None]:
        """Let a request in for as long as the block lasts.

        Args:
            place: The endpoint's id, or what stands for the base models.

        Raises:
            UnavailableError: As many as are allowed run already (code ``QuotaViolation``).
        """
        with self._lock:
            if self._limit and self._running[place] >= self._limit:
                raise UnavailableError(
                    f"{self._limit} requests to this endpoint run at once, the most there may be. Try again "
                    "in a second, and send fewer at a time.",
                    retry_after_s=1,
                    code="QuotaViolation",
                )
            self._running[place] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[place] -= 1
                if not self._running[place]:
                    del self._running[place]
