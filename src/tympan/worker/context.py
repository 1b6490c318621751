"""What a running step says about itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tympan.domain.errors import UnavailableError
from tympan.domain.job import Job, JobEvent, JobProgress
from tympan.ports.clock import Clock
from tympan.ports.store import Store, Transaction

_WRITE_INTERVAL_S = 0.5

log = logging.getLogger(__name__)


class AttemptContext:
    """The ``JobContext`` of one attempt: writes reports at most twice a second.

    Every write asks first whether the attempt may still go on. While the database cannot
    be reached the reports wait, so that hours of training do not end with it.

    Args:
        job: The job, with the number of this attempt.
        step: The step that runs.
        store: Where reports go.
        clock: Stamps them.
    """

    def __init__(self, *, job: Job, step: str, store: Store, clock: Clock) -> None:
        self.job = job
        self._step = step
        self._store = store
        self._clock = clock
        self._last: JobProgress | None = None
        self._waiting: JobProgress | None = None
        self._events: list[JobEvent] = []
        self._written_at = float("-inf")

    def progress(self, fraction: float, message: str, **counters: float) -> None:
        """``fraction`` of this step is done, 0 to 1.

        Raises:
            CancelledError: The owner has asked for cancellation.
            SupersededError: Another attempt has taken over.
        """
        self._last = self._waiting = JobProgress(
            job_id=self.job.id,
            step=self._step,
            percent=round(100 * min(1.0, max(0.0, fraction)), 1),
            message=message,
            counters=counters,
            updated_at=self._clock.now(),
        )
        self._write_when_due()

    def event(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Keep a point of a curve, a note or a warning.

        Raises:
            CancelledError: The owner has asked for cancellation.
            SupersededError: Another attempt has taken over.
        """
        self._events.append(
            JobEvent(job_id=self.job.id, sequence=0, kind=kind, payload=payload, at=self._clock.now())
        )
        self._write_when_due()

    def write_into(self, tx: Transaction, *, is_finished: bool = False) -> None:
        """Write every report that still waits, inside a transaction of the caller.

        Args:
            tx: Its commit makes the reports count; a second call writes nothing.
            is_finished: The step is done, so its progress becomes 100 percent.
        """
        if is_finished:
            last = self._last or JobProgress(
                job_id=self.job.id, step=self._step, percent=0, message="Done", updated_at=self._clock.now()
            )
            self._waiting = replace(last, percent=100, updated_at=self._clock.now())
        if self._waiting is not None:
            tx.jobs.put_progress(self._waiting)
        for event in self._events:
            tx.jobs.add_event(event)
        self._waiting = None
        self._events = []

    def _write_when_due(self) -> None:
        if time.monotonic() - self._written_at < _WRITE_INTERVAL_S:
            return
        waiting, events = self._waiting, self._events
        try:
            with self._store.write() as tx:
                tx.jobs.require_attempt(self.job.id, self.job.attempt)
                self.write_into(tx)
        except UnavailableError:
            self._waiting, self._events = waiting, events
            log.warning("report waits for the database", extra={"job": self.job.id, "step": self._step})
        self._written_at = time.monotonic()
