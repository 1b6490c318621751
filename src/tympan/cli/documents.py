"""Answers of the server, read member by member."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON object; absent members read as empty, so that older servers can be talked to."""

    value: object

    def _member(self, name: str) -> object:
        value: object = self.value
        for part in name.split("/"):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def find(self, name: str) -> str | None:
        """A text, or None; inner members are named like ``properties/error/message``."""
        value = self._member(name)
        return value if isinstance(value, str) else None

    def text(self, name: str) -> str:
        """A text; empty when absent."""
        return self.find(name) or ""

    def number(self, name: str) -> float | None:
        """A number, or None."""
        value = self._member(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def count(self, name: str) -> int:
        """A whole number; 0 when absent."""
        return int(self.number(name) or 0)

    def flag(self, name: str) -> bool:
        """Whether a member is true."""
        return self._member(name) is True

    def part(self, name: str) -> Answer:
        """An inner object."""
        return Answer(self._member(name))

    def parts(self, name: str) -> Iterator[Answer]:
        """The objects of a list."""
        value = self._member(name)
        return (Answer(item) for item in value) if isinstance(value, list) else iter(())

    def texts(self, name: str) -> list[str]:
        """The texts of a list."""
        value = self._member(name)
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

    def all_members(self) -> dict[str, object]:
        """All members of the object itself."""
        return dict(self.value) if isinstance(self.value, dict) else {}

    def members(self, name: str) -> dict[str, object]:
        """All members of an inner object."""
        value = self._member(name)
        return dict(value) if isinstance(value, dict) else {}

    @property
    def id(self) -> str:
        """The id at the end of ``self``."""
        return self.text("self").rsplit("/", 1)[-1]

    @property
    def name(self) -> str:
        """The display name."""
        return self.text("displayName")

    @property
    def status(self) -> str:
        """The status."""
        return self.text("status")
