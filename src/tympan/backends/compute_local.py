"""Compute on this machine: one child process for each attempt."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue

_LAST_LINES = 5
_LAST_BYTES = 4000

log = logging.getLogger(__name__)


class LocalCompute:
    """Runs attempts as child processes that cannot outlive the worker.

    A child gets a session and process group of its own, no input, and a log file. Its
    command is given the job, the step and the worker's pid; it must call
    ``process_bond.die_with_parent`` with the latter.

    Args:
        command: What to run, such as ``[sys.executable, "-m", "tympan.app.attempt"]``.
        log_folder: Gets one file for each attempt, ``<job>-<step>-<n>.log``.
        environment: The child's whole environment.
        poll_s: Seconds between two calls of ``is_stopping``.
        grace_s: Seconds between asking a child to end and killing it.
    """

    def __init__(
        self,
        *,
        command: Sequence[str],
        log_folder: Path,
        environment: Mapping[str, str],
        poll_s: float = 0.25,
        grace_s: float = 5.0,
    ) -> None:
        self._command = tuple(command)
        self._log_folder = log_folder
        self._environment = dict(environment)
        self._poll_s = poll_s
        self._grace_s = grace_s
        self._starter = _Starter()

    def run(self, job_id: str, step: str, *, is_stopping: Callable[[], bool]) -> int:
        """Run the step to its end and return its exit status.

        Raises:
            OSError: The process could not be started.
        """
        path = self._new_log(job_id, step)
        with path.open("ab") as output:
            child = self._starter.start(
                [*self._command, job_id, step, str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        log.info("attempt started", extra={"job": job_id, "step": step, "child": child.pid})
        try:
            return self._wait(child, is_stopping)
        finally:
            _signal_group(child, signal.SIGKILL)
            child.wait()

    def last_words(self, job_id: str, step: str) -> str:
        """Where the newest attempt's output is kept, with its last lines; empty if unknown."""
        logs = self._logs(job_id, step)
        if not logs:
            return ""
        newest = max(logs, key=_log_number)
        with newest.open("rb") as file:
            file.seek(max(0, newest.stat().st_size - _LAST_BYTES))
            lines = file.read().decode(errors="replace").strip().splitlines()[-_LAST_LINES:]
        return "\n".join([f"Its output is in {newest}.", *lines])

    def _wait(self, child: subprocess.Popen[bytes], is_stopping: Callable[[], bool]) -> int:
        kill_at: float | None = None
        while True:
            try:
                return child.wait(self._poll_s)
            except subprocess.TimeoutExpired:
                if kill_at is None and is_stopping():
                    _signal_group(child, signal.SIGTERM)
                    kill_at = time.monotonic() + self._grace_s
                elif kill_at is not None and time.monotonic() >= kill_at:
                    _signal_group(child, signal.SIGKILL)

    def _new_log(self, job_id: str, step: str) -> Path:
        self._log_folder.mkdir(parents=True, exist_ok=True)
        number = max(map(_log_number, self._logs(job_id, step)), default=0) + 1
        return self._log_folder / f"{job_id}-{step}-{number}.log"

    def _logs(self, job_id: str, step: str) -> list[Path]:
        return [
            path
            for path in self._log_folder.glob(f"{job_id}-{step}-*.log")
            if path.stem.rpartition("-")[2].isdigit()
        ]


class _Starter:
    """Starts processes from one thread that lives as long as this process.

    The kernel takes a child along when the thread that started it ends, and the threads
    that ask for a child end with its job.
    """

    def __init__(self) -> None:
        self._wanted: SimpleQueue[tuple[Future[subprocess.Popen[bytes]], Sequence[str], dict[str, object]]]
        self._wanted = SimpleQueue()
        threading.Thread(target=self._serve, name="attempt-starter", daemon=True).start()

    def start(self, command: Sequence[str], **options: object) -> subprocess.Popen[bytes]:
        started: Future[subprocess.Popen[bytes]] = Future()
        self._wanted.put((started, command, options))
        return started.result()

    def _serve(self) -> None:
        while True:
            started, command, options = self._wanted.get()
            try:
                started.set_result(subprocess.Popen(command, **options))  # type: ignore[call-overload]  # noqa: S603  our own command
            except Exception as error:  # noqa: BLE001  whatever it is belongs to the caller
                started.set_exception(error)


def _signal_group(child: subprocess.Popen[bytes], number: int) -> None:
    """Signal a child with all that it started; the group outlives the child if those do."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def _log_number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])
