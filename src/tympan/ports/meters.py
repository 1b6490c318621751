"""Counting and timing what the gateway does, for those who watch it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

BASE = "base"
"""Stands in for the endpoint's id where a model answers without one."""
UNKNOWN = "none"
"""Stands in for it where nobody knows which endpoint was meant, or there is none of that id."""


class SpeechApi(StrEnum):
    """What a recording came by, other than a stream."""

    SHORT_AUDIO = "short_audio"
    FAST = "fast"
    OPENAI = "openai"


class Refusal(StrEnum):
    """Why a stream or a request was turned away."""

    KEY = "key"
    NO_ROOM = "no_room"
    QUOTA = "quota"
    STOPPING = "stopping"
    UNAVAILABLE = "unavailable"
    INVALID = "invalid"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A figure read at the moment of asking.

    Attributes:
        name: In the words of Prometheus, without the product's prefix.
        help: One sentence.
        labels: Names and values.
        value: The figure.
        is_total: It only grows while what counts it lives.
    """

    name: str
    help: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()
    is_total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposition:
    """All figures in a form that a monitor reads."""

    body: bytes
    content_type: str


class Meters(Protocol):
    """Counts and times. Thread-safe, quick, and never fails a caller.

    ``endpoint`` is the id of an endpoint that exists, ``BASE`` or, of what was refused, ``UNKNOWN``:
    what clients send is never a label. No text and no audio comes here.
    """

    def connection(self, change: int) -> None:
        """A connection of the speech protocol has opened (1) or closed (-1)."""
        ...

    def stream(self, endpoint: str, change: int) -> None:
        """A turn has begun (1) or ended (-1)."""
        ...

    def first_partial(self, endpoint: str, seconds: float) -> None:
        """Seconds from the arrival of the first sample of speech to the first partial about it."""
        ...

    def final(self, endpoint: str, seconds: float) -> None:
        """Seconds from the arrival of the last sample of speech to the phrase.

        The silence that ends a phrase is part of it.
        """
        ...

    def heard(self, endpoint: str, *, audio_s: float, cpu_s: float) -> None:
        """Seconds of audio that were recognised, and the CPU seconds it took."""
        ...

    def refused(self, reason: Refusal) -> None:
        """A stream was turned away, or a turn was ended by an error."""
        ...

    def recognized(self, api: SpeechApi, endpoint: str, *, audio_s: float, seconds: float) -> None:
        """A recording was recognised while its client waited.

        Args:
            api: What it came by.
            endpoint: As above.
            audio_s: Its length.
            seconds: From the arrival of all of it to its text.
        """
        ...

    def recognition_refused(self, api: SpeechApi, endpoint: str, reason: Refusal) -> None:
        """Such a request was turned away, or ended by an error."""
        ...

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """A request over HTTP was answered.

        Args:
            route: The template of its path, never the path.
            method: Such as ``GET``.
            status: Of HTTP.
            seconds: From its first byte to the answer's last.
        """
        ...

    def exposition(self, readings: Sequence[Reading], accept: str) -> Exposition:
        """Everything counted so far, with some figures of now.

        Args:
            readings: The figures of now.
            accept: The monitor's ``Accept`` header.
        """
        ...
