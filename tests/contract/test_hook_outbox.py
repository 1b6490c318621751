"""Deliveries are handed out once at a time, come back when their worker dies, and are settled by rule."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from tympan.app.build_hooks import hook_chores
from tympan.app.foundation import Foundation
from tympan.app.settings import Settings
from tympan.backends.sql.migrate import migrate
from tympan.domain.resource import Status
from tympan.domain.web_hook import DeliveryState, HookEvent, RetryRule
from tympan.testing.clock import START, FakeClock
from tympan.testing.entities import make_delivery, make_web_hook
from tympan.testing.fetcher import FakeFetcher
from tympan.usecases.announcing import AnnouncingStore
from tympan.usecases.hook_outbox import HookOutbox, Outcome
from tympan.usecases.web_hooks import NewWebHook, WebHookChange, WebHooks

DOWN = Outcome(status=503, error="The receiver answered with status 503.")
TAKEN = Outcome(status=200)
GONE = Outcome(status=410, error="Gone.", may_heal=False)


@pytest.fixture
def store(store):
    return store.store if isinstance(store, AnnouncingStore) else store


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def outbox(store, clock):
    return HookOutbox(store=store, clock=clock, lease_s=40.0, rule=RetryRule(), chance=lambda: 0.5)


@pytest.fixture
def hooks(store, clock):
    return WebHooks(store=store, clock=clock, fetcher=FakeFetcher())


def put(store, *deliveries, hook=None):
    hook = hook or make_web_hook()
    with store.write() as tx:
        tx.web_hooks.add(hook)
        for delivery in deliveries:
            tx.hook_deliveries.add(replace(delivery, hook_id=hook.id))
    return hook


def kept(store, delivery):
    with store.read() as tx:
        return tx.hook_deliveries.get(delivery.id)


def test_nothing_is_due_before_its_time(store, clock, outbox):
    later = make_delivery(next_attempt_at=START + timedelta(seconds=5))
    hook = put(store, later)
    assert outbox.hooks_due() == ()
    assert outbox.claim(hook.id) is None
    clock.advance(5)
    assert list(outbox.hooks_due()) == [hook.id]
    assert outbox.claim(hook.id)[1].id == later.id


def test_the_oldest_is_handed_out_first_and_each_once(store, outbox):
    first, second = make_delivery(), make_delivery(created_at=START + timedelta(seconds=1))
    hook = put(store, second, first)
    assert [outbox.claim(hook.id)[1].id for _ in range(2)] == [first.id, second.id]
    assert outbox.claim(hook.id) is None


def test_many_workers_at_once_get_each_delivery_once(store, outbox):
    hook = put(store, *(make_delivery(created_at=START + timedelta(seconds=place)) for place in range(30)))
    start, taken, lock = threading.Barrier(6), [], threading.Lock()

    def work():
        start.wait()
        misses = 0
        while misses < 20:
            claimed = outbox.claim(hook.id)
            misses += claimed is None
            if claimed is not None:
                with lock:
                    taken.append(claimed[1].id)

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(work) for _ in range(6)]:
            done.result()
    assert len(taken) == len(set(taken)) == 30


def test_what_a_dead_worker_had_is_handed_out_again_and_its_late_word_does_not_count(store, clock, outbox):
    hook = put(store, make_delivery())
    lost = outbox.claim(hook.id)[1]
    clock.advance(39)
    assert outbox.claim(hook.id) is None
    clock.advance(1)
    again = outbox.claim(hook.id)[1]
    assert (again.id, again.attempts) == (lost.id, 2)
    assert outbox.settle(lost, GONE) is None
    assert outbox.settle(again, TAKEN).state is DeliveryState.DELIVERED
    assert outbox.settle(again, GONE) is None
    assert kept(store, again).state is DeliveryState.DELIVERED


def test_pauses_grow_and_after_a_day_it_is_given_up(store, clock, outbox):
    hook = put(store, make_delivery())
    pauses = []
    while (claimed := outbox.claim(hook.id)) is not None:
        settled = outbox.settle(claimed[1], DOWN)
        if settled.state is DeliveryState.DEAD:
            break
        pauses.append((settled.next_attempt_at - clock.now()).total_seconds())
        clock.set(settled.next_attempt_at)
    assert pauses[:4] == [5, 15, 45, 135]
    assert max(pauses) == 4 * 3600
    assert sum(pauses) == 24 * 3600
    assert (settled.last_status, settled.last_error) == (503, DOWN.error)
    assert settled.finished_at == START + timedelta(days=1)


def test_one_that_is_gone_for_good_is_not_tried_again(store, outbox):
    hook = put(store, make_delivery())
    assert outbox.settle(outbox.claim(hook.id)[1], GONE).state is DeliveryState.DEAD


def test_a_receiver_that_asks_for_a_pause_gets_it(store, clock, outbox):
    hook = put(store, make_delivery())
    settled = outbox.settle(outbox.claim(hook.id)[1], replace(DOWN, asked_s=600))
    assert settled.next_attempt_at == clock.now() + timedelta(seconds=600)


def test_only_the_challenge_is_sent_until_it_is_answered(store, outbox, hooks, clock):
    hook = hooks.create(
        NewWebHook(display_name="H", web_url="https://a.test/b", events=tuple(HookEvent), base_url="http://s")
    )
    _, challenge = outbox.claim(hook.id)
    assert challenge.event is HookEvent.CHALLENGE
    assert len(challenge.token) >= 32
    outbox.settle(challenge, TAKEN)
    hook = hooks.get(hook.id)
    assert (hook.status, hook.failure) == (Status.SUCCEEDED, None)
    hooks.ping(hook.id)
    # Another URL: the ping waits until that one has answered too.
    moved = hooks.update(hook.id, WebHookChange(web_url="https://a.test/c"))
    assert moved.status is Status.NOT_STARTED
    _, challenge = outbox.claim(hook.id)
    assert challenge.event is HookEvent.CHALLENGE
    assert outbox.claim(hook.id) is None
    outbox.settle(challenge, TAKEN)
    assert outbox.claim(hook.id)[1].event is HookEvent.PING


def test_a_challenge_that_was_overtaken_decides_nothing(store, outbox, hooks):
    hook = hooks.create(
        NewWebHook(display_name="H", web_url="https://a.test/b", events=(), base_url="http://s")
    )
    _, first = outbox.claim(hook.id)
    hooks.update(hook.id, WebHookChange(web_url="https://a.test/c"))
    assert outbox.settle(first, TAKEN) is None
    assert hooks.get(hook.id).status is Status.NOT_STARTED


def test_a_challenge_that_fails_says_why_and_what_waited_is_given_up(store, outbox, hooks, clock):
    hook = put(store, make_delivery())
    hooks.update(hook.id, WebHookChange(web_url="https://a.test/c"))
    for _ in range(3):
        claimed = outbox.claim(hook.id)[1]
        settled = outbox.settle(claimed, DOWN)
        clock.set(settled.next_attempt_at)
    assert settled.state is DeliveryState.DEAD
    hook = hooks.get(hook.id)
    assert hook.status is Status.FAILED
    assert hook.failure.code == "InvalidCallbackUri"
    assert "503" in hook.failure.message
    assert outbox.hooks_due() == ()
    with store.read() as tx:
        assert {one.state for one in tx.hook_deliveries.list()} == {DeliveryState.DEAD}
    # Naming the URL again challenges it again.
    assert hooks.update(hook.id, WebHookChange(web_url="https://a.test/c")).status is Status.NOT_STARTED
    assert outbox.claim(hook.id)[1].event is HookEvent.CHALLENGE


def test_a_hook_that_is_deleted_takes_its_deliveries_along(store, outbox, hooks):
    hook = put(store, make_delivery())
    claimed = outbox.claim(hook.id)[1]
    hooks.delete(hook.id)
    hooks.delete(hook.id)
    assert outbox.settle(claimed, TAKEN) is None
    with store.read() as tx:
        assert tx.hook_deliveries.count() == 0


def test_old_ends_are_removed_and_what_waits_never(store, clock, outbox):
    def ended(state, days):
        return make_delivery(state=state, finished_at=START - timedelta(days=days))

    fresh = [ended(DeliveryState.DELIVERED, 29), ended(DeliveryState.DEAD, 89)]
    old = [ended(DeliveryState.DELIVERED, 31), ended(DeliveryState.DEAD, 91)]
    waiting = make_delivery(created_at=START - timedelta(days=400))
    put(store, *fresh, *old, waiting)
    removed = outbox.remove_old(
        delivered_before=START - timedelta(days=30), dead_before=START - timedelta(days=90)
    )
    assert removed == 2
    with store.read() as tx:
        assert {one.id for one in tx.hook_deliveries.list()} == {one.id for one in (*fresh, waiting)}


def test_a_worker_forgets_what_ended_long_ago_as_set(tmp_path):
    settings = Settings(data_dir=tmp_path, hook_keep_delivered_days=2, hook_keep_dead_days=3)
    migrate(settings.sql_url)
    base = Foundation(settings)
    now = base.clock.now()
    kept = [
        make_delivery(state=DeliveryState.DELIVERED, finished_at=now - timedelta(days=1)),
        make_delivery(state=DeliveryState.DEAD, finished_at=now - timedelta(days=2.5)),
        make_delivery(),
    ]
    old = [
        make_delivery(state=DeliveryState.DELIVERED, finished_at=now - timedelta(days=2.5)),
        make_delivery(state=DeliveryState.DEAD, finished_at=now - timedelta(days=3.5)),
    ]
    put(base.store, *kept, *old)
    chores = {chore.name: chore for chore in hook_chores(base)}
    chores["web hook log"].run()
    with base.store.read() as tx:
        assert {one.id for one in tx.hook_deliveries.list()} == {one.id for one in kept}
