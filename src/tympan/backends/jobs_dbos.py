"""The job engine: DBOS workflows in this process, with leases of our own beside them.

The only module that knows DBOS. What was learnt about it, and why things are done this
way, is in ``docs/decisions/jobs.md``.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from dbos import DBOS, DBOSConfig, SetWorkflowID, WorkflowStatus
from dbos._utils import INTERNAL_QUEUE_NAME
from sqlalchemy import Engine

from tympan.backends.leases import LeaseLostError, Leases, ProcessIdentity
from tympan.backends.sql.engine import EngineOptions, make_engine, make_folder, parse_url
from tympan.domain.job import Job
from tympan.ports.jobs import JobLimits, StepEnd, StepRunner
from tympan.ports.store import Store

APPLICATION_VERSION = "jobs-1"
"""Version of the workflow's shape. DBOS runs only workflows of its own version, so this
changes only when ``_run_job`` can no longer continue what an older release began."""

_APPLICATION_NAME = "tympan"
_WORKFLOW = "run_job"
_MAX_DISPATCHES = 1000
"""A second net only: crashes are counted in our own rows, where a restart is not a crash."""

_STOP_LIMIT_S = 15.0
_EXIT_LEASE_LOST = 75

_MOVING = ("ENQUEUED", "PENDING", "DELAYED")

log = logging.getLogger(__name__)


class _Interrupted(BaseException):
    """Leaves a workflow unfinished: DBOS records nothing, so the step runs again elsewhere."""


def migrate_engine(url: str) -> None:
    """Create or upgrade the engine's own tables; harmless when nothing is to be done."""
    make_folder(url)
    _quieten()
    # With an engine of DBOS's own: its BEGIN IMMEDIATE here and ours exclude each other.
    DBOS.migrate(_driver_url(url))


def _driver_url(url: str) -> str:
    return parse_url(url).render_as_string(hide_password=False)


