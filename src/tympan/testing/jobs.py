"""A job engine on threads, without a database of its own."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

from tympan.domain.job import Job
from tympan.ports.jobs import JobLimits, StepEnd, StepRunner
from tympan.ports.store import Store

_POLL_S = 0.01


class MemoryJobEngine:
    """Runs unfinished job rows on threads; what is finished it reads from the rows.

    Tests that want no threads call ``run_all`` instead of ``start``.

    Args:
        store: Where job rows are.
        runner: Runs a step.
        limits: How many jobs run at once.
    """

    def __init__(self, *, store: Store, runner: StepRunner, limits: JobLimits | None = None) -> None:
        self._store = store
        self._runner = runner
        self._limits = limits or JobLimits()
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin to take jobs. Returns at once."""
        self._stopping.clear()
        self._pools = {name: ThreadPoolExecutor(limit) for name, limit in self._limits.by_queue().items()}
        self._taken: dict[str, Future[None]] = {}
        self._taker = threading.Thread(target=self._take, daemon=True)
        self._taker.start()

    def stop(self) -> None:
        """Take no more jobs, end running attempts (they resume later), and return."""
        self._stopping.set()
        self._taker.join()
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)

    def run_all(self) -> None:
        """Run every unfinished job to its end, on this thread, oldest first."""
        self._stopping.clear()
        while jobs := self._unfinished():
            for job in jobs:
                self._run(job)

    def _take(self) -> None:
        while not self._stopping.wait(_POLL_S):
            for job in self._unfinished():
                if job.id not in self._taken or self._taken[job.id].done():
                    self._taken[job.id] = self._pools[job.kind.queue].submit(self._run, job)

    def _run(self, job: Job) -> None:
        with self._store.read() as tx:
            finished = tx.jobs.finished_steps(job.id)
        for step in job.kind.steps:
            if step in finished:
                continue
            try:
                end = self._runner.run(job.id, step, is_stopping=self._stopping.is_set)
            except Exception as error:  # noqa: BLE001  as the real engine: it ends the job
                self._runner.give_up(job.id, f"The job engine gave the job up ({error}).")
                return
            if end is not StepEnd.FINISHED:
                return

    def _unfinished(self) -> list[Job]:
        with self._store.read() as tx:
            return list(tx.jobs.unfinished())
