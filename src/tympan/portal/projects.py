"""Pages of projects: the list, and the four tables of one project."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, TypeVar

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tympan.domain.project import Project
from tympan.domain.query import Filter, Query
from tympan.portal.actions import Action, text_of
from tympan.portal.data import offered_kinds
from tympan.portal.deployment import choosable_models
from tympan.portal.pages import Pages
from tympan.usecases.projects import NewProject, ProjectChange, members_of

_ROWS = 50
TABS = {
    "data": "Data",
    "testing": "Testing",
    "training": "Training",
    "deployment": "Deployment",
    "try": "Try it",
    "settings": "Settings",
}

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
        "/projects/{project_id}/settings": shown.settings,
        "/projects/{project_id}/data": shown.data,
        "/projects/{project_id}/deployment": shown.deployment,
    }


def actions(pages: Pages) -> list[Action]:
    """Every form about projects, and the one of the deployment tab."""
    shown = _ProjectPages(pages)
    api = "/speechtotext/projects"
    one = "/projects/{project_id}"
    return [
        Action(path="/projects", name="new-project", act=shown.create, show=shown.all, api=("POST", api)),
        Action(
            path=f"{one}/settings",
            name="edit-project",
            act=shown.update,
            show=shown.settings,
            api=("PATCH", f"{api}/{{project_id}}"),
        ),
        Action(
            path=f"{one}/delete",
            name="delete-project",
            act=shown.delete,
            show=shown.settings,
            api=("DELETE", f"{api}/{{project_id}}"),
        ),
    ]


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
        values = {"sheet": sheet, "counts": counts, "locales": self._locales()}
        return self._pages.page(request, "projects.html", values)

    def create(self, _request: Request, form: FormData) -> str:
        project = self._services.projects.create(
            NewProject(
                display_name=text_of(form, "name"),
                locale=text_of(form, "locale"),
                description=text_of(form, "description") or None,
            )
        )
        return f"/projects/{project.id}/data"

    def settings(self, request: Request) -> Response:
        values = project_values(self._pages, request.path_params["project_id"], "settings")
        return self._pages.page(request, "project.html", values)

    def update(self, request: Request, form: FormData) -> str:
        change = ProjectChange(
            display_name=text_of(form, "name"), description=text_of(form, "description") or None
        )
        project = self._services.projects.update(request.path_params["project_id"], change)
        return f"/projects/{project.id}/settings"

    def delete(self, request: Request, _form: FormData) -> str:
        self._services.projects.delete(request.path_params["project_id"])
        return "/projects"

    def _locales(self) -> list[str]:
        """Locales of which there is a base model, so that a new project can recognise at once."""
        return sorted({model.locale for model in self._services.base_models.list(Query())})

    def base_models(self, request: Request) -> Response:
        sheet = sheet_of(request, self._services.base_models)
        return self._pages.page(request, "base_models.html", {"sheet": sheet})

    def limits(self, request: Request) -> Response:
        return self._pages.page(request, "limits.html", {"limits": self._services.limits})

    def one(self, request: Request) -> Response:
        return RedirectResponse(f"/projects/{request.path_params['project_id']}/data", status_code=303)

    def data(self, request: Request) -> Response:
        datasets = self._services.datasets
        offered = {"kinds": offered_kinds(datasets.limits), "block_bytes": self._services.block_bytes}
        return self._tab(request, "data", datasets, offered)

    def deployment(self, request: Request) -> Response:
        project = self._services.projects.get(request.path_params["project_id"])
        models = choosable_models(self._pages, project.locale)
        return self._tab(request, "deployment", self._services.endpoints, {"models": models})

    def _tab(
        self,
        request: Request,
        tab: str,
        counted: Counted[object],
        more: Mapping[str, object] = MappingProxyType({}),
    ) -> Response:
        project_id = request.path_params["project_id"]
        values = project_values(self._pages, project_id, tab)
        sheet = sheet_of(request, counted, members_of(project_id))
        wanted = {one for row in sheet.rows for one in _models_of(row)}
        shown: dict[str, object] = {"sheet": sheet, "names": model_names(self._pages, wanted)}
        return self._pages.page(request, f"{tab}.html", values | shown | dict(more))


def _models_of(row: object) -> tuple[str, ...]:
    tested = getattr(row, "model_ids", ())
    one = getattr(row, "base_model_id", None) or getattr(row, "model_id", None)
    return (*tested, *([one] if isinstance(one, str) else []))
