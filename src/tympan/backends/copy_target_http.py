"""The target of a copy: another server over HTTP, or this one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NoReturn

from pydantic import TypeAdapter

from tympan.domain.errors import (
    FetchError,
    ForbiddenError,
    InvalidInputError,
    ServiceError,
    TooLargeError,
    UnavailableError,
)
from tympan.domain.model_copy import CopyOffer
from tympan.ports.fetcher import Fetcher, Reply

_ROUTE = "/api/v1/model-copies"
_OFFER = TypeAdapter(CopyOffer)
_ERRORS: Mapping[int, type[ServiceError]] = {
    400: InvalidInputError,
    401: ForbiddenError,
    403: ForbiddenError,
    413: TooLargeError,
    415: InvalidInputError,
}
# A conflict is over once the target is asked again how far it is.
_TRANSIENT = (408, 409, 425, 429)


class HttpCopyTarget:
    """Another Tympan server.

    Args:
        fetcher: Reaches it.
        url: Its base URL.
        authorization: What opens it; sent in a header, never in a URL.
    """

    def __init__(self, fetcher: Fetcher, url: str, authorization: str) -> None:
        self._fetcher = fetcher
        self._url = url
        self._authorization = authorization

    def offer(self, offer: CopyOffer) -> Mapping[str, int]:
        """Say what will be copied."""
        answer = self._call("offer", _OFFER.dump_json(offer), "application/json")
        received = answer.get("received")
        if not isinstance(received, dict) or not all(isinstance(one, int) for one in received.values()):
            raise self._strange()
        return received

    def send(self, sha256: str, start: int, chunk: bytes) -> int:
        """Send a piece of a file."""
        query = f"send?sha256={sha256}&start={start}"
        place = self._call(query, chunk, "application/octet-stream").get("received")
        if not isinstance(place, int) or place <= start:
            raise self._strange()
        return place

    def publish(self) -> str:
        """Make the model."""
        model = self._call("publish", b"{}", "application/json").get("model")
        if not isinstance(model, str):
            raise self._strange()
        return model

    def _call(self, action: str, body: bytes, content_type: str) -> Mapping[str, object]:
        headers = {"Authorization": f"Bearer {self._authorization}", "Content-Type": content_type}
        try:
            reply = self._fetcher.send(f"{self._url}{_ROUTE}:{action}", body, headers)
        except FetchError as error:
            if error.is_transient:
                raise UnavailableError(error.message) from error
            raise
        document = _loaded(reply)
        if reply.status >= 400:  # noqa: PLR2004  HTTP errors begin there
            self._refused(reply.status, document)
        if document is None:
            raise self._strange()
        return document

    def _refused(self, status: int, document: Mapping[str, object] | None) -> NoReturn:
        said = document.get("message") if document else None
        message = f"The target {self._url} says: {said if isinstance(said, str) else f'HTTP status {status}'}"
        if status in _TRANSIENT or status >= 500:  # noqa: PLR2004  the server's own errors begin there
            raise UnavailableError(message)
        inner = document.get("innerError") if document else None
        code = inner.get("code") if isinstance(inner, dict) else None
        kind = _ERRORS.get(status)
        if kind is None:
            raise self._strange()
        raise kind(message, code=code if isinstance(code, str) else None)

    def _strange(self) -> InvalidInputError:
        return InvalidInputError(
            f"The target {self._url} does not answer like a Tympan server that takes models in. "
            "Check targetResourceEndpoint, and that the target is not older than this server.",
            target="targetResourceEndpoint",
        )


def _loaded(reply: Reply) -> Mapping[str, object] | None:
    try:
        document = json.loads(reply.body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
