"""Jobs, their progress, events and finished steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from tympan.backends.sql.repository import SqlRepository
from tympan.backends.sql.rows import JOBS
from tympan.backends.sql.tables import job_events, job_progress, job_steps, jobs
from tympan.domain.errors import SupersededError
from tympan.domain.job import Job, JobEvent, JobKind, JobProgress, JobState
from tympan.domain.query import Compare, Or, Query


class SqlJobs(SqlRepository[Job]):
    """Jobs and what is recorded of them; deleting a job deletes its records."""

    def __init__(self, connection: Connection, *, is_writable: bool) -> None:
        super().__init__(connection, JOBS, is_writable=is_writable)

    def unfinished(self) -> Sequence[Job]:
        """Jobs that are NotStarted or Running, oldest first."""
        not_started = Compare("state", "eq", JobState.NOT_STARTED)
        return self.list(Query(where=Or(not_started, Compare("state", "eq", JobState.RUNNING))))

    def counts(self) -> Mapping[tuple[JobKind, JobState], int]:
        """How many jobs of each kind are in each state."""
        grouped = select(jobs.c.kind, jobs.c.state, func.count()).group_by(jobs.c.kind, jobs.c.state)
        rows = self._connection.execute(grouped)
        return {(JobKind(kind), JobState(state)): count for kind, state, count in rows}

    def require_attempt(self, job_id: str, attempt: int) -> Job:
        """The job, if this attempt may still write; its row stays locked."""
        job = self.find(job_id)
        if job is None:
            raise SupersededError(f"Job {job_id} was deleted; attempt {attempt} must stop.")
        job.check_attempt(attempt)
        return job

    def put_progress(self, progress: JobProgress) -> None:
        """Write the one progress row of a job."""
        self._hold(progress.job_id)
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        values = asdict(progress) | {"counters": dict(progress.counters)}
        upsert = insert(job_progress).values(values)
        self._connection.execute(upsert.on_conflict_do_update(index_elements=["job_id"], set_=values))

    def find_progress(self, job_id: str) -> JobProgress | None:
        """The progress row, or None before the first report."""
        found = self._connection.execute(select(job_progress).where(job_progress.c.job_id == job_id))
        row = found.mappings().first()
        return None if row is None else JobProgress(**row)

    def add_event(self, event: JobEvent) -> None:
        """Append an event; its sequence is the next one of its job."""
        self._hold(event.job_id)
        last = select(func.coalesce(func.max(job_events.c.sequence), 0)).where(
            job_events.c.job_id == event.job_id
        )
        self._connection.execute(
            job_events.insert().values(
                job_id=event.job_id,
                sequence=last.scalar_subquery() + 1,
                kind=event.kind,
                payload=dict(event.payload),
                at=event.at,
            )
        )

    def events(self, job_id: str, after: int = 0) -> Sequence[JobEvent]:
        """Events with a sequence above ``after``, in order."""
        wanted = select(job_events).where(job_events.c.job_id == job_id, job_events.c.sequence > after)
        rows = self._connection.execute(wanted.order_by(job_events.c.sequence)).mappings()
        return [JobEvent(**row) for row in rows]

    def finished_steps(self, job_id: str) -> Sequence[str]:
        """Steps recorded as finished, in the order they were."""
        wanted = select(job_steps.c.step).where(job_steps.c.job_id == job_id)
        return self._connection.execute(wanted.order_by(job_steps.c.position)).scalars().all()

    def finish_step(self, job_id: str, step: str) -> bool:
        """Record a step as finished; False when it was already."""
        self._hold(job_id)
        position = len(self.finished_steps(job_id)) + 1
        return self._insert_absent(job_steps, {"job_id": job_id, "step": step, "position": position})

    def _hold(self, job_id: str) -> None:
        # Writers of one job's records follow each other, so numbers have no gaps.
        self._require_writing()
        held = self._locking(select(jobs.c.id).where(jobs.c.id == job_id))
        if self._connection.execute(held).first() is None:
            raise self._rows.kind.not_found(job_id)
