"""Routes for what the published API has no words for."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from tympan.domain.dataset import StoredFile
from tympan.domain.errors import InvalidStateError
from tympan.rest.answers import deleted, entity_answer
from tympan.rest.calls import BodyDep, Call, CallDep, checked_id
from tympan.rest.endpoints import endpoint_encoder
from tympan.rest.files import FileOwner, blob_response, files_page
from tympan.rest.locales import supported
from tympan.usecases.result_files import SUBTITLES_KIND
from tympan.wire.management.entities import page_document
from tympan.wire.management.models import base_model_document, custom_model_document
from tympan.wire.ours.jobs import job_document
from tympan.wire.ours.keys import key_document
from tympan.wire.ours.limits import limit_document

router = APIRouter()


@router.get("/server")
def get_server(call: CallDep) -> Response:
    """What this server is, allows and has loaded."""
    call.allow_query()
    services = call.services
    state = services.recognizer.state()
    return JSONResponse(
        {
            "name": "Tympan",
            "version": services.version,
            "resourceId": services.receiving.resource_id,
            "limits": {
                "uploadBytes": services.upload_limit_bytes,
                "fileUrlLifeSeconds": services.file_url_life_s,
            },
            "locales": supported(call),
            "modelHost": {
                "engine": state.engine,
                "devices": list(state.devices),
                "loaded": list(state.loaded),
                "memoryBytes": state.memory_bytes,
            },
        }
    )


@router.get("/limits")
def get_limits(call: CallDep) -> Response:
    """Every limit of this server: what it limits, its value, and what changes it."""
    call.allow_query()
    return JSONResponse(page_document([limit_document(one) for one in call.services.limits], None))


@router.get("/datasets/{dataset_id}/report")
def get_dataset_report(call: CallDep, dataset_id: str) -> Response:
    """What the import of a dataset found, one row per file or line."""
    call.allow_query()
    dataset = call.services.datasets.get(checked_id(dataset_id, "dataset"))
    return report_answer(
        call, dataset.files, "DatasetReport", f"Dataset '{dataset.display_name}' is {dataset.status}"
    )


@router.get("/models/{model_id}/report")
def get_model_report(call: CallDep, model_id: str) -> Response:
    """What training used and dropped, and what it reached."""
    call.allow_query()
    model = call.services.models.get(checked_id(model_id, "model"))
    return report_answer(call, model.files, "ModelReport", f"Model '{model.display_name}' is {model.status}")


@router.post("/models/{model_id}:approve")
def approve_model(call: CallDep, body: BodyDep, model_id: str) -> Response:
    """Let a model be deployed that was not found to be better than its base model."""
    call.allow_query()
    model = call.services.models.approve(checked_id(model_id, "model"), body.required("reason"))
    return entity_answer(custom_model_document(model, call.addresses), model)


def report_answer(call: Call, files: Sequence[StoredFile], kind: str, state: str) -> Response:
    """The newest JSON file of a kind; 409 while there is none."""
    for file in files:
        if file.kind == kind and file.name.endswith(".json"):
            return blob_response(call.services.blobs, file.key, file.name, None)
    raise InvalidStateError(f"{state} and has no report yet. It is written when the work has ended.")


@router.get("/transcriptions/{transcription_id}/subtitles")
def list_subtitles(call: CallDep, transcription_id: str) -> Response:
    """Every recording of a transcription as SRT and WebVTT.

    Clients of the published API read every file that is listed there as JSON, so these are here.
    """
    transcription = call.services.transcriptions.get(checked_id(transcription_id, "transcription"))
    files = [
        file for file in call.services.transcriptions.files(transcription) if file.kind == SUBTITLES_KIND
    ]
    place = ("transcriptions", transcription.id)
    return files_page(call, FileOwner(place=place, resource=transcription, files=files))


@router.post("/base-models:import")
def import_base_model(call: CallDep, body: BodyDep) -> Response:
    """Bring a base model in from a package, a folder on the server or a repository."""
    call.allow_query()
    locales = body.texts("locales")
    job = call.services.base_models.import_source(body.required("source"), locales)
    document = job_document(job, call.addresses)
    return JSONResponse(document, status_code=202, headers={"Location": str(document["self"])})


@router.get("/base-models:newest")
def get_newest_base_model(call: CallDep) -> Response:
    """The base model that serves a locale when nobody names one."""
    call.allow_query("locale")
    model = call.services.base_models.newest(call.query.get("locale", ""))
    return entity_answer(base_model_document(model, call.addresses), model)


@router.get("/endpoints/{endpoint_id}/keys")
def list_keys(call: CallDep, endpoint_id: str) -> Response:
    """The keys of an endpoint, without the keys themselves."""
    call.allow_query()
    keys = call.services.access.list_endpoint_keys(checked_id(endpoint_id, "endpoint"))
    return JSONResponse(page_document([key_document(key, call.addresses) for key in keys], None))


@router.post("/endpoints/{endpoint_id}/keys")
def create_key(call: CallDep, body: BodyDep, endpoint_id: str) -> Response:
    """Make a key for one endpoint; only this answer shows it."""
    call.allow_query()
    issued = call.services.access.create_endpoint_key(
        checked_id(endpoint_id, "endpoint"), body.required("name")
    )
    document = key_document(issued.key, call.addresses, secret=issued.secret)
    headers = {"Location": str(document["self"]), "Cache-Control": "no-store"}
    return JSONResponse(document, status_code=201, headers=headers)


@router.delete("/endpoints/{endpoint_id}/keys/{key_id}")
def delete_key(call: CallDep, endpoint_id: str, key_id: str) -> Response:
    """Take a key away."""
    call.allow_query()
    endpoint = checked_id(endpoint_id, "endpoint")
    return deleted(key_id, lambda one: call.services.access.delete_endpoint_key(endpoint, one))


@router.post("/endpoints/{endpoint_id}:suspend")
def suspend_endpoint(call: CallDep, endpoint_id: str) -> Response:
    """Refuse requests to an endpoint; its id and keys stay."""
    call.allow_query()
    endpoint = call.services.endpoints.suspend(checked_id(endpoint_id, "endpoint"))
    return entity_answer(endpoint_encoder(call)(endpoint), endpoint)


@router.post("/endpoints/{endpoint_id}:resume")
def resume_endpoint(call: CallDep, endpoint_id: str) -> Response:
    """Answer requests again."""
    call.allow_query()
    endpoint = call.services.endpoints.resume(checked_id(endpoint_id, "endpoint"))
    return entity_answer(endpoint_encoder(call)(endpoint), endpoint)
