"""Routes of endpoint logs."""

from __future__ import annotations

import re
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, StreamingResponse

from tympan.domain.endpoint_log import LogFile, base_place
from tympan.domain.errors import InvalidInputError
from tympan.rest.answers import gone
from tympan.rest.availability import IN_PATH_VERSIONS
from tympan.rest.calls import Call, CallDep, checked_id
from tympan.rest.files import SAS, content_url
from tympan.usecases.endpoint_logs import LogSelection
from tympan.usecases.resource_rules import canonical_locale
from tympan.wire.management.entities import page_document
from tympan.wire.management.files import file_document
from tympan.wire.ours.jobs import job_document
from tympan.wire.values import Document, read_timestamp
from tympan.wire.versions import ROOT

_LARGEST_PAGE = 100
_LAST_YEAR = 9999
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

router = APIRouter(prefix="/endpoints", dependencies=[IN_PATH_VERSIONS])
our_router = APIRouter(prefix="/endpoints")


@router.get("/base/{locale}/files/logs")
def list_base_logs(call: CallDep, locale: str) -> Response:
    """What was logged of requests without an endpoint."""
    return _page(call, _base(locale))


@router.delete("/base/{locale}/files/logs")
def delete_base_logs(call: CallDep, locale: str) -> Response:
    """Delete it, all or up to a day."""
    return _deleted_up_to(call, _base(locale))


@router.get("/base/{locale}/files/logs/{log_id}")
def get_base_log(call: CallDep, locale: str, log_id: str) -> Response:
    """One file."""
    return _entry(call, _base(locale), log_id)


@router.delete("/base/{locale}/files/logs/{log_id}")
def delete_base_log(call: CallDep, locale: str, log_id: str) -> Response:
    """Delete one file."""
    return _deleted(call, _base(locale), log_id)


@router.get("/{endpoint_id}/files/logs")
def list_logs(call: CallDep, endpoint_id: str) -> Response:
    """What was logged of requests to an endpoint."""
    return _page(call, checked_id(endpoint_id, "endpoint"))


@router.delete("/{endpoint_id}/files/logs")
def delete_logs(call: CallDep, endpoint_id: str) -> Response:
    """Delete it, all or up to a day."""
    return _deleted_up_to(call, checked_id(endpoint_id, "endpoint"))


@router.get("/{endpoint_id}/files/logs/{log_id}")
def get_log(call: CallDep, endpoint_id: str, log_id: str) -> Response:
    """One file."""
    return _entry(call, checked_id(endpoint_id, "endpoint"), log_id)


@router.delete("/{endpoint_id}/files/logs/{log_id}")
def delete_log(call: CallDep, endpoint_id: str, log_id: str) -> Response:
    """Delete one file."""
    return _deleted(call, checked_id(endpoint_id, "endpoint"), log_id)


@our_router.get("/base/{locale}/logs.zip")
def get_base_archive(call: CallDep, locale: str) -> Response:
    """All files as one zip."""
    return _archive(call, _base(locale), canonical_locale(locale))


@our_router.get("/{endpoint_id}/logs.zip")
def get_archive(call: CallDep, endpoint_id: str) -> Response:
    """All files as one zip."""
    place = checked_id(endpoint_id, "endpoint")
    return _archive(call, place, place)


@our_router.delete("/base/{locale}/logs")
def delete_some_base_logs(call: CallDep, locale: str) -> Response:
    """Delete logs by day or session; answers with a job."""
    return _deleted_some(call, _base(locale))


@our_router.delete("/{endpoint_id}/logs")
def delete_some_logs(call: CallDep, endpoint_id: str) -> Response:
    """Delete logs by day or session; answers with a job."""
    return _deleted_some(call, checked_id(endpoint_id, "endpoint"))


def _base(locale: str) -> str:
    return base_place(canonical_locale(locale))


def _page(call: Call, place: str) -> Response:
    call.allow_query("skipToken", "top", SAS)
    top, after = _top(call), _after(call)
    found = call.services.logs.list(place, after=after, top=top + 1)
    values = [_document(call, file) for file in found[:top]]
    link = _next_link(call, found[top - 1], top) if len(found) > top else None
    return JSONResponse(page_document(values, link))


