"""What people do on pages: forms that call the same use cases as the public API.

Each action names the route of the public API that does the same; a test holds it to that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tympan.domain.errors import ServiceError
from tympan.portal.pages import HEADERS, Pages
from tympan.portal.session import is_own_form, signed_in

LONGEST_FORM = 16_384
_MOST_FIELDS = 400

Act = Callable[[Request, FormData], "str | Response"]
Show = Callable[[Request], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One form.

    Attributes:
        path: Where the form is sent.
        name: Of the form on its page, which is opened again when the form is refused.
        act: Does it; returns the address to go to, or the page to show.
        show: The page the form is on; shown again, with the error and what was typed.
        api: Method and path of the public route that does the same.
    """

    path: str
    name: str
    act: Act
    show: Show
    api: tuple[str, str]


@dataclass(frozen=True, slots=True)
class RefusedForm:
    """What the page shows of a form that was refused.

    Attributes:
        name: Of the form.
        error: What was wrong and what to do.
        values: What was typed; nobody types it twice.
        chosen: Every value of fields that may have several.
    """

    name: str
    error: str
    values: Mapping[str, str]
    chosen: Mapping[str, Sequence[str]] = field(default_factory=dict)


def action_route(pages: Pages, action: Action) -> Route:
    """The route that takes a form."""
    return Route(action.path, _handler(pages, action), methods=["POST"])


def _handler(pages: Pages, action: Action) -> Callable[[Request], Awaitable[Response]]:
    show = pages.guarded(action.show)

    async def handle(request: Request) -> Response:
        if await run_in_threadpool(signed_in, request, pages.services) is None:
            return RedirectResponse("/sign-in?expired=1", status_code=303, headers=HEADERS)
        form = await request.form(max_files=0, max_fields=_MOST_FIELDS, max_part_size=LONGEST_FORM)
        values = {name: value for name, value in form.items() if isinstance(value, str)}
        if not is_own_form(request, pages.services, values.pop("token", "")):
            error = "The form was not sent from this page. Please send it again."
            return await _refused(request, show, RefusedForm(action.name, error, values), 403)
        try:
            done = await run_in_threadpool(action.act, request, form)
        except ServiceError as refused:
            chosen = {name: texts_of(form, name) for name in values}
            return await _refused(
                request, show, RefusedForm(action.name, refused.message, values, chosen), 422
            )
        if isinstance(done, Response):
            return done
        return RedirectResponse(done, status_code=303, headers=HEADERS)

    return handle


async def _refused(request: Request, show: Show, form: RefusedForm, status: int) -> Response:
    request.state.refused_form = form
    response = await run_in_threadpool(show, request)
    if response.status_code == 200:  # noqa: PLR2004  otherwise the page itself cannot be shown
        response.status_code = status
    return response


def text_of(form: FormData, name: str) -> str:
    """One field, without the space around it; empty when it is missing."""
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def texts_of(form: FormData, name: str) -> list[str]:
    """Every value of a field that may be given several times, such as ticked boxes."""
    return [value for value in form.getlist(name) if isinstance(value, str)]
