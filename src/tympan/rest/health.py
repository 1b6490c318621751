"""Whether the server is up, and whether it can work. ``/health/*`` needs no key."""

from __future__ import annotations

import logging

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from tympan.domain.errors import ServiceError
from tympan.rest.availability import between
from tympan.rest.calls import CallDep, services_of
from tympan.rest.services import Services
from tympan.wire.values import Document
from tympan.wire.versions import ApiVersion

log = logging.getLogger(__name__)

router = APIRouter(prefix="/health")
published_router = APIRouter()
_PROBE = "health/probe"


@router.get("/live")
def live() -> Document:
    """The process answers."""
    return {"status": "Healthy"}


@router.get("/ready")
def ready(request: Request) -> Response:
    """Database and model host answer; 503 when one does not."""
    services = services_of(request)
    components = {"database": _database(services), "modelHost": _model_host(services)}
    is_ready = all(components.values())
    document = {
        "status": "Healthy" if is_ready else "Unhealthy",
        "components": [
            {"name": name, "status": "Healthy" if is_up else "Unhealthy"}
            for name, is_up in components.items()
        ],
    }
    return JSONResponse(document, status_code=200 if is_ready else 503)


@published_router.get("/healthstatus", dependencies=[between(ApiVersion.V3_0, ApiVersion.V3_1)])
def get_health(call: CallDep) -> Response:
    """The same for clients of older versions, with blob store and workers.

    Without a worker requests are answered, but nothing is imported, trained or deployed.
    """
    call.allow_query()
    services = call.services
    found = (
        ("Database", "Store", _database(services), "Unhealthy"),
        ("BlobStore", "Store", _blobs(services), "Unhealthy"),
        ("ModelHost", "Recognizer", _model_host(services), "Unhealthy"),
        ("Worker", "Worker", _workers(services), "Degraded"),
    )
    components: list[Document] = [
        {"name": name, "type": kind, "status": "Healthy" if is_up else down}
        for name, kind, is_up, down in found
    ]
    said = {component["status"] for component in components}
    worst = next(one for one in ("Unhealthy", "Degraded", "Healthy") if one in said)
    return JSONResponse({"status": worst, "components": components})


def _blobs(services: Services) -> bool:
    try:
        services.blobs.exists(_PROBE)
    except ServiceError as error:
        log.warning("blob store does not answer", extra={"reason": error.message})
        return False
    return True


def _workers(services: Services) -> bool:
    try:
        return services.living_workers() > 0
    except ServiceError as error:
        log.warning("workers cannot be counted", extra={"reason": error.message})
        return False


def _database(services: Services) -> bool:
    try:
        services.ping()
    except ServiceError as error:
        log.warning("database does not answer", extra={"reason": error.message})
        return False
    return True


def _model_host(services: Services) -> bool:
    try:
        services.recognizer.state()
    except ServiceError as error:
        log.warning("model host does not answer", extra={"reason": error.message})
        return False
    return True
