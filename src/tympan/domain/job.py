"""Background jobs. The row is the truth; the engine only moves it along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from tympan.domain.errors import CancelledError, SupersededError
from tympan.domain.resource import Failure


class JobKind(StrEnum):
    """What a job does."""

    IMPORT_DATASET = "ImportDataset"
    IMPORT_BASE_MODEL = "ImportBaseModel"
    TRAIN_MODEL = "TrainModel"
    RUN_EVALUATION = "RunEvaluation"
    DEPLOY_ENDPOINT = "DeployEndpoint"
    COPY_MODEL = "CopyModel"
    DELETE_LOGS = "DeleteLogs"
    RUN_TRANSCRIPTION = "RunTranscription"
    VERIFY_MODEL = "VerifyModel"

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps in order; a finished step is never run again."""
        return _STEPS[self]

    @property
    def queue(self) -> str:
        """The queue they wait in; each has its own limit.

        Deployments take seconds, so none waits behind a training or an import.
        """
        return _QUEUES.get(self, "work")


_STEPS = {
    JobKind.IMPORT_DATASET: ("import",),
    JobKind.IMPORT_BASE_MODEL: ("import",),
    JobKind.TRAIN_MODEL: ("prepare", "train", "export", "check", "publish"),
    JobKind.RUN_EVALUATION: ("recognize", "score"),
    JobKind.DEPLOY_ENDPOINT: ("deploy",),
    JobKind.COPY_MODEL: ("copy",),
    JobKind.DELETE_LOGS: ("delete",),
    JobKind.RUN_TRANSCRIPTION: ("transcribe", "publish"),
    JobKind.VERIFY_MODEL: ("prepare", "train", "compare"),
}
_QUEUES = {
    JobKind.TRAIN_MODEL: "training",
    JobKind.VERIFY_MODEL: "training",
    JobKind.DEPLOY_ENDPOINT: "deployment",
}


class JobState(StrEnum):
    """States of a job; the last three are final."""

    NOT_STARTED = "NotStarted"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"

    @property
    def is_terminal(self) -> bool:
        """True when the job will not run again by itself."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of background work on one resource.

    Attributes:
        id: UUID; also the id of the engine's workflow.
        kind: What it does.
        resource_id: The resource it works on.
        arguments: What the resource does not say, such as the source of a base model.
        state: Where it stands.
        attempt: Number of child processes started so far, over all steps. Only the newest
            attempt may write (fencing): every write checks that it is still the newest.
        step: The step being worked on or last finished.
        is_cancel_requested: The owner wants it stopped.
        failure: Why it failed or was cancelled.
        created_at, started_at, finished_at: Aware UTC times.
    """

    id: str
    kind: JobKind
    resource_id: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    state: JobState = JobState.NOT_STARTED
    attempt: int = 0
    step: str | None = None
    is_cancel_requested: bool = False
    failure: Failure | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None

    def begun(self, now: datetime, *, step: str) -> Self:
        """The job with one more attempt, at the start of a child process."""
        return replace(
            self,
            state=JobState.RUNNING,
            attempt=self.attempt + 1,
            step=step,
            started_at=self.started_at or now,
        )

    def check_attempt(self, attempt: int) -> None:
        """Make sure that an attempt may still write.

        Raises:
            SupersededError: A newer attempt has begun, or the job has ended.
            CancelledError: The owner has asked for cancellation.
        """
        if self.state.is_terminal:
            raise SupersededError(f"Job {self.id} has ended ({self.state}); attempt {attempt} must stop.")
        if attempt != self.attempt:
            raise SupersededError(
                f"Attempt {self.attempt} of job {self.id} has taken over; attempt {attempt} must stop."
            )
        if self.is_cancel_requested:
            raise CancelledError(f"Job {self.id} was cancelled by its owner.")

    def ended(self, now: datetime, state: JobState, failure: Failure | None = None) -> Self:
        """The job in a final state."""
        return replace(self, state=state, failure=failure, finished_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """How far a job is; one row per job, overwritten.

    Attributes:
        job_id: The job.
        step: The step that reports.
        percent: 0 to 100 over the whole step.
        message: A plain sentence for people, such as ``Recognising 12 of 118``.
        counters: Figures such as ``{"files": 12, "seconds": 31.5}``.
        updated_at: Aware UTC time.
    """

    job_id: str
    step: str
    percent: float
    message: str
    counters: Mapping[str, float] = field(default_factory=dict)
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """Something worth keeping about a job: a point of a curve, a warning, a retry.

    Attributes:
        job_id: The job.
        sequence: From 1, without gaps, per job.
        kind: ``loss``, ``dev_wer``, ``note``, ``warning``, ``verdict`` (what a verification found),
            ``retry`` (an attempt crashed), ``pause`` (an attempt was stopped to go on later),
            ``wait`` (full disk, or something cannot be reached).
        payload: Figures or text, JSON values only.
        at: Aware UTC time.
    """

    job_id: str
    sequence: int
    kind: str
    payload: Mapping[str, Any]
    at: datetime
