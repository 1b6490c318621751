"""The portal as an application of its own, to be mounted beside the API."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tympan.domain.errors import NotAuthenticatedError
from tympan.portal import (
    data,
    deployment,
    downloads,
    entities,
    evaluation_page,
    evaluations,
    projects,
    training_page,
    trainings,
    trial,
)
from tympan.portal.actions import Action, action_route
from tympan.portal.pages import HEADERS, Pages, make_pages
from tympan.portal.services import PortalServices
from tympan.portal.session import end_session, is_own_form, start_session

_STATIC = Path(__file__).parent / "static"
_LONGEST_FORM = 4096


def create_portal(services: PortalServices) -> Starlette:
    """Put the pages together; mount the result at the root, after the API's routes."""
    pages = make_pages(services)
    shown = {
        **projects.routes(pages),
        **entities.routes(pages),
        # Forms before pages of one: both have addresses of the same shape.
        **trainings.routes(pages),
        **training_page.routes(pages),
        **evaluations.routes(pages),
        **evaluation_page.routes(pages),
        **downloads.routes(pages),
        **evaluation_page.downloads(pages),
        **data.routes(pages),
        **deployment.routes(pages),
        **trial.routes(pages),
    }
    door = _Door(pages)
    app = Starlette(
        routes=[
            Route("/", _home),
            Route("/sign-in", door.show, methods=["GET"]),
            Route("/sign-in", door.submit, methods=["POST"]),
            Route("/sign-out", door.leave, methods=["POST"]),
            *(Route(path, pages.guarded(show), methods=["GET"]) for path, show in shown.items()),
            *(action_route(pages, action) for action in all_actions(pages)),
            # A change of a file changes its address, so browsers may keep it for good.
            Mount(f"/static/{pages.assets}", _CachedFiles(directory=_STATIC)),
        ]
    )
    app.add_exception_handler(404, lambda request, _: door.unknown(request))
    return app


def all_actions(pages: Pages) -> list[Action]:
    """Everything people can do in the portal."""
    shown = {**projects.routes(pages), **entities.routes(pages)}
    there, deploying = "/projects/{project_id}/data", "/projects/{project_id}/deployment"
    [training], [evaluation] = training_page.routes(pages).values(), evaluation_page.routes(pages).values()
    return [
        *projects.actions(pages),
        *data.actions(pages, shown[there], shown[f"{there}/{{entity_id}}"]),
        *trainings.actions(pages, training),
        *evaluations.actions(pages, evaluation),
        *deployment.actions(pages, shown[deploying], shown[f"{deploying}/{{entity_id}}"]),
        *trial.actions(pages),
    ]


class _CachedFiles(StaticFiles):
    """Static files that never change under their address."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they are
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _home(_request: Request) -> Response:
    return RedirectResponse("/projects", status_code=303)


class _Door:
    """Signing in and out."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def show(self, request: Request) -> Response:
        """The form."""
        is_expired = "expired" in request.query_params
        said = "Your session has ended. Sign in again; nothing was changed." if is_expired else None
        return self._pages.page(request, "sign_in.html", {"error": said})

    async def submit(self, request: Request) -> Response:
        """Check the form and the key."""
        form = await request.form(max_files=0, max_fields=10, max_part_size=_LONGEST_FORM)
        services = self._pages.services
        if not is_own_form(request, services, str(form.get("token", ""))):
            return self._refused(request, "The form was not sent from this page. Please try again.", 403)
        try:
            principal = services.access.authenticate(str(form.get("key", "")).strip())
        except NotAuthenticatedError as error:
            return self._refused(request, error.message, 401)
        if not principal.is_owner:
            return self._refused(
                request, "This key opens one endpoint only. Sign in with one of the owner's keys.", 403
            )
        response = RedirectResponse("/projects", status_code=303, headers=HEADERS)
        start_session(response, services, principal, request)
        return response

    async def leave(self, request: Request) -> Response:
        """End the session."""
        form = await request.form(max_files=0, max_fields=10, max_part_size=_LONGEST_FORM)
        if not is_own_form(request, self._pages.services, str(form.get("token", ""))):
            return self._refused(request, "The form was not sent from this page. Please try again.", 403)
        response = RedirectResponse("/sign-in", status_code=303, headers=HEADERS)
        end_session(response)
        return response

    def unknown(self, request: Request) -> Response:
        """The page for an address without a page."""
        return self._pages.message(
            request, "Not found", "There is no page at this address. Start from the projects.", status=404
        )

    def _refused(self, request: Request, message: str, status: int) -> Response:
        return self._pages.page(request, "sign_in.html", {"error": message}, status=status)
