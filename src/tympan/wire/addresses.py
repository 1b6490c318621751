"""Where resources are found, written for the host the client used; and how references are read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from tympan.domain.errors import InvalidInputError
from tympan.wire.values import Document
from tympan.wire.versions import OURS_SPEAKS, ApiVersion

MANAGEMENT = OURS_SPEAKS.path
"""Path of the published management API, as our own client uses it."""
OURS = "/api/v1"
"""Path of what the published API has no words for."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """URLs for one answer.

    Attributes:
        base_url: Scheme and host the client used, such as ``http://127.0.0.1:8080``.
        base_model_ids: Ids of base models, since a model reference alone does not tell
            a base model from a custom one.
        version: The version of the published API that the answer is written in.
    """

    base_url: str
    base_model_ids: frozenset[str] = frozenset()
    version: ApiVersion = OURS_SPEAKS

    def management(self, *segments: str) -> str:
        """URL of a published resource: ``management("datasets", id, "files")``."""
        path = "/".join([self.version.path, *(quote(segment, safe=":") for segment in segments)])
        return f"{self.base_url}{path}{self.version.query}"

    def ours(self, *segments: str) -> str:
        """URL of one of our own resources: ``ours("jobs", id)``."""
        return self.base_url + "/".join([OURS, *(quote(segment, safe="") for segment in segments)])

    def model(self, model_id: str) -> str:
        """URL of a base or custom model."""
        if model_id in self.base_model_ids:
            return self.management("models", "base", model_id)
        return self.management("models", model_id)

    def recognition(self, mode: str, endpoint_id: str) -> str:
        """URL of short-audio recognition with an endpoint."""
        return f"{self.base_url}/speech/recognition/{mode}/cognitiveservices/v1?cid={endpoint_id}"

    def live(self, endpoint_id: str, mode: str | None = None) -> str:
        """URL at which the Speech SDKs reach an endpoint; without a mode the universal one."""
        way = f"speech/recognition/{mode}/cognitiveservices/v1" if mode else "stt/speech/universal/v2"
        return f"ws{self.base_url.removeprefix('http')}/{way}?cid={endpoint_id}"


def reference(url: str) -> Document:
    """A reference as it is written."""
    return {"self": url}


def optional_reference(collection: str, entity_id: str | None, addresses: Addresses) -> Document | None:
    """A reference, or None, which leaves the member out."""
    return None if entity_id is None else reference(addresses.management(collection, entity_id))


def is_id(text: str) -> bool:
    """Whether the text has the form of an id, in any case."""
    return _UUID.fullmatch(text) is not None


def reference_id(value: object, field: str, collection: str) -> str:
    """The id that a reference names.

    Any host, any API version and any query are accepted, and a bare id too: what counts
    is the end of the path, ``.../<collection>/<id>`` or ``.../models/base/<id>``.

    Raises:
        InvalidInputError: It does not have that form.
    """
    text = value.get("self") if isinstance(value, dict) else value
    segments = (
        [unquote(part) for part in urlsplit(text).path.split("/") if part] if isinstance(text, str) else []
    )
    wanted = [[], [collection]] if collection != "models" else [[], ["models"], ["models", "base"]]
    if segments and is_id(segments[-1]):
        before = [part.lower() for part in segments[:-1]]
        if any(before[-len(tail) :] == tail if tail else not before for tail in wanted):
            return segments[-1].lower()
    raise unknown_reference(field)


def unknown_reference(field: str) -> InvalidInputError:
    """The published answer to a reference to nothing."""
    return InvalidInputError(
        f"The value of {field}.Self does not reference an entity. "
        f'Give {{"self": "<url of the entity>"}} or its id.',
        target=field,
    )
