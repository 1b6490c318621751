"""A web in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tympan.domain.errors import FetchError
from tympan.domain.reach import ReachRules, not_reachable
from tympan.domain.web_address import WebAddress, read_web_address, refused
from tympan.ports.fetcher import Fetched, Reply

_REDIRECTS = 3
_CHUNK_BYTES = 64 * 1024
_REPLY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What an address answers.

    Attributes:
        body: Its bytes.
        content_type: As announced.
        status: HTTP status.
        location: Where it sends those who ask.
        breaks_at: The connection breaks after so many bytes; None: it does not.
        is_silent: It is there, but does not answer.
    """

    body: bytes = b""
    content_type: str = ""
    status: int = 200
    location: str | None = None
    breaks_at: int | None = None
    is_silent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was sent to a receiver."""

    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class FakeFetcher:
    """Answers from a dictionary, by the same rules about addresses as the real one.

    Attributes:
        pages: By URL. A host that no page is on is unknown.
        rules: Where it may connect to.
        sent: What ``send`` was given, oldest first.
        fetched: URLs that ``fetch`` was given, oldest first.
    """

    pages: dict[str, Page] = field(default_factory=dict)
    rules: ReachRules = field(default_factory=ReachRules)
    sent: list[Sent] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def check(self, url: str) -> None:
        """Refuse what can be seen to be wrong."""
        self.rules.check(read_web_address(url))

    @contextmanager
    def fetch(self, url: str, *, limit_bytes: int) -> Iterator[Fetched]:
        """Read a page, over at most three redirects."""
        self.fetched.append(url)
        address = start = read_web_address(url)
        for _ in range(_REDIRECTS + 1):
            page = self._page(address)
            if page.location is None:
                break
            address = address.joined(page.location)
        else:
            raise refused(f"It leads over more than {_REDIRECTS} redirects.")
        is_transient = page.status >= 500  # noqa: PLR2004  server errors
        if page.status >= 300:  # noqa: PLR2004  whatever is no success
            raise FetchError(f"The source answered with status {page.status}.", is_transient=is_transient)
        if page.breaks_at is None and len(page.body) > limit_bytes:
            raise FetchError(f"The source is larger than {limit_bytes} bytes.", code="SizeLimit")
        yield Fetched(
            chunks=_chunks(page, limit_bytes),
            content_type=page.content_type.partition(";")[0].lower(),
            size_bytes=len(page.body),
            name=start.name,
        )

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Note what was sent and answer with the page."""
        page = self._page(read_web_address(url))
        self.sent.append(Sent(url=url, body=body, headers=dict(headers)))
        said = {"content-type": page.content_type} | ({"location": page.location} if page.location else {})
        return Reply(status=page.status, body=page.body[:_REPLY_BYTES], headers=said)

    def _page(self, address: WebAddress) -> Page:
        self.rules.check(address)
        hosts = {read_web_address(url).origin: url for url in self.pages}
        if address.address is None and address.origin not in hosts:
            raise not_reachable()
        page = self.pages.get(address.origin + address.target, Page(status=404))
        if page.is_silent:
            raise FetchError("The source does not answer in time.", is_transient=True)
        return page


def _chunks(page: Page, limit_bytes: int) -> Iterator[bytes]:
    whole = page.body if page.breaks_at is None else page.body[: page.breaks_at]
    for start in range(0, len(whole), _CHUNK_BYTES):
        if start + _CHUNK_BYTES > limit_bytes < len(whole):
            raise FetchError(f"The source is larger than {limit_bytes} bytes.", code="SizeLimit")
        yield whole[start : start + _CHUNK_BYTES]
    if page.breaks_at is not None:
        raise FetchError("The source does not answer, or broke off.", is_transient=True)
