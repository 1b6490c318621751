"""Which stream is decoded next, and how many streams there may be."""

import threading
import time

import pytest

from tympan.backends.whisper.live_pool import LivePool, Urgency
from tympan.domain.errors import UnavailableError


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def filled(pool, streams):
    for _ in range(streams):
        pool.admit()
    return pool


def admitted(pool, most=1000):
    for count in range(most):
        try:
            pool.admit()
        except UnavailableError:
            return count
    return most


def test_the_operator_may_say_how_many():
    pool = LivePool(2, most=3)
    assert admitted(pool) == 3
    with pytest.raises(UnavailableError) as refused:
        pool.admit()
    assert refused.value.code == "TooManyRequests"
    assert refused.value.retry_after_s > 0
    pool.leave()
    assert admitted(pool) == 1


def test_cheaper_streams_leave_room_for_more():
    counts = []
    for cost in (0.01, 0.05, 0.2):
        pool = LivePool(2, seconds=Clock())
        for _ in range(200):
            pool.note_final(cost=cost, waited_s=0.0)
            pool.note_partial(cost)
        counts.append(admitted(pool))
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 5 * counts[2] > 0
    assert abs(counts[1] - 2 * 0.85 / (0.05 + 0.05 / 2)) <= 1


def test_late_finals_keep_new_streams_out_until_that_is_long_ago():
    clock = Clock()
    pool = filled(LivePool(2, seconds=clock), 4)
    for _ in range(100):
        pool.note_final(cost=0.01, waited_s=3.0)
    assert admitted(pool) == 0
    clock.now += 60
    assert admitted(pool) > 0


def test_who_sends_faster_than_real_time_waits_without_keeping_others_out():
    pool = filled(LivePool(2, seconds=Clock()), 4)
    for _ in range(100):
        pool.note_final(cost=0.01, waited_s=None)
    assert admitted(pool) > 0


def test_as_many_as_there_are_threads_are_always_let_in():
    pool = LivePool(2, seconds=Clock())
    for _ in range(200):
        pool.note_final(cost=5.0, waited_s=9.0)
    assert admitted(pool) == 2


def test_partials_come_less_often_with_more_streams_but_come():
    pool = LivePool(1, seconds=Clock())
    for _ in range(200):
        pool.note_final(cost=0.05, waited_s=0.0)
        pool.note_partial(0.05)
    steps = []
    for _ in range(11):
        pool.admit()
        steps.append(pool.step_s(0.5))
    assert steps == sorted(steps)
    assert steps[0] == 0.5
    assert steps[-1] > 0.5
    assert max(steps) <= 2.0


class Stream:
    def __init__(self, name, done, due):
        self.name, self.done, self.due = name, done, list(due)

    def work(self):
        self.done.append((self.name, self.due.pop(0)))
        return self.due[0] if self.due else None


def test_finals_are_decoded_before_guesses_before_partials():
    pool, done, go = LivePool(1), [], threading.Event()

    class Blocking:
        def work(self):
            go.wait(10)

    pool.call(Blocking(), Urgency.FINAL)
    time.sleep(0.05)
    for name, urgency in (
        ("a", Urgency.PARTIAL),
        ("b", Urgency.GUESS),
        ("c", Urgency.FINAL),
        ("d", Urgency.FINAL),
    ):
        pool.call(Stream(name, done, [urgency]), urgency)
    go.set()
    deadline = time.monotonic() + 10
    while len(done) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    pool.close()
    assert [name for name, _ in done] == ["c", "d", "b", "a"]


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_stream_that_breaks_does_not_end_the_thread():
    pool, done = LivePool(1), []

    class Broken:
        def work(self):
            raise RuntimeError("broken on purpose")

    pool.call(Broken(), Urgency.FINAL)
    pool.call(Stream("after", done, [Urgency.FINAL, Urgency.PARTIAL]), Urgency.FINAL)
    deadline = time.monotonic() + 10
    while len(done) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    pool.close()
    assert done == [("after", Urgency.FINAL), ("after", Urgency.PARTIAL)]


class Waiting:
    """Notes when it is worked on."""

    def __init__(self):
        self.worked = threading.Event()

    def work(self):
        self.worked.set()


def test_a_stream_is_called_later_though_nothing_else_happens():
    pool, stream = LivePool(1), Waiting()
    begun = time.monotonic()
    pool.call_later(stream, 0.2)
    pool.call_later(stream, 60)
    assert stream.worked.wait(10)
    assert time.monotonic() - begun >= 0.2
    pool.close()
