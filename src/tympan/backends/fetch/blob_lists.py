"""Reading the lists that storage services answer with.

Sources: Azure Blob Storage REST, "List Blobs"; Amazon S3 REST, "ListObjectsV2".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from tympan.domain.errors import FetchError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of a list."""

    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list.

    Attributes:
        entries: Blobs, without folders.
        marker: What to ask the next page by; None on the last.
    """

    entries: tuple[Listed, ...]
    marker: str | None


def read_azure_page(data: bytes) -> ListPage:
    """Read a page of ``List Blobs``.

    Raises:
        FetchError: It is none.
    """
    root = _parsed(data, "EnumerationResults")
    entries = tuple(_azure_entries(root))
    return ListPage(entries, _text(root, "NextMarker") or None)


def read_s3_page(data: bytes) -> ListPage:
    """Read a page of ``ListObjectsV2``.

    Raises:
        FetchError: It is none.
    """
    root = _parsed(data, "ListBucketResult")
    is_encoded = _text(root, "EncodingType") == "url"
    entries = []
    for item in root.iterfind("{*}Contents"):
        name = _text(item, "Key")
        if not name.endswith("/"):  # how a folder is shown
            entries.append(Listed(unquote(name) if is_encoded else name, _size(item, "Size")))
    is_last = _text(root, "IsTruncated") != "true"
    return ListPage(tuple(entries), None if is_last else _text(root, "NextContinuationToken") or None)


def _azure_entries(root: Element) -> Iterator[Listed]:
    for item in root.iterfind("Blobs/Blob"):
        if _text(item, "Properties/ResourceType") == "directory" or _text(item, "Deleted") == "true":
            continue
        name = item.find("Name")
        text = "" if name is None else name.text or ""
        if name is not None and name.get("Encoded") == "true":
            text = unquote(text)
        if text:
            yield Listed(text, _size(item, "Properties/Content-Length"))


def _parsed(data: bytes, wanted: str) -> Element:
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise _no_list() from error
    if root.tag.rpartition("}")[2] != wanted:
        raise _no_list()
    return root


def _text(item: Element, path: str) -> str:
    found = item.find("/".join(f"{{*}}{step}" for step in path.split("/")))
    return "" if found is None else found.text or ""


def _size(item: Element, path: str) -> int:
    text = _text(item, path)
    if not text.isascii() or not text.isdigit():
        raise _no_list()
    return int(text)


def _no_list() -> FetchError:
    return FetchError(
        "The address does not answer with the list of a container. Give the URL of a container with a "
        "signature that allows to list it."
    )
