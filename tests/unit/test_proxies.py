"""Proxies as people write them."""

from __future__ import annotations

import pytest

from teleflow.errors import Invalid
from teleflow.model.proxies import Proxy, ProxyKind, proxy_of

SECRET = bytes(range(16))


@pytest.mark.parametrize(
    ("given", "proxy"),
    [
        ("socks5://proxy.example:1080", Proxy(ProxyKind.SOCKS5, "proxy.example", 1080)),
        ("socks5h://me:p%40ss@10.0.0.1:1080", Proxy(ProxyKind.SOCKS5, "10.0.0.1", 1080, "me", "p@ss")),
        ("http://[2001:db8::1]:3128/", Proxy(ProxyKind.HTTP, "2001:db8::1", 3128)),
        (
            f"https://t.me/proxy?server=P.example&port=443&secret=dd{SECRET.hex()}",
            Proxy(ProxyKind.MTPROXY, "p.example", 443, secret=SECRET),
        ),
        (
            f"tg://proxy?server=p.example&port=443&secret={SECRET.hex()}",
            Proxy(ProxyKind.MTPROXY, "p.example", 443, secret=SECRET),
        ),
        ("tg://socks?server=p.example&port=1080&user=u&pass=p", Proxy(ProxyKind.SOCKS5, "p.example", 1080, "u", "p")),
        (
            {"type": "mtproxy", "host": "p.example", "port": 443, "secret": "AAECAwQFBgcICQoLDA0ODw=="},
            Proxy(ProxyKind.MTPROXY, "p.example", 443, secret=SECRET),
        ),
    ],
)
def test_every_usual_form_is_taken(given: object, proxy: Proxy) -> None:
    assert proxy_of(given) == proxy
    assert proxy_of(proxy.to_fields()) == proxy


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("", "PROXY_INVALID"),
        ("socks4://p.example:1080", "PROXY_INVALID"),
        ("socks5://p.example", "PROXY_INVALID"),
        ("socks5://p.example:99999", "PROXY_INVALID"),
        ("socks5://:1080", "PROXY_INVALID"),
        ("http://p.example:80/path", "PROXY_INVALID"),
        ({"type": "socks5", "host": "p example", "port": 1}, "PROXY_INVALID"),
        ({"type": "socks5", "host": "p.example", "port": True}, "PROXY_INVALID"),
        ({"type": "socks5", "host": "p.example", "port": 1, "username": "a\x00b"}, "PROXY_INVALID"),
        ({"type": "socks5", "host": "p.example", "port": 1, "password": "x"}, "PROXY_INVALID"),
        ({"type": "mtproxy", "host": "p.example", "port": 1}, "PROXY_INVALID"),
        ({"type": "mtproxy", "host": "p.example", "port": 1, "secret": "dd00"}, "PROXY_INVALID"),
        (
            {"type": "mtproxy", "host": "p.example", "port": 1, "secret": "ee" + SECRET.hex() + "78"},
            "PROXY_UNSUPPORTED",
        ),
    ],
)
def test_the_rest_is_refused_with_a_reason(given: object, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        proxy_of(given)
    assert refused.value.code == code
    assert SECRET.hex() not in refused.value.message
