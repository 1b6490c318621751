"""How attempts of a step end, and what the job, its resource and its events then say."""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import pytest

from tympan.domain.dataset import Dataset
from tympan.domain.errors import InvalidInputError, ServiceError, StorageFullError, UnavailableError
from tympan.domain.job import Job, JobEvent, JobKind, JobProgress, JobState
from tympan.domain.resource import Failure, Status
from tympan.ports.jobs import (
    EXIT_FAILED,
    EXIT_STORAGE_FULL,
    EXIT_SUPERSEDED,
    EXIT_UNREACHABLE,
    JobContext,
    StepEnd,
)
from tympan.ports.store import Transaction
from tympan.testing.clock import FakeClock
from tympan.testing.compute import MemoryCompute
from tympan.testing.entities import make_dataset, make_job, make_model
from tympan.testing.store import MemoryStore
from tympan.testing.tracing import FakeTracer
from tympan.usecases.jobs import Jobs
from tympan.worker.attempt import EXIT_DONE, Attempts, StopRequested
from tympan.worker.runner import AttemptRunner
from tympan.worker.steps import missing_steps

Body = Callable[[JobContext], None]


class MoodyStore(MemoryStore):
    """A store that can be made unreachable."""

    is_away = False

    def write(self) -> AbstractContextManager[Transaction]:
        return self._checked(super().write())

    @contextmanager
    def _checked(self, transaction):
        if self.is_away:
            raise UnavailableError("The database is away.")
        with transaction as tx:
            yield tx


class World:
    """An import job, the step it runs, and everything that runs it."""

    def __init__(self) -> None:
        self.store = MoodyStore()
        self.clock = FakeClock()
        self.tracer = FakeTracer()
        self.jobs = Jobs(store=self.store, clock=self.clock)
        self.body: Body = self.succeed
        self.calls = 0
        self.id = self.add(make_job())
        self.attempts = Attempts(
            store=self.store,
            clock=self.clock,
            steps={(JobKind.IMPORT_DATASET, "import"): self._run_body},
            tracer=self.tracer,
        )
        self.compute = MemoryCompute(self.attempts.run)

    def add(self, job: Job) -> str:
        with self.store.write() as tx:
            tx.jobs.add(job)
            tx.datasets.add(make_dataset(id=job.resource_id, job_id=job.id))
        return job.id

    def attempt(self) -> int:
        return self.attempts.run(self.id, "import")

    def run(self, *, limit: int = 3) -> StepEnd:
        self.is_stopping = False
        runner = AttemptRunner(
            store=self.store,
            clock=self.clock,
            compute=self.compute,
            max_step_attempts=limit,
            first_wait_s=0.001,
        )
        return runner.run(self.id, "import", is_stopping=lambda: self.is_stopping)

    def stop(self) -> None:
        """The worker is told to stop, and so is the attempt."""
        self.is_stopping = True
        raise StopRequested

    def succeed(self, context: JobContext) -> None:
        with self.store.write() as tx:
            tx.jobs.require_attempt(context.job.id, context.job.attempt)
            tx.datasets.save(replace(tx.datasets.get(context.job.resource_id), status=Status.SUCCEEDED))

    @property
    def job(self) -> Job:
        return self.jobs.get(self.id)

    @property
    def dataset(self) -> Dataset:
        with self.store.read() as tx:
            return tx.datasets.get(self.job.resource_id)

    def progress(self) -> JobProgress:
        progress = self.jobs.progress(self.id)
        assert progress is not None
        return progress

    def events(self, kind: str) -> list[JobEvent]:
        return [event for event in self.jobs.events(self.id) if event.kind == kind]

    def _run_body(self, context: JobContext) -> None:
        self.calls += 1
        self.body(context)


@pytest.fixture
def world() -> World:
    return World()


def test_a_step_that_returns_is_finished_and_after_the_last_one_the_job_has_succeeded(world: World) -> None:
    assert world.run() is StepEnd.FINISHED
    assert (world.job.state, world.job.attempt, world.job.step) == (JobState.SUCCEEDED, 1, "import")
    assert world.dataset.status is Status.SUCCEEDED
    assert world.progress().percent == 100


def test_each_attempt_of_a_step_is_traced_with_its_job(world: World) -> None:
    def body(_: JobContext) -> None:
        raise InvalidInputError("Line 3, 'my own words', has no audio.", code="EmptyDataset")

    def crash(_: JobContext) -> None:
        world.body = body
        raise KeyError("my own words")

    world.body = crash
    world.run()
    crashed, failed = world.tracer.spans
    assert (crashed.failure, failed.failure) == ("KeyError", "EmptyDataset")
    assert failed.is_over
    assert failed.name == "ImportDataset import"
    assert failed.values == {
        "tympan.job_id": world.id,
        "tympan.job_kind": "ImportDataset",
        "tympan.job_step": "import",
        "tympan.job_attempt": 2,
        "tympan.resource_id": world.job.resource_id,
    }


