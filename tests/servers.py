"""Servers in processes of their own, to be watched, killed and started again by tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import psutil

from tympan.backends.clock import SystemClock
from tympan.backends.sql.migrate import migrate
from tympan.backends.sql.store import SqlStore
from tympan.domain.job import Job, JobKind, JobState
from tympan.domain.model import CustomModel
from tympan.testing.entities import make_job, make_model
from tympan.usecases.jobs import Jobs

T = TypeVar("T")

ROOT = Path(__file__).parents[1]
LIGHT = (sys.executable, str(ROOT / "tests" / "light_server.py"))
PATIENCE_S = 40.0


@dataclass(frozen=True)
class Line:
    """A line of the journal that light steps write."""

    job: str
    step: str
    what: str
    attempt: int
    tick: int
    pid: int
    worker: int
    at: float


class LightServer:
    """A data folder, the light server on it, and a view of its database.

    Args:
        folder: Becomes the data folder.
        settings: Settings by name, such as ``lease_s=2``.
    """

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        said = {
            "data_dir": folder,
            "port": 0,
            # Nobody listens there, and light steps do not ask.
            "model_host_url": "http://127.0.0.1:9",
            "poll_s": 0.05,
            "database_url": f"sqlite:///{folder}/app.db",
            **settings,
        }
        named = {f"TYMPAN_{name.upper()}": str(value) for name, value in said.items()}
        path = {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
        self._environment = os.environ | path | named  # noqa: TID251  a child needs the whole of it
        self._processes: list[subprocess.Popen[bytes]] = []
        migrate(str(said["database_url"]))
        self.store = SqlStore(str(said["database_url"]))
        self.jobs = Jobs(store=self.store, clock=SystemClock())

    def start(self, role: str = "serve", *, machine: str | None = None) -> subprocess.Popen[bytes]:
        """Start a server, or a single worker on a machine of another name."""
        environment = self._environment | ({"LIGHT_MACHINE": machine} if machine else {})
        with (self.folder / "server.log").open("ab") as log:
            process = subprocess.Popen([*LIGHT, role], env=environment, stdout=log, stderr=log)
        self._processes.append(process)
        return process

    def close(self) -> None:
        """End everything that still runs."""
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self._processes:
            process.wait(PATIENCE_S)
        self.store.close()

    def add_training(self, **arguments: object) -> str:
        """A model that waits to be trained; returns the id of its job."""
        job = make_job(kind=JobKind.TRAIN_MODEL, arguments=arguments, created_at=SystemClock().now())
        with self.store.write() as tx:
            tx.jobs.add(job)
            tx.models.add(make_model(id=job.resource_id, job_id=job.id))
        return job.id

    def job(self, job_id: str) -> Job:
        return self.jobs.get(job_id)

    def model(self, job_id: str) -> CustomModel:
        with self.store.read() as tx:
            return tx.models.get(self.job(job_id).resource_id)

    def journal(self, job_id: str) -> list[Line]:
        path = self.folder / "journal.jsonl"
        if not path.exists():
            return []
        # A killed process may have left its last line unfinished.
        whole = [
            line for line in path.read_text().splitlines() if line.startswith("{") and line.endswith("}")
        ]
        return [line for line in (Line(**json.loads(text)) for text in whole) if line.job == job_id]

    def wait(self, look: Callable[[], T | None], patience_s: float = PATIENCE_S) -> T:
        """What ``look`` finds, once it finds something."""
        until = time.monotonic() + patience_s
        while True:
            found = look()
            if found:
                return found
            assert time.monotonic() < until, f"waited too long; the log says:\n{self.log()}"
            time.sleep(0.01)

    def wait_for_tick(self, job_id: str, step: str, tick: int, *, after_attempt: int = 0) -> Line:
        """The journal's line of a tick, by an attempt later than the given one."""

        def look() -> Line | None:
            lines = self.journal(job_id)
            found = (one for one in lines if (one.step, one.tick) == (step, tick))
            return next((one for one in found if one.attempt > after_attempt), None)

        return self.wait(look)

    def next_start(self, job_id: str, after_attempt: int) -> float:
        """When the first attempt after the given one began its work, as the journal says."""

        def look() -> list[Line]:
            return [line for line in self.journal(job_id) if line.attempt > after_attempt]

        return self.wait(look)[0].at

    def wait_until_ended(self, job_id: str) -> Job:
        return self.wait(lambda: self.job(job_id) if self.job(job_id).state.is_terminal else None)

    def address(self) -> str | None:
        """What the ready server says of itself."""
        path = self.folder / "server.json"
        return path.read_text() if path.exists() else None

    def log(self) -> str:
        return (self.folder / "server.log").read_text()[-6000:]

    def assert_finished_once(self, job_id: str) -> None:
        """The job has succeeded, every step counted once, and none was begun after it was finished."""
        job, model, lines = self.job(job_id), self.model(job_id), self.journal(job_id)
        assert job.state is JobState.SUCCEEDED, job.failure
        assert model.status == "Succeeded"
        with self.store.read() as tx:
            assert tuple(tx.jobs.finished_steps(job_id)) == job.kind.steps
        assert set(model.custom_properties) == set(job.kind.steps)
        order = [job.kind.steps.index(line.step) for line in lines if line.what == "start"]
        assert order == sorted(order), f"a finished step was begun again: {order}"
        assert self.effects(job_id, "publish") <= 1 + self.lost(job_id, "publish")

    def effects(self, job_id: str, step: str) -> int:
        """How often the effect of a step was brought about."""
        return sum(line.what == "effect" and line.step == step for line in self.journal(job_id))

    def lost(self, job_id: str, step: str) -> int:
        """Attempts of a step that were killed or crashed."""
        events = self.jobs.events(job_id)
        return sum(event.kind == "retry" and event.payload["step"] == step for event in events)


def descendants(pid: int) -> list[psutil.Process]:
    """A process and everything it has started."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def wait_until_gone(processes: Sequence[psutil.Process], limit_s: float) -> list[int]:
    """Pids of the processes that still run after a time; dead but not reaped counts as gone."""
    until = time.monotonic() + limit_s
    while alive := [one.pid for one in processes if _runs(one)]:
        if time.monotonic() > until:
            return alive
        time.sleep(0.01)
    return []


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@dataclass
class KillTable:
    """What every kill led to, for the record."""

    rows: list[tuple[str, str, str, float]] = field(default_factory=list)

    def add(self, database: str, target: str, step: str, recovered_s: float) -> None:
        self.rows.append((database, target, step, recovered_s))

    def text(self) -> str:
        lines = [
            "| database | killed | step | kills | back at work after, s (median / most) |",
            "| --- " * 5 + "|",
        ]
        for key in sorted({row[:3] for row in self.rows}):
            times = sorted(row[3] for row in self.rows if row[:3] == key)
            middle, most = times[len(times) // 2], times[-1]
            lines.append(f"| {' | '.join(key)} | {len(times)} | {middle:.2f} / {most:.2f} |")
        return "\n".join(lines)
