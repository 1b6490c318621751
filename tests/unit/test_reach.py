"""The operator's list of what may be reached, and the property that every guard rests on."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.domain.errors import FetchError, InvalidInputError
from tympan.domain.reach import Allowance, ReachRules, is_public, read_allowances, read_ports
from tympan.domain.web_address import read_web_address


def test_the_list_takes_names_addresses_and_ranges_with_a_port_or_without():
    text = " store.lan:9000 ,*.corp.example, 10.0.0.0/8,192.168.1.5:80, [fd00::1]:443, fd00::/8,, [::1] "
    assert read_allowances(text) == (
        Allowance(host="store.lan", port=9000),
        Allowance(host="*.corp.example"),
        Allowance(network=ip_network("10.0.0.0/8")),
        Allowance(network=ip_network("192.168.1.5/32"), port=80),
        Allowance(network=ip_network("fd00::1/128"), port=443),
        Allowance(network=ip_network("fd00::/8")),
        Allowance(network=ip_network("::1/128")),
    )
    assert read_allowances("") == ()


@pytest.mark.parametrize(
    "entry",
    ["http://store.lan", "10.0.0.1/8", "a b", "*", "store.lan:0", "store.lan:99999", "[store]", ":g"],
)
def test_an_entry_that_is_none_of_these_is_refused_by_name(entry):
    with pytest.raises(InvalidInputError, match="TYMPAN_FETCH_ALLOW"):
        read_allowances(f"10.0.0.0/8, {entry}")


def test_ports_are_numbers_between_commas():
    assert read_ports("80, 443") == {80, 443}
    assert read_ports(" ") is None
    with pytest.raises(InvalidInputError, match="TYMPAN_FETCH_PORTS"):
        read_ports("http")


@given(st.ip_addresses(v=4))
def test_an_address_that_python_calls_private_is_never_public(address: IPv4Address):
    if not address.is_global or address.is_multicast:
        assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_an_ipv6_address_is_never_public(address: IPv4Address):
    for wrapped in (
        IPv6Address(f"::ffff:{address}"),
        IPv6Address(f"::{address}"),
        IPv6Address(f"64:ff9b::{address}"),
        IPv6Address((0x2002 << 112) | (int(address) << 80)),
    ):
        assert not is_public(wrapped)


@given(st.text(alphabet=r"hHtTpPs:/\@[]%?#.0127xfF-_ a" + "\t\n１。", max_size=30))
def test_whatever_is_read_as_an_address_has_one_meaning(text: str):
    try:
        address = read_web_address("http://" + text)
        ReachRules().check(address)
    except FetchError:
        return
    again = read_web_address(address.origin + address.target)
    assert again == address
    assert address.address is None or is_public(address.address)
    assert not set(address.host) & set("@\\%/?#[] ")
    assert address.target.startswith("/")
    assert address.target.isascii()
