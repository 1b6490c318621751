"""A job survives the death of any process at any moment, and finishes once."""

import os
import random
import signal
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest
from tests.servers import KillTable, LightServer, descendants, wait_until_gone

from tympan.domain.job import JobKind, JobState
from tympan.domain.resource import Status

pytestmark = pytest.mark.slow

# Three kills for each step of a job; a nightly run does it with more jobs.
ROUNDS = int(os.environ.get("TYMPAN_KILL_ROUNDS", "1"))  # noqa: TID251  not a setting of the product
TARGETS = ("attempt", "worker", "supervisor")
STEPS = JobKind.TRAIN_MODEL.steps
LEASE_S = 2.0


def kill_with_all(pid: int) -> float:
    """Kill a process, see everything that it started end too, and return when it was."""
    doomed = descendants(pid)
    os.kill(pid, signal.SIGKILL)
    killed_at = time.time()
    assert wait_until_gone(doomed, 2) == []
    return killed_at


def freeze_between_transactions(server: LightServer, processes: Sequence[psutil.Process]) -> None:
    """Suspend processes, none of which holds the lock of a SQLite database.

    SQLite has one lock for all, so whoever is frozen with it stops everybody. That is why
    several workers belong on PostgreSQL, which ends such a transaction.
    """
    while True:
        for process in processes:
            process.suspend()
        if all(_is_free(path) for path in server.folder.glob("*.db")):
            return
        for process in processes:
            process.resume()
        time.sleep(0.01)


def _is_free(database: Path) -> bool:
    connection = sqlite3.connect(database, timeout=1, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LightServer]:
    """A light server that has not started."""
    server = LightServer(tmp_path)
    yield server
    server.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LightServer]:
    """A data folder and database for several workers with a short lease."""
    settings: dict[str, object] = {"lease_s": LEASE_S}
    if request.param == "postgres":
        postgres = request.getfixturevalue("postgres_server")
        settings |= {"database_url": postgres.new_database(), "jobs_database_url": postgres.new_database()}
    server = LightServer(tmp_path, **settings)
    yield server
    server.close()


def test_a_job_goes_on_after_any_process_was_killed_at_any_moment(
    server: LightServer, kill_table: KillTable
) -> None:
    moments = random.Random(7)
    supervisor = server.start()
    for _ in range(ROUNDS):
        job = server.add_training()
        for step in STEPS:
            killed_attempt = 0
            for target in moments.sample(TARGETS, len(TARGETS)):
                tick = server.wait_for_tick(job, step, moments.randrange(6), after_attempt=killed_attempt)
                time.sleep(moments.random() * 0.05)
                killed_attempt = tick.attempt
                victim = {"attempt": tick.pid, "worker": tick.worker, "supervisor": supervisor.pid}[target]
                killed_at = kill_with_all(victim)
                if target == "supervisor":
                    supervisor.wait()
                    supervisor = server.start()
                kill_table.add("sqlite", target, step, server.next_start(job, killed_attempt) - killed_at)
        server.wait_until_ended(job)
        server.assert_finished_once(job)
        assert sum(server.lost(job, step) for step in STEPS) == len(TARGETS) * len(STEPS)


@pytest.mark.parametrize(("step", "options"), [("train", {}), ("publish", {"takes_worker": True})])
def test_a_kill_between_effect_and_record_leaves_one_result(
    server: LightServer, step: str, options: dict[str, object]
) -> None:
    server.start()
    job = server.add_training(ticks=1, dies_after=step, **options)
    server.wait_until_ended(job)
    server.assert_finished_once(job)
    assert server.effects(job, step) == 2


def test_a_worker_elsewhere_takes_over_when_a_machine_never_comes_back(
    shared: LightServer, kill_table: KillTable, request: pytest.FixtureRequest
) -> None:
    workers = [shared.start("worker", machine=name) for name in ("one", "two")]
    job = shared.add_training(ticks=6)
    time.sleep(LEASE_S * 1.2)  # both have beaten for a lease by then
    tick = shared.wait_for_tick(job, "train", 2)
    victim, other = sorted(workers, key=lambda worker: worker.pid != tick.worker)
    killed_at = kill_with_all(victim.pid)
    shared.wait_until_ended(job)
    shared.assert_finished_once(job)
    assert {line.worker for line in shared.journal(job) if line.attempt > tick.attempt} == {other.pid}
    back = shared.next_start(job, tick.attempt) - killed_at
    assert back < LEASE_S + 5
    kill_table.add(request.node.callspec.params["shared"], "machine", "train", back)


def test_a_worker_that_wakes_after_its_lease_writes_nothing_more_and_leaves(shared: LightServer) -> None:
    workers = [shared.start("worker"), shared.start("worker")]
    job = shared.add_training(ticks=20)  # long enough to be frozen in the middle
    time.sleep(LEASE_S * 1.2)
    tick = shared.wait_for_tick(job, "train", 2)
    frozen = descendants(tick.worker)
    freeze_between_transactions(shared, frozen)
    shared.wait_until_ended(job)
    model = shared.model(job)
    for process in frozen:
        process.resume()
    assert wait_until_gone(frozen, LEASE_S + 5) == []
    shared.assert_finished_once(job)
    assert shared.model(job) == model
    assert int(model.custom_properties["train"]) > tick.attempt
    left = next(worker for worker in workers if worker.pid == tick.worker)
    assert left.wait(5) != 0


def test_cancelling_ends_the_running_child_within_two_seconds(server: LightServer) -> None:
    server.start()
    job = server.add_training(ticks=10_000, is_deaf=True)
    tick = server.wait_for_tick(job, "prepare", 3)
    child = descendants(tick.pid)
    server.jobs.cancel(job)
    assert wait_until_gone(child, 2) == []
    assert server.wait_until_ended(job).state is JobState.CANCELLED
    assert server.model(job).status is Status.FAILED
    again = server.jobs.retry(job)
    server.wait_for_tick(again.id, "prepare", 0)


def test_a_stopped_server_leaves_its_jobs_to_the_next_one(server: LightServer) -> None:
    first = server.start()
    job = server.add_training(ticks=10)
    server.wait_for_tick(job, "train", 2)
    running = descendants(first.pid)
    first.terminate()
    assert first.wait(20) == 0
    assert wait_until_gone(running, 1) == []
    assert not (server.folder / "server.json").exists()
    server.start()
    server.wait_until_ended(job)
    server.assert_finished_once(job)
    assert [server.lost(job, step) for step in STEPS] == [0] * len(STEPS)
    assert "pause" in {event.kind for event in server.jobs.events(job)}


@pytest.mark.postgres
def test_jobs_outlast_a_database_that_is_away_for_longer_than_a_lease(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    postgres = request.getfixturevalue("postgres_server")
    urls = {"database_url": postgres.new_database(), "jobs_database_url": postgres.new_database()}
    server = LightServer(tmp_path, lease_s=LEASE_S, **urls)
    try:
        workers = [server.start("worker", machine=name) for name in ("one", "two")]
        jobs = [server.add_training(ticks=20) for _ in range(2)]
        time.sleep(LEASE_S * 1.2)
        for job in jobs:
            server.wait_for_tick(job, "prepare", 5)
        postgres.stop()
        time.sleep(LEASE_S * 2)
        postgres.start()
        for job in jobs:
            server.wait_until_ended(job)
            server.assert_finished_once(job)
        assert [worker.poll() for worker in workers] == [None, None]
        assert "jobs taken over" not in server.log()
    finally:
        server.close()
