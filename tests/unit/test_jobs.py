"""Cancelling and retrying jobs, always together with the resource they work on."""

from dataclasses import replace

import pytest

from tympan.domain.dataset import Dataset
from tympan.domain.errors import ConflictError, InvalidStateError, NotFoundError, SupersededError
from tympan.domain.job import Job, JobKind, JobState
from tympan.domain.resource import Failure, Status
from tympan.testing.clock import FakeClock
from tympan.testing.entities import make_dataset, make_job, make_model
from tympan.testing.store import MemoryStore
from tympan.usecases.job_states import begin_attempt, cancel_job, end_job
from tympan.usecases.jobs import Jobs


class World:
    """A dataset that waits for its import."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = FakeClock()
        self.jobs = Jobs(store=self.store, clock=self.clock)
        self.first = make_job()
        with self.store.write() as tx:
            tx.jobs.add(self.first)
            tx.datasets.add(make_dataset(id=self.first.resource_id, job_id=self.first.id))

    @property
    def dataset(self) -> Dataset:
        with self.store.read() as tx:
            return tx.datasets.get(self.first.resource_id)

    def begin(self) -> Job:
        with self.store.write() as tx:
            return begin_attempt(tx, tx.jobs.get(self.first.id), self.clock.now(), step="import")

    def fail(self) -> Job:
        self.begin()
        failure = Failure(code="InvalidPayload", message="line 3 is broken")
        with self.store.write() as tx:
            return end_job(tx, tx.jobs.get(self.first.id), self.clock.now(), JobState.FAILED, failure)


@pytest.fixture
def world() -> World:
    return World()


def test_a_job_that_has_not_started_is_cancelled_at_once_with_its_resource(world: World) -> None:
    job = world.jobs.cancel(world.first.id)
    assert job.state is JobState.CANCELLED
    assert job.finished_at == world.clock.now()
    assert world.dataset.status is Status.FAILED
    assert world.dataset.failure is not None
    assert world.dataset.failure.code == "Cancelled"


def test_a_running_job_is_only_marked_and_marking_twice_is_harmless(world: World) -> None:
    world.begin()
    for _ in range(2):
        job = world.jobs.cancel(world.first.id)
        assert (job.state, job.is_cancel_requested) == (JobState.RUNNING, True)
    assert world.dataset.status is Status.RUNNING


def test_a_job_that_has_failed_cannot_be_cancelled(world: World) -> None:
    world.fail()
    with pytest.raises(InvalidStateError, match="already ended as Failed"):
        world.jobs.cancel(world.first.id)


def test_a_retry_is_a_new_job_on_the_same_resource_that_starts_from_nothing(world: World) -> None:
    failed = world.fail()
    world.clock.advance(60)
    again = world.jobs.retry(failed.id)
    assert (again.state, again.attempt, again.kind) == (JobState.NOT_STARTED, 0, failed.kind)
    assert again.id != failed.id
    assert world.jobs.get(failed.id) == failed
    assert (world.dataset.status, world.dataset.failure) == (Status.NOT_STARTED, None)
    assert world.dataset.job_id == again.id


def test_a_job_is_retried_once_only(world: World) -> None:
    failed = world.fail()
    world.jobs.retry(failed.id)
    with pytest.raises(ConflictError, match="newer job"):
        world.jobs.retry(failed.id)
    assert world.jobs.count() == 2


def test_a_job_that_still_runs_cannot_be_retried(world: World) -> None:
    world.begin()
    with pytest.raises(InvalidStateError, match="only a failed or cancelled job"):
        world.jobs.retry(world.first.id)


def test_an_import_of_a_base_model_has_no_resource_and_can_be_retried(world: World) -> None:
    job = make_job(kind=JobKind.IMPORT_BASE_MODEL, arguments={"source": "somewhere"})
    with world.store.write() as tx:
        tx.jobs.add(job)
        cancel_job(tx, job, world.clock.now())
    assert world.jobs.retry(job.id).arguments == job.arguments


def test_the_end_of_an_older_job_leaves_a_resource_alone_that_a_newer_one_works_on(world: World) -> None:
    world.begin()
    with world.store.write() as tx:
        tx.datasets.save(replace(tx.datasets.get(world.first.resource_id), job_id="newer"))
    world.fail()
    assert world.dataset.status is Status.RUNNING


def test_a_later_attempt_does_not_unmake_a_resource_that_an_earlier_one_finished(world: World) -> None:
    world.begin()
    with world.store.write() as tx:
        tx.datasets.save(replace(tx.datasets.get(world.first.resource_id), status=Status.SUCCEEDED))
    assert world.begin().attempt == 2
    assert world.dataset.status is Status.SUCCEEDED


def test_an_unknown_job_is_not_found(world: World) -> None:
    for ask in (world.jobs.get, world.jobs.progress, world.jobs.events, world.jobs.cancel, world.jobs.retry):
        with pytest.raises(NotFoundError):
            ask("unknown")


def test_a_training_that_runs_for_too_long_is_ended_with_its_model():
    store, clock = MemoryStore(), FakeClock()
    jobs = Jobs(store=store, clock=clock)
    job = make_job(kind=JobKind.TRAIN_MODEL)
    other = make_job(kind=JobKind.IMPORT_DATASET)
    with store.write() as tx:
        tx.models.add(make_model(id=job.resource_id, job_id=job.id))
        for one in (job, other):
            tx.jobs.add(one)
            begin_attempt(tx, one, clock.now(), step=one.kind.steps[0])
    clock.advance(100)
    jobs.end_overlong(JobKind.TRAIN_MODEL, 100)
    assert jobs.get(job.id).state is JobState.RUNNING
    clock.advance(1)
    jobs.end_overlong(JobKind.TRAIN_MODEL, 100)
    assert jobs.get(job.id).state is JobState.FAILED
    assert jobs.get(other.id).state is JobState.RUNNING
    with store.write() as tx:
        model = tx.models.get(job.resource_id)
        assert model.failure.code == "TimeLimit"
        with pytest.raises(SupersededError):
            tx.jobs.require_attempt(job.id, 1)
