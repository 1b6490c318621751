"""Addresses that users name, read once and strictly.

Checking an address with one parser and connecting with another is how guards are slipped
past. So an address is taken apart here, and what comes out is what is connected to.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urljoin

from tympan.domain.errors import FetchError

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_LONGEST = 8192
_PORTS = {"http": 80, "https": 443}
_FORM = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[^\[\]/?#]*\]|[^\[\]:/?#]*)(?::(?P<port>[0-9]{0,5}))?"
    r"(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?(?:#.*)?",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*")
# What a resolver may take for a number: 2130706433, 0x7f.1, 0177.0.0.1, 127.1.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_SAFE = "/%:@!$&'()*+,;=~-._?"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAddress:
    """An http or https address.

    Attributes:
        scheme: ``http`` or ``https``.
        host: Lower case, without brackets or a final dot.
        address: The host, if it is written as an IP address.
        port: From 1 to 65535.
        target: Path and query as they are sent; left out of ``repr``, since queries hold secrets.
    """

    scheme: str
    host: str
    address: IpAddress | None
    port: int
    target: str = field(repr=False)

    @property
    def authority(self) -> str:
        """Host and, unless it is the usual one, port: what the header ``Host`` says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port: all of it that a log may show."""
        return f"{self.scheme}://{self.authority}"

    @property
    def name(self) -> str:
        """The last part of the path, decoded and printable; empty if there is none.

        >>> read_web_address("https://example.com/a/b%20c.wav?sig=x").name
        'b c.wav'
        """
        last = unquote(self.target.partition("?")[0].rpartition("/")[2])
        return "".join(character for character in last if character.isprintable() and character not in "/\\")

    def joined(self, location: str) -> WebAddress:
        """The address that a redirect from this one names.

        Raises:
            FetchError: It is none.
        """
        _check_characters(location)
        return read_web_address(urljoin(self.origin + self.target, location))


def read_web_address(url: str) -> WebAddress:
    """Take an address apart.

    Raises:
        FetchError: It is no http or https address, or is written in a way that could mean
            another place to another reader (code ``FetchRefused``).
    """
    _check_characters(url)
    form = _FORM.fullmatch(url)
    if form is None:
        raise refused("It must begin with http:// or https:// and name a host, without user and password.")
    scheme = form["scheme"].lower()
    host, address = _host(form["host"])
    port = int(form["port"] or _PORTS[scheme])
    if not 1 <= port < 1 << 16:
        raise refused(f"There is no port {port}.")
    target = quote((form["path"] or "/") + (form["query"] or ""), safe=_SAFE)
    return WebAddress(scheme=scheme, host=host, address=address, port=port, target=target)


def refused(reason: str) -> FetchError:
    """The error for an address that never will be reached.

    Args:
        reason: A sentence that says nothing of the network inside.
    """
    return FetchError(f"The address cannot be used. {reason}", code="FetchRefused")


def _check_characters(text: str) -> None:
    if len(text) > _LONGEST:
        raise refused(f"It is longer than {_LONGEST} characters.")
    if "\\" in text:
        raise refused("It holds a backslash; write slashes.")
    if not text.isprintable() or any(character.isspace() for character in text):
        raise refused("It holds a space, a line break or a control character; write a space as %20.")


def _host(text: str) -> tuple[str, IpAddress | None]:
    if "@" in text:
        raise refused("It holds a user or password; leave them out.")
    if text.startswith("["):
        return _ipv6(text[1:-1])
    host = text.lower().removesuffix(".")
    if not host.isascii():
        raise refused("Its host must be written in ASCII, as xn--….")
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        return _ipv4(host)
    if not _NAME.fullmatch(host):
        raise refused("Its host is no name of a host.")
    return host, None


def _ipv4(host: str) -> tuple[str, IpAddress]:
    try:
        address = ipaddress.IPv4Address(host)
    except ValueError as error:
        raise refused("Its host is a number; write an IP address as four decimal numbers.") from error
    return str(address), address


def _ipv6(text: str) -> tuple[str, IpAddress]:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError as error:
        raise refused("Its host is no IPv6 address.") from error
    if address.scope_id is not None:
        raise refused("Its IPv6 address has a zone; leave it out.")
    return str(address), address
