"""One attempt of one step, inside the child process that was started for it."""

from __future__ import annotations

import errno
import logging
from dataclasses import dataclass

from tympan.domain.errors import (
    CancelledError,
    ServiceError,
    StorageFullError,
    SupersededError,
    UnavailableError,
)
from tympan.domain.job import Job, JobState
from tympan.domain.resource import Failure
from tympan.ports.clock import Clock
from tympan.ports.jobs import (
    EXIT_FAILED,
    EXIT_STOPPED,
    EXIT_STORAGE_FULL,
    EXIT_SUPERSEDED,
    EXIT_UNREACHABLE,
)
from tympan.ports.store import Store
from tympan.ports.tracing import NO_TRACES, Tracer, Values, traced
from tympan.usecases.job_states import begin_attempt, cancel_job, end_job
from tympan.worker.context import AttemptContext
from tympan.worker.steps import StepTable

EXIT_DONE = 0
EXIT_CRASHED = 1
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

log = logging.getLogger(__name__)


class StopRequested(BaseException):
    """The process was asked to end (SIGTERM); no error, so that nothing catches it by accident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """Runs attempts: counts them, calls the step, and records how they end.

    Attributes:
        store: Where jobs are.
        clock: Stamps what is recorded.
        steps: What to call for a step.
        tracer: Traces steps.
    """

    store: Store
    clock: Clock
    steps: StepTable
    tracer: Tracer = NO_TRACES

    def run(self, job_id: str, step: str) -> int:
        """Run one attempt to its end.

        Returns:
            The exit status that ``ports.jobs.Compute.run`` describes. A failure that the
            owner must see is recorded in the job and its resource before it returns.
        """
        try:
            return self._run(job_id, step)
        except (UnavailableError, StorageFullError) as error:
            status = EXIT_STORAGE_FULL if isinstance(error, StorageFullError) else EXIT_UNREACHABLE
            said = {"job": job_id, "step": step, "cause": error.message}
            log.warning("attempt cannot go on now", extra=said)
            return status
        except Exception as error:
            log.exception("attempt crashed", extra={"job": job_id, "step": step})
            is_full = isinstance(error, OSError) and error.errno in _DISK_FULL
            return EXIT_STORAGE_FULL if is_full else EXIT_CRASHED

    def _run(self, job_id: str, step: str) -> int:
        try:
            job = self._begin(job_id, step)
            return job if isinstance(job, int) else self._work(job, step)
        except StopRequested:
            return EXIT_FAILED if self._cancelled_by_owner(job_id) else EXIT_STOPPED
        except CancelledError:
            return EXIT_FAILED if self._cancelled_by_owner(job_id) else EXIT_SUPERSEDED
        except SupersededError:
            log.info("attempt superseded", extra={"job": job_id, "step": step})
            return EXIT_SUPERSEDED

    def _begin(self, job_id: str, step: str) -> Job | int:
        """The job with one more attempt, or the exit status when nothing is left to run."""
        with self.store.write() as tx:
            job = tx.jobs.find(job_id)
            if job is None or job.state.is_terminal:
                return EXIT_FAILED
            if step in tx.jobs.finished_steps(job_id):
                return EXIT_DONE
            if job.is_cancel_requested:
                cancel_job(tx, job, self.clock.now())
                return EXIT_FAILED
            return begin_attempt(tx, job, self.clock.now(), step=step)

    def _work(self, job: Job, step: str) -> int:
        context = AttemptContext(job=job, step=step, store=self.store, clock=self.clock)
        try:
            with traced(self.tracer, f"{job.kind.value} {step}", values=_values(job, step)):
                self.steps[(job.kind, step)](context)
        except (CancelledError, SupersededError, UnavailableError, StorageFullError):
            raise
        except ServiceError as error:
            log.info("job failed", exc_info=True, extra={"job": job.id, "step": step, "code": error.code})
            self._fail(context, Failure(code=error.code, message=error.message))
            return EXIT_FAILED
        with self.store.write() as tx:
            current = tx.jobs.require_attempt(job.id, job.attempt)
            context.write_into(tx, is_finished=True)
            tx.jobs.finish_step(job.id, step)
            if step == job.kind.steps[-1]:
                end_job(tx, current, self.clock.now(), JobState.SUCCEEDED)
        return EXIT_DONE

    def _fail(self, context: AttemptContext, failure: Failure) -> None:
        with self.store.write() as tx:
            job = tx.jobs.require_attempt(context.job.id, context.job.attempt)
            context.write_into(tx)
            end_job(tx, job, self.clock.now(), JobState.FAILED, failure)

    def _cancelled_by_owner(self, job_id: str) -> bool:
        """Record the cancellation that the owner asked for; False when nobody did."""
        with self.store.write() as tx:
            job = tx.jobs.find(job_id)
            if job is None or job.state is JobState.CANCELLED:
                return True
            if job.state.is_terminal or not job.is_cancel_requested:
                return False
            cancel_job(tx, job, self.clock.now())
            return True


def _values(job: Job, step: str) -> Values:
    return {
        "tympan.job_id": job.id,
        "tympan.job_kind": job.kind.value,
        "tympan.job_step": step,
        "tympan.job_attempt": job.attempt,
        "tympan.resource_id": job.resource_id,
    }
