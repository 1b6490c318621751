"""Which addresses the server may connect to on behalf of its users.

Only public ones, unless the operator allows more. Private, loopback, link-local, shared
(CGNAT), multicast, reserved and documentation ranges are refused, and IPv6 forms that carry
an IPv4 address (mapped, compatible, 6to4, Teredo, NAT64).

Source: IANA special-purpose address registries for IPv4 and IPv6; ports that browsers
block: WHATWG Fetch, section "Port blocking".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from tympan.domain.errors import FetchError, InvalidInputError
from tympan.domain.web_address import IpAddress, WebAddress, refused

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NOT_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
_PUBLIC_IPV6 = ipaddress.ip_network("2000::/3")

_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "100.100.100.200",
        "168.63.129.16",
        "169.254.169.253",
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "192.0.0.192",
        "fd00:ec2::23",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)
"""Where clouds tell a machine its secrets. A range that the operator allows does not open them."""
_METADATA_NAMES = frozenset(
    {
        "instance-data",
        "instance-data.ec2.internal",
        "metadata",
        "metadata.azure.internal",
        "metadata.goog",
        "metadata.google.internal",
        "metadata.tencentyun.com",
    }
)

# fmt: off
_BLOCKED_PORTS = frozenset((
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103,
    104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513,
    514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719,
    1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669,
    6679, 6697, 10080,
))
# fmt: on
"""Ports of servers that speak no HTTP, but might take it for their own language."""

_ENTRY = re.compile(
    r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<plain>[^\[\]:]+(?:/[0-9]+)?))(?::(?P<port>[0-9]{1,5}))?", re.IGNORECASE
)
_HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """One entry of the operator's list.

    Attributes:
        host: A name, ``*.name`` for all below it, or None.
        network: A range of addresses, or None.
        port: Only this one; None is any.
    """

    host: str | None = None
    network: Network | None = None
    port: int | None = None

    def covers_name(self, target: WebAddress) -> bool:
        """Whether it lets a host be reached by its name, wherever that leads."""
        if self.host is None or self.port not in (None, target.port):
            return False
        if self.host.startswith("*."):
            return target.host.endswith(self.host.removeprefix("*")) and target.host not in _METADATA_NAMES
        return target.host == self.host

    def covers(self, target: WebAddress, address: IpAddress) -> bool:
        """Whether it lets an address of a host be reached."""
        if address in _METADATA:  # must be named alone
            is_whole = self.network is not None and self.network.num_addresses == 1
            if not is_whole and self.host != target.host:
                return False
        is_within = self.network is not None and address in self.network
        return self.covers_name(target) or (is_within and self.port in (None, target.port))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachRules:
    """Where the server may connect to.

    Attributes:
        allowed: What may be reached although it is not public.
        ports: If set, the only ports; else all but those of other protocols.
        own: Addresses of this very machine: what listens there may trust its neighbours.
    """

    allowed: tuple[Allowance, ...] = ()
    ports: frozenset[int] | None = None
    own: frozenset[IpAddress] = frozenset()

    def check(self, target: WebAddress) -> None:
        """Refuse what can be seen to be wrong without asking for the host's addresses.

        Raises:
            FetchError: It is refused.
        """
        is_named = any(entry.covers_name(target) for entry in self.allowed)
        if target.host in _METADATA_NAMES and not is_named:
            raise not_reachable()
        if target.address is not None:
            if not self.permits(target, target.address):
                raise not_reachable()
        elif not (is_named or self._is_port_open(target.port) or self._may_lead_inside(target.port)):
            raise refused(f"Port {target.port} is not allowed.")

    def permits(self, target: WebAddress, address: IpAddress) -> bool:
        """Whether an address that the host has may be connected to."""
        if any(entry.covers(target, address) for entry in self.allowed):
            return True
        return is_public(address) and address not in self.own and self._is_port_open(target.port)

    def _may_lead_inside(self, port: int) -> bool:
        # Only its addresses can tell whether a name leads to a range that is allowed.
        return any(entry.network is not None and entry.port in (None, port) for entry in self.allowed)

    def _is_port_open(self, port: int) -> bool:
        return port not in _BLOCKED_PORTS if self.ports is None else port in self.ports


def not_reachable() -> FetchError:
    """The one error for hosts that are unknown and for those that may not be reached.

    Telling the two apart would tell which names the inner network knows.
    """
    return refused("Its host is unknown, or may not be reached from this server.")


def is_public(address: IpAddress) -> bool:
    """Whether an address belongs to the public internet.

    >>> is_public(ipaddress.ip_address("8.8.8.8")), is_public(ipaddress.ip_address("::ffff:8.8.8.8"))
    (True, False)
    """
    if address in _METADATA or (isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None):
        return False
    if address.version == _PUBLIC_IPV6.version and address not in _PUBLIC_IPV6:
        return False
    return not any(address in network for network in _NOT_PUBLIC)


def read_allowances(text: str) -> tuple[Allowance, ...]:
    """Read the operator's list: hosts, addresses and ranges between commas, each with a port or not.

    >>> [entry.port for entry in read_allowances("minio.lan:9000, 10.0.0.0/8, [fd00::1]:80, *.corp.test")]
    [9000, None, 80, None]

    Raises:
        InvalidInputError: An entry is none of these.
    """
    return tuple(_allowance(entry.strip()) for entry in text.split(",") if entry.strip())


def read_ports(text: str) -> frozenset[int] | None:
    """Read the operator's ports between commas; none is no rule.

    Raises:
        InvalidInputError: One is no port.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    return frozenset(_port(name, "TYMPAN_FETCH_PORTS") for name in names) if names else None


def own_addresses(texts: Iterable[str]) -> frozenset[IpAddress]:
    """Addresses as an operating system lists them; what is none, such as a MAC address, is left out."""
    found = set()
    for text in texts:
        try:
            found.add(ipaddress.ip_address(text.partition("%")[0]))
        except ValueError:
            continue
    return frozenset(found)


def _allowance(entry: str) -> Allowance:
    form = _ENTRY.fullmatch(entry)
    if form is None:  # a bare IPv6 address or range
        network = _network(entry)
        if network is None:
            raise _no_allowance(entry)
        return Allowance(network=network)
    port = _port(form["port"], "TYMPAN_FETCH_ALLOW") if form["port"] else None
    text = (form["ipv6"] or form["plain"]).lower().removesuffix(".")
    network = _network(text)
    if network is None and not _HOST.fullmatch(text):
        raise _no_allowance(entry)
    return Allowance(host=text if network is None else None, network=network, port=port)


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def _port(text: str, setting: str) -> int:
    if not text.isdigit() or not 1 <= int(text) < 1 << 16:
        raise InvalidInputError(f"'{text}' in {setting} is no port. Use numbers from 1 to 65535.")
    return int(text)


def _no_allowance(entry: str) -> InvalidInputError:
    return InvalidInputError(
        f"'{entry}' in TYMPAN_FETCH_ALLOW is no host, address or range. Write entries such as "
        "minio.lan:9000, *.corp.example, 10.1.0.0/16 or [fd00::1]:9000, with commas between them."
    )