def _leave_at_once() -> None:
    os._exit(_EXIT_LEASE_LOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How this worker's engine runs.

    Attributes:
        url: The engine's own database.
        limits: How many jobs run at once.
        lease_s: A worker silent for so long is taken for dead.
        poll_s: Seconds between two looks for new jobs.
        audit_s: Seconds between two looks at all unfinished jobs.
        identity: Who this worker is; None: the process it runs in.
        on_lease_lost: Called when another worker has taken over. It must not let this
            process go on; the default ends it at once.
    """

    url: str
    limits: JobLimits = field(default_factory=JobLimits)
    lease_s: float = 30.0
    poll_s: float = 0.25
    audit_s: float = 5.0
    identity: ProcessIdentity | None = None
    on_lease_lost: Callable[[], None] = _leave_at_once


class DbosJobEngine:
    """A ``JobEngine`` on SQLite or PostgreSQL; one in a process at a time.

    Args:
        store: Where job rows are.
        runner: Runs a step.
        settings: As above.
    """

    def __init__(self, *, store: Store, runner: StepRunner, settings: EngineSettings) -> None:
        self._store = store
        self._runner = runner
        self._settings = settings
        self._running = _Running()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._known: set[str] = set()
        self._idle: set[str] = set()
        self._audit_at = 0.0

    def start(self) -> None:
        """Begin to take jobs, also those of dead workers. Returns at once."""
        migrate_engine(self._settings.url)
        self._engine: Engine = make_engine(self._settings.url, EngineOptions(is_durable=True))
        identity = self._settings.identity or ProcessIdentity.of_this_process()
        self._leases = Leases(self._engine, identity, lease_s=self._settings.lease_s)
        self._leases.join()
        self._dbos = DBOS(config=self._config())
        self._workflow = DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=_MAX_DISPATCHES)(
            self._make_workflow()
        )
        DBOS.launch()
        for name, limit in self._settings.limits.by_queue().items():
            DBOS.register_queue(
                name,
                worker_concurrency=limit,
                # Three queues are looked at; at this rate an idle worker takes 3 % of a core.
                polling_interval_sec=2 * self._settings.poll_s,
                on_conflict="always_update",
            )
        self._start_thread("job-rescue", self._rescue, self._settings.lease_s / 5)
        self._start_thread("job-reconciler", self._reconcile, self._settings.poll_s)
        log.info("worker takes jobs", extra={"executor": self._leases.executor_id})

    def stop(self) -> None:
        """Take no more jobs, end running attempts (they resume later), and return."""
        self._stopping.set()
        self._running.wait_until_none(_STOP_LIMIT_S)
        for thread in self._threads:
            thread.join(_STOP_LIMIT_S)
        DBOS.destroy(destroy_registry=True)
        self._leases.leave()
        self._engine.dispose()

    def _config(self) -> DBOSConfig:
        return DBOSConfig(
            name=_APPLICATION_NAME,
            system_database_url=_driver_url(self._settings.url),
            system_database_engine=self._engine,
            run_migrations=False,
            executor_id=self._leases.executor_id,
            application_version=APPLICATION_VERSION,
            log_level="WARNING",
            enable_otlp=False,
        )

    def _make_workflow(self) -> Callable[[str, list[str]], None]:
        # A closure and no method: DBOS names, and later finds, workflows by function.
        def run_job(job_id: str, steps: list[str]) -> None:
            with self._running.noted(job_id):
                for step in steps:
                    end = DBOS.run_step({"name": step}, self._run_step, job_id, step)
                    if end != StepEnd.FINISHED:
                        return

        return run_job

    def _run_step(self, job_id: str, step: str) -> str:
        end = self._runner.run(job_id, step, is_stopping=self._is_stopping)
        if end is StepEnd.INTERRUPTED:
            raise _Interrupted
        return end.value

    def _is_stopping(self) -> bool:
        if self._stopping.is_set():
            return True
        try:
            self._leases.confirm()
        except LeaseLostError:
            self._lose()
            return True
        except Exception:
            # The database is away: the attempt goes on.
            log.debug("lease could not be confirmed", exc_info=True)
        return False

    def _lose(self) -> None:
        log.error("lease lost, leaving", extra={"executor": self._leases.executor_id})
        self._stopping.set()
        self._settings.on_lease_lost()

    def _rescue(self) -> None:
        """Renew the lease, then queue again what dead workers have left running."""
        try:
            self._leases.beat()
        except LeaseLostError:
            self._lose()
            return
        # In this order: a worker joins before it takes its first job, so whoever is not
        # among the living now was dead when its job was seen running.
        running = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        dead = {workflow.executor_id for workflow in running} - self._leases.living()
        for executor_id in dead:
            if executor_id is not None:
                log.warning("jobs taken over", extra={"from": executor_id})
                _requeue_jobs_of(executor_id)

    def _reconcile(self) -> None:
        """Give every unfinished job row a workflow that moves.

        New rows are looked at in every pass, known ones every few seconds.
        """
        with self._store.read() as tx:
            jobs = tx.jobs.unfinished()
        self._known &= {job.id for job in jobs}
        is_audit = time.monotonic() >= self._audit_at
        if is_audit:
            self._audit_at = time.monotonic() + self._settings.audit_s
        wanted = [job for job in jobs if is_audit or job.id not in self._known]
        workflows = _workflows_of(wanted)
        for job in wanted:
            workflow = workflows.get(job.id)
            if workflow is None:
                self._enqueue(job)
            elif workflow.status not in _MOVING:
                self._revive_or_give_up(job, workflow.status)
        self._known |= {job.id for job in wanted}
        if is_audit:
            self._requeue_stranded(workflows)

    def _enqueue(self, job: Job) -> None:
        """Make the job's workflow; harmless when another worker just did."""
        with SetWorkflowID(job.id):
            DBOS.enqueue_workflow(job.kind.queue, self._workflow, job.id, list(job.kind.steps))

    def _revive_or_give_up(self, job: Job, status: str) -> None:
        """Bring a workflow that has ended and a job that has not together again."""
        with self._store.read() as tx:
            current = tx.jobs.find(job.id)
        if current is None or current.state.is_terminal:
            return
        log.error("workflow ended before its job", extra={"job": job.id, "status": status})
        if status == "SUCCESS":
            # The row is older than the workflow, as after a restored backup. Finished
            # steps are recorded in our own rows too, so running it again repeats none.
            DBOS.delete_workflow(job.id)
            self._enqueue(job)
        else:
            self._runner.give_up(
                job.id,
                f"The job engine gave the job up ({status}). See the worker's log, then retry the job.",
            )

    def _requeue_stranded(self, workflows: Mapping[str, WorkflowStatus]) -> None:
        """Queue again what is marked as running here, but is not, in two audits in a row.

        An error between taking a job and starting it leaves it so.
        """
        idle = {
            workflow.workflow_id
            for workflow in workflows.values()
            if workflow.status == "PENDING"
            and workflow.executor_id == self._leases.executor_id
            and workflow.workflow_id not in self._running
        }
        for job_id in idle & self._idle:
            log.warning("job queued again", extra={"job": job_id})
            self._dbos._sys_db.reenqueue_for_recovery(  # noqa: SLF001  as in _requeue_jobs_of
                job_id, [self._leases.executor_id], INTERNAL_QUEUE_NAME
            )
        self._idle = idle

    def _start_thread(self, name: str, work: Callable[[], None], interval_s: float) -> None:
        thread = threading.Thread(target=self._repeat, args=(work, interval_s), name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _repeat(self, work: Callable[[], None], interval_s: float) -> None:
        is_failing = False
        while not self._stopping.is_set():
            try:
                work()
                is_failing = False
            except Exception:
                # Once per outage: a database that is away fails every pass.
                log.log(logging.DEBUG if is_failing else logging.ERROR, "worker pass failed", exc_info=True)
                is_failing = True
            self._stopping.wait(interval_s)


class _Running:
    """The jobs that run in this process now."""

    def __init__(self) -> None:
        self._jobs: set[str] = set()
        self._changed = threading.Condition()

    @contextmanager
    def noted(self, job_id: str) -> Iterator[None]:
        with self._changed:
            self._jobs.add(job_id)
        try:
            yield
        finally:
            with self._changed:
                self._jobs.discard(job_id)
                self._changed.notify_all()

    def __contains__(self, job_id: str) -> bool:
        with self._changed:
            return job_id in self._jobs

    def wait_until_none(self, timeout_s: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._jobs, timeout_s)


def _workflows_of(jobs: Sequence[Job]) -> dict[str, WorkflowStatus]:
    if not jobs:
        return {}
    found = DBOS.list_workflows(workflow_ids=[job.id for job in jobs], load_input=False, load_output=False)
    return {workflow.workflow_id: workflow for workflow in found}


def _requeue_jobs_of(executor_id: str) -> None:
    """Queue again what an executor has left running.

    DBOS offers no public way that keeps the queue and the count of dispatches and does not
    revive what was cancelled; this is one guarded UPDATE, so doing it twice is harmless.
    """
    DBOS._recover_pending_workflows([executor_id])  # noqa: SLF001


def _quieten() -> None:
    """Let DBOS log through our own handlers only, instead of one it makes itself."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
