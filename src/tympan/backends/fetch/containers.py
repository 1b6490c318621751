"""Containers of Azure Blob Storage, and public buckets that speak S3."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tympan.backends.fetch.blob_lists import ListPage, read_azure_page, read_s3_page
from tympan.backends.fetch.container_url import ContainerUrl, read_container_url, require_destination
from tympan.backends.fetch.fetcher import limited, require_found
from tympan.backends.fetch.transport import SafeHttp
from tympan.domain.errors import FetchError
from tympan.ports.containers import MOST_BLOBS, ContainerBlob

_PAGE_BYTES = 32 * 1024**2
_PAGE_ENTRIES = 5000
_VERSION = {"x-ms-version": "2020-04-08"}  # any service of today knows it; signatures carry their own
_CREATED = frozenset({200, 201})
_MAY_HEAL = frozenset({408, 429, 500, 502, 503, 504})


class HttpContainers:
    """The ``Containers`` over http and https.

    Args:
        http: Makes the requests.
        page_entries: Most entries a page is asked for; services may give fewer.
    """

    def __init__(self, http: SafeHttp, *, page_entries: int = _PAGE_ENTRIES) -> None:
        self._http = http
        self._page_entries = page_entries

    def check(self, url: str, *, is_destination: bool = False) -> None:
        """Refuse what can be seen to be wrong without reaching it."""
        self._http.checked(url)
        container = read_container_url(url)
        if is_destination:
            require_destination(container)

    def list(self, url: str, *, prefix: str = "", limit: int = MOST_BLOBS) -> Sequence[ContainerBlob]:
        """The blobs of a container, page by page."""
        self._http.checked(url)
        container = read_container_url(url)
        blobs: list[ContainerBlob] = []
        for page in self._pages(container, prefix, limit):
            for entry in page.entries:
                # A bucket that does not know ``prefix`` would list everything.
                if entry.name.startswith(prefix):
                    address = container.blob(entry.name)
                    blobs.append(ContainerBlob(name=entry.name, url=address, size_bytes=entry.size_bytes))
            if len(blobs) > limit:
                raise FetchError(
                    f"The container holds more than {limit} files, the most that is taken.", code="SizeLimit"
                )
        return sorted(blobs, key=lambda blob: blob.name)

    def put(
        self, url: str, name: str, chunks: Iterable[bytes], *, size_bytes: int, content_type: str
    ) -> None:
        """Write a blob into a container."""
        self.check(url, is_destination=True)
        address = self._http.checked(read_container_url(url).blob(name))
        headers = {
            "x-ms-blob-type": "BlockBlob",
            "Content-Type": content_type,
            "Content-Length": str(size_bytes),
            **_VERSION,
        }
        with self._http.request("PUT", address, headers=headers, content=iter(chunks)) as answer:
            if answer.status not in _CREATED:
                raise FetchError(
                    f"The container answered with status {answer.status} when '{name}' was put into it. "
                    "Its signature must allow to create and write.",
                    is_transient=answer.status in _MAY_HEAL,
                )

    def _pages(self, container: ContainerUrl, prefix: str, limit: int) -> Iterator[ListPage]:
        marker: str | None = None
        # Empty pages are lawful; a list that never ends is not.
        for _ in range(limit + 1):
            page = self._page(container, prefix, marker)
            yield page
            if page.marker is None:
                return
            if page.marker == marker:
                break
            marker = page.marker
        raise FetchError("The list of the container does not come to an end.")

    def _page(self, container: ContainerUrl, prefix: str, marker: str | None) -> ListPage:
        options = {"list-type": "2"} if container.is_s3 else {"restype": "container", "comp": "list"}
        options["max-keys" if container.is_s3 else "maxresults"] = str(self._page_entries)
        if prefix:
            options["prefix"] = prefix
        if marker is not None:
            options["continuation-token" if container.is_s3 else "marker"] = marker
        with self._http.get(container.listing(options), {} if container.is_s3 else _VERSION) as answer:
            require_found(answer)
            data = b"".join(limited(answer.chunks, _PAGE_BYTES))
        return read_s3_page(data) if container.is_s3 else read_azure_page(data)
