"""Chores that recur: what has expired is removed, what is due is sent."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tympan.domain.errors import ServiceError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """Something to do again and again.

    Every worker does it, at moments of its own: doing it twice, or two at once, is harmless.

    Attributes:
        name: For the log.
        every_s: Pause between the end of one run and the start of the next.
        run: Does what is due, and returns.
    """

    name: str
    every_s: float
    run: Callable[[], None]


@dataclass(slots=True)
class Housekeeping:
    """Runs each chore in a thread of its own until it is stopped."""

    chores: Sequence[Chore]
    _ending: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin; returns at once."""
        for chore in self.chores:
            thread = threading.Thread(target=self._repeat, args=(chore,), name=chore.name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Let running chores end, for a few seconds at most."""
        self._ending.set()
        for thread in self._threads:
            thread.join(timeout=5)

    def _repeat(self, chore: Chore) -> None:
        while not self._ending.is_set():
            try:
                chore.run()
            except ServiceError as error:
                log.warning("chore waits", extra={"chore": chore.name, "reason": error.message})
            except Exception:
                log.exception("chore failed", extra={"chore": chore.name})
            self._ending.wait(chore.every_s)
