"""Reaching addresses that users name: sources of data, receivers of web hooks."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A source that answers.

    Attributes:
        chunks: Its bytes as they come; reading them raises ``FetchError`` when it fails half way.
        content_type: As announced, lower case, without parameters; empty if not said.
        size_bytes: As announced, if it was.
        name: The last part of its path, such as ``a.wav``; empty if there is none.
    """

    chunks: Iterator[bytes]
    content_type: str
    size_bytes: int | None
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a receiver answered.

    Attributes:
        status: HTTP status.
        body: The first 64 KiB of it.
        headers: Names in lower case.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Fetcher(Protocol):
    """Reaches http and https addresses that a user gave, safe by default. Thread-safe.

    Names are resolved once and that very address is connected to. Addresses that are not
    public are refused unless the operator allows them; so is every redirect to one. Size,
    time and redirects are capped. Messages for users say nothing of the network inside;
    the log does.
    """

    def check(self, url: str) -> None:
        """Refuse what can be seen to be wrong without reaching it: form, scheme, port, literal address.

        Raises:
            FetchError: It is refused.
        """
        ...

    def fetch(self, url: str, *, limit_bytes: int) -> AbstractContextManager[Fetched]:
        """Read a source.

        Args:
            url: Of the source.
            limit_bytes: More is an error (code ``SizeLimit``), as soon as it is known.

        Raises:
            FetchError: It is refused, cannot be reached, or answers with an error.
        """
        ...

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """POST a few bytes and read the answer, whatever its status. Redirects are not followed.

        Raises:
            FetchError: It is refused or cannot be reached.
        """
        ...
