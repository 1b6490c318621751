"""Records of one type as JSON lines, in blobs and in temporary files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


class Lines(Generic[T]):
    """Writes and reads dataclasses, one a line.

    Args:
        record_type: The dataclass.
    """

    def __init__(self, record_type: type[T]) -> None:
        self._adapter: TypeAdapter[T] = TypeAdapter(record_type)

    def line(self, record: T) -> bytes:
        """A record as it is kept, with its line end."""
        return self._adapter.dump_json(record) + b"\n"

    def record(self, line: bytes) -> T:
        """What ``line`` wrote."""
        return self._adapter.validate_json(line)

    def read(self, lines: Iterable[bytes]) -> Iterator[T]:
        """The records of an open file, in order."""
        return (self._adapter.validate_json(line) for line in lines)
