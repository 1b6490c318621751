"""Our routes of trainings: repeating one."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from tympan.rest.calls import CallDep, checked_id
from tympan.wire.ours.jobs import job_document

router = APIRouter()


@router.post("/models/{model_id}:verify")
def verify_model(call: CallDep, model_id: str) -> Response:
    """Repeat a training from its passport and compare; answers with the job that does it."""
    call.allow_query()
    job = call.services.verifications.request(checked_id(model_id, "model"))
    document = job_document(job, call.addresses)
    return JSONResponse(document, status_code=202, headers={"Location": str(document["self"])})
