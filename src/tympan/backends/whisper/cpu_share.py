"""How much CPU each of several calls at a time has used."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class CpuShares:
    """Splits the CPU time of the process evenly among the calls that run at the same time.

    The engine computes on threads of its own, so a call cannot measure itself.

    Args:
        clock: CPU seconds of the process so far.
    """

    def __init__(self, clock: Callable[[], float] = time.process_time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._active: dict[object, float] = {}
        self._settled_at = clock()

    @contextmanager
    def call(self) -> Iterator[Callable[[], float]]:
        """Count a call while the block runs; gives a function that says what it used so far."""
        key = object()
        with self._lock:
            self._settle()
            self._active[key] = 0.0
        try:
            yield lambda: self._used(key)
        finally:
            with self._lock:
                self._settle()
                del self._active[key]

    def _used(self, key: object) -> float:
        with self._lock:
            self._settle()
            return self._active[key]

    def _settle(self) -> None:
        now = self._clock()
        share = (now - self._settled_at) / max(1, len(self._active))
        for key in self._active:
            self._active[key] += share
        self._settled_at = now
