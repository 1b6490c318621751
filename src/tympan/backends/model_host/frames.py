"""What model host and client send each other.

What is asked of recordings is a header of JSON followed by raw samples::

    4 bytes   length of the header in bytes, unsigned, little-endian
    header    JSON: bundle, what is asked, and the number of samples of each recording
    samples   float32, little-endian, one recording after the other

Everything else is JSON alone.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from tympan.domain import errors
from tympan.domain.errors import EngineError, InvalidInputError, ServiceError, UnavailableError
from tympan.domain.model import Bundle
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.recognizer import HostState, LanguageStretch, Recognition, RecognitionOptions
from tympan.ports.speaker_embedder import VoiceTrace
from tympan.ports.tracing import Value, Values
from tympan.speech.segmentation import Span

_PREFIX = struct.Struct("<I")
_SAMPLE = np.dtype("<f4")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizeHeader:
    """The JSON in front of the samples of a request to recognise.

    Attributes:
        lengths: Samples of each recording.
    """

    bundle: Bundle
    options: RecognitionOptions
    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifyHeader:
    """The JSON in front of the samples of a request to identify languages.

    Attributes:
        candidates: BCP-47 tags.
        lengths: Samples of each recording.
    """

    bundle: Bundle
    candidates: tuple[str, ...]
    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceHeader:
    """The JSON in front of the samples of a request for voices.

    Attributes:
        lengths: Samples of each recording.
    """

    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicesHeader:
    """The JSON in front of vectors, which answer such a request.

    Attributes:
        stretches: Of each recording.
        windows: Of each recording.
        lengths: Values of each recording's vectors.
        dimensions: Of a vector.
    """

    stretches: tuple[tuple[Span, ...], ...]
    windows: tuple[tuple[Span, ...], ...]
    lengths: tuple[int, ...]
    dimensions: int


BUNDLE = TypeAdapter(Bundle)
STATE = TypeAdapter(HostState)
RESULTS = TypeAdapter(tuple[Recognition, ...])
STRETCHES = TypeAdapter(tuple[tuple[LanguageStretch, ...], ...])
RECOGNIZE = TypeAdapter(RecognizeHeader)
IDENTIFY = TypeAdapter(IdentifyHeader)
TRACE = TypeAdapter(TraceHeader)
_VOICES = TypeAdapter(VoicesHeader)
_ERRORS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, ServiceError)
}


Header = TypeVar("Header", RecognizeHeader, IdentifyHeader, TraceHeader, VoicesHeader)


def pack(
    kind: TypeAdapter[Header], header: Header, recordings: Sequence[NDArray[np.float32]]
) -> Iterator[bytes]:
    """The body of a request, in pieces."""
    written = kind.dump_json(header)
    yield _PREFIX.pack(len(written)) + written
    for samples in recordings:
        yield np.ascontiguousarray(samples, _SAMPLE).tobytes()


def lengths_of(recordings: Sequence[NDArray[np.float32]]) -> tuple[int, ...]:
    """What a header says of its recordings."""
    return tuple(samples.size for samples in recordings)


def work_values(bundle: Bundle | None, recordings: Sequence[NDArray[np.float32]]) -> Values:
    """What a span says of a piece of work."""
    values: dict[str, Value] = {}
    if bundle is not None:
        values["tympan.model_version"] = bundle.digest[:12]
    if recordings:
        values["tympan.recordings"] = len(recordings)
        values["tympan.audio_s"] = sum(lengths_of(recordings)) / SAMPLE_RATE_HZ
    return values


def unpack(kind: TypeAdapter[Header], body: bytes) -> tuple[Header, list[NDArray[np.float32]]]:
    """Read what ``pack`` wrote; the recordings are read-only views of the body.

    Raises:
        InvalidInputError: The header cannot be read, or the lengths do not add up.
    """
    try:
        (size,) = _PREFIX.unpack_from(body)
        header: Header = kind.validate_json(body[_PREFIX.size : _PREFIX.size + size])
    except (struct.error, ValidationError) as error:
        raise InvalidInputError(f"The request to the model host cannot be read: {error}") from error
    start = _PREFIX.size + size
    wanted = sum(header.lengths) * _SAMPLE.itemsize
    if min(header.lengths, default=0) < 0 or len(body) - start != wanted:
        raise InvalidInputError(
            f"The request announces {wanted} bytes of samples and brings {len(body) - start}."
        )
    samples = np.frombuffer(body, _SAMPLE, offset=start)
    ends = np.cumsum((0, *header.lengths))
    return header, [samples[first:after] for first, after in pairwise(ends)]


def pack_voices(traces: Sequence[VoiceTrace]) -> bytes:
    """The answer to a request for voices."""
    vectors = [trace.vectors.reshape(-1) for trace in traces]
    header = VoicesHeader(
        stretches=tuple(trace.stretches for trace in traces),
        windows=tuple(trace.windows for trace in traces),
        lengths=lengths_of(vectors),
        dimensions=traces[0].vectors.shape[1] if traces else 1,
    )
    return b"".join(pack(_VOICES, header, vectors))


def unpack_voices(body: bytes) -> list[VoiceTrace]:
    """Read what ``pack_voices`` wrote.

    Raises:
        InvalidInputError: It cannot be read.
    """
    header, vectors = unpack(_VOICES, body)
    return [
        VoiceTrace(stretches=stretches, windows=windows, vectors=values.reshape(-1, header.dimensions))
        for stretches, windows, values in zip(header.stretches, header.windows, vectors, strict=True)
    ]


def error_document(error: ServiceError) -> dict[str, Any]:
    """An error as JSON values."""
    document: dict[str, Any] = {
        "error": type(error).__name__,
        "message": error.message,
        "code": error.code,
        "target": error.target,
    }
    if isinstance(error, UnavailableError):
        document["retry_after_s"] = error.retry_after_s
    return document


def error_from(document: Mapping[str, Any]) -> ServiceError:
    """The error that ``error_document`` described; an ``EngineError`` if it is none of ours."""
    kind = _ERRORS.get(str(document.get("error")), EngineError)
    message, code = str(document.get("message")), document.get("code")
    if issubclass(kind, UnavailableError):
        return kind(message, code=code, retry_after_s=int(document.get("retry_after_s", 5)))
    return kind(message, code=code, target=document.get("target"))
