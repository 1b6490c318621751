"""The testing tab: its table, the form that starts a test, and what is done with tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from tympan.domain.errors import InvalidStateError
from tympan.domain.evaluation import Evaluation
from tympan.portal.actions import Action, RefusedForm, Show, text_of
from tympan.portal.deployment import choosable_models
from tympan.portal.entity_values import check_place, dataset_names
from tympan.portal.pages import Pages
from tympan.portal.projects import model_names, project_values, sheet_of
from tympan.portal.trainings import imported_datasets
from tympan.usecases.evaluations import NewEvaluation
from tympan.usecases.projects import members_of

_TAB = "/projects/{project_id}/testing"
_ONE = f"{_TAB}/{{entity_id}}"
_FORM = "new-evaluation"


def routes(pages: Pages) -> dict[str, Show]:
    """Pages by path."""
    shown = _Evaluations(pages)
    return {_TAB: shown.table, f"{_TAB}/new": shown.form}


def actions(pages: Pages, page: Show) -> list[Action]:
    """Every form about tests.

    Args:
        pages: What is rendered with.
        page: The page of one test.
    """
    do = _Evaluations(pages)
    jobs, evaluations = "/api/v1/jobs/{job_id}", "/speechtotext/evaluations"
    forms = [
        ("cancel", do.cancel, ("POST", f"{jobs}:cancel")),
        ("retry", do.retry, ("POST", f"{jobs}:retry")),
        ("rescore", do.rescore, ("POST", "/api/v1/evaluations/{evaluation_id}:rescore")),
        ("delete", do.delete, ("DELETE", f"{evaluations}/{{evaluation_id}}")),
    ]
    new = Action(path=_TAB, name=_FORM, act=do.create, show=do.form, api=("POST", evaluations))
    return [
        new,
        *(Action(path=f"{_ONE}/{name}", name=name, act=act, show=page, api=api) for name, act, api in forms),
    ]


class _Evaluations:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._services = pages.services

    def table(self, request: Request) -> Response:
        project_id = request.path_params["project_id"]
        values = project_values(self._pages, project_id, "testing")
        sheet = sheet_of(request, self._services.evaluations, members_of(project_id))
        rows = [one for one in sheet.rows if isinstance(one, Evaluation)]
        shown = {
            "sheet": sheet,
            "names": model_names(self._pages, {one for row in rows for one in row.model_ids}),
            "datasets": dataset_names(self._pages, (row.dataset_id for row in rows)),
        }
        return self._pages.page(request, "testing.html", values | shown)

    def form(self, request: Request) -> Response:
        project = self._services.projects.get(request.path_params["project_id"])
        heard = [one for one in imported_datasets(self._pages, project.id) if one.kind.has_audio]
        models = choosable_models(self._pages, project.locale)
        shown = {
            "datasets": heard,
            "models": models,
            "typed": defaultdict(str, self._filled(request, dict(models))),
        }
        values = project_values(self._pages, project.id, "testing")
        return self._pages.page(request, "testing_new.html", values | shown)

    def _filled(self, request: Request, models: Mapping[str, str]) -> Mapping[str, str]:
        """What was refused, or what the page that led here chose."""
        refused: RefusedForm | None = getattr(request.state, "refused_form", None)
        if refused is not None:
            return refused.values
        asked = request.query_params
        first, second = asked.get("base", ""), asked.get("model", "")
        chosen = {"model1": first, "model2": second, "dataset": asked.get("dataset", "")}
        if first in models and second in models:
            chosen["name"] = f"{models[second]} against {models[first]}"
        return chosen

    def create(self, request: Request, form: FormData) -> str:
        project = self._services.projects.get(request.path_params["project_id"])
        models = [text_of(form, name) for name in ("model1", "model2")]
        evaluation = self._services.evaluations.create(
            NewEvaluation(
                display_name=text_of(form, "name"),
                description=text_of(form, "description") or None,
                locale=project.locale,
                dataset_id=text_of(form, "dataset"),
                model_ids=[one for one in models if one],
                project_id=project.id,
                terms=_terms(form),
            )
        )
        return f"/projects/{project.id}/testing/{evaluation.id}"

    def cancel(self, request: Request, _form: FormData) -> str:
        self._services.jobs.cancel(self._job_id(request))
        return _address(request)

    def retry(self, request: Request, _form: FormData) -> str:
        self._services.jobs.retry(self._job_id(request))
        return _address(request)

    def rescore(self, request: Request, form: FormData) -> str:
        self._services.evaluations.rescore(self._evaluation(request).id, _terms(form))
        return _address(request)

    def delete(self, request: Request, _form: FormData) -> str:
        self._services.evaluations.delete(self._evaluation(request).id)
        return f"/projects/{request.path_params['project_id']}/testing"

    def _evaluation(self, request: Request) -> Evaluation:
        evaluation = self._services.evaluations.get(request.path_params["entity_id"])
        check_place(evaluation, request.path_params["project_id"])
        return evaluation

    def _job_id(self, request: Request) -> str:
        evaluation = self._evaluation(request)
        if evaluation.job_id is None:
            raise InvalidStateError(f"'{evaluation.display_name}' has no job.")
        return evaluation.job_id


def _address(request: Request) -> str:
    return _ONE.format_map(request.path_params)


def _terms(form: FormData) -> list[str]:
    """One term a line; empty lines are no terms."""
    return [line.strip() for line in text_of(form, "terms").splitlines() if line.strip()]
