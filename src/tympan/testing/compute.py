"""Compute without processes."""

from __future__ import annotations

import threading
from collections.abc import Callable

Attempt = Callable[[str, str], int]
"""Runs one attempt and returns its exit status; given the job and the step."""

_POLL_S = 0.005
_KILLED = -9


class MemoryCompute:
    """Runs attempts on threads of this process.

    An attempt that is told to stop is left behind, as if it had been killed: what it still
    does must not count, and the fencing by attempts sees to that.

    Args:
        attempt: What an attempt does; an exception is a crash.
    """

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._output: dict[tuple[str, str], str] = {}

    def run(self, job_id: str, step: str, *, is_stopping: Callable[[], bool]) -> int:
        """Run the step to its end and return its exit status."""
        statuses: list[int] = []

        def attempt() -> None:
            try:
                statuses.append(self._attempt(job_id, step))
            except Exception as error:  # noqa: BLE001  a crash, as of a process
                self._output[(job_id, step)] = repr(error)
                statuses.append(1)

        thread = threading.Thread(target=attempt, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(_POLL_S)
            if is_stopping() and thread.is_alive():
                return _KILLED
        return statuses[0]

    def last_words(self, job_id: str, step: str) -> str:
        """The error of the newest crash; empty if there was none."""
        return self._output.get((job_id, step), "")
