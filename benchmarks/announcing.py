"""What telling web hooks costs each change of a resource, and looking for what is due costs a worker."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from benchmarks.record import write_result
from tympan.backends.clock import SystemClock
from tympan.backends.sql.migrate import migrate
from tympan.backends.sql.store import SqlStore
from tympan.domain.query import Compare
from tympan.domain.web_hook import DeliveryState, HookEvent
from tympan.ports.store import Store
from tympan.testing.entities import make_dataset, make_delivery, make_web_hook
from tympan.usecases.announcing import AnnouncingStore
from tympan.usecases.hook_outbox import HookOutbox

ROUNDS = 300
HISTORY, BACKLOG = 100_000, 10_000


def main() -> None:
    """Measure on SQLite and write the result page."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder, 'app.db')}"
        migrate(url)
        rows = [["what", "median, ms"], *_changes(SqlStore(url)), *_looks(SqlStore(url))]
    notes = "A change is one write transaction that adds, starts or deletes a dataset."
    write_result("announcing", "Cost of web hooks", rows, packages=("sqlalchemy",), notes=notes)


def _changes(plain: SqlStore) -> list[list[object]]:
    announcing = AnnouncingStore(store=plain, clock=SystemClock())
    rows: list[list[object]] = [
        ["a change, store alone", _changing(plain)],
        ["a change, no web hooks", _changing(announcing)],
    ]
    with plain.write() as tx:
        tx.web_hooks.add(make_web_hook(events=tuple(HookEvent)))
    rows.append(["a change, one web hook that wants it", _changing(announcing)])
    with plain.write() as tx:
        tx.hook_deliveries.discard(Compare("state", "eq", DeliveryState.WAITING))
    return rows


def _looks(plain: SqlStore) -> list[list[object]]:
    now, hook = SystemClock().now(), make_web_hook()
    outbox = HookOutbox(store=plain, clock=SystemClock())
    with plain.write() as tx:
        tx.web_hooks.add(hook)
        for place in range(HISTORY):
            moment = now + timedelta(microseconds=place)
            ended = make_delivery(hook_id=hook.id, state=DeliveryState.DELIVERED, created_at=moment)
            tx.hook_deliveries.add(ended)
    rows: list[list[object]] = [
        [f"a look, nothing due, {HISTORY:,} delivered", _median_ms(outbox.hooks_due)],
    ]
    with plain.write() as tx:
        for place in range(BACKLOG):
            moment = now + timedelta(microseconds=place)
            tx.hook_deliveries.add(make_delivery(hook_id=hook.id, created_at=moment, next_attempt_at=now))
    look = f"a look, {BACKLOG:,} due of one receiver"
    rows.append([look, _median_ms(outbox.hooks_due)])
    rows.append([f"{look} that is left alone", _median_ms(lambda: outbox.hooks_due({hook.id}))])
    rows.append([f"taking one of {BACKLOG:,}", _median_ms(lambda: outbox.claim(hook.id))])
    return rows


def _changing(store: Store) -> str:
    dataset = make_dataset()

    def add() -> None:
        with store.write() as tx:
            tx.datasets.add(dataset)

    def start() -> None:
        with store.write() as tx:
            tx.datasets.save(tx.datasets.get(dataset.id).running(dataset.created_at))

    def delete() -> None:
        with store.write() as tx:
            tx.datasets.delete(dataset.id)

    times = [_taken_ms(change) for _ in range(ROUNDS) for change in (add, start, delete)]
    return f"{statistics.median(times):.2f}"


def _median_ms(call: Callable[[], object]) -> str:
    return f"{statistics.median(_taken_ms(call) for _ in range(ROUNDS // 5)):.2f}"


def _taken_ms(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
