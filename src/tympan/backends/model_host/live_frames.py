"""What model host and client send each other about a stream.

Over a WebSocket at ``/live``. The client sends one text message, a ``LiveHeader``; then binary
messages of float32 samples, little-endian; an empty one is the end. The host answers the header
with ``{}`` or the document of an error, and then sends events as they happen.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from tympan.backends.model_host.frames import error_document, error_from
from tympan.domain.errors import InvalidInputError
from tympan.domain.model import Bundle
from tympan.ports.live_recognition import (
    Ended,
    Final,
    Listened,
    LiveEvent,
    LiveOptions,
    Partial,
    SpeechBegan,
)

_SAMPLE = np.dtype("<f4")
LONGEST_MESSAGE = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveHeader:
    """What a stream begins with."""

    bundle: Bundle
    options: LiveOptions


HEADER = TypeAdapter(LiveHeader)
_EVENTS: dict[str, TypeAdapter[Any]] = {
    kind.__name__: TypeAdapter(kind) for kind in (SpeechBegan, Partial, Final, Listened)
}


def event_text(event: LiveEvent) -> str:
    """An event as it is sent."""
    if isinstance(event, Ended):
        error = None if event.error is None else error_document(event.error)
        return json.dumps({"Ended": {"samples": event.samples, "error": error}})
    return json.dumps({type(event).__name__: asdict(event)})


def event_from(text: str) -> LiveEvent:
    """Read what ``event_text`` wrote."""
    [(kind, members)] = json.loads(text).items()
    if kind == "Ended":
        error = members["error"]
        return Ended(samples=members["samples"], error=None if error is None else error_from(error))
    event: LiveEvent = _EVENTS[kind].validate_python(members)
    return event


def sample_bytes(samples: NDArray[np.float32]) -> bytes:
    """Samples as they are sent."""
    return np.ascontiguousarray(samples, _SAMPLE).tobytes()


def samples_of(data: bytes) -> NDArray[np.float32]:
    """Read what ``sample_bytes`` wrote.

    Raises:
        InvalidInputError: These are no whole samples.
    """
    if len(data) % _SAMPLE.itemsize:
        raise InvalidInputError(f"{len(data)} bytes are no whole number of samples.")
    return np.frombuffer(data, _SAMPLE)
