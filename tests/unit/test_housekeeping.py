"""Chores go on, whatever becomes of one run."""

import threading

from tympan.domain.errors import UnavailableError
from tympan.worker.housekeeping import Chore, Housekeeping


def test_a_chore_is_repeated_after_every_kind_of_failure_until_it_is_stopped():
    runs, done = [], threading.Event()

    def run():
        runs.append(len(runs))
        if len(runs) == 1:
            raise UnavailableError("The database is away.")
        if len(runs) == 2:
            raise RuntimeError("unexpected")
        done.set()

    housekeeping = Housekeeping([Chore(name="test", every_s=0.001, run=run)])
    housekeeping.start()
    assert done.wait(5)
    housekeeping.stop()
    count = len(runs)
    assert count >= 3
    assert [thread.is_alive() for thread in housekeeping._threads] == [False]