def test_before_the_last_step_the_job_keeps_running() -> None:
    store, clock = MemoryStore(), FakeClock()
    job = make_job(kind=JobKind.TRAIN_MODEL)
    with store.write() as tx:
        tx.jobs.add(job)
        tx.models.add(make_model(id=job.resource_id, job_id=job.id))
    attempts = Attempts(store=store, clock=clock, steps={(JobKind.TRAIN_MODEL, "prepare"): lambda _: None})
    assert attempts.run(job.id, "prepare") == EXIT_DONE
    with store.read() as tx:
        assert tx.jobs.get(job.id).state is JobState.RUNNING
        assert tx.models.get(job.resource_id).status is Status.RUNNING
        assert tx.jobs.finished_steps(job.id) == ("prepare",)


def test_a_finished_step_is_not_run_again(world: World) -> None:
    world.run()
    assert world.run() is StepEnd.FINISHED
    assert world.calls == 1


def test_an_error_the_owner_can_act_on_fails_job_and_resource_with_its_words(world: World) -> None:
    def body(context: JobContext) -> None:
        context.event("warning", {"text": "line 2 has no audio"})
        context.event("warning", {"text": "line 3 has no audio"})
        raise InvalidInputError("Nothing in the archive can be used.", code="EmptyDataset")

    world.body = body
    assert world.run() is StepEnd.JOB_ENDED
    assert world.job.state is JobState.FAILED
    assert world.job.failure == world.dataset.failure
    assert world.job.failure == Failure(code="EmptyDataset", message="Nothing in the archive can be used.")
    assert len(world.events("warning")) == 2
    assert world.calls == 1


def test_a_crash_is_repeated_and_each_repetition_leaves_an_event(world: World) -> None:
    def body(context: JobContext) -> None:
        if world.calls < 3:
            raise RuntimeError("unexpected")
        world.succeed(context)

    world.body = body
    assert world.run(limit=5) is StepEnd.FINISHED
    assert [event.payload["attempt"] for event in world.events("retry")] == [1, 2]
    assert world.job.attempt == 3


def test_after_too_many_crashes_the_job_fails_and_says_where_to_look(world: World) -> None:
    def body(_: JobContext) -> None:
        raise RuntimeError("unexpected")

    world.body = body
    world.compute = MemoryCompute(lambda job_id, step: world.attempts.run(job_id, step) and 1 / 0)
    assert world.run(limit=3) is StepEnd.JOB_ENDED
    assert world.calls == 3
    assert world.job.failure is not None
    assert world.job.failure.code == "WorkerCrashed"
    assert "crashed 3 times in step 'import'" in world.job.failure.message
    assert "ZeroDivisionError" in world.job.failure.message
    assert world.dataset.failure == world.job.failure


def test_an_attempt_whose_worker_died_counts_as_a_crash(world: World) -> None:
    world.body = lambda _: world.stop()
    for _ in range(2):
        with world.store.write() as tx:
            tx.jobs.save(world.job.begun(world.clock.now(), step="import"))
        world.run(limit=2)
    assert world.job.state is JobState.FAILED
    assert world.job.failure is not None
    assert "the worker died" in world.job.failure.message


def test_a_stop_of_the_worker_is_no_crash_and_the_step_can_be_resumed(world: World) -> None:
    world.body = lambda _: world.stop()
    for _ in range(4):
        assert world.run(limit=2) is StepEnd.INTERRUPTED
    assert world.job.state is JobState.RUNNING
    assert world.events("retry") == []
    assert len(world.events("pause")) == 4
    world.body = world.succeed
    assert world.run() is StepEnd.FINISHED


def test_a_cancelled_step_ends_at_its_next_report(world: World) -> None:
    def body(context: JobContext) -> None:
        world.jobs.cancel(world.id)
        context.progress(0.5, "Half")
        raise AssertionError("not reached")

    world.body = body
    assert world.attempt() == EXIT_FAILED
    assert world.job.state is JobState.CANCELLED
    assert world.dataset.failure is not None
    assert world.dataset.failure.code == "Cancelled"


def test_a_step_that_never_reports_is_ended_when_its_job_is_cancelled(world: World) -> None:
    def body(_: JobContext) -> None:
        world.jobs.cancel(world.id)
        time.sleep(1)

    world.body = body
    assert world.run() is StepEnd.JOB_ENDED
    assert world.job.state is JobState.CANCELLED


