"""What every job engine promises, tried on DBOS over SQLite and PostgreSQL and on the fake."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from tympan.backends.jobs_dbos import DbosJobEngine, EngineSettings
from tympan.backends.sql.engine import make_engine
from tympan.domain.job import Job, JobKind, JobState
from tympan.domain.resource import Failure
from tympan.ports.jobs import JobEngine, JobLimits, StepEnd
from tympan.testing.clock import FakeClock
from tympan.testing.jobs import MemoryJobEngine
from tympan.testing.store import MemoryStore

LIMITS = JobLimits(jobs=2, trainings=1)
PATIENCE_S = 20.0


class ScriptedRunner:
    """Runs steps by marking them finished; ``hold`` makes jobs of a kind wait until ``release``."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.clock = FakeClock()
        self.runs: list[tuple[str, str]] = []
        self.running: Counter[str] = Counter()
        self.most_running: Counter[str] = Counter()
        self.held: dict[JobKind, threading.Event] = {}
        self.broken: set[str] = set()

    def hold(self, kind: JobKind) -> threading.Event:
        self.held[kind] = threading.Event()
        return self.held[kind]

    def run(self, job_id: str, step: str, *, is_stopping: Callable[[], bool]) -> StepEnd:
        with self.store.read() as tx:
            job = tx.jobs.get(job_id)
        if job.state.is_terminal:
            return StepEnd.JOB_ENDED
        self.runs.append((job_id, step))
        if job_id in self.broken:
            raise RuntimeError("the runner itself is broken")
        queue = job.kind.queue
        self.running[queue] += 1
        self.most_running[queue] = max(self.most_running[queue], self.running[queue])
        try:
            while job.kind in self.held and not self.held[job.kind].wait(0.01):
                if is_stopping():
                    return StepEnd.INTERRUPTED
        finally:
            self.running[queue] -= 1
        return self._finish(job, step)

    def give_up(self, job_id: str, reason: str) -> None:
        with self.store.write() as tx:
            job = tx.jobs.get(job_id)
            failure = Failure(code="UnexpectedError", message=reason)
            tx.jobs.save(job.ended(self.clock.now(), JobState.FAILED, failure))

    def _finish(self, job: Job, step: str) -> StepEnd:
        with self.store.write() as tx:
            job = tx.jobs.get(job.id)
            tx.jobs.finish_step(job.id, step)
            is_last = step == job.kind.steps[-1]
            state = JobState.SUCCEEDED if is_last else JobState.RUNNING
            tx.jobs.save(
                job.ended(self.clock.now(), state) if is_last else job.begun(self.clock.now(), step=step)
            )
        return StepEnd.FINISHED


class World:
    """An engine with the rows it works on."""

    def __init__(self, make: Callable[[MemoryStore, ScriptedRunner], JobEngine]) -> None:
        self.store = MemoryStore()
        self.runner = ScriptedRunner(self.store)
        self._make = make
        self.engine = make(self.store, self.runner)
        self._is_started = False
        self.database: Engine | None = None

    def add(self, kind: JobKind = JobKind.IMPORT_DATASET) -> str:
        job = Job(id=str(uuid4()), kind=kind, resource_id="r", created_at=self.runner.clock.advance(1))
        with self.store.write() as tx:
            tx.jobs.add(job)
        return job.id

    def start(self) -> None:
        self.engine.start()
        self._is_started = True

    def stop(self) -> None:
        if self._is_started:
            self.engine.stop()
        self._is_started = False

    def restart(self) -> None:
        """A new engine over the same rows, as after the process was started again."""
        self.stop()
        self.engine = self._make(self.store, self.runner)
        self.start()

    def forget(self, job_id: str) -> None:
        """Put the row back to its beginning, as a restored backup does."""
        with self.store.write() as tx:
            job = tx.jobs.get(job_id)
            tx.jobs.delete(job_id)
            tx.jobs.add(replace(job, state=JobState.NOT_STARTED, attempt=0, step=None, finished_at=None))

    def strand(self, job_id: str) -> None:
        """Mark the job as taken by this engine, which knows nothing of it."""
        if self.database is None:
            return
        table = "workflow_status" if self.database.dialect.name == "sqlite" else "dbos.workflow_status"
        taken = f"UPDATE {table} SET status = 'PENDING', owner_xid = 'nobody' WHERE workflow_uuid = :job"
        with self.database.begin() as connection:
            connection.execute(text(taken), {"job": job_id})

    def state(self, job_id: str) -> JobState:
        with self.store.read() as tx:
            return tx.jobs.get(job_id).state

    def wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"waited too long; runs so far: {self.runner.runs}"
            time.sleep(0.01)

    def wait_until_done(self, *job_ids: str) -> None:
        self.wait(lambda: all(self.state(job_id).is_terminal for job_id in job_ids))


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "memory":
        world = World(lambda store, runner: MemoryJobEngine(store=store, runner=runner, limits=LIMITS))
    else:
        is_sqlite = request.param == "sqlite"
        url = (
            f"sqlite:///{tmp_path}/jobs.db"
            if is_sqlite
            else request.getfixturevalue("postgres_server").new_database()
        )
        settings = EngineSettings(url=url, limits=LIMITS, lease_s=2.0, poll_s=0.05, audit_s=0.3)
        world = World(lambda store, runner: DbosJobEngine(store=store, runner=runner, settings=settings))
        world.database = make_engine(url)
    yield world
    world.stop()
    if world.database is not None:
        world.database.dispose()


