"""Routes of endpoints."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Response

from tympan.domain.endpoint import Endpoint
from tympan.rest.answers import deleted, entity_answer, page_of
from tympan.rest.calls import BodyDep, Call, CallDep, checked_id
from tympan.rest.locales import locales_answer
from tympan.usecases.endpoints import EndpointChange, NewEndpoint
from tympan.wire.bodies import refuse_fixed
from tympan.wire.management.endpoints import (
    FIXED,
    changed_endpoint_members,
    endpoint_document,
    new_endpoint_members,
)
from tympan.wire.values import Document

router = APIRouter(prefix="/endpoints")


def endpoint_encoder(call: Call) -> Callable[[Endpoint], Document]:
    """Writes endpoints for one answer."""
    addresses = call.model_addresses
    return lambda endpoint: endpoint_document(endpoint, addresses)


@router.get("/locales")
def list_locales(call: CallDep) -> Response:
    """Locales that can be deployed."""
    return locales_answer(call)


@router.get("")
def list_endpoints(call: CallDep) -> Response:
    """One page of endpoints."""
    return page_of(call, call.services.endpoints, "endpoints", endpoint_encoder(call))


@router.post("")
def create_endpoint(call: CallDep, body: BodyDep) -> Response:
    """Deploy a model."""
    call.allow_query()
    endpoint = call.services.endpoints.create(NewEndpoint(**new_endpoint_members(body, call.version)))
    return entity_answer(endpoint_encoder(call)(endpoint), endpoint, is_new=True)


@router.get("/{endpoint_id}")
def get_endpoint(call: CallDep, endpoint_id: str) -> Response:
    """Read an endpoint and its URLs."""
    call.allow_query()
    endpoint = call.services.endpoints.get(checked_id(endpoint_id, "endpoint"))
    return entity_answer(endpoint_encoder(call)(endpoint), endpoint)


@router.patch("/{endpoint_id}")
def update_endpoint(call: CallDep, body: BodyDep, endpoint_id: str) -> Response:
    """Change an endpoint; a new model is warm before it answers."""
    call.allow_query()
    current = call.services.endpoints.get(checked_id(endpoint_id, "endpoint"))
    encode = endpoint_encoder(call)
    refuse_fixed(body, encode(current), FIXED)
    change = EndpointChange(**changed_endpoint_members(body, current, call.version))
    endpoint = call.services.endpoints.update(current.id, change)
    return entity_answer(encode(endpoint), endpoint)


@router.delete("/{endpoint_id}")
def delete_endpoint(call: CallDep, endpoint_id: str) -> Response:
    """Undeploy."""
    call.allow_query()
    return deleted(endpoint_id, call.services.endpoints.delete)
