"""The REST application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException

from tympan.ports.tracing import NO_TRACES, Tracer
from tympan.rest import (
    base_models,
    datasets,
    endpoint_logs,
    endpoints,
    evaluation_reports,
    evaluations,
    fast,
    files,
    health,
    jobs,
    metrics,
    model_copies,
    models,
    openai,
    ours,
    projects,
    recognition,
    tokens,
    trainings,
    transcriptions,
    web_hooks,
)
from tympan.rest.auth import OwnerOnly
from tympan.rest.errors import install_error_handlers
from tympan.rest.paths import PathNormalizer
from tympan.rest.rate import Counted, RateHeaders
from tympan.rest.services import Services
from tympan.rest.tracing import Traced
from tympan.wire.addresses import OURS
from tympan.wire.versions import ROOT

_UNTOLD: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""The framework would send queries and messages of errors, where phrases, keys and texts may stand."""


def create_app(services: Services) -> FastAPI:
    """Put the routes together.

    Every route but ``/health/*``, an opened ``/metrics``, signed file content and copies between
    servers needs a key. The caller may mount other applications, such as the portal, on what is returned.
    """
    app = FastAPI(
        title="Tympan",
        version=services.version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # the normaliser has taken them off, so they would go round in circles
        telemetry=_UNTOLD,
        lifespan=_closing(services.tracer),
    )
    app.state.services = services
    if services.tracer is not NO_TRACES:
        app.add_middleware(Traced, tracer=services.tracer)
    app.add_middleware(metrics.Metered, meters=services.meters)  # innermost: the route is known to it
    app.add_middleware(RateHeaders)
    app.add_middleware(PathNormalizer)
    install_error_handlers(app)
    # Paths with a fixed last word come before those where an id may stand in its place.
    for module in (
        model_copies,
        base_models,
        models,
        projects,
        datasets,
        evaluations,
        endpoint_logs,
        endpoints,
        transcriptions,
        web_hooks,
    ):
        app.include_router(module.router, prefix=ROOT, dependencies=[OwnerOnly, Counted])
    app.include_router(files.router)
    our_routers = (jobs.router, endpoint_logs.our_router, model_copies.our_router, web_hooks.our_router)
    for module_router in (*our_routers, evaluation_reports.router, trainings.router, ours.router):
        app.include_router(module_router, prefix=OURS, dependencies=[OwnerOnly])
    app.include_router(model_copies.transfer_router)  # opened by an authorization instead of a key
    app.include_router(fast.router, prefix=ROOT, dependencies=[OwnerOnly, Counted])
    app.include_router(recognition.router)
    app.include_router(openai.router)
    app.include_router(tokens.router)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(health.published_router, prefix=ROOT, dependencies=[OwnerOnly, Counted])
    app.include_router(_unknown_routes(), dependencies=[OwnerOnly])
    return app


def _closing(tracer: Tracer) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(tracer.close)

    return lifespan


def _unknown_routes() -> APIRouter:
    # A mounted portal must not answer for the API; without a key not even "not found" is said.
    router = APIRouter()
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    for root in (ROOT, "/speech", "/stt", "/sts", "/api"):
        router.add_api_route(root + "/{rest:path}", _no_route, methods=methods)
    return router


def _no_route() -> None:
    raise HTTPException(404)