def test_a_committed_job_runs_all_its_steps_in_order(world: World) -> None:
    early = world.add(JobKind.TRAIN_MODEL)
    world.start()
    late = world.add(JobKind.RUN_EVALUATION)
    world.wait_until_done(early, late)
    assert [step for job, step in world.runner.runs if job == early] == list(JobKind.TRAIN_MODEL.steps)
    assert [step for job, step in world.runner.runs if job == late] == list(JobKind.RUN_EVALUATION.steps)


def test_a_job_interrupted_by_a_stop_goes_on_at_the_same_step_after_a_start(world: World) -> None:
    job = world.add(JobKind.RUN_EVALUATION)
    world.start()
    gate = world.runner.hold(JobKind.RUN_EVALUATION)
    world.wait(lambda: bool(world.runner.runs))
    interrupted_step = world.runner.runs[-1][1]
    world.restart()
    gate.set()
    world.wait_until_done(job)
    steps = [step for _, step in world.runner.runs]
    assert world.state(job) is JobState.SUCCEEDED
    assert all(steps.count(step) <= (2 if step == interrupted_step else 1) for step in steps)


def test_no_more_jobs_of_a_queue_run_at_once_than_allowed(world: World) -> None:
    gate = world.runner.hold(JobKind.IMPORT_DATASET)
    jobs = [world.add() for _ in range(5)]
    world.start()
    world.wait(lambda: world.runner.running["work"] == 2)
    time.sleep(0.3)
    gate.set()
    world.wait_until_done(*jobs)
    assert world.runner.most_running["work"] == 2


def test_a_deployment_does_not_wait_behind_trainings_and_imports(world: World) -> None:
    gates = [world.runner.hold(JobKind.TRAIN_MODEL), world.runner.hold(JobKind.IMPORT_DATASET)]
    slow = [world.add(JobKind.TRAIN_MODEL) for _ in range(2)] + [world.add() for _ in range(3)]
    world.start()
    world.wait(lambda: len(world.runner.runs) >= 3)
    deployment = world.add(JobKind.DEPLOY_ENDPOINT)
    world.wait_until_done(deployment)
    assert not any(world.state(job).is_terminal for job in slow)
    for gate in gates:
        gate.set()
    world.wait_until_done(*slow)


def test_a_job_that_has_ended_runs_no_further_step(world: World) -> None:
    gate = world.runner.hold(JobKind.IMPORT_DATASET)
    blockers = [world.add(), world.add()]
    cancelled = world.add()
    world.start()
    world.wait(lambda: world.runner.running["work"] == 2)
    with world.store.write() as tx:
        tx.jobs.save(tx.jobs.get(cancelled).ended(world.runner.clock.now(), JobState.CANCELLED))
    gate.set()
    world.wait_until_done(*blockers)
    time.sleep(0.2)
    assert cancelled not in {job for job, _ in world.runner.runs}


def test_a_job_that_breaks_the_runner_fails_with_a_reason(world: World) -> None:
    job = world.add()
    world.runner.broken.add(job)
    world.start()
    world.wait_until_done(job)
    with world.store.read() as tx:
        failure = tx.jobs.get(job).failure
    assert world.state(job) is JobState.FAILED
    assert failure is not None
    assert "gave the job up" in failure.message


def test_a_job_older_than_its_finished_workflow_runs_again(world: World) -> None:
    job = world.add()
    world.start()
    world.wait_until_done(job)
    world.forget(job)
    world.wait_until_done(job)
    assert world.runner.runs == [(job, "import"), (job, "import")]


def test_a_job_that_was_taken_but_never_begun_is_queued_again(world: World) -> None:
    job = world.add()
    world.start()
    world.wait_until_done(job)
    world.strand(job)
    world.forget(job)
    world.wait_until_done(job)
    assert world.runner.runs == [(job, "import"), (job, "import")]
