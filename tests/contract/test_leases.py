"""Who is taken for dead, and who is not, on both kinds of database."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tympan.backends.leases import LeaseLostError, Leases, ProcessIdentity, worker_counter
from tympan.backends.sql.engine import EngineOptions, make_engine

LEASE_S = 0.5
HERE = ProcessIdentity.of_this_process()
ELSEWHERE = ProcessIdentity(host="another machine", pid=1, pid_start="1")

Join = Callable[[ProcessIdentity], Leases]


@pytest.fixture
def join(database_url: str) -> Iterator[Join]:
    engine = make_engine(database_url)

    def joined(identity: ProcessIdentity) -> Leases:
        leases = Leases(engine, identity, lease_s=LEASE_S)
        leases.join()
        return leases

    yield joined
    engine.dispose()


def beat_for(leases: Leases, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        leases.beat()
        time.sleep(LEASE_S / 10)


def test_a_worker_whose_process_is_gone_from_this_host_is_dead_at_once(join: Join) -> None:
    process = subprocess.Popen(["sleep", "60"])
    stat = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    gone = join(ProcessIdentity(host=HERE.host, pid=process.pid, pid_start=stat[19]))
    observer = join(HERE)
    observer.beat()
    assert gone.executor_id in observer.living()
    process.kill()
    time.sleep(0.05)  # it is not reaped yet: a process that only waits for that is dead too
    observer.beat()
    assert gone.executor_id not in observer.living()
    process.wait()


def test_a_new_process_with_the_same_number_does_not_make_a_dead_worker_live(join: Join) -> None:
    gone = join(ProcessIdentity(host=HERE.host, pid=os.getpid(), pid_start="an earlier time"))
    observer = join(HERE)
    observer.beat()
    assert gone.executor_id not in observer.living()


def test_a_silent_worker_elsewhere_is_dead_only_after_the_observer_beat_for_a_whole_lease(join: Join) -> None:
    silent = join(ELSEWHERE)
    time.sleep(LEASE_S * 1.2)
    observer = join(HERE)
    observer.beat()
    assert silent.executor_id in observer.living()
    beat_for(observer, LEASE_S * 1.5)
    assert silent.executor_id not in observer.living()


def test_after_an_outage_nobody_is_taken_for_dead_before_all_could_beat_again(join: Join) -> None:
    observer, other = join(HERE), join(ELSEWHERE)
    for leases in (observer, other):
        leases.beat()
    until = time.monotonic() + LEASE_S * 1.5
    while time.monotonic() < until:
        observer.beat()
        other.beat()
        time.sleep(LEASE_S / 10)
    time.sleep(LEASE_S * 1.5)  # the database is away: nobody can beat
    observer.beat()
    assert other.executor_id in observer.living()
    other.beat()
    beat_for(observer, LEASE_S * 0.5)
    assert other.executor_id in observer.living()


def test_a_worker_that_was_declared_dead_learns_it_before_it_starts_anything(join: Join) -> None:
    frozen, observer = join(ELSEWHERE), join(HERE)
    beat_for(observer, LEASE_S * 2.5)
    with pytest.raises(LeaseLostError):
        frozen.confirm()
    with pytest.raises(LeaseLostError):
        frozen.beat()


def test_a_worker_that_leaves_is_dead_at_once(join: Join) -> None:
    leaving, observer = join(ELSEWHERE), join(HERE)
    leaving.leave()
    assert observer.living() == {observer.executor_id}


def test_workers_are_counted_while_they_live(join: Join, database_url: str) -> None:
    engine = make_engine(database_url, EngineOptions(is_read_only=True))
    count = worker_counter(engine, lease_s=LEASE_S)
    assert count() == 0, "no worker was ever started"
    here, other = join(HERE), join(ELSEWHERE)
    assert count() == 2
    other.leave()
    assert count() == 1
    time.sleep(2 * LEASE_S + 0.1)
    assert count() == 0, "one that is silent does not count"
    here.beat()
    assert count() == 1
    engine.dispose()
