"""Who called, when a proxy stands between: X-Forwarded-For, believed from those proxies only that are named."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from teleflow.kit.networks import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
MOST_HOPS = 20


class Proxies:
    """Addresses and networks (TRUSTED_PROXIES) whose word is taken."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)

    def caller(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The nearest address that is no trusted proxy's: each proxy appends whom it heard, so it stands last."""
        if not self._trusts(_parsed(peer)):
            return peer
        values = [value for name, value in headers if name == b"x-forwarded-for"]
        hops = b",".join(values).split(b",")[-MOST_HOPS:]
        nearest = peer
        for hop in reversed(hops):
            address = _parsed(hop.strip().decode("latin-1"))
            if address is None:  # not an address: whoever stands before it can't be known
                return nearest
            nearest = str(address)
            if not self._trusts(address):
                return nearest
        return nearest

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


def _parsed(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
