"""Pages of projects: the list, and the four tables of one project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tympan.domain.project import Project
from tympan.domain.query import Filter, Query
from tympan.portal.pages import Pages
from tympan.usecases.projects import members_of

_ROWS = 50
TABS = {"data": "Data", "testing": "Testing", "training": "Training", "deployment": "Deployment"}

T_co = TypeVar("T_co", covariant=True)


class Counted(Protocol[T_co]):
    """The part of a use case that fills a table."""

    def list(self, query: Query) -> Sequence[T_co]:
        """One page, oldest first."""
        ...

    def count(self, where: Filter | None = None) -> int:
        """How many there are."""
        ...


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page of a table, newest first.

    Attributes:
        rows: What it shows.
        number: Which page, from 1.
        total: Rows on all pages.
        last: Number of the last page.
    """

    rows: Sequence[object]
    number: int
    total: int
    last: int


def sheet_of(request: Request, counted: Counted[object], where: Filter | None = None) -> Sheet:
    """The page of a table that the query asks for."""
    text = request.query_params.get("page", "1")
    total = counted.count(where)
    last = max(1, -(-total // _ROWS))
    number = min(max(1, int(text)), last) if text.isascii() and text.isdigit() else 1
    # The store lists oldest first; the newest page is the end of that list.
    end = total - (number - 1) * _ROWS
    skip = max(0, end - _ROWS)
    rows = counted.list(Query(where=where, skip=skip, top=end - skip)) if end > 0 else []
    return Sheet(list(reversed(rows)), number, total, last)


def project_values(pages: Pages, project_id: str, tab: str) -> dict[str, object]:
    """What every page inside a project shows around its content.

    Raises:
        NotFoundError: There is no such project.
    """
    project: Project = pages.services.projects.get(project_id)
    return {"project": project, "tab": tab, "tabs": TABS}


def model_names(pages: Pages, model_ids: set[str]) -> dict[str, str]:
    """Names of models by id; a deleted one is called so."""
    services = pages.services
    names = {model.id: model.display_name for model in services.base_models.list(Query())}
    names |= {model.id: model.display_name for model in services.models.list(Query())}
    return {one: names.get(one, "deleted model") for one in model_ids}


def routes(pages: Pages) -> dict[str, Callable[[Request], Response]]:
    """Pages by path."""
    shown = _ProjectPages(pages)
    return {
        "/projects": shown.all,
        "/base-models": shown.base_models,
        "/limits": shown.limits,
        "/projects/{project_id}": shown.one,
        "/projects/{project_id}/data": shown.data,
        "/projects/{project_id}/testing": shown.testing,
        "/projects/{project_id}/training": shown.training,
        "/projects/{project_id}/deployment": shown.deployment,
    }


class _ProjectPages:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._services = pages.services

    def all(self, request: Request) -> Response:
        sheet = sheet_of(request, self._services.projects)
        counts = {
            project.id: self._services.projects.counts(project.id)
            for project in sheet.rows
            if isinstance(project, Project)
        }
        return self._pages.page(request, "projects.html", {"sheet": sheet, "counts": counts})

    def base_models(self, request: Request) -> Response:
        sheet = sheet_of(request, self._services.base_models)
        return self._pages.page(request, "base_models.html", {"sheet": sheet})

    def limits(self, request: Request) -> Response:
        return self._pages.page(request, "limits.html", {"limits": self._services.limits})

    def one(self, request: Request) -> Response:
        return RedirectResponse(f"/projects/{request.path_params['project_id']}/data", status_code=303)

    def data(self, request: Request) -> Response:
        return self._tab(request, "data", self._services.datasets)

    def testing(self, request: Request) -> Response:
        return self._tab(request, "testing", self._services.evaluations)

    def training(self, request: Request) -> Response:
        return self._tab(request, "training", self._services.models)

    def deployment(self, request: Request) -> Response:
        return self._tab(request, "deployment", self._services.endpoints)

    def _tab(self, request: Request, tab: str, counted: Counted[object]) -> Response:
        project_id = request.path_params["project_id"]
        values = project_values(self._pages, project_id, tab)
        sheet = sheet_of(request, counted, members_of(project_id))
        wanted = {one for row in sheet.rows for one in _models_of(row)}
        shown: dict[str, object] = {"sheet": sheet, "names": model_names(self._pages, wanted)}
        return self._pages.page(request, f"{tab}.html", values | shown)


def _models_of(row: object) -> tuple[str, ...]:
    tested = getattr(row, "model_ids", ())
    one = getattr(row, "base_model_id", None) or getattr(row, "model_id", None)
    return (*tested, *([one] if isinstance(one, str) else []))
