"""The REST application."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException

from tympan.rest import (
    base_models,
    datasets,
    endpoints,
    evaluations,
    files,
    health,
    jobs,
    models,
    ours,
    projects,
    recognition,
)
from tympan.rest.auth import OwnerOnly
from tympan.rest.errors import install_error_handlers
from tympan.rest.paths import PathNormalizer
from tympan.rest.services import Services
from tympan.wire.addresses import OURS
from tympan.wire.versions import ROOT


def create_app(services: Services) -> FastAPI:
    """Put the routes together.

    Every route but ``/health/*`` and signed file content needs a key. The caller may mount
    other applications, such as the portal, on what is returned.
    """
    app = FastAPI(
        title="Tympan",
        version=services.version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # the normaliser has taken them off, so they would go round in circles
    )
    app.state.services = services
    app.add_middleware(PathNormalizer)
    install_error_handlers(app)
    # Paths with a fixed last word come before those where an id may stand in its place.
    for module in (base_models, models, projects, datasets, evaluations, endpoints):
        app.include_router(module.router, prefix=ROOT, dependencies=[OwnerOnly])
    app.include_router(files.router)
    for module_router in (jobs.router, ours.router):
        app.include_router(module_router, prefix=OURS, dependencies=[OwnerOnly])
    app.include_router(recognition.router)
    app.include_router(health.router)
    app.include_router(_unknown_routes(), dependencies=[OwnerOnly])
    return app


def _unknown_routes() -> APIRouter:
    # A mounted portal must not answer for the API; without a key not even "not found" is said.
    router = APIRouter()
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    for root in (ROOT, "/speech", "/stt", "/sts", "/api", "/v1"):
        router.add_api_route(root + "/{rest:path}", _no_route, methods=methods)
    return router


def _no_route() -> None:
    raise HTTPException(404)