def test_an_attempt_told_to_stop_after_a_cancellation_records_it(world: World) -> None:
    def body(_: JobContext) -> None:
        world.jobs.cancel(world.id)
        raise StopRequested

    world.body = body
    assert world.attempt() == EXIT_FAILED
    assert world.job.state is JobState.CANCELLED


def test_a_superseded_attempt_writes_nothing_more(world: World) -> None:
    def body(context: JobContext) -> None:
        with world.store.write() as tx:
            tx.jobs.save(world.job.begun(world.clock.now(), step="import"))
        context.progress(0.5, "Late")

    world.body = body
    assert world.attempt() == EXIT_SUPERSEDED
    assert (world.job.state, world.job.attempt) == (JobState.RUNNING, 2)
    assert world.jobs.progress(world.id) is None


def test_a_step_that_ends_after_it_was_superseded_does_not_count_as_finished(world: World) -> None:
    def body(_: JobContext) -> None:
        with world.store.write() as tx:
            tx.jobs.save(world.job.begun(world.clock.now(), step="import"))

    world.body = body
    assert world.attempt() == EXIT_SUPERSEDED
    with world.store.read() as tx:
        assert tx.jobs.finished_steps(world.id) == ()


def test_reports_are_written_at_most_twice_a_second_and_the_last_one_always(world: World) -> None:
    seen: set[float] = set()

    def body(context: JobContext) -> None:
        for number in range(200):
            context.progress(number / 200, "Counting", files=number)
            context.event("loss", {"step": number})
            seen.add(world.progress().percent)
        world.succeed(context)

    world.body = body
    assert world.attempt() == EXIT_DONE
    assert len(seen) < 10
    assert (world.progress().percent, world.progress().message) == (100, "Counting")
    assert world.progress().counters == {"files": 199}
    assert [event.payload["step"] for event in world.events("loss")] == list(range(200))


def test_a_report_waits_while_the_database_is_away(world: World) -> None:
    def body(context: JobContext) -> None:
        world.store.is_away = True
        context.event("note", {"text": "kept"})
        context.progress(0.5, "Half")
        world.store.is_away = False
        world.succeed(context)

    world.body = body
    assert world.attempt() == EXIT_DONE
    assert [event.payload["text"] for event in world.events("note")] == ["kept"]


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (UnavailableError("The model host does not answer."), EXIT_UNREACHABLE, "cannot be reached"),
        (StorageFullError("The blob store has no room left."), EXIT_STORAGE_FULL, "no room is left"),
    ],
)
def test_a_sound_job_waits_for_what_it_lacks_and_says_so_once(
    world: World, error: ServiceError, status: int, said: str
) -> None:
    def body(context: JobContext) -> None:
        if world.calls == 1:
            context.progress(0.5, "Half")
        if world.calls < 6:
            raise error
        assert said in world.progress().message
        assert world.progress().percent == 50
        world.succeed(context)

    world.body = body
    statuses = []
    world.compute = MemoryCompute(lambda *step: statuses.append(world.attempts.run(*step)) or statuses[-1])
    assert world.run(limit=3) is StepEnd.FINISHED
    assert [said in event.payload["message"] for event in world.events("wait")] == [True]
    assert world.events("retry") == []
    assert statuses == [status] * 5 + [EXIT_DONE]


def test_the_worker_waits_for_a_database_that_is_away(world: World) -> None:
    world.store.is_away = True
    threading.Timer(0.1, setattr, (world.store, "is_away", False)).start()
    assert world.run() is StepEnd.FINISHED
    assert world.job.state is JobState.SUCCEEDED


def test_a_job_cancelled_before_it_began_is_never_called(world: World) -> None:
    world.jobs.cancel(world.id)
    assert world.run() is StepEnd.JOB_ENDED
    assert world.attempt() == EXIT_FAILED
    assert world.calls == 0


def test_a_job_the_engine_gives_up_fails_with_its_resource(world: World) -> None:
    runner = AttemptRunner(store=world.store, clock=world.clock, compute=world.compute, max_step_attempts=1)
    runner.give_up(world.id, "It cannot be moved.")
    assert world.job.failure == Failure(code="UnexpectedError", message="It cannot be moved.")
    assert world.dataset.status is Status.FAILED
    runner.give_up(world.id, "Another reason.")
    assert world.job.failure == Failure(code="UnexpectedError", message="It cannot be moved.")


def test_the_table_of_steps_must_hold_every_step_of_every_kind() -> None:
    table = {(kind, step): lambda _: None for kind in JobKind for step in kind.steps}
    assert missing_steps(table) == ()
    del table[(JobKind.TRAIN_MODEL, "export")]
    assert missing_steps(table) == ("TrainModel.export",)
