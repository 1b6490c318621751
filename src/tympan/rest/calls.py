"""What every handler is given: the services, the URLs for the answer, the query, the body."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from tympan.domain.errors import InvalidInputError, NotFoundError, TooLargeError
from tympan.domain.query import EVERYTHING
from tympan.rest.availability import known_version
from tympan.rest.errors import UnsupportedMediaTypeError
from tympan.rest.services import Services
from tympan.wire.addresses import Addresses, is_id
from tympan.wire.bodies import Body, read_body, read_list
from tympan.wire.versions import ApiVersion

_LARGEST_BODY = 4 * 1024 * 1024
_JSON_TYPES = ("application/json", "application/merge-patch+json")
_HOST = re.compile(r"[A-Za-z0-9.\-_\[\]:]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request.

    Attributes:
        services: What does the work.
        base_url: Scheme and host the client used, without a slash at the end.
        path: Path of the request as routed.
        query: Its query options, names in lower case; without the API version.
        version: The version of the published API that the client speaks.
    """

    services: Services
    base_url: str
    path: str
    query: Mapping[str, str]
    version: ApiVersion

    @property
    def addresses(self) -> Addresses:
        """URLs for an answer that names no models."""
        return Addresses(base_url=self.base_url, version=self.version)

    @property
    def model_addresses(self) -> Addresses:
        """URLs for an answer that names models: knows which of them are base models."""
        known = self.services.base_models.list(EVERYTHING)
        ids = frozenset(model.id for model in known)
        return Addresses(base_url=self.base_url, base_model_ids=ids, version=self.version)

    def allow_query(self, *names: str) -> None:
        """Refuse options that this route does not know, rather than ignore them.

        Raises:
            InvalidInputError: There is one (code ``InvalidParameter``).
        """
        for name in self.query:
            if name not in {allowed.lower() for allowed in names}:
                known = f"It knows {', '.join(names)}." if names else "It takes none."
                raise InvalidInputError(
                    f"This route has no query option '{name}'. {known}", code="InvalidParameter", target=name
                )


def services_of(request: Request) -> Services:
    """The services the application was made with."""
    return cast("Services", request.app.state.services)


def base_url(request: Request, public_url: str | None) -> str:
    """Where the client thinks it is: configured, said by a proxy, or the Host header."""
    if public_url is not None:
        return public_url.rstrip("/")
    scheme = _first(request.headers.get("x-forwarded-proto")) or request.url.scheme
    host = _first(request.headers.get("x-forwarded-host")) or request.headers.get("host") or ""
    if scheme not in ("http", "https") or not _HOST.fullmatch(host):
        raise InvalidInputError("The Host header is missing or malformed.", target="Host")
    return f"{scheme}://{host}"


def _first(header: str | None) -> str | None:
    return header.split(",")[0].strip() if header else None


def call_of(request: Request) -> Call:
    """Gather what a handler needs."""
    services = services_of(request)
    version = known_version(request)
    query = {name.lower(): value for name, value in request.query_params.items()}
    if version.is_dated:
        query.pop("api-version", None)
    return Call(
        services=services,
        base_url=base_url(request, services.public_url),
        path=request.url.path,
        query=query,
        version=version,
    )


async def body_of(request: Request) -> Body:
    """The JSON object in the body of a request.

    Raises:
        UnsupportedMediaTypeError: Its content type is not JSON.
        TooLargeError: It is longer than any real one.
        InvalidInputError: It is empty or no JSON object.
    """
    return read_body(await _json_bytes(request))


async def list_of(request: Request) -> tuple[Body, ...]:
    """The JSON list of objects in the body of a request.

    Raises:
        UnsupportedMediaTypeError: Its content type is not JSON.
        TooLargeError: It is longer than any real one.
        InvalidInputError: It is empty or no such list.
    """
    return read_list(await _json_bytes(request))


async def bytes_of(request: Request, limit_bytes: int) -> bytes:
    """The body of a request, whatever it is.

    Raises:
        TooLargeError: It is longer than the limit.
    """
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit_bytes:
            raise TooLargeError(f"The request body is larger than {limit_bytes} bytes.")
    return bytes(data)


async def _json_bytes(request: Request) -> bytes:
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type not in _JSON_TYPES:
        raise UnsupportedMediaTypeError(
            f"The content type '{content_type}' is not read here. Send application/json."
        )
    return await bytes_of(request, _LARGEST_BODY)


def checked_id(entity_id: str, noun: str) -> str:
    """An id from a path.

    Raises:
        NotFoundError: It has not the form of an id, so nothing can be found under it.
    """
    if not is_id(entity_id):
        raise NotFoundError(f"There is no {noun} with id '{entity_id}'. Ids are UUIDs; list what there is.")
    return entity_id.lower()


CallDep = Annotated[Call, Depends(call_of)]
BodyDep = Annotated[Body, Depends(body_of)]
ListDep = Annotated[tuple[Body, ...], Depends(list_of)]
