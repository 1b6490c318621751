"""What owners can do with background jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from tympan.domain.errors import ConflictError, InvalidStateError
from tympan.domain.job import Job, JobEvent, JobKind, JobProgress, JobState
from tympan.domain.query import EVERYTHING, Filter, Query
from tympan.domain.resource import Failure, Status
from tympan.ports.clock import Clock
from tympan.ports.store import Store, Transaction
from tympan.usecases.job_states import cancel_job, end_job, prepares_resource, save_resource, worked_resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """Watch, cancel and retry."""

    store: Store
    clock: Clock

    def get(self, job_id: str) -> Job:
        """One job.

        Raises:
            NotFoundError: There is none.
        """
        with self.store.read() as tx:
            return tx.jobs.get(job_id)

    def list(self, query: Query = EVERYTHING) -> Sequence[Job]:
        """One page of jobs."""
        with self.store.read() as tx:
            return tx.jobs.list(query)

    def count(self, where: Filter | None = None) -> int:
        """How many jobs the filter keeps."""
        with self.store.read() as tx:
            return tx.jobs.count(where)

    def progress(self, job_id: str) -> JobProgress | None:
        """The newest report of a job, or None before the first.

        Raises:
            NotFoundError: There is no such job.
        """
        with self.store.read() as tx:
            tx.jobs.get(job_id)
            return tx.jobs.find_progress(job_id)

    def events(self, job_id: str, after: int = 0) -> Sequence[JobEvent]:
        """Events with a sequence above ``after``, in order.

        Raises:
            NotFoundError: There is no such job.
        """
        with self.store.read() as tx:
            tx.jobs.get(job_id)
            return tx.jobs.events(job_id, after)

    def cancel(self, job_id: str) -> Job:
        """Stop a job.

        One that has not started is cancelled at once, together with its resource. A
        running one is marked; its worker ends it within seconds. Cancelling twice is
        harmless.

        Raises:
            NotFoundError: There is no such job.
            InvalidStateError: It has already succeeded or failed.
        """
        with self.store.write() as tx:
            job = tx.jobs.get(job_id)
            if job.state is JobState.CANCELLED or job.is_cancel_requested:
                return job
            if job.state.is_terminal:
                raise InvalidStateError(
                    f"Job {job_id} has already ended as {job.state}; nothing is left to stop."
                )
            if job.state is JobState.NOT_STARTED:
                return cancel_job(tx, replace(job, is_cancel_requested=True), self.clock.now())
            marked = replace(job, is_cancel_requested=True)
            tx.jobs.save(marked)
            return marked

    def retry(self, job_id: str) -> Job:
        """Start the work of a failed or cancelled job again, as a new job.

        The new job and the resource that waits for it are written in one transaction.
        The old job stays as it is, for its record.

        Raises:
            NotFoundError: There is no such job.
            InvalidStateError: The job has not failed and was not cancelled.
            ConflictError: Its resource was deleted, or a newer job works on it.
        """
        with self.store.write() as tx:
            job = tx.jobs.get(job_id)
            if job.state not in (JobState.FAILED, JobState.CANCELLED):
                raise InvalidStateError(
                    f"Job {job_id} is {job.state}; only a failed or cancelled job can be retried."
                )
            again = Job(
                id=str(uuid4()),
                kind=job.kind,
                resource_id=job.resource_id,
                arguments=job.arguments,
                created_at=self.clock.now(),
            )
            tx.jobs.add(again)
            self._hand_over(tx, job, again)
            return again

    def end_overlong(self, kind: JobKind, limit_s: float) -> None:
        """Fail jobs of a kind that have worked for longer than they may.

        What still runs of them finds that at its next report, stops, and writes nothing more.
        """
        now = self.clock.now()
        with self.store.write() as tx:
            for job in tx.jobs.unfinished():
                began = job.started_at
                if job.kind is kind and began is not None and (now - began).total_seconds() > limit_s:
                    reason = f"It had run for longer than {limit_s / 3600:g} h, the most there may be."
                    end_job(tx, job, now, JobState.FAILED, Failure(code="TimeLimit", message=reason))

    def _hand_over(self, tx: Transaction, job: Job, again: Job) -> None:
        if not prepares_resource(job.kind):
            return
        resource = worked_resource(tx, job)
        if resource is None:
            raise ConflictError(
                f"The resource {job.resource_id} of job {job.id} was deleted, or a newer job works on it. "
                "Look at the resource for its newest job."
            )
        waiting = replace(
            resource,
            status=Status.NOT_STARTED,
            failure=None,
            job_id=again.id,
            last_action_at=again.created_at,
        )
        save_resource(tx, again, waiting)
