"""Running jobs: the engine that owns them and the compute that does the work."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tympan.domain.job import Job


class JobContext(Protocol):
    """What a step in a child process may say and must ask.

    Reports are throttled, so call them as often as is natural.
    """

    job: Job

    def progress(self, fraction: float, message: str, **counters: float) -> None:
        """``fraction`` of this step is done, 0 to 1.

        Raises:
            CancelledError: The owner has asked for cancellation.
            SupersededError: Another attempt has taken over.
        """
        ...

    def event(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Keep a point of a curve, a note or a warning."""
        ...


class Compute(Protocol):
    """Runs one attempt of a step somewhere else than in the worker's own process."""

    def run(self, job_id: str, step: str, *, is_stopping: Callable[[], bool]) -> int:
        """Run the step to its end and return its exit status.

        Args:
            job_id: The job.
            step: The step's name.
            is_stopping: Polled a few times a second; once true, the attempt and everything
                it started is ended (first asked, then killed after 5 s).

        Returns:
            0 done; ``EXIT_FAILED`` the outcome is recorded in the job row; anything else
            (also negative signal numbers) the attempt crashed and may be repeated.
        """
        ...


EXIT_FAILED = 20
"""Exit status of an attempt that has recorded a final failure or cancellation itself."""


class JobEngine(Protocol):
    """Moves every unfinished job row through its steps, at least once each.

    The contract: a job whose row is committed is run although the process is killed at
    any moment; a step recorded as finished is not run again; jobs of the same kind run
    at most as many at once as configured.
    """

    def start(self) -> None:
        """Begin to take jobs, also those of dead workers. Returns at once."""
        ...

    def stop(self) -> None:
        """Take no more jobs, end running attempts (they resume later), and return."""
        ...
