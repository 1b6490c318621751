"""Receivers do not wait for each other."""

import threading
import time
from collections import Counter
from datetime import timedelta

import pytest

from tympan.domain.errors import UnavailableError
from tympan.domain.web_hook import DeliveryState, RetryRule
from tympan.testing.clock import START, FakeClock
from tympan.testing.entities import make_delivery, make_web_hook
from tympan.testing.store import MemoryStore
from tympan.usecases.hook_outbox import HookOutbox, Outcome
from tympan.worker.hook_lanes import HookLanes

TAKEN = Outcome(status=200)


class Receivers:
    """Takes messages as each test wants, and notes what came."""

    def __init__(self):
        self.came, self.stuck, self.failing = [], set(), set()
        self.release = threading.Event()
        self._lock = threading.Lock()

    def send(self, hook, delivery):
        with self._lock:
            self.came.append((hook.display_name, delivery.id))
        if hook.display_name in self.stuck:
            self.release.wait(10)
        if hook.display_name in self.failing:
            return Outcome(status=500, error="The receiver answered with status 500.")
        return TAKEN

    def count(self, name):
        with self._lock:
            return Counter(name for name, _ in self.came)[name]


class House:
    def __init__(self, at_once=4):
        self.store, self.clock, self.receivers, self.now = MemoryStore(), FakeClock(), Receivers(), 0.0
        outbox = HookOutbox(store=self.store, clock=self.clock, rule=RetryRule(), chance=lambda: 0.5)
        self.lanes = HookLanes(
            outbox=outbox, sender=self.receivers, at_once=at_once, seconds=lambda: self.now
        )

    def hook(self, name, count=1):
        hook = make_web_hook(display_name=name)
        with self.store.write() as tx:
            tx.web_hooks.add(hook)
            for place in range(count):
                moment = START + timedelta(microseconds=place)
                tx.hook_deliveries.add(make_delivery(hook_id=hook.id, created_at=moment))
        return hook

    def run_until(self, look):
        until = time.monotonic() + 10
        while not look():
            assert time.monotonic() < until, self.receivers.came
            self.lanes.run()
            time.sleep(0.001)

    def rest(self):
        """Wait until no lane is open."""
        until = time.monotonic() + 10
        while self.lanes._running:
            assert time.monotonic() < until
            time.sleep(0.001)

    def states(self):
        with self.store.read() as tx:
            return Counter(one.state for one in tx.hook_deliveries.list())


@pytest.fixture
def house():
    house = House()
    yield house
    house.receivers.release.set()
    house.rest()


def test_deliveries_of_one_receiver_go_out_in_order(house):
    hook = house.hook("a", 120)
    house.run_until(lambda: house.receivers.count("a") == 120)
    house.rest()
    with house.store.read() as tx:
        wanted = [one.id for one in tx.hook_deliveries.list()]
    assert [one for _, one in house.receivers.came] == wanted
    assert house.states() == {DeliveryState.DELIVERED: 120}
    assert hook.id in house.lanes._health


def test_receivers_that_hang_keep_nobody_else_waiting(house):
    """Half of the lanes hang; the others are told everything meanwhile."""
    house.receivers.stuck |= {"slow1", "slow2"}
    for name in ("slow1", "slow2"):
        house.hook(name, 50)
    for name in ("b", "c", "d", "e", "f"):
        house.hook(name, 10)
    house.run_until(lambda: all(house.receivers.count(name) == 10 for name in "bcdef"))
    assert house.receivers.count("slow1") == house.receivers.count("slow2") == 1


def test_receivers_known_to_be_slow_never_take_all_lanes(house):
    names = [f"slow{number}" for number in range(6)]
    for name in names:
        house.hook(name, 5)
    house.receivers.failing |= set(names)
    house.run_until(lambda: all(house.receivers.count(name) == 1 for name in names))
    house.rest()
    house.receivers.failing.clear()
    house.receivers.stuck |= set(names)
    house.now = 1000.0
    for _ in range(5):
        house.lanes.run()
    assert len(house.lanes._running) == 2
    house.hook("quick")
    house.run_until(lambda: house.receivers.count("quick") == 1)


def test_a_receiver_that_fails_is_left_alone_for_a_moment_longer_each_time(house):
    house.hook("a", 20)
    house.receivers.failing.add("a")
    gaps, last = [], 0.0
    for step in range(2000):
        house.now = step * 0.25
        before = house.receivers.count("a")
        house.lanes.run()
        house.rest()
        if house.receivers.count("a") > before:
            gaps.append(house.now - last)
            last = house.now
    assert gaps[:6] == [0, 0.5, 1, 2, 4, 8]
    assert max(gaps) == 60


def test_a_lane_outlives_neither_an_error_nor_the_next_run(house, caplog):
    house.hook("a", 2)
    real, troubles = house.lanes.outbox.settle, [UnavailableError("away"), RuntimeError("strange")]

    def settle(*words):
        if troubles:
            raise troubles.pop()
        return real(*words)

    house.lanes.outbox = type("Box", (), {})()
    outbox = HookOutbox(store=house.store, clock=house.clock, lease_s=1.0)
    house.lanes.outbox.hooks_due, house.lanes.outbox.claim = outbox.hooks_due, outbox.claim
    house.lanes.outbox.settle = settle
    for _ in range(3):
        house.lanes.run()
        house.rest()
        house.clock.advance(2)
    assert house.states() == {DeliveryState.DELIVERED: 2}
    assert house.receivers.count("a") == 4
    assert "strange" in caplog.text
