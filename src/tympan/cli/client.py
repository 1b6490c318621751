"""The REST API as the command line uses it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote, urlsplit

import httpx

from tympan.cli.documents import Answer
from tympan.cli.errors import error_from_answer
from tympan.domain.errors import InvalidInputError, UnavailableError
from tympan.wire.addresses import MANAGEMENT, OURS

_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_PATIENT = httpx.Timeout(600.0, connect=5.0)
_CHUNK_BYTES = 256 * 1024
_TOO_MANY = 429
_PATIENCE_S = 60.0


class Client:
    """Calls one server.

    Args:
        url: Scheme and host.
        key: One of its keys.
    """

    def __init__(self, url: str, key: str) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=self.url, headers={"Ocp-Apim-Subscription-Key": key}, timeout=_TIMEOUT, trust_env=False
        )

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def get(self, path: str, **query: str | int) -> Answer:
        """Read a document."""
        return Answer(self._json(self._send("GET", path, params=query)))

    def post(
        self, path: str, body: Mapping[str, object] | Sequence[Mapping[str, object]] | None = None
    ) -> Answer:
        """Create something, or ask for an action."""
        return Answer(self._json(self._send("POST", path, json=body)))

    def put(self, path: str, data: bytes, **query: str) -> None:
        """Send a few bytes to a place."""
        headers = {"Content-Type": "application/octet-stream"}
        self._send("PUT", path, params=query, content=lambda: iter([data]), headers=headers, timeout=_PATIENT)

    def post_bytes(self, path: str, data: bytes, *, bearer: str, content_type: str, **query: str) -> Answer:
        """Send bytes to a route that an authorization opens."""
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": content_type}
        answer = self._send(
            "POST", path, params=query, content=lambda: iter([data]), headers=headers, timeout=_PATIENT
        )
        return Answer(self._json(answer))

    def patch(self, path: str, body: Mapping[str, object]) -> Answer:
        """Change something."""
        return Answer(self._json(self._send("PATCH", path, json=dict(body))))

    def delete(self, path: str, **query: str) -> Answer:
        """Delete something; what the server says of it, if anything."""
        return Answer(self._json(self._send("DELETE", path, params=query)))

    def pages(self, path: str, **query: str) -> Iterator[Answer]:
        """Every entity of a list, page by page."""
        page = self.get(path, **query)
        yield from page.parts("values")
        while (link := page.find("@nextLink")) is not None:
            parts = urlsplit(link)
            page = self.get(f"{parts.path}?{parts.query}")
            yield from page.parts("values")

    def upload(
        self, path: str, fields: Mapping[str, str], file: Path, on_sent: Callable[[int], None]
    ) -> Answer:
        """Send a form with a file in the field ``data``; see ``send_form``."""
        return Answer(self._json(self.send_form(path, fields, file, on_sent, file_field="data")))

    def send_form(
        self,
        path: str,
        fields: Mapping[str, str],
        file: Path,
        on_sent: Callable[[int], None],
        *,
        file_field: str,
    ) -> httpx.Response:
        """Send a form with a file, read as it is sent.

        Args:
            path: Route.
            fields: Text fields.
            file: What goes into the file's field.
            on_sent: Told the number of bytes of each piece sent.
            file_field: Name of that field.
        """
        boundary = token_hex(16)
        head = b"".join(_field(boundary, name, value) for name, value in fields.items())
        disposition = f'form-data; name="{file_field}"; filename="{_quoted(file.name)}"'
        head += f"--{boundary}\r\nContent-Disposition: {disposition}\r\n".encode()
        head += b"Content-Type: application/octet-stream\r\n\r\n"
        tail = f"\r\n--{boundary}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(head) + file.stat().st_size + len(tail)),
        }

        def pieces() -> Iterator[bytes]:
            yield head
            yield from _chunks(file, on_sent)
            yield tail

        return self._send("POST", path, content=pieces, headers=headers, timeout=_PATIENT)

    def recognize(
        self, url: str, file: Path, content_type: str, query: Mapping[str, str | Sequence[str]]
    ) -> Answer:
        """Send a recording to an endpoint."""
        headers = {"Content-Type": content_type}

        def pieces() -> Iterator[bytes]:
            return _chunks(file, lambda _: None)

        answer = self._send("POST", url, params=query, content=pieces, headers=headers, timeout=_PATIENT)
        return Answer(self._json(answer))

    def content(self, path: str) -> bytes:
        """The bytes of a file, such as a report."""
        return self._send("GET", path).content

    def download(self, path: str, file: Path) -> int:
        """Write what a route sends into a file as it comes; the size in bytes.

        The file appears whole or not at all.
        """
        part = file.with_name(f"{file.name}.part")
        try:
            with self._http.stream("GET", path, timeout=_PATIENT) as answer:
                if answer.is_error:
                    answer.read()
                    raise error_from_answer(answer.status_code, _loaded(answer))
                with part.open("wb") as out:
                    for chunk in answer.iter_bytes():
                        out.write(chunk)
        except httpx.HTTPError as error:
            raise UnavailableError(f"The server at {self.url} broke off: {error}. Try again.") from error
        size = part.stat().st_size
        part.replace(file)
        return size

    def linked(self, url: str) -> bytes:
        """The bytes behind a signed URL; whoever else serves them does not see the key."""
        parts = urlsplit(url)
        if parts.path.startswith(f"{OURS}/content/"):
            return self.content(f"{parts.path}?{parts.query}")
        try:
            answer = httpx.get(url, timeout=_PATIENT, trust_env=False)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnavailableError(f"The storage of the server cannot be reached: {error}.") from error
        if answer.is_error:
            raise UnavailableError(f"The storage of the server answered with status {answer.status_code}.")
        return answer.content

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        json: object = None,
        content: Callable[[], Iterator[bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout = _TIMEOUT,
    ) -> httpx.Response:
        """Send a request; one that came too fast again, when the server says so, for a minute."""
        until = time.monotonic() + _PATIENCE_S
        while True:
            answer = self._sent(
                method, path, params=params, json=json, content=content, headers=headers, timeout=timeout
            )
            pause_s = _pause_s(answer)
            if pause_s is None or time.monotonic() + pause_s > until:
                break
            time.sleep(pause_s)
        if answer.is_error:
            raise error_from_answer(answer.status_code, _loaded(answer))
        return answer

    def _sent(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int | Sequence[str]] | None,
        json: object,
        content: Callable[[], Iterator[bytes]] | None,
        headers: Mapping[str, str] | None,
        timeout: httpx.Timeout,
    ) -> httpx.Response:
        try:
            return self._http.request(
                method,
                path,
                params=dict(params) if params else None,
                json=json,
                content=content() if content is not None else None,
                headers=dict(headers) if headers else None,
                timeout=timeout,
            )
        except httpx.TimeoutException as error:
            raise UnavailableError(
                f"The server at {self.url} did not answer in time. `tympan doctor` tells what is wrong."
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnavailableError(
                f"The server at {self.url} cannot be reached ({error}). Start it with `tympan serve`, "
                "or name another with --server."
            ) from error

    def _json(self, answer: httpx.Response) -> object:
        document = _loaded(answer)
        if document is None and answer.content:
            raise UnavailableError(f"{self.url} does not speak like a Tympan server. Check --server.")
        return document if document is not None else {}


def management(*segments: str) -> str:
    """Path of a published resource."""
    return "/".join([MANAGEMENT, *(quote(segment, safe=":") for segment in segments)])


def ours(*segments: str) -> str:
    """Path of one of our own resources."""
    return "/".join([OURS, *(quote(segment, safe=":") for segment in segments)])


def _pause_s(answer: httpx.Response) -> float | None:
    """How long to wait before the same request again; None when there is no point."""
    if answer.status_code != _TOO_MANY:
        return None
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None


def _loaded(answer: httpx.Response) -> object:
    try:
        return json.loads(answer.content) if answer.content else None
    except ValueError:
        return None


def _chunks(file: Path, on_sent: Callable[[int], None]) -> Iterator[bytes]:
    with file.open("rb") as source:
        while chunk := source.read(_CHUNK_BYTES):
            yield chunk
            on_sent(len(chunk))


def _field(boundary: str, name: str, value: str) -> bytes:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def _quoted(name: str) -> str:
    return name.replace("\\", "_").replace('"', "%22").replace("\r", " ").replace("\n", " ")


def existing_file(file: Path) -> Path:
    """A file that is there.

    Raises:
        InvalidInputError: It is not, or is a folder.
    """
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise InvalidInputError(f"{file} {what}. Give the path of a file.")
    return file
