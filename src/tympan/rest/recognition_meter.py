"""Counting and timing the requests whose answer is what was said."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from tympan.domain.endpoint import Endpoint
from tympan.domain.errors import ServiceError
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.meters import BASE, UNKNOWN, Meters, Refusal, SpeechApi
from tympan.rest.calls import services_of
from tympan.rest.services import Services
from tympan.usecases.refusals import refusal_of


class HearingTimer:
    """Times one recognition from the arrival of all its audio; begins when it is made."""

    def __init__(self, meters: Meters, api: SpeechApi) -> None:
        self._meters = meters
        self._api = api
        self._began = time.perf_counter()

    def done(self, endpoint: Endpoint | None, samples: int) -> None:
        """So many samples were recognised, by an endpoint or without one."""
        self._meters.recognized(
            self._api,
            BASE if endpoint is None else endpoint.id,
            audio_s=samples / SAMPLE_RATE_HZ,
            seconds=time.perf_counter() - self._began,
        )


class HearingRoute(APIRoute):
    """Counts the requests that are turned away, whatever turns them away."""

    api: ClassVar[SpeechApi]

    def get_route_handler(self) -> Callable[[Request], object]:  # type: ignore[override]  # Starlette's is wider
        """Pass a request on and see what becomes of it."""
        handle = super().get_route_handler()

        async def counted(request: Request) -> Response:
            try:
                return await handle(request)
            except ClientDisconnect:
                raise  # nobody was turned away
            except Exception as error:
                await run_in_threadpool(count_refusal, request, self.api, error)
                raise

        return counted


def name_endpoint(request: Request, endpoint_id: str | None) -> None:
    """Remember which endpoint a request names, or that it names none."""
    request.state.named_endpoint = endpoint_id or BASE


def named_endpoint(scope: Scope) -> str | None:
    """What ``name_endpoint`` was told of a request."""
    named = scope.get("state", {}).get("named_endpoint")
    return None if named is None else str(named)


def count_refusal(request: Request, api: SpeechApi, error: Exception) -> None:
    """Count a request that was turned away, under its endpoint where there is such a one."""
    services = services_of(request)
    named = named_endpoint(request.scope) or UNKNOWN
    services.meters.recognition_refused(api, _existing(services, named), _reason(error))


def _existing(services: Services, named: str) -> str:
    """The endpoint, if it exists: what clients make up is never a label."""
    if named in (BASE, UNKNOWN):
        return named
    try:
        return services.endpoints.get(named).id
    except ServiceError:
        return UNKNOWN


def _reason(error: Exception) -> Refusal:
    if isinstance(error, ServiceError):
        return refusal_of(error)
    is_client = isinstance(error, HTTPException) and error.status_code < 500  # noqa: PLR2004  server errors
    return Refusal.INVALID if is_client else Refusal.FAILED
