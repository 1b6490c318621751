"""Trying endpoints out in the browser, over the protocol that every client speaks."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from tympan.domain.query import Query
from tympan.portal.actions import Action, Show, access_token
from tympan.portal.pages import Pages
from tympan.portal.projects import project_values
from tympan.usecases.projects import members_of

_PATH = "/projects/{project_id}/try"


def routes(pages: Pages) -> dict[str, Show]:
    """Pages by path."""
    return {_PATH: _Trial(pages).show}


def actions(pages: Pages) -> list[Action]:
    """The access token that the page opens its connections with."""
    trial = _Trial(pages)
    api = ("POST", "/sts/v1.0/issuetoken")
    return [Action(path=f"{_PATH}/token", name="try", act=access_token(pages), show=trial.show, api=api)]


class _Trial:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def show(self, request: Request) -> Response:
        project_id = request.path_params["project_id"]
        found = self._pages.services.endpoints.list(Query(where=members_of(project_id)))
        answering = [one for one in found if one.serving_model_id and not one.is_suspended]
        values = project_values(self._pages, project_id, "try")
        return self._pages.page(request, "try.html", values | {"endpoints": answering})
