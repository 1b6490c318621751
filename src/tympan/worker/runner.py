"""Runs a step to its end in the worker process, however many attempts that takes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from tympan.domain.errors import StorageFullError, UnavailableError
from tympan.domain.job import Job, JobEvent, JobProgress, JobState
from tympan.domain.resource import Failure
from tympan.ports.clock import Clock
from tympan.ports.jobs import (
    EXIT_STOPPED,
    EXIT_STORAGE_FULL,
    EXIT_SUPERSEDED,
    EXIT_UNREACHABLE,
    Compute,
    StepEnd,
)
from tympan.ports.store import Store, Transaction
from tympan.usecases.job_states import cancel_job, end_job

_LONGEST_WAIT_S = 30.0
_NAP_S = 0.1

_RETRY = "retry"
_PAUSE = "pause"
_WAIT = "wait"
_WAITS = {
    EXIT_UNREACHABLE: "something that it needs cannot be reached",
    EXIT_STORAGE_FULL: "no room is left on the disk",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRunner:
    """The ``StepRunner`` of the worker.

    Every attempt that ended without a result leaves an event: ``retry`` when it crashed
    or its worker died, ``pause`` when it was asked to stop, ``wait`` when it met a full
    disk or could not reach something. Retries are counted per step, over all workers, so a
    job that kills its worker again and again ends too; waits are not, since the job is sound.

    Attributes:
        store: Where jobs are.
        clock: Stamps what is recorded.
        compute: Runs one attempt.
        max_step_attempts: Crashes of one step before its job fails.
        first_wait_s: Pause after the first crash; it doubles up to 30 s.
    """

    store: Store
    clock: Clock
    compute: Compute
    max_step_attempts: int
    first_wait_s: float = 0.5

    def run(self, job_id: str, step: str, *, is_stopping: Callable[[], bool]) -> StepEnd:
        """Run a step, repeating attempts that crash, and record how a job ends."""
        is_lost_checked = False
        troubles = 0
        while not is_stopping():
            try:
                if not is_lost_checked:
                    self._record_lost_attempt(job_id, step)
                    is_lost_checked = True
                end = self._run_once(job_id, step, is_stopping)
            except (UnavailableError, StorageFullError) as error:
                log.warning("worker waits for the database", extra={"job": job_id, "reason": error.message})
                end = None
            if end is not None:
                return end
            self._wait(troubles, is_stopping)
            troubles += 1
        return StepEnd.INTERRUPTED

    def give_up(self, job_id: str, reason: str) -> None:
        """Fail a job that the engine cannot move any more; harmless when it has ended."""
        with self.store.write() as tx:
            job = tx.jobs.find(job_id)
            if job is not None and not job.state.is_terminal:
                self._fail(tx, job, Failure(code="UnexpectedError", message=reason))

    def _run_once(self, job_id: str, step: str, is_stopping: Callable[[], bool]) -> StepEnd | None:
        """One attempt; None when it must be repeated."""
        end = self._look(job_id, step)
        if end is not None:
            return end
        try:
            status = self.compute.run(
                job_id, step, is_stopping=lambda: is_stopping() or self._is_cancel_requested(job_id)
            )
        except OSError as error:
            log.warning("attempt did not start", exc_info=True, extra={"job": job_id, "step": step})
            self._record_end(job_id, step, _RETRY, f"the process could not be started: {error}")
            return None
        end = self._look(job_id, step)
        if end is not None or status == EXIT_SUPERSEDED:
            return end
        if status == EXIT_STOPPED or is_stopping():
            self._record_end(job_id, step, _PAUSE, "the worker was stopped")
        elif status in _WAITS:
            self._record_wait(job_id, step, _WAITS[status])
        else:
            self._record_end(job_id, step, _RETRY, _cause(status))
        return None

    def _look(self, job_id: str, step: str) -> StepEnd | None:
        """What the rows say; None means that the step must run."""
        with self.store.read() as tx:
            job = tx.jobs.find(job_id)
            if step in tx.jobs.finished_steps(job_id):
                return StepEnd.FINISHED
            if job is None or job.state.is_terminal:
                return StepEnd.JOB_ENDED
        return self._cancelled(job_id) if job.is_cancel_requested else None

    def _cancelled(self, job_id: str) -> StepEnd:
        with self.store.write() as tx:
            job = tx.jobs.find(job_id)
            if job is not None and not job.state.is_terminal:
                cancel_job(tx, job, self.clock.now())
        return StepEnd.JOB_ENDED

    def _is_cancel_requested(self, job_id: str) -> bool:
        """False also while the database is away: the attempt goes on."""
        try:
            with self.store.read() as tx:
                job = tx.jobs.find(job_id)
        except UnavailableError:
            return False
        return job is None or job.is_cancel_requested

    def _record_lost_attempt(self, job_id: str, step: str) -> None:
        """Count an attempt that left no word, because its worker died with it."""
        with self.store.read() as tx:
            job = tx.jobs.find(job_id)
            if job is None or job.state is not JobState.RUNNING or job.step != step or not job.attempt:
                return
            spoken = {event.payload.get("attempt") for event in _ends(tx, job_id, step)}
            is_lost = job.attempt not in spoken and step not in tx.jobs.finished_steps(job_id)
        if is_lost:
            self._record_end(job_id, step, _RETRY, "the worker died")

    def _record_end(self, job_id: str, step: str, kind: str, cause: str) -> None:
        """Keep why an attempt ended without a result; after too many crashes the job fails."""
        log.warning("attempt ended early", extra={"job": job_id, "step": step, "kind": kind, "cause": cause})
        with self.store.write() as tx:
            job = tx.jobs.find(job_id)
            if job is None or job.state.is_terminal:
                return
            payload = {"step": step, "attempt": job.attempt, "message": f"Attempt ended: {cause}."}
            now = self.clock.now()
            tx.jobs.add_event(JobEvent(job_id=job_id, sequence=0, kind=kind, payload=payload, at=now))
            crashes = sum(event.kind == _RETRY for event in _ends(tx, job_id, step))
            if crashes >= self.max_step_attempts:
                self._fail(tx, job, self._too_many(job, step, crashes, cause))

    def _record_wait(self, job_id: str, step: str, cause: str) -> None:
        """Say what the job waits for, once for as long as it is the same."""
        with self.store.write() as tx:
            job = tx.jobs.find(job_id)
            if job is None or job.state.is_terminal:
                return
            now = self.clock.now()
            message = f"Waiting, because {cause}; goes on by itself."
            newest = next(reversed(_ends(tx, job_id, step)), None)
            if newest is None or newest.payload.get("message") != message:
                log.warning("job waits", extra={"job": job_id, "step": step, "cause": cause})
                payload = {"step": step, "attempt": job.attempt, "message": message}
                tx.jobs.add_event(JobEvent(job_id=job_id, sequence=0, kind=_WAIT, payload=payload, at=now))
            before = tx.jobs.find_progress(job_id)
            percent = before.percent if before is not None and before.step == step else 0.0
            tx.jobs.put_progress(
                JobProgress(job_id=job_id, step=step, percent=percent, message=message, updated_at=now)
            )

    def _too_many(self, job: Job, step: str, crashes: int, cause: str) -> Failure:
        message = f"The worker crashed {crashes} times in step '{step}'; the last time {cause}."
        words = self.compute.last_words(job.id, step)
        return Failure(code="WorkerCrashed", message=f"{message} {words}".strip())

    def _fail(self, tx: Transaction, job: Job, failure: Failure) -> None:
        end_job(tx, job, self.clock.now(), JobState.FAILED, failure)

    def _wait(self, troubles: int, is_stopping: Callable[[], bool]) -> None:
        until = time.monotonic() + min(_LONGEST_WAIT_S, self.first_wait_s * 2 ** min(troubles, 10))
        while time.monotonic() < until and not is_stopping():
            time.sleep(min(_NAP_S, self.first_wait_s))


def _ends(tx: Transaction, job_id: str, step: str) -> list[JobEvent]:
    """The events that say how earlier attempts of a step ended."""
    return [
        event
        for event in tx.jobs.events(job_id)
        if event.kind in (_RETRY, _PAUSE, _WAIT) and event.payload.get("step") == step
    ]


def _cause(status: int) -> str:
    if status < 0:
        return f"its process was killed by signal {-status}"
    return f"its process ended with status {status}"
