"""Sends what is due to many receivers at once, so that none waits for another."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tympan.domain.errors import ServiceError
from tympan.usecases.hook_outbox import HookOutbox, Outcome
from tympan.worker.hook_sender import HookSender

_TURN = 50
_SLOW_S = 2.0
_LONGEST_PAUSE_S = 60.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Health:
    """How a receiver has answered of late."""

    failures: int = 0
    is_slow: bool = False
    paused_until: float = 0.0


@dataclass(slots=True)
class HookLanes:
    """One lane, a thread, for each receiver that has something due.

    A lane sends one delivery after the other, so a receiver hears things in order as long as
    it takes them. There are so many lanes at most. Receivers that were slow or failed share
    one half of them, so that the others always find room in the other half; and after a
    failure a receiver is left alone for a moment, longer each time.

    Attributes:
        outbox: Hands out and settles.
        sender: Makes one attempt.
        at_once: Lanes of this process.
        seconds: Monotonic time.
    """

    outbox: HookOutbox
    sender: HookSender
    at_once: int = 16
    seconds: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: set[str] = field(default_factory=set)
    _health: dict[str, _Health] = field(default_factory=dict)
    _turn: int = 0

    def run(self) -> None:
        """Open a lane for each receiver that needs one and may have one; returns at once."""
        due = self.outbox.hooks_due(self._busy())
        if not due:
            return
        # Begin with another one each time, so that nobody is always last.
        self._turn += 1
        start = self._turn % len(due)
        for hook_id in (*due[start:], *due[:start]):
            if self._opened(hook_id):
                thread = threading.Thread(target=self._lane, args=(hook_id,), name="web-hook", daemon=True)
                thread.start()

    def _busy(self) -> set[str]:
        """Web hooks that have a lane already, or are left alone for a moment."""
        with self._lock:
            now = self.seconds()
            return self._running | {one for one, health in self._health.items() if health.paused_until > now}

    def _opened(self, hook_id: str) -> bool:
        with self._lock:
            self._health.setdefault(hook_id, _Health())
            if hook_id in self._running:
                return False
            troubled = sum(self._is_troubled(one) for one in self._running)
            is_full = len(self._running) >= self.at_once
            if is_full or (self._is_troubled(hook_id) and troubled >= max(1, self.at_once // 2)):
                return False
            self._running.add(hook_id)
            return True

    def _is_troubled(self, hook_id: str) -> bool:
        health = self._health[hook_id]
        return health.is_slow or health.failures > 0

    def _lane(self, hook_id: str) -> None:
        try:
            for _ in range(_TURN):
                if not self._one(hook_id):
                    return
        except ServiceError as error:
            log.warning("web hook waits", extra={"hook": hook_id, "reason": error.message})
        except Exception:
            log.exception("web hook lane failed", extra={"hook": hook_id})
        finally:
            with self._lock:
                self._running.discard(hook_id)

    def _one(self, hook_id: str) -> bool:
        """Send the next delivery; False when there is none, or the receiver did not take it."""
        claimed = self.outbox.claim(hook_id)
        if claimed is None:
            return False
        hook, delivery = claimed
        start = self.seconds()
        outcome = self.sender.send(hook, delivery)
        self._note(hook_id, outcome, self.seconds() - start)
        settled = self.outbox.settle(delivery, outcome)
        if outcome.error is not None:
            said = {"hook": hook_id, "delivery": delivery.id, "reason": outcome.error}
            log.info("web hook not delivered", extra=said | {"state": settled.state if settled else "lost"})
        return outcome.error is None

    def _note(self, hook_id: str, outcome: Outcome, took_s: float) -> None:
        with self._lock:
            health = self._health[hook_id]
            health.is_slow = took_s > _SLOW_S
            health.failures = 0 if outcome.error is None else min(health.failures + 1, 10)
            if health.failures:
                pause_s = min(0.25 * 2**health.failures, _LONGEST_PAUSE_S)
                asked_s = min(outcome.asked_s, _LONGEST_PAUSE_S)
                health.paused_until = self.seconds() + max(pause_s, asked_s)
