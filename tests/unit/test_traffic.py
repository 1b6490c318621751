"""How much one caller may ask for."""

import threading

import pytest

from tympan.domain.errors import UnavailableError
from tympan.usecases.traffic import RequestRate, RequestsAtOnce


class Seconds:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_a_window_begins_with_the_first_request_and_counts_each_caller_alone():
    seconds = Seconds()
    rate = RequestRate(3, 10, seconds)
    assert [rate.take("a").remaining for _ in range(3)] == [2, 1, 0]
    seconds.now += 4.5
    over = rate.take("a")
    assert (over.is_over, over.remaining, over.reset_s, over.limit, over.window_s) == (True, 0, 6, 3, 10)
    assert not rate.take("b").is_over
    seconds.now += 5.5
    assert rate.take("a").remaining == 2


def test_what_is_refused_does_not_push_the_end_of_the_window_away():
    seconds = Seconds()
    rate = RequestRate(1, 10, seconds)
    rate.take("a")
    for _ in range(9):
        seconds.now += 1
        assert rate.take("a").is_over
    seconds.now += 1
    assert not rate.take("a").is_over


def test_no_limit_is_no_standing():
    assert RequestRate(0).take("a") is None


def test_memory_does_not_grow_with_callers():
    rate = RequestRate(1)
    for number in range(10_500):
        rate.take(str(number))
    assert len(rate._windows) == 10_000


def test_requests_at_once_are_let_in_up_to_the_limit_of_each_endpoint():
    at_once = RequestsAtOnce(2)
    with at_once.one_more("a"), at_once.one_more("a"):
        with pytest.raises(UnavailableError) as refused, at_once.one_more("a"):
            pass
        assert refused.value.code == "QuotaViolation"
        with at_once.one_more("b"):
            pass
    with at_once.one_more("a"):
        pass
    assert at_once._running == {}


def test_a_request_that_fails_makes_room_too():
    at_once = RequestsAtOnce(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), at_once.one_more("a"):
            raise ZeroDivisionError


def test_threads_never_let_one_too_many_in():
    at_once, rate, peak, lock = RequestsAtOnce(5), RequestRate(100), [0, 0], threading.Lock()
    taken = []

    def ask():
        for _ in range(50):
            taken.append(rate.take("a"))
            try:
                with at_once.one_more("a"):
                    with lock:
                        peak[0] += 1
                        peak[1] = max(peak)
                    with lock:
                        peak[0] -= 1
            except UnavailableError:
                pass

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert peak[1] <= 5
    assert sum(not one.is_over for one in taken) == 100