def _entry(call: Call, place: str, log_id: str) -> Response:
    call.allow_query(SAS)
    return JSONResponse(_document(call, call.services.logs.get(place, log_id)))


def _deleted(call: Call, place: str, log_id: str) -> Response:
    call.allow_query()
    call.services.logs.delete(place, log_id)
    return gone()


def _deleted_up_to(call: Call, place: str) -> Response:
    call.allow_query("endDate")
    call.services.logs.delete_many(place, LogSelection(before=_after_day(call, "endDate")))
    return Response(status_code=202)


def _deleted_some(call: Call, place: str) -> Response:
    call.allow_query("startDate", "endDate", "session")
    session = call.query.get("session")
    if session is not None and not _is_guid(session):
        raise InvalidInputError(
            "session must be the UUID in the names of the two files.",
            code="InvalidParameterValue",
            target="session",
        )
    selection = LogSelection(
        since=_day(call, "startDate"),
        before=_after_day(call, "endDate"),
        session_id=session.lower() if session else None,
    )
    job = call.services.logs.delete_many(place, selection)
    document = job_document(job, call.addresses)
    return JSONResponse(document, status_code=202, headers={"Location": str(document["self"])})


def _archive(call: Call, place: str, name: str) -> Response:
    call.allow_query()
    logs = call.services.logs
    logs.list(place, after=None, top=1)  # an endpoint that never logged is an error before the first byte
    headers = {
        "Content-Disposition": f'attachment; filename="logs-{name}.zip"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(logs.archive(place), headers=headers, media_type="application/zip")


def _document(call: Call, file: LogFile) -> Document:
    owner = file.place.split("/")  # an endpoint's id, or "base" and a locale
    collection = "base-model-logs" if owner[0] == "base" else "endpoint-logs"
    return file_document(
        file.as_stored(),
        self_url=call.addresses.management("endpoints", *owner, "files", "logs", file.id),
        content_url=content_url(call, (collection, owner[-1].lower(), "files", file.id), file.key),
        created_at=file.created_at,
        version=call.version,
    )


def _next_link(call: Call, last: LogFile, top: int) -> str:
    token = urlsafe_b64encode(f"{last.created_at.isoformat()} {last.id}".encode()).decode().rstrip("=")
    options = {"skipToken": token, "top": str(top)}
    if SAS.lower() in call.query:
        options[SAS] = call.query[SAS.lower()]
    return f"{call.base_url}{call.version.path}{call.path.removeprefix(ROOT)}?{urlencode(options)}"


def _top(call: Call) -> int:
    text = call.query.get("top", str(_LARGEST_PAGE))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) < 2**31:
        raise InvalidInputError(
            f"top must be a whole number from 1 on, not '{text}'.", code="InvalidTopForLogs", target="top"
        )
    return min(int(text), _LARGEST_PAGE)


def _after(call: Call) -> tuple[datetime, str] | None:
    text = call.query.get("skiptoken")
    if text is None:
        return None
    try:
        moment, _, log_id = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(" ")
        created_at = datetime.fromisoformat(moment)
    except ValueError:
        created_at, log_id = None, ""
    if created_at is None or created_at.tzinfo is None or not log_id or not log_id.isprintable():
        raise InvalidInputError(
            "skipToken was not made by this server. Follow @nextLink as it is.",
            code="InvalidSkipTokenForLogs",
            target="skipToken",
        )
    return created_at, log_id


def _after_day(call: Call, name: str) -> datetime | None:
    day = _day(call, name)
    return None if day is None else day + timedelta(days=1)


def _day(call: Call, name: str) -> datetime | None:
    """The start of a day in UTC."""
    text = call.query.get(name.lower())
    if text is None:
        return None
    moment = read_timestamp(text) if _DAY.fullmatch(text) else None
    if moment is None or moment.year == _LAST_YEAR:
        raise InvalidInputError(
            f"{name} '{text[:20]}' is no day such as 2026-01-31.", code="InvalidLogDate", target=name
        )
    return moment.astimezone(UTC)


def _is_guid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
