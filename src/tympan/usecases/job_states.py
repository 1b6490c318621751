"""How a job and the resource it works on change state together.

Every function works inside the caller's write transaction, so neither row ever says
something the other denies.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import cast

from tympan.domain.evaluation import Evaluation
from tympan.domain.job import Job, JobKind, JobState
from tympan.domain.resource import Failure, Status, WorkedResource
from tympan.ports.store import Repository, Transaction

_REPOSITORIES: Mapping[JobKind, Callable[[Transaction], object]] = {
    JobKind.IMPORT_DATASET: lambda tx: tx.datasets,
    JobKind.TRAIN_MODEL: lambda tx: tx.models,
    JobKind.RUN_EVALUATION: lambda tx: tx.evaluations,
    JobKind.DEPLOY_ENDPOINT: lambda tx: tx.endpoints,
    JobKind.COPY_MODEL: lambda tx: tx.model_copies,
    JobKind.RUN_TRANSCRIPTION: lambda tx: tx.transcriptions,
}
"""What each kind of job prepares; the other kinds prepare nothing that has a status."""


def prepares_resource(kind: JobKind) -> bool:
    """Whether jobs of this kind prepare a resource that has a status of its own."""
    return kind in _REPOSITORIES


def worked_resource(tx: Transaction, job: Job) -> WorkedResource | None:
    """The resource that a job prepares.

    None when the resource was deleted, when a newer job works on it, or when the kind of
    job prepares none (importing base models, deleting logs, repeating a training).
    """
    repository = _repository(tx, job.kind)
    resource = repository.find(job.resource_id) if repository else None
    if resource is None or resource.job_id not in (None, job.id):
        return None
    return resource


def save_resource(tx: Transaction, job: Job, resource: WorkedResource) -> None:
    """Write back what ``worked_resource`` gave."""
    repository = _repository(tx, job.kind)
    if repository is not None:
        repository.save(resource)
    if isinstance(resource, Evaluation):
        _follow(tx, resource)


def begin_attempt(tx: Transaction, job: Job, now: datetime, *, step: str) -> Job:
    """Count one more attempt and show the resource as running.

    A resource that an earlier attempt of the job has already finished stays as it is.
    """
    begun = job.begun(now, step=step)
    tx.jobs.save(begun)
    resource = worked_resource(tx, job)
    if resource is not None and not (job.attempt and resource.status is Status.SUCCEEDED):
        save_resource(tx, job, resource.running(now))
    return begun


def end_job(tx: Transaction, job: Job, now: datetime, state: JobState, failure: Failure | None = None) -> Job:
    """End a job; unless it succeeded, its resource fails with the same reason."""
    ended = job.ended(now, state, failure)
    tx.jobs.save(ended)
    resource = worked_resource(tx, job)
    if failure is not None and resource is not None:
        save_resource(tx, job, resource.failed(now, failure))
    return ended


def cancel_job(tx: Transaction, job: Job, now: datetime) -> Job:
    """End a job because its owner asked for it."""
    return end_job(
        tx, job, now, JobState.CANCELLED, Failure(code="Cancelled", message="Cancelled by its owner.")
    )


def _follow(tx: Transaction, evaluation: Evaluation) -> None:
    """Have the transcriptions behind an evaluation say what it says."""
    for transcription_id in dict.fromkeys(evaluation.transcription_ids):
        current = tx.transcriptions.find(transcription_id)
        if current is not None:
            followed = replace(
                current,
                status=evaluation.status,
                failure=evaluation.failure,
                job_id=evaluation.job_id,
                last_action_at=evaluation.last_action_at,
            )
            tx.transcriptions.save(followed)


def _repository(tx: Transaction, kind: JobKind) -> Repository[WorkedResource] | None:
    find = _REPOSITORIES.get(kind)
    return None if find is None else cast("Repository[WorkedResource]", find(tx))
