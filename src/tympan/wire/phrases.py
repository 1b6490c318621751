"""What the writers of results and subtitles read; ``usecases.listening`` has it in this shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tympan.ports.recognizer import RecognizedWord


class Reading(Protocol):
    """One reading of a phrase, in the four forms."""

    @property
    def confidence(self) -> float:
        """0 to 1."""
        ...

    @property
    def lexical(self) -> str:
        """As it is spoken."""
        ...

    @property
    def itn(self) -> str:
        """With numbers and the like as they are written."""
        ...

    @property
    def masked_itn(self) -> str:
        """The same with profane words masked."""
        ...

    @property
    def display(self) -> str:
        """With capitals and punctuation."""
        ...

    @property
    def words(self) -> Sequence[RecognizedWord]:
        """Of the lexical form; times are counts of 16 kHz samples."""
        ...

    @property
    def display_words(self) -> Sequence[RecognizedWord]:
        """Of the display form."""
        ...


class SpokenPhrase(Protocol):
    """A stretch of speech; times are counts of 16 kHz samples from the start of the recording."""

    @property
    def channel(self) -> int:
        """From 0."""
        ...

    @property
    def start(self) -> int:
        """Its first sample."""
        ...

    @property
    def end(self) -> int:
        """One behind its last sample."""
        ...

    @property
    def locale(self) -> str:
        """The language it is in."""
        ...

    @property
    def speaker(self) -> int | None:
        """From 1; None where nobody asked."""
        ...

    @property
    def matched(self) -> Sequence[str]:
        """Favoured phrases that it holds."""
        ...

    @property
    def candidates(self) -> Sequence[Reading]:
        """Best first, at least one."""
        ...
