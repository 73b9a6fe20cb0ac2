"""Networks that an operator names, and whether an address may be connected to on somebody else's word."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def networks(text: str) -> tuple[Network, ...]:
    """A comma-separated list of networks. Raises ValueError."""
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    """A public address, or one in a network that the operator named."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address.version == network.version and address in network for network in allowed):
        return True
    return address.is_global and not address.is_multicast and not _carries_private(address)


def _carries_private(address: Address) -> bool:
    """IPv6 forms that hold an IPv4 address (6to4, NAT64) reach what that one reaches."""
    if not isinstance(address, ipaddress.IPv6Address):
        return False
    inner = address.sixtofour
    if inner is None and address in ipaddress.ip_network("64:ff9b::/96"):
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner is not None and not inner.is_global
