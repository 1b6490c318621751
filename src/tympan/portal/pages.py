"""Rendering: one template environment, one set of headers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tympan.domain.errors import NotFoundError, ServiceError
from tympan.portal import words
from tympan.portal.services import PortalServices
from tympan.portal.session import form_token, keep_form_cookie, signed_in

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; media-src 'self' blob:; worker-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_FOLDER = Path(__file__).parent

Values = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Pages:
    """Makes responses out of templates.

    Attributes:
        services: The use cases.
        environment: Escapes everything; transcripts and names are hostile input.
        assets: Short hash of the static files, part of their address.
    """

    services: PortalServices
    environment: Environment
    assets: str

    def page(self, request: Request, template: str, values: Values, *, status: int = 200) -> Response:
        """Render a page; its forms are tied to this browser."""
        nonce, token = form_token(request, self.services)
        shown = {
            "form_token": token,
            "is_signed_in": signed_in(request, self.services) is not None,
            "assets": self.assets,
            "here": request.url.path,
            "refused": getattr(request.state, "refused_form", None),
            **values,
        }
        html = self.environment.get_template(template).render(shown)
        response = HTMLResponse(html, status_code=status, headers=HEADERS)
        keep_form_cookie(response, nonce, request)
        return response

    def guarded(self, show: Callable[[Request], Response]) -> Callable[[Request], Response]:
        """Let only signed-in owners see a page; turn errors into pages."""

        def handle(request: Request) -> Response:
            if signed_in(request, self.services) is None:
                return RedirectResponse("/sign-in", status_code=303, headers=HEADERS)
            try:
                return show(request)
            except NotFoundError as error:
                return self.message(request, "Not found", error.message, status=404)
            except ServiceError as error:
                return self.message(request, "This cannot be shown", error.message, status=503)

        return handle

    def message(self, request: Request, title: str, text: str, *, status: int) -> Response:
        """A page that only says something."""
        return self.page(request, "message.html", {"title": title, "text": text}, status=status)


def make_pages(services: PortalServices) -> Pages:
    """The pages with their templates."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=words.percent,
        day=words.day,
        moment=_moment,
        duration=words.duration_words,
        size=words.size_words,
        status=words.status_words,
        kind=words.kind_words,
        gate=words.gate_words,
        verdict=words.verdict_words,
    )
    return Pages(services, environment, _assets_hash(_FOLDER / "static"))


def _assets_hash(folder: Path) -> str:
    """Changes when a file changes, is added or is renamed; files of one page always fit each other."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            digest.update(file.relative_to(folder).as_posix().encode() + b"\n" + file.read_bytes())
    return digest.hexdigest()[:12]


def _moment(moment: datetime) -> Markup:
    """A moment in UTC; a script writes it in the reader's own zone."""
    said = words.moment_words(moment)
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), said)
