"""Starting a training and giving it up."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request

from tympan.domain.dataset import Dataset
from tympan.domain.errors import InvalidStateError, NotFoundError
from tympan.domain.model import BaseModel
from tympan.domain.query import Query
from tympan.domain.resource import Status
from tympan.portal.actions import Action, Show, text_of
from tympan.portal.pages import Pages
from tympan.usecases.models import NewModel
from tympan.usecases.projects import members_of

_TAB = "/projects/{project_id}/training"


def actions(pages: Pages, table: Show, page: Show) -> list[Action]:
    """Every form about trainings.

    Args:
        pages: What is rendered with.
        table: The tab that lists models.
        page: The page of one model.
    """
    do = _Trainings(pages)
    return [
        Action(path=_TAB, name="new-model", act=do.create, show=table, api=("POST", "/speechtotext/models")),
        Action(
            path=f"{_TAB}/{{entity_id}}/cancel",
            name="cancel",
            act=do.cancel,
            show=page,
            api=("POST", "/api/v1/jobs/{job_id}:cancel"),
        ),
    ]


def trainable(pages: Pages, project_id: str) -> tuple[list[BaseModel], list[Dataset]]:
    """Base models and datasets that a training in a project can use, newest first."""
    services = pages.services
    locale, now = services.projects.get(project_id).locale, services.access.clock.now()
    bases = [
        one
        for one in services.base_models.list()
        if one.locale == locale and (one.adaptation_expires_at is None or one.adaptation_expires_at > now)
    ]
    found = services.datasets.list(Query(where=members_of(project_id)))
    return bases[::-1], [one for one in found if one.status is Status.SUCCEEDED][::-1]


class _Trainings:
    def __init__(self, pages: Pages) -> None:
        self._services = pages.services

    def create(self, request: Request, form: FormData) -> str:
        project = self._services.projects.get(request.path_params["project_id"])
        model = self._services.models.create(
            NewModel(
                display_name=text_of(form, "name"),
                description=text_of(form, "description") or None,
                locale=project.locale,
                base_model_id=text_of(form, "base") or None,
                dataset_ids=tuple(one for one in form.getlist("dataset") if isinstance(one, str)),
                project_id=project.id,
            )
        )
        return f"/projects/{project.id}/training/{model.id}"

    def cancel(self, request: Request, _form: FormData) -> str:
        project_id, model_id = request.path_params["project_id"], request.path_params["entity_id"]
        model = self._services.models.get(model_id)
        if model.project_id != project_id:
            raise NotFoundError(f"'{model.display_name}' is not in this project.")
        if model.job_id is None or model.status.is_terminal:
            raise InvalidStateError("This training has ended; there is nothing to cancel.")
        self._services.jobs.cancel(model.job_id)
        return f"/projects/{project_id}/training/{model_id}"
