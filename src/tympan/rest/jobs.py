"""Routes of background jobs (ours)."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from tympan.domain.errors import InvalidInputError
from tympan.domain.query import Compare, Query
from tympan.rest.answers import next_link, paging
from tympan.rest.calls import Call, CallDep, checked_id
from tympan.wire.management.entities import page_document
from tympan.wire.ours.jobs import event_document, job_document, progress_document

router = APIRouter(prefix="/jobs")


@router.get("")
def list_jobs(call: CallDep) -> Response:
    """One page of jobs, oldest first; ``resource`` keeps those of one resource."""
    call.allow_query("skip", "top", "resource")
    skip, top = paging(call)
    resource = call.query.get("resource")
    where = None
    if resource is not None:
        where = Compare("resource_id", "eq", checked_id(resource, "resource"))
    found = call.services.jobs.list(Query(where=where, skip=skip, top=top + 1))
    link = next_link(call, skip + top, top) if len(found) > top else None
    return JSONResponse(page_document([job_document(job, call.addresses) for job in found[:top]], link))


@router.get("/{job_id}")
def get_job(call: CallDep, job_id: str) -> Response:
    """Read a job."""
    call.allow_query()
    job = call.services.jobs.get(checked_id(job_id, "job"))
    return JSONResponse(job_document(job, call.addresses))


@router.get("/{job_id}/progress")
def get_progress(call: CallDep, job_id: str) -> Response:
    """How far a job is."""
    call.allow_query()
    return JSONResponse(progress_document(call.services.jobs.progress(checked_id(job_id, "job"))))


@router.get("/{job_id}/events")
def list_events(call: CallDep, job_id: str) -> Response:
    """Points of curves, notes and warnings after the sequence number ``after``."""
    call.allow_query("after")
    events = call.services.jobs.events(checked_id(job_id, "job"), _after(call))
    return JSONResponse(page_document([event_document(event) for event in events], None))


@router.post("/{job_id}:cancel")
def cancel_job(call: CallDep, job_id: str) -> Response:
    """Ask a job to stop."""
    call.allow_query()
    job = call.services.jobs.cancel(checked_id(job_id, "job"))
    return JSONResponse(job_document(job, call.addresses), status_code=202)


@router.post("/{job_id}:retry")
def retry_job(call: CallDep, job_id: str) -> Response:
    """Do the work of a failed or cancelled job again, as a new job."""
    call.allow_query()
    job = call.services.jobs.retry(checked_id(job_id, "job"))
    document = job_document(job, call.addresses)
    return JSONResponse(document, status_code=201, headers={"Location": str(document["self"])})


def _after(call: Call) -> int:
    text = call.query.get("after", "0")
    if not text.isascii() or not text.isdigit():
        raise InvalidInputError(
            f"after must be a whole number, not '{text}'.", code="InvalidParameterValue", target="after"
        )
    return int(text)
