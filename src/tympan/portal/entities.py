"""Pages of one dataset, evaluation and endpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from tympan.domain.errors import NotFoundError
from tympan.domain.resource import WorkedResource
from tympan.portal.deployment import choosable_models, newest_logs
from tympan.portal.entity_values import entity_values
from tympan.portal.pages import Pages
from tympan.portal.projects import model_names
from tympan.portal.reports import objects, read_report, worst_recordings
from tympan.portal.samples import samples
from tympan.wire.addresses import Addresses
from tympan.wire.management.endpoints import MODES
from tympan.wire.verdicts import verdicts

_REPORT_ROWS = 200
_RECORDINGS = 20


def routes(pages: Pages) -> dict[str, Callable[[Request], Response]]:
    """Pages by path."""
    shown = _EntityPages(pages)
    return {
        "/projects/{project_id}/data/{entity_id}": shown.dataset,
        "/projects/{project_id}/testing/{entity_id}": shown.evaluation,
        "/projects/{project_id}/deployment/{entity_id}": shown.endpoint,
    }


class _EntityPages:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._services = pages.services

    def dataset(self, request: Request) -> Response:
        dataset = self._services.datasets.get(request.path_params["entity_id"])
        values = self._around(request, "data", dataset)
        report = read_report(self._services.blobs, dataset.files, "report.json")
        issues = objects(report, "issues")
        codes = Counter((str(issue.get("severity", "")), str(issue.get("code", ""))) for issue in issues)
        values |= {
            "dataset": dataset,
            "has_report": report is not None,
            "codes": codes.most_common(),
            "issues": issues[:_REPORT_ROWS],
            "issue_count": len(issues),
        }
        return self._pages.page(request, "dataset.html", values)

    def evaluation(self, request: Request) -> Response:
        evaluation = self._services.evaluations.get(request.path_params["entity_id"])
        names = model_names(self._pages, set(evaluation.model_ids))
        blobs = self._services.blobs
        values = self._around(request, "testing", evaluation) | {
            "evaluation": evaluation,
            "names": names,
            "verdicts": list(verdicts(evaluation, names)),
            "comparisons": {one.model_id: one for one in evaluation.comparisons},
            "recordings": list(worst_recordings(blobs, evaluation, names, _RECORDINGS)),
            "dataset_name": self._dataset_name(evaluation.dataset_id),
            # Score files of single recordings may be tens of thousands; the API lists them.
            "downloads": [file for file in evaluation.files if not file.name.endswith("_score.json")],
        }
        return self._pages.page(request, "evaluation.html", values)

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

    def _dataset_name(self, dataset_id: str) -> str:
        try:
            return self._services.datasets.get(dataset_id).display_name
        except NotFoundError:
            return "deleted dataset"

    def _base_url(self, request: Request) -> str:
        if self._services.public_url is not None:
            return self._services.public_url.rstrip("/")
        scheme = request.headers.get("x-forwarded-proto", request.url.scheme)
        return f"{scheme}://{request.headers.get('x-forwarded-host', request.url.netloc)}"
