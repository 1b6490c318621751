"""Pages of one dataset and endpoint."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from tympan.domain.resource import WorkedResource
from tympan.portal.dataset_page import dataset_values
from tympan.portal.deployment import choosable_models, newest_logs
from tympan.portal.entity_values import entity_values
from tympan.portal.pages import Pages
from tympan.portal.projects import model_names
from tympan.portal.samples import samples
from tympan.wire.addresses import Addresses
from tympan.wire.management.endpoints import MODES


def routes(pages: Pages) -> dict[str, Callable[[Request], Response]]:
    """Pages by path."""
    shown = _EntityPages(pages)
    return {
        "/projects/{project_id}/data/{entity_id}": shown.dataset,
        "/projects/{project_id}/deployment/{entity_id}": shown.endpoint,
    }


class _EntityPages:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._services = pages.services

    def dataset(self, request: Request) -> Response:
        dataset = self._services.datasets.get(request.path_params["entity_id"])
        around = self._around(request, "data", dataset)
        values = around | dataset_values(self._pages, request, dataset)
        return self._pages.page(request, "dataset.html", values)

    def endpoint(self, request: Request) -> Response:
        endpoint = self._services.endpoints.get(request.path_params["entity_id"])
        addresses = Addresses(base_url=self._base_url(request))
        wanted = {endpoint.model_id, endpoint.serving_model_id or endpoint.model_id}
        values = self._around(request, "deployment", endpoint) | {
            "endpoint": endpoint,
            "names": model_names(self._pages, wanted),
            "urls": [(mode, addresses.recognition(mode, endpoint.id)) for mode in MODES],
            "log_count": self._services.logs.count(endpoint.id),
            "keys": self._services.access.list_endpoint_keys(endpoint.id),
            "issued": getattr(request.state, "issued", None),
            "models": choosable_models(self._pages, endpoint.locale),
            "logs": newest_logs(self._pages, endpoint),
            "samples": samples(self._base_url(request), endpoint),
        }
        return self._pages.page(request, "endpoint.html", values)

    def _around(self, request: Request, tab: str, entity: WorkedResource) -> dict[str, object]:
        """What every page of an entity shows besides the entity."""
        return entity_values(self._pages, request, tab, entity)

    def _base_url(self, request: Request) -> str:
        if self._services.public_url is not None:
            return self._services.public_url.rstrip("/")
        scheme = request.headers.get("x-forwarded-proto", request.url.scheme)
        return f"{scheme}://{request.headers.get('x-forwarded-host', request.url.netloc)}"
