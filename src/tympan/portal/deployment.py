"""What people do with endpoints, and the page that lists what they logged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tympan.domain.endpoint import Endpoint
from tympan.domain.endpoint_log import LogFile
from tympan.domain.errors import InvalidInputError, NotFoundError
from tympan.domain.model import BaseModel, CustomModel
from tympan.domain.resource import Status
from tympan.portal.actions import Action, Show, text_of
from tympan.portal.pages import HEADERS, Pages
from tympan.usecases.endpoint_logs import LogSelection
from tympan.usecases.endpoints import EndpointChange, NewEndpoint

_API = "/speechtotext/endpoints"
_OURS = "/api/v1/endpoints/{endpoint_id}"
_ONE = "/projects/{project_id}/deployment/{entity_id}"
_LOGS_SHOWN = 50
_PLAYED = {".wav": "audio/wav", ".json": "application/json"}


def actions(pages: Pages, table: Show, page: Show) -> list[Action]:
    """Every form about endpoints.

    Args:
        pages: What is rendered with.
        table: The tab that lists endpoints.
        page: The page of one endpoint.
    """
    do = _Deployment(pages)
    forms: list[tuple[str, str, Callable[[Request, FormData], str | Response], tuple[str, str]]] = [
        ("change-model", "change-model", do.change_model, ("PATCH", f"{_API}/{{endpoint_id}}")),
        ("logging", "logging", do.switch_logging, ("PATCH", f"{_API}/{{endpoint_id}}")),
        ("suspend", "suspend", do.suspend, ("POST", f"{_OURS}:suspend")),
        ("resume", "resume", do.resume, ("POST", f"{_OURS}:resume")),
        ("delete", "delete", do.delete, ("DELETE", f"{_API}/{{endpoint_id}}")),
        ("new-key", "keys", do.create_key(page), ("POST", f"{_OURS}/keys")),
        ("delete-key", "keys/{key_id}/delete", do.delete_key, ("DELETE", f"{_OURS}/keys/{{key_id}}")),
        ("delete-logs", "logs/delete", do.delete_logs, ("DELETE", f"{_OURS}/logs")),
    ]
    made = [
        Action(path=f"{_ONE}/{path}", name=name, act=act, show=page, api=api)
        for name, path, act, api in forms
    ]
    new = Action(
        path="/projects/{project_id}/deployment",
        name="new-endpoint",
        act=do.create,
        show=table,
        api=("POST", _API),
    )
    return [new, *made]


def routes(pages: Pages) -> dict[str, Show]:
    """Downloads of single log files by path."""
    return {f"{_ONE}/logs/{{log_id}}": _Deployment(pages).log_file}


def newest_logs(pages: Pages, endpoint: Endpoint) -> Sequence[LogFile]:
    """The first files of an endpoint's log, oldest first; none when it never logged."""
    if not (endpoint.is_logging or endpoint.has_logged):
        return []
    return pages.services.logs.list(endpoint.id, after=None, top=_LOGS_SHOWN)


class _Deployment:
    def __init__(self, pages: Pages) -> None:
        self._services = pages.services

    def create(self, request: Request, form: FormData) -> str:
        project = self._services.projects.get(request.path_params["project_id"])
        if text_of(form, "logging") and not text_of(form, "consent"):
            raise InvalidInputError(
                "Logging keeps what people say. Confirm that they know and agree, or leave logging off.",
                target="consent",
            )
        endpoint = self._services.endpoints.create(
            NewEndpoint(
                display_name=text_of(form, "name"),
                description=text_of(form, "description") or None,
                locale=project.locale,
                model_id=text_of(form, "model") or None,
                is_logging=bool(text_of(form, "logging")),
                project_id=project.id,
            )
        )
        return f"/projects/{project.id}/deployment/{endpoint.id}"

    def change_model(self, request: Request, form: FormData) -> str:
        endpoint = self._endpoint(request)
        self._services.endpoints.update(endpoint.id, EndpointChange(model_id=text_of(form, "model")))
        return _address(request)

    def switch_logging(self, request: Request, form: FormData) -> str:
        endpoint = self._endpoint(request)
        is_on = text_of(form, "logging") == "on"
        if is_on and not text_of(form, "consent"):
            raise InvalidInputError(
                "Logging keeps what people say. Confirm that they know and agree.", target="consent"
            )
        self._services.endpoints.update(endpoint.id, EndpointChange(is_logging=is_on))
        return _address(request)

    def suspend(self, request: Request, _form: FormData) -> str:
        self._services.endpoints.suspend(self._endpoint(request).id)
        return _address(request)

    def resume(self, request: Request, _form: FormData) -> str:
        self._services.endpoints.resume(self._endpoint(request).id)
        return _address(request)

    def delete(self, request: Request, _form: FormData) -> str:
        self._services.endpoints.delete(self._endpoint(request).id)
        return f"/projects/{request.path_params['project_id']}/deployment"

    def create_key(self, page: Show) -> Callable[[Request, FormData], Response]:
        """The new key is shown in the answer itself and never again: nothing keeps it."""

        def create(request: Request, form: FormData) -> Response:
            name = text_of(form, "name")
            request.state.issued = self._services.access.create_endpoint_key(self._endpoint(request).id, name)
            return page(request)

        return create

    def delete_key(self, request: Request, _form: FormData) -> str:
        endpoint = self._endpoint(request)
        self._services.access.delete_endpoint_key(endpoint.id, request.path_params["key_id"])
        return _address(request)

    def delete_logs(self, request: Request, _form: FormData) -> str:
        self._services.logs.delete_many(self._endpoint(request).id, LogSelection())
        return _address(request)

    def log_file(self, request: Request) -> Response:
        endpoint = self._endpoint(request)
        file = self._services.logs.get(endpoint.id, request.path_params["log_id"])
        kind = next((kind for end, kind in _PLAYED.items() if file.name.endswith(end)), "text/plain")
        headers = HEADERS | {"Content-Length": str(file.size_bytes)}
        if kind != "audio/wav":
            headers["Content-Disposition"] = "attachment"
        return StreamingResponse(self._services.blobs.stream(file.key), headers=headers, media_type=kind)

    def _endpoint(self, request: Request) -> Endpoint:
        endpoint = self._services.endpoints.get(request.path_params["entity_id"])
        if endpoint.project_id != request.path_params["project_id"]:
            raise NotFoundError(f"'{endpoint.display_name}' is not in this project.")
        return endpoint


def _address(request: Request) -> str:
    return "/projects/{project_id}/deployment/{entity_id}".format_map(request.path_params)


def choosable_models(pages: Pages, locale: str) -> list[tuple[str, str]]:
    """Id and name of every model that can be deployed for a locale: custom ones first, newest first."""
    services = pages.services
    now = services.access.clock.now()
    custom = [one for one in services.models.list() if one.status is Status.SUCCEEDED]
    offered: list[CustomModel | BaseModel] = [*reversed(custom), *reversed(services.base_models.list())]
    return [
        (one.id, one.display_name)
        for one in offered
        if one.locale == locale and (one.decoding_expires_at is None or one.decoding_expires_at > now)
    ]
