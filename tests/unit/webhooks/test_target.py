"""Which URLs a webhook may have: spellings of internal addresses are known for what they are."""

from __future__ import annotations

import ipaddress

import pytest

from teleflow.errors import Invalid
from teleflow.kit.networks import is_allowed, networks
from teleflow.webhooks.target import target

LOOPBACK = networks("127.0.0.0/8")

REFUSED = [
    # spellings of loopback
    *("http://127.0.0.1", "http://127.1", "http://2130706433", "http://0x7f000001", "http://0177.0.0.1", "http://0"),
    *("http://①②⑦.0.0.1", "http://127。0。0。1", "http://127.0.0.1.", "http://0x7f.1", "http://017700000001"),
    # IPv6, also where Python's own check says public
    *(
        "http://[::1]",
        "http://[::]",
        "http://[::ffff:127.0.0.1]",
        "http://[::127.0.0.1]",
        "http://[64:ff9b::a9fe:a9fe]",
    ),
    *(
        "http://[64:ff9b:1::1]",
        "http://[2002:7f00:1::]",
        "http://[fec0::1]",
        "http://[5f00::1]",
        "http://[fe80::1%25eth0]",
    ),
    *("http://[fd00:ec2::254]", "http://[2001:db8::1]", "http://[2001::1]", "http://[ff02::1]", "http://[3fff::1]"),
    # what clouds tell their machines
    *("http://169.254.169.254/latest/meta-data", "http://100.100.100.200/", "http://192.0.0.192/"),
    # who reads it otherwise than who connects
    *("http://good.example@127.0.0.1/", "http://127.0.0.1#@good.example", "http://good.example\\@127.0.0.1"),
    *("http://good\t.example/", "http://good\n.example/", "http:/\\127.0.0.1", "hTTp://127.0.0.1", "http:///x"),
    # other schemes
    *("file:///etc/passwd", "gopher://x", "ftp://x", "data:,x", "ws://x.example", "unix:/x", "example.com", "//x", ""),
    # other ports
    *(f"http://example.com:{port}/" for port in (22, 25, 6379, 5432, 11211, 0, 65536, -1, "1e3", "８０")),
    # forms
    *("http://", "http://.", "http://..", "http://a..b/", "http://-a.example/", "http://a" + "b" * 64 + ".example/"),
    *(
        "http://user:pass@example.com/",
        "http://" + "u" * 32_768 + "@example.com/",
        "http://example.com/" + "x" * 65_536,
    ),
    *("http://[::1", "http://[x]/", "http://[::1]x/", "http://exa mple.com/", "http://example.com/\x00"),
]


@pytest.mark.parametrize("url", REFUSED)
def test_what_is_not_for_webhooks_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        target(url)
    assert refused.value.code == "URL_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://Example.COM:8443/Hook?a=b#c", "https://example.com:8443/Hook?a=b"),
        ("http://example.com./x", "http://example.com/x"),
        ("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4"),
        ("https://93.184.216.34/x", "https://93.184.216.34/x"),
        ("https://[2606:2800:220:1::1]:8080/x", "https://[2606:2800:220:1::1]:8080/x"),
        ("https://example.com?x=%2F", "https://example.com/?x=%2F"),
        ("https://my_host.example/x", "https://my_host.example/x"),
    ],
)
def test_what_is_kept_is_what_is_connected_to(given: str, kept: str) -> None:
    assert target(given) == kept
    assert target(kept) == kept


def test_the_operator_opens_networks() -> None:
    assert target("http://127.1:4000/x", allowed=LOOPBACK) == "http://127.0.0.1:4000/x"
    with pytest.raises(Invalid):
        target("http://10.0.0.1/", allowed=LOOPBACK)


@pytest.mark.parametrize(
    ("network", "below", "above"),
    [
        ("10.0.0.0/8", "9.255.255.255", "11.0.0.0"),
        ("172.16.0.0/12", "172.15.255.255", "172.32.0.0"),
        ("192.168.0.0/16", "192.167.255.255", "192.169.0.0"),
        ("100.64.0.0/10", "100.63.255.255", "100.128.0.0"),
        ("169.254.0.0/16", "169.253.255.255", "169.255.0.0"),
        ("192.0.0.0/24", "191.255.255.255", "192.0.1.0"),
        ("198.18.0.0/15", "198.17.255.255", "198.20.0.0"),
        ("127.0.0.0/8", "126.255.255.255", "128.0.0.0"),
        ("0.0.0.0/8", None, "1.0.0.0"),
        ("224.0.0.0/4", "223.255.255.255", None),
        ("240.0.0.0/4", None, None),
    ],
)
def test_private_networks_are_closed_to_their_very_edges(network: str, below: str | None, above: str | None) -> None:
    inside = ipaddress.ip_network(network)
    assert not is_allowed(inside[0], ())
    assert not is_allowed(inside[-1], ())
    for outside in (below, above):
        if outside is not None:
            assert is_allowed(ipaddress.ip_address(outside), ())


def test_nat64_reaches_what_it_wraps() -> None:
    assert is_allowed(ipaddress.ip_address("64:ff9b::5db8:d822"), ())
    assert not is_allowed(ipaddress.ip_address("64:ff9b::7f00:1"), ())
