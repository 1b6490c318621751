"""URLs of containers and of what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from tympan.domain.errors import FetchError
from tympan.domain.web_address import refused

# Words of the list operation itself; what is left of a query is the right to be there.
_LISTING = frozenset({"restype", "comp", "prefix", "marker", "maxresults", "include", "delimiter"})
_S3_LISTING = frozenset(
    {"list-type", "prefix", "continuation-token", "max-keys", "start-after", "delimiter", "encoding-type"}
)
_SIGNED = frozenset({"x-amz-signature", "signature", "x-goog-signature"})


@dataclass(frozen=True, slots=True)
class ContainerUrl:
    """A container's URL, taken apart.

    Attributes:
        place: Scheme, host and path, without a slash at the end.
        right: What of the query gives access, exactly as it was written: it is signed.
        is_s3: Whether it is a bucket that speaks S3.
    """

    place: str
    right: str
    is_s3: bool

    def blob(self, name: str) -> str:
        """URL of a blob."""
        return self._with(f"{self.place}/{quote(name, safe='/')}", self.right)

    def listing(self, options: dict[str, str]) -> str:
        """URL of a page of the list."""
        said = urlencode(options, quote_via=quote)
        return self._with(
            f"{self.place}/" if self.is_s3 else self.place, "&".join(filter(None, [said, self.right]))
        )

    @staticmethod
    def _with(place: str, query: str) -> str:
        return f"{place}?{query}" if query else place


def read_container_url(url: str) -> ContainerUrl:
    """Take a container's URL apart; it must have passed the check of addresses.

    Raises:
        FetchError: It names no container, or a bucket whose pages would each need a signature.
    """
    parts = urlsplit(url)
    names = {name.lower(): value for name, value in parse_qsl(parts.query, keep_blank_values=True)}
    is_s3 = names.get("list-type") == "2"
    if is_s3 and not _SIGNED.isdisjoint(names):
        raise refused(
            "A signed list of a bucket gives no right to read what is in it. Make the bucket public, "
            "or give the URLs of the files."
        )
    path = parts.path.rstrip("/")
    if not path and not is_s3:
        raise refused("It names no container, as in https://account.blob.core.windows.net/container?sig=….")
    dropped = _S3_LISTING if is_s3 else _LISTING
    kept = [piece for piece in parts.query.split("&") if piece.partition("=")[0].lower() not in dropped]
    place = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
    return ContainerUrl(place=place, right="&".join(filter(None, kept)), is_s3=is_s3)


def require_destination(container: ContainerUrl) -> None:
    """Refuse a container that nothing can be put into.

    Raises:
        FetchError: It is a bucket.
    """
    if container.is_s3:
        raise FetchError(
            "Results can be put into containers of Azure Blob Storage only.", code="FetchRefused"
        )
