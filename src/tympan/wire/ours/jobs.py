"""Documents of background jobs."""

from __future__ import annotations

from tympan.domain.job import Job, JobEvent, JobKind, JobProgress
from tympan.wire.addresses import Addresses, reference
from tympan.wire.management.entities import failure_document
from tympan.wire.values import Document, optional_timestamp, present, timestamp

_COLLECTIONS = {
    JobKind.IMPORT_DATASET: "datasets",
    JobKind.TRAIN_MODEL: "models",
    JobKind.RUN_EVALUATION: "evaluations",
    JobKind.DEPLOY_ENDPOINT: "endpoints",
    JobKind.COPY_MODEL: "operations/models/copy",
    JobKind.RUN_TRANSCRIPTION: "transcriptions",
    JobKind.VERIFY_MODEL: "models",
}


def job_document(job: Job, addresses: Addresses) -> Document:
    """A job as clients see it."""
    collection = _COLLECTIONS.get(job.kind)
    resource = None if collection is None else addresses.management(*collection.split("/"), job.resource_id)
    own = addresses.ours("jobs", job.id)
    return present(
        {
            "self": own,
            "id": job.id,
            "kind": job.kind.value,
            "resource": None if resource is None else reference(resource),
            "arguments": dict(job.arguments),
            "state": job.state.value,
            "isCancelRequested": job.is_cancel_requested,
            "attempt": job.attempt,
            "step": job.step,
            "steps": list(job.kind.steps),
            "error": failure_document(job.failure),
            "links": {
                "progress": f"{own}/progress",
                "events": f"{own}/events",
                "cancel": f"{own}:cancel",
                "retry": f"{own}:retry",
            },
            "createdDateTime": timestamp(job.created_at),
            "startedDateTime": optional_timestamp(job.started_at),
            "finishedDateTime": optional_timestamp(job.finished_at),
        }
    )


def progress_document(progress: JobProgress | None) -> Document:
    """How far a job is; before its first report it has no step."""
    if progress is None:
        return {"percent": 0.0, "message": "Waiting for a worker"}
    return {
        "step": progress.step,
        "percent": round(progress.percent, 2),
        "message": progress.message,
        "counters": dict(progress.counters),
        "updatedDateTime": timestamp(progress.updated_at),
    }


def event_document(event: JobEvent) -> Document:
    """One event of a job."""
    return {
        "sequence": event.sequence,
        "kind": event.kind,
        "payload": dict(event.payload),
        "dateTime": timestamp(event.at),
    }
