"""Storage containers in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from tympan.domain.errors import FetchError
from tympan.domain.reach import ReachRules
from tympan.domain.web_address import read_web_address, refused
from tympan.ports.containers import MOST_BLOBS, ContainerBlob
from tympan.testing.fetcher import FakeFetcher, Page


@dataclass(slots=True, kw_only=True)
class FakeContainers:
    """Containers by URL, as whole as their users know them; what is in them a fetcher can read.

    Attributes:
        fetcher: Is given a page for each blob.
        rules: Where it may connect to.
        kept: Name to bytes, by the URL of the container.
        read_only: URLs whose signature allows no writing.
    """

    fetcher: FakeFetcher = field(default_factory=FakeFetcher)
    rules: ReachRules = field(default_factory=ReachRules)
    kept: dict[str, dict[str, bytes]] = field(default_factory=dict)
    read_only: set[str] = field(default_factory=set)

    def fill(self, url: str, blobs: Mapping[str, bytes]) -> str:
        """Make a container; returns its URL."""
        container = self.kept.setdefault(url, {})
        for name, data in blobs.items():
            container[name] = data
            self.fetcher.pages[_blob_url(url, name)] = Page(body=data)
        return url

    def check(self, url: str, *, is_destination: bool = False) -> None:
        """Refuse what can be seen to be wrong."""
        self.rules.check(read_web_address(url))
        parts = urlsplit(url)
        is_bucket = "list-type=2" in parts.query
        if (is_destination and is_bucket) or ("Signature" in parts.query and is_bucket):
            raise refused("A bucket cannot be used like that.")
        if not parts.path.strip("/") and not is_bucket:
            raise refused("It names no container.")

    def list(self, url: str, *, prefix: str = "", limit: int = MOST_BLOBS) -> Sequence[ContainerBlob]:
        """The blobs of a container."""
        self.check(url)
        found = [
            ContainerBlob(name=name, url=_blob_url(url, name), size_bytes=len(data))
            for name, data in sorted(self._container(url).items())
            if name.startswith(prefix)
        ]
        if len(found) > limit:
            raise FetchError(f"The container holds more than {limit} files.", code="SizeLimit")
        return found

    def put(
        self,
        url: str,
        name: str,
        chunks: Iterable[bytes],
        *,
        size_bytes: int,
        content_type: str,
    ) -> None:
        """Write a blob."""
        self.check(url, is_destination=True)
        self._container(url)
        if url in self.read_only:
            raise FetchError("The container answered with status 403.")
        data = b"".join(chunks)
        if len(data) != size_bytes:
            raise FetchError("The source does not answer, or broke off.", is_transient=True)
        self.fill(url, {name: data})
        self.fetcher.pages[_blob_url(url, name)] = Page(body=data, content_type=content_type)

    def _container(self, url: str) -> dict[str, bytes]:
        if url not in self.kept:
            raise FetchError("The source answered with status 404.")
        return self.kept[url]


def _blob_url(url: str, name: str) -> str:
    place, _, query = url.partition("?")
    right = "&".join(piece for piece in query.split("&") if piece and not piece.startswith("list-type="))
    return f"{place.rstrip('/')}/{quote(name)}" + (f"?{right}" if right else "")
