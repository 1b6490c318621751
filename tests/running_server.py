"""A whole server as people start it, used through the command line and HTTP."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from tympan.backends.sql.store import SqlStore
from tympan.domain.job import Job

T = TypeVar("T")

ROOT = Path(__file__).parents[1]
TYMPAN = (str(Path(sys.executable).with_name("tympan")),)
PATIENCE_S = 120.0


class RunningServer:
    """``tympan serve`` on a data folder of its own.

    Args:
        folder: Becomes the data folder.
        log: Where its output goes; None is a file in the data folder.
        settings: Settings by name, such as ``lease_s=2``.
    """

    def __init__(self, folder: Path, *, log: Path | None = None, **settings: object) -> None:
        self.folder = folder
        self._log = log or folder / "server.log"
        folder.mkdir(parents=True, exist_ok=True)
        said = {"data_dir": folder, "port": 0, "poll_s": 0.05, **settings}
        named = {f"TYMPAN_{name.upper()}": str(value) for name, value in said.items()}
        path = {"PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1", "COLUMNS": "200"}
        self._environment = os.environ | path | named  # noqa: TID251  a child needs the whole of it
        self._process: subprocess.Popen[bytes] | None = None
        self.pid = 0
        self.url = ""

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*TYMPAN, "serve"], env=self._environment, stdout=log, stderr=log
            )
        self.pid = self._process.pid
        self.wait(self._is_announced)

    def _is_announced(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        path = self.folder / "server.json"
        said = json.loads(path.read_text()) if path.exists() else {}
        self.url = said.get("url", "")
        return said.get("pid") == self.pid

    def kill(self) -> None:
        """End it the hard way, and all that it started with it."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(PATIENCE_S)

    def close(self) -> None:
        """End it in good order."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)

    def log(self) -> str:
        """The end of what it wrote."""
        return self._log.read_text()[-6000:]

    def wait(self, look: Callable[[], T | None], patience_s: float = PATIENCE_S) -> T:
        """What ``look`` finds, once it finds something."""
        until = time.monotonic() + patience_s
        while True:
            found = look()
            if found:
                return found
            assert time.monotonic() < until, f"waited too long; the log says:\n{self.log()}"
            time.sleep(0.02)

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """One command of ``tympan``."""
        command = [*TYMPAN, *map(str, words)]
        return subprocess.run(
            command, env=self._environment, capture_output=True, text=True, timeout=600, check=False
        )

    def tympan(self, *words: str | Path) -> Any:
        """What a command that must succeed says with ``--json``."""
        done = self.run(*words, "--json")
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}\n{self.log()}"
        return json.loads(done.stdout)

    @property
    def key(self) -> str:
        """The owner's first key."""
        return str(json.loads((self.folder / "keys.json").read_text())["key1"])

    def recognise(self, endpoint_id: str, recording: bytes, key: str | None = None) -> httpx.Response:
        """One recording through the short-audio route."""
        return httpx.post(
            f"{self.url}/speech/recognition/conversation/cognitiveservices/v1",
            params={"cid": endpoint_id, "language": "en-US", "format": "detailed"},
            headers={"Ocp-Apim-Subscription-Key": key or self.key, "Content-Type": "audio/wav"},
            content=recording,
            timeout=60,
        )

    def store(self) -> SqlStore:
        """A view of its database."""
        return SqlStore(f"sqlite:///{self.folder}/app.db")

    def children(self, *marks: str) -> Sequence[psutil.Process]:
        """Its processes whose command line has every mark."""
        found = []
        for one in psutil.Process(self.pid).children(recursive=True):
            try:
                words = one.cmdline()
            except psutil.NoSuchProcess:
                continue
            if all(mark in words for mark in marks):
                found.append(one)
        return found

    def wait_for_attempt(
        self, store: SqlStore, job_id: str, step: str, after: int
    ) -> tuple[Job, psutil.Process]:
        """The job and the process that works on a step, by an attempt later than a given one."""

        def look() -> tuple[Job, psutil.Process] | None:
            with store.read() as tx:
                job = tx.jobs.get(job_id)
            assert not job.state.is_terminal, f"{step} was over before it could be killed: {job}"
            if job.step != step or job.attempt <= after:
                return None
            working = self.children("tympan.app.attempt", job_id, step)
            return (job, working[0]) if working else None

        return self.wait(look)
