"""Routes of base models."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from tympan.domain.model import BaseModel
from tympan.rest.answers import entity_answer, page_of
from tympan.rest.calls import Call, CallDep, checked_id
from tympan.rest.files import bundle_files, sas_option
from tympan.wire.management.models import base_model_document, manifest_document
from tympan.wire.values import Document

router = APIRouter(prefix="/models/base")


def base_model_encoder(call: Call) -> Callable[[BaseModel], Document]:
    """Writes base models for one answer."""
    addresses = call.addresses
    return lambda model: base_model_document(model, addresses)


@router.get("")
def list_base_models(call: CallDep) -> Response:
    """One page of base models."""
    return page_of(call, call.services.base_models, "base models", base_model_encoder(call))


@router.get("/{model_id}")
def get_base_model(call: CallDep, model_id: str) -> Response:
    """Read a base model."""
    call.allow_query()
    model = call.services.base_models.get(checked_id(model_id, "base model"))
    return entity_answer(base_model_document(model, call.addresses), model)


@router.get("/{model_id}/manifest")
def get_base_model_manifest(call: CallDep, model_id: str) -> Response:
    """The files a base model is made of."""
    call.allow_query(sas_option(call))
    model = call.services.base_models.get(checked_id(model_id, "base model"))
    url = call.addresses.management("models", "base", model.id)
    return JSONResponse(manifest_document(url, bundle_files(call, ("base-models", model.id), model.bundle)))
