"""Our routes of trainings: advice before one, and repeating one."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from tympan.rest.calls import BodyDep, Call, CallDep, checked_id
from tympan.usecases.models import NewModel
from tympan.wire.bodies import Body
from tympan.wire.ours.jobs import job_document
from tympan.wire.ours.training_advice import advice_document

router = APIRouter()


@router.post("/models:advise")
def advise_model(call: CallDep, body: BodyDep) -> Response:
    """What a training with these members would use, cost and may give; the body is that of a new model."""
    call.allow_query()
    advice = call.services.advisor.advise(_wanted(call, body))
    return JSONResponse(advice_document(advice, call.addresses))


def _wanted(call: Call, body: Body) -> NewModel:
    base_model_id = body.reference("baseModel", "models")
    locale = body.text("locale")
    if locale is None and base_model_id is not None:
        locale = call.services.base_models.get(base_model_id).locale
    return NewModel(
        display_name=body.text("displayName") or "",
        locale=locale or body.required("locale"),
        base_model_id=base_model_id,
        dataset_ids=body.references("datasets", "datasets"),
        text=body.text("text"),
        weight_percent=body.part("properties").whole("customModelWeightPercent", low=1, high=100),
        settings=dict(body.part("tympan").part("settings").members),
    )


@router.post("/models/{model_id}:verify")
def verify_model(call: CallDep, model_id: str) -> Response:
    """Repeat a training from its passport and compare; answers with the job that does it."""
    call.allow_query()
    job = call.services.verifications.request(checked_id(model_id, "model"))
    document = job_document(job, call.addresses)
    return JSONResponse(document, status_code=202, headers={"Location": str(document["self"])})
