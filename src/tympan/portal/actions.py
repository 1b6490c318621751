"""What people do on pages: forms that call the same use cases as the public API.

Each action names the route of the public API that does the same; a test holds it to that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from tympan.domain.errors import NotAuthenticatedError, ServiceError
from tympan.portal.pages import HEADERS, Pages
from tympan.portal.session import is_own_form, signed_in
from tympan.portal.words import size_words

LONGEST_FORM = 16_384
_MOST_FIELDS = 400
_FIELDS_BYTES = 1 << 20
"""Of the other fields of a form that brings a file, together."""

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
        largest_file_bytes: Of the file that the form may bring; 0 takes none.
    """

    path: str
    name: str
    act: Act
    show: Show
    api: tuple[str, str]
    largest_file_bytes: int = 0


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
    async def handle(request: Request) -> Response:
        if await run_in_threadpool(signed_in, request, pages.services) is None:
            return RedirectResponse("/sign-in?expired=1", status_code=303, headers=HEADERS)
        if not _may_fit(request, action):
            most = size_words(action.largest_file_bytes)
            error = f"The file is larger than {most}, or its length was not told. Split it."
            return await _refused(pages, action, request, RefusedForm(action.name, error, {}), 413)
        files = int(action.largest_file_bytes > 0)
        async with request.form(max_files=files, max_fields=_MOST_FIELDS, max_part_size=LONGEST_FORM) as form:
            return await _done(pages, action, request, form)

    return handle


def _may_fit(request: Request, action: Action) -> bool:
    """Whether what a form says of its length is plausible; one with a file that says nothing is refused."""
    length = request.headers.get("content-length", "")
    if not action.largest_file_bytes:
        return True  # the parser bounds it
    most = action.largest_file_bytes + _FIELDS_BYTES
    return length.isascii() and length.isdigit() and int(length) <= most


async def _done(pages: Pages, action: Action, request: Request, form: FormData) -> Response:
    values = {name: value for name, value in form.items() if isinstance(value, str)}
    if not is_own_form(request, pages.services, values.pop("token", "")):
        error = "The form was not sent from this page. Please send it again."
        return await _refused(pages, action, request, RefusedForm(action.name, error, values), 403)
    try:
        done = await run_in_threadpool(action.act, request, form)
    except ServiceError as refused:
        chosen = {name: texts_of(form, name) for name in values}
        return await _refused(
            pages, action, request, RefusedForm(action.name, refused.message, values, chosen), 422
        )
    if isinstance(done, Response):
        return done
    return RedirectResponse(done, status_code=303, headers=HEADERS)


async def _refused(
    pages: Pages, action: Action, request: Request, form: RefusedForm, status: int
) -> Response:
    request.state.refused_form = form
    response = await run_in_threadpool(pages.guarded(action.show), request)
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


def access_token(pages: Pages) -> Act:
    """Gives a page the token it calls the public API with.

    The session's cookie opens no endpoint and no API, and browsers send no headers with a WebSocket.
    """

    def token(request: Request, _form: FormData) -> Response:
        principal = signed_in(request, pages.services)
        if principal is None:  # the key went between the check and here
            raise NotAuthenticatedError("The session has ended. Sign in again.")
        return PlainTextResponse(pages.services.access.issue_token(principal), headers=HEADERS)

    return token
