from __future__ import annotations

import ipaddress

import pytest

from teleflow.api.proxies import Proxies

PROXIES = Proxies([ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32")])


@pytest.mark.parametrize(
    ("peer", "headers", "caller"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1, 10.0.0.7"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, nonsense, 10.0.0.7"], "10.0.0.7"),
        ("10.0.0.1", ["1.1.1.1, "], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
        ("2001:db8::1", ["[2001:4860::8]"], "2001:4860::8"),
        ("10.0.0.1", ["\xff\x00"], "10.0.0.1"),
        ("", ["1.1.1.1"], ""),
    ],
)
def test_the_nearest_address_that_is_no_proxy_s_is_the_caller_s(peer: str, headers: list[str], caller: str) -> None:
    given = [(b"x-forwarded-for", value.encode("latin-1")) for value in headers]
    assert PROXIES.caller(peer, [(b"host", b"x"), *given]) == caller
