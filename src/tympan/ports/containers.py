"""Storage containers that users name by URL: what is in them, and putting results there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

MOST_BLOBS = 10_000
"""Of one container. Source: developer reference, section 19."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerBlob:
    """A blob in a container.

    Attributes:
        name: Its path inside the container, such as ``calls/a.wav``.
        url: Where ``Fetcher`` reads it; holds the container's secret, so it is shown to nobody.
        size_bytes: Its length.
    """

    name: str
    url: str = field(repr=False)
    size_bytes: int


class Containers(Protocol):
    """Reaches storage containers, by the same rules about addresses as ``Fetcher``. Thread-safe.

    A container is a URL of Azure Blob Storage with a shared access signature (or of a public
    container), or to read from, a public bucket that speaks S3: its URL with ``list-type=2``.
    """

    def check(self, url: str, *, is_destination: bool = False) -> None:
        """Refuse what can be seen to be wrong without reaching it.

        Args:
            url: Of the container.
            is_destination: Whether results shall be put there.

        Raises:
            FetchError: It is refused.
        """
        ...

    def list(self, url: str, *, prefix: str = "", limit: int = MOST_BLOBS) -> Sequence[ContainerBlob]:
        """The blobs of a container in the order of their names, without folders.

        Args:
            url: Of the container.
            prefix: Only those whose names begin so.
            limit: More is an error (code ``SizeLimit``).

        Raises:
            FetchError: It is refused, cannot be reached, or may not be listed.
        """
        ...

    def put(
        self, url: str, name: str, chunks: Iterable[bytes], *, size_bytes: int, content_type: str
    ) -> None:
        """Write a blob into a container; one of the same name is replaced.

        Args:
            url: Of the container.
            name: Path of the blob inside it.
            chunks: Its bytes.
            size_bytes: Their number.
            content_type: What it is.

        Raises:
            FetchError: It is refused, cannot be reached, or may not be written to.
        """
        ...
