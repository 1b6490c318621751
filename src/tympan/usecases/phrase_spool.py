"""The phrases of a recording between hearing and writing: on disk, so that no length fills memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from tympan.usecases.lines import Lines
from tympan.usecases.listening import HeardPhrase
from tympan.usecases.spool import Spool, room

_PHRASES = Lines(HeardPhrase)


class PhraseSpool:
    """Phrases that are written once, and then read as often as there are forms to write."""

    def __init__(self) -> None:
        self._spool = Spool()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._spool.close()

    def add(self, phrase: HeardPhrase) -> None:
        """Append a phrase.

        Raises:
            StorageFullError: The disk for temporary files is full.
        """
        self._spool.write(_PHRASES.line(phrase))

    def phrases(self) -> Iterator[HeardPhrase]:
        """All phrases, from the start; one reader at a time."""
        with room():
            self._spool.file.seek(0)
            yield from _PHRASES.read(self._spool.file)
