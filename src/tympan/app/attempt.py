"""The child process of one attempt: ``python -m tympan.app.attempt JOB STEP PARENT_PID``."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from tympan.app.logs import configure_logs
from tympan.app.settings import Settings, secrets_of
from tympan.backends.process_bond import die_with_parent
from tympan.ports.clock import Clock
from tympan.ports.jobs import EXIT_STOPPED
from tympan.ports.store import Store
from tympan.ports.tracing import Tracer
from tympan.worker.attempt import Attempts, StopRequested
from tympan.worker.steps import StepTable

log = logging.getLogger(__name__)


class StepApp(Protocol):
    """What an attempt needs of the application."""

    @property
    def store(self) -> Store:
        """Where jobs are."""
        ...

    @property
    def clock(self) -> Clock:
        """Stamps what is recorded."""
        ...

    @property
    def steps(self) -> StepTable:
        """What to call for a step."""
        ...

    @property
    def tracer(self) -> Tracer:
        """Traces steps."""
        ...


def main(arguments: Sequence[str], build: Callable[[Settings], StepApp]) -> int:
    """Run one attempt and return its exit status.

    Args:
        arguments: Job, step, and the pid of the worker.
        build: Makes the application.
    """
    job_id, step, parent_pid = arguments
    die_with_parent(int(parent_pid))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker decides, also about Ctrl-C
    signal.signal(signal.SIGTERM, _stop)
    try:
        settings = Settings()
        # Its log is a file of its own, read by people.
        configure_logs("attempt", secrets=secrets_of(settings), is_text=True)
        app = build(settings)
        attempts = Attempts(store=app.store, clock=app.clock, steps=app.steps, tracer=app.tracer)
        try:
            return attempts.run(job_id, step)
        finally:
            app.tracer.close()
    except StopRequested:
        return EXIT_STOPPED


def leave(status: int) -> None:
    """End the process at once: everything that matters is committed.

    Engines with threads of their own take long to be torn down, or crash while they are.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _stop(_number: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise StopRequested


if __name__ == "__main__":
    from tympan.app.build import build

    leave(main(sys.argv[1:], build))
