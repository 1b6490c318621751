"""Whether the server is up, and whether it can work. The only routes without a key."""

from __future__ import annotations

import logging

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from tympan.domain.errors import ServiceError
from tympan.rest.calls import services_of
from tympan.rest.services import Services
from tympan.wire.values import Document

log = logging.getLogger(__name__)

router = APIRouter(prefix="/health")


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
