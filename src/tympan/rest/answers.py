"""How answers are sent: entities, pages, nothing."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar
from urllib.parse import urlencode

from fastapi import Response
from fastapi.responses import JSONResponse

from tympan.domain.errors import InvalidInputError
from tympan.domain.query import Filter, Query, every
from tympan.domain.resource import Status
from tympan.rest.calls import Call
from tympan.wire.addresses import is_id
from tympan.wire.filters import FILTER_NAMES, parse_filter
from tympan.wire.management.entities import page_document
from tympan.wire.values import Document
from tympan.wire.versions import ROOT, ApiVersion

_POLL_S = 2
_LARGEST_PAGE = 100
PAGE_OPTIONS = ("skip", "top", "filter")
AFTER = "after"
"""The option of our own in ``@nextLink``: the place behind which the next page begins."""


class Placed(Protocol):
    """What has a place in a list."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def created_at(self) -> datetime:
        """When it was made."""
        ...


R = TypeVar("R", bound=Placed)
R_co = TypeVar("R_co", bound=Placed, covariant=True)


class Listed(Protocol[R_co]):
    """The part of a use case that lists."""

    def list(self, query: Query) -> Sequence[R_co]:
        """One page."""
        ...


def entity_answer(document: Document, resource: Placed, *, is_new: bool = False) -> Response:
    """An entity; a new one with its location, one that is being worked on with a time to ask again."""
    headers = {}
    if is_new:
        headers["Location"] = str(document["self"])
    if is_worked_on(resource):
        headers["Retry-After"] = str(_POLL_S)
    return JSONResponse(document, status_code=201 if is_new else 200, headers=headers)


def is_worked_on(resource: Placed) -> bool:
    """Whether background work will still change it."""
    status = getattr(resource, "status", None)
    return isinstance(status, Status) and not status.is_terminal


def gone() -> Response:
    """The answer to a delete."""
    return Response(status_code=204)


def deleted(entity_id: str, delete: Callable[[str], None]) -> Response:
    """Delete an entity; one that cannot exist is gone already."""
    if is_id(entity_id):
        delete(entity_id.lower())
    return gone()


def page_of(
    call: Call,
    listed: Listed[R],
    collection: str,
    encode: Callable[[R], Document],
    *,
    within: Filter | None = None,
) -> Response:
    """One page of a list, as the query options ask for it.

    Args:
        call: The request.
        listed: The use case.
        collection: Which names can be filtered by.
        encode: Writes one entity.
        within: A condition of the route itself, such as a project.
    """
    call.allow_query(*PAGE_OPTIONS, AFTER)
    skip, top = paging(call)
    after = _place(call)
    where = every(within, filter_of(call, collection))
    # One more than asked for tells whether there is a next page.
    found = listed.list(Query(where=where, after=after, skip=0 if after else skip, top=top + 1))
    values, has_more = found[:top], len(found) > top
    headers = {"Retry-After": str(_POLL_S)} if any(is_worked_on(value) for value in values) else {}
    link = next_link(call, skip + top, top, _token(values[-1])) if has_more else None
    return JSONResponse(page_document([encode(value) for value in values], link), headers=headers)


def paging(call: Call) -> tuple[int, int]:
    """``skip`` and ``top``; more than a hundred at once is lowered to a hundred.

    Raises:
        InvalidInputError: One of them is no fit number (code ``UnsupportedPagination``).
    """
    return _count(call, "skip", 0, least=0), min(_count(call, "top", _LARGEST_PAGE, least=1), _LARGEST_PAGE)


def _count(call: Call, name: str, default: int, *, least: int) -> int:
    text = call.query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text) < 2**31:
        raise InvalidInputError(
            f"{name} must be a whole number from {least} on, not '{text}'.",
            code="UnsupportedPagination",
            target=name,
        )
    return int(text)


def filter_of(call: Call, collection: str) -> Filter | None:
    """The ``filter`` option, read for one kind of list; v3.0 has none and ignores it."""
    text = call.query.get("filter") if call.version >= ApiVersion.V3_1 else None
    return parse_filter(text, FILTER_NAMES[collection]) if text and text.strip() else None


def _token(last: Placed) -> str:
    """The place of an entity in a list, as links carry it."""
    return urlsafe_b64encode(f"{last.created_at.isoformat()} {last.id}".encode()).decode().rstrip("=")


def _place(call: Call) -> tuple[datetime, str] | None:
    text = call.query.get(AFTER)
    if text is None:
        return None
    try:
        moment, _, entity_id = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(" ")
        created_at = datetime.fromisoformat(moment)
    except ValueError:
        created_at, entity_id = None, ""
    if created_at is None or created_at.tzinfo is None or not is_id(entity_id):
        raise InvalidInputError(
            f"{AFTER} was not made by this server. Follow @nextLink as it is, or use skip and top.",
            code="UnsupportedPagination",
            target=AFTER,
        )
    return created_at, entity_id


def next_link(call: Call, skip: int, top: int, after: str | None = None) -> str:
    """Where the next page is; it keeps every other option of the request.

    Args:
        call: The request.
        skip: Entities before the next page: what clients of the published API know.
        top: Entities on a page.
        after: The place of the last entity of this page. Where it is given it counts and
            ``skip`` does not, so a deep page costs no more than the first.
    """
    rest = {name: value for name, value in call.query.items() if name not in ("skip", "top", AFTER)}
    names = {"sasvalidityinseconds": "sasValidityInSeconds", "saslifetimeminutes": "sasLifetimeMinutes"}
    options: dict[str, object] = {"skip": skip, "top": top}
    options |= {names.get(name, name): value for name, value in rest.items()}
    if after is not None:
        options[AFTER] = after
    if call.version.is_dated:
        options["api-version"] = call.version.value
    is_published = call.path.startswith(f"{ROOT}/")
    path = call.version.path + call.path.removeprefix(ROOT) if is_published else call.path
    return f"{call.base_url}{path}?{urlencode(options)}"
