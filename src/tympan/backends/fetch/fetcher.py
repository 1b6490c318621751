"""Sources and receivers on the web."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tympan.backends.fetch.transport import Answer, SafeHttp
from tympan.domain.errors import FetchError
from tympan.ports.fetcher import Fetched, Reply

_FOUND = (200, 203)
_MAY_HEAL = frozenset({408, 425, 429, 500, 502, 503, 504})
_REPLY_BYTES = 64 * 1024
_REPLY_S = 30.0


class HttpFetcher:
    """The ``Fetcher`` over http and https.

    Args:
        http: Makes the requests.
        reply_s: A receiver must have answered after so long.
    """

    def __init__(self, http: SafeHttp, *, reply_s: float = _REPLY_S) -> None:
        self._http = http
        self._reply_s = reply_s

    def check(self, url: str) -> None:
        """Refuse what can be seen to be wrong without reaching it."""
        self._http.checked(url)

    @contextmanager
    def fetch(self, url: str, *, limit_bytes: int) -> Iterator[Fetched]:
        """Read a source; up to three redirects are followed, each checked like the first address."""
        name = self._http.checked(url).name
        with self._http.get(url) as answer:
            require_found(answer)
            if answer.size_bytes is not None and answer.size_bytes > limit_bytes:
                raise _too_large(limit_bytes)
            yield Fetched(
                chunks=limited(answer.chunks, limit_bytes),
                content_type=answer.headers.get("content-type", "").partition(";")[0].strip().lower(),
                size_bytes=answer.size_bytes,
                name=name,
            )

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """POST a few bytes and read the first 64 KiB of the answer; redirects are not followed."""
        address = self._http.checked(url)
        with self._http.request(
            "POST", address, headers=headers, content=body, total_s=self._reply_s
        ) as answer:
            return Reply(status=answer.status, body=_beginning(answer.chunks), headers=answer.headers)


def require_found(answer: Answer) -> None:
    """Go on only with an answer that is the thing itself, as it is.

    Raises:
        FetchError: It is an error, or packed, so that its real size cannot be known.
    """
    if answer.status not in _FOUND:
        raise FetchError(
            f"The source answered with status {answer.status}. {_advice(answer.status)}",
            is_transient=answer.status in _MAY_HEAL,
        )
    encoding = answer.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise FetchError(
            f"The source sends its content packed as '{encoding[:40]}', which is not read. "
            "Serve the file as it is, without Content-Encoding."
        )


def limited(chunks: Iterator[bytes], limit_bytes: int) -> Iterator[bytes]:
    """The same chunks, up to a total length.

    Raises:
        FetchError: There are more bytes (code ``SizeLimit``).
    """
    size_bytes = 0
    for chunk in chunks:
        size_bytes += len(chunk)
        if size_bytes > limit_bytes:
            raise _too_large(limit_bytes)
        yield chunk


def _too_large(limit_bytes: int) -> FetchError:
    return FetchError(
        f"The source is larger than {limit_bytes} bytes, the most that is taken.", code="SizeLimit"
    )


def _advice(status: int) -> str:
    if status in (401, 403):
        return "Give a URL that needs no sign-in, such as a signed one that has not expired."
    if status in (404, 410):
        return "There is nothing at this address."
    return "Try again later." if status in _MAY_HEAL else "Check the URL."


def _beginning(chunks: Iterator[bytes]) -> bytes:
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) >= _REPLY_BYTES:
            break
    return bytes(data[:_REPLY_BYTES])
