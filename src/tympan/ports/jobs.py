"""Running jobs: the engine that owns them and the compute that does the work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
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
            0 done; ``EXIT_FAILED`` the outcome is recorded in the job row;
            ``EXIT_STOPPED``, ``EXIT_SUPERSEDED``, ``EXIT_UNREACHABLE`` and
            ``EXIT_STORAGE_FULL`` as they say; anything else (also
            negative signal numbers) the attempt crashed and may be repeated.
        """
        ...

    def last_words(self, job_id: str, step: str) -> str:
        """Where the newest attempt's output is kept, with its last lines; empty if unknown."""
        ...


EXIT_FAILED = 20
"""Exit status of an attempt that has recorded a final failure or cancellation itself."""

EXIT_SUPERSEDED = 21
"""Exit status of an attempt that found a newer one at work and wrote nothing more."""

EXIT_STOPPED = 22
"""Exit status of an attempt that was asked to stop and can be resumed."""

EXIT_UNREACHABLE = 23
"""Exit status of an attempt that could not reach something it needs."""

EXIT_STORAGE_FULL = 24
"""Exit status of an attempt that found no room left."""


class StepEnd(StrEnum):
    """How running a step ended, as the engine sees it."""

    FINISHED = "finished"
    """The step is recorded as finished; the next one may begin."""
    JOB_ENDED = "job-ended"
    """The job is in a final state or gone; no further step runs."""
    INTERRUPTED = "interrupted"
    """It was told to stop; the step runs again later."""


class StepRunner(Protocol):
    """What the engine calls: runs a step to its end, however many attempts that takes."""

    def run(self, job_id: str, step: str, *, is_stopping: Callable[[], bool]) -> StepEnd:
        """Run a step, repeating attempts that crash, and record how a job ends.

        A step that is recorded as finished and a job that has ended are left alone, so
        calling it twice is harmless.
        """
        ...

    def give_up(self, job_id: str, reason: str) -> None:
        """Fail a job that the engine cannot move any more; harmless when it has ended."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimits:
    """How many jobs a worker runs at once.

    Attributes:
        jobs: Imports and evaluations.
        trainings: Trainings.
        deployments: Deployments.
    """

    jobs: int = 2
    trainings: int = 1
    deployments: int = 1

    def by_queue(self) -> Mapping[str, int]:
        """The limit of each ``JobKind.queue``."""
        return {"work": self.jobs, "training": self.trainings, "deployment": self.deployments}


class JobEngine(Protocol):
    """Moves every unfinished job row through its steps, at least once each.

    The contract: a job whose row is committed is run although the process is killed at
    any moment; a step recorded as finished is not run again; jobs of the same queue run
    at most as many at once as configured.
    """

    def start(self) -> None:
        """Begin to take jobs, also those of dead workers. Returns at once."""
        ...

    def stop(self) -> None:
        """Take no more jobs, end running attempts (they resume later), and return."""
        ...
