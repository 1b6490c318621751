"""Framing: header lines, an empty line and a body as text; a length, header lines and bytes as binary."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from tympan.domain.errors import InvalidInputError, ServiceError

_LENGTH = struct.Struct(">H")
_MOST_REASON_BYTES = 123
"""What a WebSocket close frame has room for. Source: RFC 6455, section 5.5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMessage:
    """A message as it came.

    Attributes:
        path: What it is about, in lower case.
        request_id: Of the turn, byte for byte as the client wrote it: answers must repeat it so.
        headers: By name in lower case.
        payload: The body.
        is_binary: Whether it came in a binary frame.
    """

    path: str
    request_id: str | None
    headers: Mapping[str, str] = field(default_factory=dict)
    payload: bytes = b""
    is_binary: bool = False

    def document(self) -> Mapping[str, object]:
        """The body as a JSON object; an empty one for no body.

        Raises:
            InvalidInputError: It is none.
        """
        if not self.payload.strip():
            return {}
        try:
            document = json.loads(self.payload)
        except (ValueError, RecursionError) as reason:
            raise InvalidInputError(f"The message {self.path} is not JSON.", target=self.path) from reason
        if not isinstance(document, dict):
            raise InvalidInputError(f"The message {self.path} is not a JSON object.", target=self.path)
        return document


def read_text(text: str) -> ClientMessage:
    r"""Read a text frame.

    Raises:
        InvalidInputError: It has no header ``Path``.

    >>> read_text("Path: speech.context\r\nX-RequestId: AB\r\n\r\n{}").request_id
    'AB'
    """
    head, _, body = text.partition("\r\n\r\n")
    return _message(head, body.encode("utf-8", "surrogatepass"), is_binary=False)


def read_binary(data: bytes) -> ClientMessage:
    """Read a binary frame.

    Raises:
        InvalidInputError: It is too short for its headers, or has no header ``Path``.
    """
    if len(data) < _LENGTH.size:
        raise InvalidInputError("A binary message is shorter than the length of its headers.")
    (length,) = _LENGTH.unpack_from(data)
    end = _LENGTH.size + length
    if end > len(data):
        raise InvalidInputError(
            f"A binary message announces {length} bytes of headers and has {len(data) - _LENGTH.size}."
        )
    try:
        head = data[_LENGTH.size : end].decode("ascii")
    except UnicodeDecodeError as reason:
        raise InvalidInputError("The headers of a binary message are not ASCII.") from reason
    return _message(head, data[end:], is_binary=True)


def write_text(path: str, request_id: str | None, document: Mapping[str, object]) -> str:
    r"""A text frame of the server.

    >>> write_text("turn.end", "AB", {})
    'X-RequestId:AB\r\nPath:turn.end\r\nContent-Type:application/json; charset=utf-8\r\n\r\n{}'
    """
    head = f"X-RequestId:{request_id}\r\nPath:{path}\r\nContent-Type:application/json; charset=utf-8"
    # Escapes keep line ends out of the body, which one client would split the frame at.
    return f"{head}\r\n\r\n{json.dumps(document, ensure_ascii=False)}"


def close_reason(error: ServiceError) -> str:
    """An error's sentence, cut where a close frame has no more room, between characters."""
    return error.message.encode(errors="replace")[:_MOST_REASON_BYTES].decode(errors="ignore")


def _message(head: str, payload: bytes, *, is_binary: bool) -> ClientMessage:
    headers: dict[str, str] = {}
    for line in head.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    path = headers.get("path", "").lower()
    if not path:
        raise InvalidInputError("The message has no header Path.", target="Path")
    return ClientMessage(
        path=path,
        request_id=headers.get("x-requestid") or None,
        headers=headers,
        payload=payload,
        is_binary=is_binary,
    )
