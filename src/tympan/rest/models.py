"""Routes of custom models."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from tympan.domain.errors import InvalidStateError
from tympan.domain.model import CustomModel
from tympan.rest.answers import deleted, entity_answer, page_of
from tympan.rest.availability import since
from tympan.rest.calls import BodyDep, Call, CallDep, checked_id
from tympan.rest.files import FileOwner, bundle_files, file_entry, files_page, sas_option
from tympan.rest.locales import locales_answer
from tympan.usecases.models import ModelChange, NewModel
from tympan.wire.bodies import refuse_fixed
from tympan.wire.management.entities import changed_project_members
from tympan.wire.management.models import FIXED, custom_model_document, manifest_document, new_model_members
from tympan.wire.values import Document
from tympan.wire.versions import ApiVersion

router = APIRouter(prefix="/models")


def custom_model_encoder(call: Call) -> Callable[[CustomModel], Document]:
    """Writes custom models for one answer."""
    addresses = call.addresses
    return lambda model: custom_model_document(model, addresses)


@router.get("/locales")
def list_locales(call: CallDep) -> Response:
    """Locales that can be adapted."""
    return locales_answer(call)


@router.get("")
def list_models(call: CallDep) -> Response:
    """One page of custom models."""
    return page_of(call, call.services.models, "models", custom_model_encoder(call))


@router.post("")
def create_model(call: CallDep, body: BodyDep) -> Response:
    """Train a model."""
    call.allow_query()
    model = call.services.models.create(NewModel(**new_model_members(body, call.version)))
    return entity_answer(custom_model_document(model, call.addresses), model, is_new=True)


@router.get("/{model_id}")
def get_model(call: CallDep, model_id: str) -> Response:
    """Read a custom model."""
    call.allow_query()
    model = call.services.models.get(checked_id(model_id, "model"))
    return entity_answer(custom_model_document(model, call.addresses), model)


@router.patch("/{model_id}")
def update_model(call: CallDep, body: BodyDep, model_id: str) -> Response:
    """Change a custom model."""
    call.allow_query()
    current = call.services.models.get(checked_id(model_id, "model"))
    refuse_fixed(body, custom_model_document(current, call.addresses), FIXED)
    change = ModelChange(**changed_project_members(body, current.custom_properties, call.version))
    model = call.services.models.update(current.id, change)
    return entity_answer(custom_model_document(model, call.addresses), model)


@router.delete("/{model_id}")
def delete_model(call: CallDep, model_id: str) -> Response:
    """Delete a custom model."""
    call.allow_query()
    return deleted(model_id, call.services.models.delete)


@router.get("/{model_id}/manifest")
def get_model_manifest(call: CallDep, model_id: str) -> Response:
    """The files a trained model is made of."""
    call.allow_query(sas_option(call))
    model = call.services.models.get(checked_id(model_id, "model"))
    if model.bundle is None:
        raise InvalidStateError(
            f"Model '{model.display_name}' is {model.status}; it has files once it has Succeeded."
        )
    url = call.addresses.management("models", model.id)
    return JSONResponse(manifest_document(url, bundle_files(call, ("models", model.id), model.bundle)))


def _owner(call: Call, model_id: str) -> FileOwner:
    model = call.services.models.get(checked_id(model_id, "model"))
    return FileOwner(place=("models", model.id), resource=model, files=model.files)


@router.get("/{model_id}/files", dependencies=[since(ApiVersion.V3_1)])
def list_model_files(call: CallDep, model_id: str) -> Response:
    """The training report and its parts."""
    return files_page(call, _owner(call, model_id))


@router.get("/{model_id}/files/{file_id}", dependencies=[since(ApiVersion.V3_1)])
def get_model_file(call: CallDep, model_id: str, file_id: str) -> Response:
    """One file of a model."""
    return file_entry(call, _owner(call, model_id), file_id)
