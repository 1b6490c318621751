"""Reading request bodies: typed access to the members of a JSON object.

Unknown and read-only members are ignored; a null member counts as absent.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from tympan.domain.errors import InvalidInputError
from tympan.wire.addresses import reference_id
from tympan.wire.values import choice, is_storable

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON object, or a part of one.

    Attributes:
        members: As decoded.
        path: Where the part stands, such as ``properties.``, for messages.
    """

    members: Mapping[str, object] = field(default_factory=dict)
    path: str = ""

    def __contains__(self, name: str) -> bool:
        return self.members.get(name) is not None

    def names(self, name: str) -> bool:
        """Whether the member is there at all, be it null: an update then clears it."""
        return name in self.members

    def text(self, name: str) -> str | None:
        """An optional string."""
        value = self.members.get(name)
        if value is not None and not isinstance(value, str):
            raise self._wrong(name, "a string")
        if value is not None and not is_storable(value):
            raise self._wrong(name, "text without the character U+0000 and without lone surrogates")
        return value

    def required(self, name: str) -> str:
        """A string that must be there.

        Raises:
            InvalidInputError: It is absent or null.
        """
        value = self.text(name)
        if value is None:
            raise InvalidInputError(f"{self.path}{name} is required.", target=self.path + name)
        return value

    def flag(self, name: str) -> bool | None:
        """An optional boolean."""
        value = self.members.get(name)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def whole(self, name: str, *, low: int, high: int) -> int | None:
        """An optional whole number within bounds."""
        value = self.members.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._wrong(name, f"a whole number from {low} to {high}")
        return value

    def number(self, name: str) -> float | None:
        """An optional finite number."""
        value = self.members.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self._wrong(name, "a number")
        return float(value)

    def part(self, name: str) -> Body:
        """An inner object; absent is empty."""
        value = self.members.get(name)
        if value is None:
            return Body({}, f"{self.path}{name}.")
        if not isinstance(value, dict):
            raise self._wrong(name, "an object")
        return Body(value, f"{self.path}{name}.")

    def choice(self, name: str, kind: type[E]) -> E | None:
        """An optional member of an enumeration, in any case."""
        value = self.text(name)
        return None if value is None else choice(kind, value, self.path + name)

    def reference(self, name: str, collection: str) -> str | None:
        """The id that an optional reference names."""
        value = self.members.get(name)
        return None if value is None else reference_id(value, self.path + name, collection)

    def references(self, name: str, collection: str) -> tuple[str, ...]:
        """The ids that a list of references names; absent is empty."""
        value = self.members.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self._wrong(name, "a list of references")
        return tuple(
            reference_id(item, f"{self.path}{name}[{i}]", collection) for i, item in enumerate(value)
        )

    def texts(self, name: str) -> tuple[str, ...] | None:
        """An optional list of strings."""
        value = self.members.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(name, "a list of strings")
        return tuple(value)

    def properties(self) -> dict[str, str]:
        """``customProperties``: an object of strings; absent is empty."""
        merged = self.merged_properties({})
        return {} if merged is None else merged

    def merged_properties(self, current: Mapping[str, str]) -> dict[str, str] | None:
        """``customProperties`` after a merge patch: null removes a key; None when not named."""
        name = "customProperties"
        if name not in self.members:
            return None
        merged: dict[str, str] = dict(current)
        given = self.part(name)
        if self.members[name] is None:
            return {}
        for key in given.members:
            if not is_storable(key):
                raise self._wrong(name, "an object whose keys hold no character U+0000")
            value = given.text(key)
            if value is None:
                merged.pop(key, None)
            else:
                merged[key] = value
        return merged

    def _wrong(self, name: str, wanted: str) -> InvalidInputError:
        return InvalidInputError(f"{self.path}{name} must be {wanted}.", target=self.path + name)


def read_body(data: bytes) -> Body:
    """Decode a request body.

    Raises:
        InvalidInputError: It is empty (``EmptyRequest``) or no JSON object
            (``InvalidRequestBodyFormat``).
    """
    value = _decoded(data, "a JSON object")
    if not isinstance(value, dict):
        raise InvalidInputError("The request body must be a JSON object.", code="InvalidRequestBodyFormat")
    return Body(value)


def read_list(data: bytes) -> tuple[Body, ...]:
    """Decode a request body that is a list of objects.

    Raises:
        InvalidInputError: It is empty (``EmptyRequest``) or no such list
            (``InvalidRequestBodyFormat``).
    """
    value = _decoded(data, "a JSON list")
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise InvalidInputError(
            "The request body must be a JSON list of objects.", code="InvalidRequestBodyFormat"
        )
    return tuple(Body(item, f"[{place}].") for place, item in enumerate(value))


def _decoded(data: bytes, wanted: str) -> object:
    if not data.strip():
        raise InvalidInputError(f"The request body is empty. Send {wanted}.", code="EmptyRequest")
    try:
        value: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(
            f"The request body is not valid JSON: {error}.", code="InvalidRequestBodyFormat"
        ) from error
    return value


def refuse_fixed(body: Body, current: Mapping[str, object], fixed: tuple[str, ...]) -> None:
    """Refuse an update that would change a member that never changes.

    Sending the present value back is harmless, since clients often send a whole entity.

    Raises:
        InvalidInputError: It asks for another value (code ``UnsupportedDelta``).
    """
    for name in fixed:
        if name in body and _comparable(body.members[name]) != _comparable(current.get(name)):
            raise InvalidInputError(
                f"{name} cannot be changed once the entity exists. Create a new one instead.",
                code="UnsupportedDelta",
                target=name,
            )


def _comparable(value: object) -> object:
    if isinstance(value, dict) and isinstance(value.get("self"), str):
        return value["self"].split("?")[0].rstrip("/").rsplit("/", 1)[-1].lower()
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return value.lower() if isinstance(value, str) else value
