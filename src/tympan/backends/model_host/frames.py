"""What model host and client send each other.

A request to recognise is a header of JSON followed by raw samples::

    4 bytes   length of the header in bytes, unsigned, little-endian
    header    JSON: bundle, options, and the number of samples of each recording
    samples   float32, little-endian, one recording after the other

Everything else is JSON alone.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from tympan.domain import errors
from tympan.domain.errors import EngineError, InvalidInputError, ServiceError, UnavailableError
from tympan.domain.model import Bundle
from tympan.ports.recognizer import HostState, Recognition, RecognitionOptions

_PREFIX = struct.Struct("<I")
_SAMPLE = np.dtype("<f4")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizeHeader:
    """The JSON in front of the samples.

    Attributes:
        lengths: Samples of each recording.
    """

    bundle: Bundle
    options: RecognitionOptions
    lengths: tuple[int, ...]


BUNDLE = TypeAdapter(Bundle)
STATE = TypeAdapter(HostState)
RESULTS = TypeAdapter(tuple[Recognition, ...])
_HEADER = TypeAdapter(RecognizeHeader)
_ERRORS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, ServiceError)
}


def pack(
    bundle: Bundle, recordings: Sequence[NDArray[np.float32]], options: RecognitionOptions
) -> Iterator[bytes]:
    """The body of a request to recognise, in pieces."""
    lengths = tuple(samples.size for samples in recordings)
    header = _HEADER.dump_json(RecognizeHeader(bundle=bundle, options=options, lengths=lengths))
    yield _PREFIX.pack(len(header)) + header
    for samples in recordings:
        yield np.ascontiguousarray(samples, _SAMPLE).tobytes()


def unpack(body: bytes) -> tuple[RecognizeHeader, list[NDArray[np.float32]]]:
    """Read what ``pack`` wrote; the recordings are read-only views of the body.

    Raises:
        InvalidInputError: The header cannot be read, or the lengths do not add up.
    """
    try:
        (size,) = _PREFIX.unpack_from(body)
        header = _HEADER.validate_json(body[_PREFIX.size : _PREFIX.size + size])
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
