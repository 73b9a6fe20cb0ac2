"""Networks that an operator names, and whether an address may be connected to on somebody else's word."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# What the standard library's own check takes for public, or has taken in some version. The registries of special
# addresses: https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry
_SPECIAL_4 = tuple(
    ipaddress.IPv4Network(each)
    for each in ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "224.0.0.0/3")
)
_UNICAST_6 = ipaddress.IPv6Network("2000::/3")
_SPECIAL_6 = tuple(
    ipaddress.IPv6Network(each) for each in ("2001::/23", "2001:db8::/32", "3fff::/20", "2620:4f:8000::/48")
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def networks(text: str) -> tuple[Network, ...]:
    """A comma-separated list of networks. Raises ValueError."""
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def is_named(address: Address, allowed: Sequence[Network]) -> bool:
    """Is it in a network that the operator named?"""
    address = _plain(address)
    return any(address.version == network.version and address in network for network in allowed)


def is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    """A public address, or one in a network that the operator named."""
    address = _plain(address)
    if is_named(address, allowed):
        return True
    if isinstance(address, ipaddress.IPv4Address):
        return _is_public_4(address)
    inner = address.sixtofour
    if inner is None and address in _NAT64:
        return _is_public_4(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if inner is not None and not _is_public_4(inner):
        return False
    return address in _UNICAST_6 and address.is_global and not any(address in each for each in _SPECIAL_6)


def _is_public_4(address: ipaddress.IPv4Address) -> bool:
    return address.is_global and not any(address in each for each in _SPECIAL_4)


def _plain(address: Address) -> Address:
    """What an address in IPv6's clothes reaches."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
