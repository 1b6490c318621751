"""Reading JSON objects whose member names differ in case from client to client."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tympan.domain.errors import InvalidInputError
from tympan.wire.values import is_storable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Loose:
    """An object, or a part of one; what is not there counts as absent, and so does null.

    Attributes:
        members: By name in lower case.
        path: Where the part stands, for messages.
    """

    members: Mapping[str, object] = field(default_factory=dict)
    path: str = "speech.context"

    @classmethod
    def of(cls, document: object, path: str = "speech.context") -> Loose:
        """An object as decoded.

        Raises:
            InvalidInputError: It is no object.
        """
        if document is None:
            return cls(path=path)
        if not isinstance(document, Mapping):
            raise InvalidInputError(f"{path} must be an object.", target=path)
        return cls({str(name).lower(): value for name, value in document.items()}, path)

    def part(self, name: str) -> Loose:
        """An object within; an empty one when absent."""
        return Loose.of(self.members.get(name.lower()), f"{self.path}.{name}")

    def has(self, name: str) -> bool:
        """Whether the member is there."""
        return self.members.get(name.lower()) is not None

    def text(self, name: str) -> str | None:
        """A string."""
        value = self.members.get(name.lower())
        if value is not None and not isinstance(value, str):
            raise self._wrong(name, "a string")
        if value is not None and not is_storable(value):  # it could be neither kept nor answered
            raise self._wrong(name, "text without U+0000 and lone surrogates")
        return value

    def number(self, name: str) -> float | None:
        """A number, also one that is written as a string."""
        value = self.members.get(name.lower())
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise self._wrong(name, "a number")
        try:
            number = float(value)
        except (ValueError, OverflowError) as reason:  # integers of JSON know no bounds
            raise self._wrong(name, "a number") from reason
        if not math.isfinite(number):
            raise self._wrong(name, "a number")
        return number

    def flag(self, name: str) -> bool | None:
        """True or false, also as a string."""
        value = self.members.get(name.lower())
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def list(self, name: str) -> Sequence[object]:
        """A list; an empty one when absent."""
        value = self.members.get(name.lower())
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._wrong(name, "a list")
        return value

    def _wrong(self, name: str, kind: str) -> InvalidInputError:
        return InvalidInputError(f"{self.path}.{name} must be {kind}.", target=name)
