"""Multipart uploads, straight to disk: memory does not grow with the file."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from tympan.domain.errors import InvalidInputError, StorageFullError, TooLargeError
from tympan.rest.errors import UnsupportedMediaTypeError
from tympan.wire.bodies import Body

_LONGEST_TEXTS = 4 * 1024 * 1024
"""All text fields together; as long as the body of other requests may be."""
_MOST_FIELDS = 50
_WRITE_BYTES = 1 << 20
_DISK_FULL = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A form that has arrived.

    Attributes:
        fields: Its text fields; of one that comes several times the last.
        lists: Every value of each text field.
        path: The file, empty when there was none.
        file_name: What the client called that file; None when there was none.
    """

    fields: dict[str, str]
    lists: dict[str, list[str]]
    path: Path
    file_name: str | None

    def body(self) -> Body:
        """The fields as the members a JSON body would have.

        Raises:
            InvalidInputError: ``customProperties`` is no JSON object.
        """
        members: dict[str, object] = {name: value for name, value in self.fields.items() if value != ""}
        for name in ("customProperties", "properties"):
            if name in members:
                try:
                    members[name] = json.loads(self.fields[name])
                except ValueError as error:
                    raise InvalidInputError(
                        f"The field {name} is not valid JSON: {error}.", target=name
                    ) from error
        return Body(members)


@dataclass(slots=True)
class _Form:
    """Collects what the parser finds. File bytes gather in ``pending`` until they are written."""

    limit_bytes: int
    file_field: str
    fields: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    count: int = 0
    file_name: str | None = None
    pending: bytearray = field(default_factory=bytearray)
    file_bytes: int = 0
    text_bytes: int = 0
    is_ended: bool = False
    _headers: dict[bytes, bytes] = field(default_factory=dict)
    _header: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _text: bytearray = field(default_factory=bytearray)
    _name: str = ""

    def parser(self, boundary: bytes) -> MultipartParser:
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._headers.clear,
                "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
        )

    @property
    def _is_file(self) -> bool:
        return self._name == self.file_field

    def _on_header_end(self) -> None:
        self._headers[bytes(self._header).lower()] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if self._is_file:
            if self.file_name is not None:
                raise InvalidInputError(
                    f"The form has more than one field '{self.file_field}'.", target=self.file_field
                )
            name = options.get(b"filename", b"").decode("utf-8", "replace")
            self.file_name = "".join(character for character in name if character.isprintable())

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.pending.extend(data[start:end])
            self.file_bytes += end - start
            if self.file_bytes > self.limit_bytes:
                raise TooLargeError(
                    f"The file is larger than {self.limit_bytes} bytes, the most for this request. Split it.",
                    target=self.file_field,
                )
            return
        self._text.extend(data[start:end])
        self.text_bytes += end - start
        if self.text_bytes > _LONGEST_TEXTS or self.count >= _MOST_FIELDS:
            raise TooLargeError(
                f"The form field '{self._name[:64]}' is too long, or there are too many fields."
            )

    def _on_part_end(self) -> None:
        if not self._is_file:
            value = self._text.decode("utf-8", "replace")
            self.fields[self._name] = value
            self.lists.setdefault(self._name, []).append(value)
            self.count += 1
            self._text.clear()

    def _on_end(self) -> None:
        self.is_ended = True


@asynccontextmanager
async def receive_upload(
    content_type: str,
    chunks: AsyncIterator[bytes],
    *,
    folder: Path,
    limit_bytes: int,
    file_field: str = "data",
    is_file_required: bool = True,
) -> AsyncIterator[Upload]:
    """Write the file of a form to disk while it arrives; it is removed when the block ends.

    Args:
        content_type: ``multipart/form-data`` with its boundary.
        chunks: The request body.
        folder: Where the file lies for now.
        limit_bytes: Largest file.
        file_field: The field that is a file.
        is_file_required: Whether a form without it is an error.

    Raises:
        UnsupportedMediaTypeError: It is no multipart form.
        InvalidInputError: The form is malformed, cut short, or lacks the file.
        TooLargeError: The file or a field is too large.
        StorageFullError: No room is left on the device.
    """
    kind, options = parse_options_header(content_type.encode("latin-1", "replace"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise UnsupportedMediaTypeError(
            f"Send the request as multipart/form-data with the file in the field '{file_field}'."
        )
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix="upload-") as file:
        form = _Form(limit_bytes, file_field)
        await _receive(form, form.parser(boundary), chunks, cast("BinaryIO", file))
        if form.file_name is None and is_file_required:
            raise InvalidInputError(f"The form has no field '{file_field}' with the file.", target=file_field)
        yield Upload(fields=form.fields, lists=form.lists, path=Path(file.name), file_name=form.file_name)


async def _receive(
    form: _Form, parser: MultipartParser, chunks: AsyncIterator[bytes], file: BinaryIO
) -> None:
    try:
        async for chunk in chunks:
            parser.write(chunk)
            if len(form.pending) >= _WRITE_BYTES:
                await _flush(form, file)
        parser.finalize()
        await _flush(form, file)
        await asyncio.to_thread(file.flush)
    except FormParserError as error:
        raise InvalidInputError(
            f"The multipart form is malformed: {error}.", code="InvalidRequestBodyFormat"
        ) from error
    except OSError as error:
        if error.errno != _DISK_FULL:
            raise
        raise StorageFullError(
            "No room is left on the device that holds the data folder. Free some space and upload again."
        ) from error
    if not form.is_ended:
        raise InvalidInputError(
            "The multipart form ends before its closing boundary. Upload it again.",
            code="InvalidRequestBodyFormat",
        )


async def _flush(form: _Form, file: BinaryIO) -> None:
    data, form.pending = form.pending, bytearray()
    await asyncio.to_thread(file.write, data)
