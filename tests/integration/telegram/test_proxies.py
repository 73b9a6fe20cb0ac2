"""A session behind a proxy goes through it or not at all."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from teleflow.errors import Invalid, Unavailable
from teleflow.kit.networks import networks
from teleflow.model.operations.account import GetMe
from teleflow.model.proxies import Proxy, ProxyKind
from teleflow.model.sessions import Credentials, Profile
from teleflow.telegram.live import LiveSession
from teleflow.telegram.login import send_code, sign_in
from teleflow.telegram.proxies import Proxies
from tests.integration.telegram import proxy_servers
from tests.integration.telegram.rig import ANN, Rig, rigged

LOOPBACK = networks("127.0.0.0/8")
SECRET = os.urandom(16)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with rigged() as made:
        made.site = replace(made.site, proxies=Proxies(LOOPBACK))
        yield made


def behind(rig: Rig, proxy: Proxy) -> LiveSession:
    home = rig.telegram.home
    blank = Credentials(home.id, home.host, home.port, b"", 0, 1, "h" * 32)
    live = LiveSession("ann", blank, profile=Profile(proxy=proxy), authorised=False, site=rig.site)
    live.start()
    return live


async def logged_in(rig: Rig, live: LiveSession) -> None:
    sent = await send_code(live, rig.site, phone=ANN, api_id=1, api_hash="h" * 32)
    code = rig.sandbox.control.code(ANN)
    assert code is not None
    await sign_in(live, phone=ANN, phone_code_hash=sent.phone_code_hash, code=code["code"])
    await live.now_authorised()
    assert (await live.call(GetMe(), within=10)).phone == ANN


def direct(rig: Rig, served: proxy_servers.Served) -> int:
    """Connections that the data centre saw and the proxy did not make."""
    return len(list(rig.sandbox.dc.ledger.connections(lambda _key: None))) - len(served.reached)


async def test_through_socks5_with_a_password(rig: Rig) -> None:
    async with proxy_servers.socks5("me", "sesame") as served:
        await logged_in(rig, behind(rig, Proxy(ProxyKind.SOCKS5, "127.0.0.1", served.port, "me", "sesame")))
        assert set(served.reached) == {(rig.sandbox.host, rig.sandbox.port)}
        assert direct(rig, served) == 0


async def test_through_http_connect(rig: Rig) -> None:
    async with proxy_servers.http_connect() as served:
        await logged_in(rig, behind(rig, Proxy(ProxyKind.HTTP, "127.0.0.1", served.port)))
        assert direct(rig, served) == 0


async def test_through_an_mtproxy_and_back_after_a_broken_link(rig: Rig) -> None:
    centres = {rig.sandbox.dc_id: (rig.sandbox.host, rig.sandbox.port)}
    async with proxy_servers.mtproxy(SECRET, centres) as served:
        live = behind(rig, Proxy(ProxyKind.MTPROXY, "127.0.0.1", served.port, secret=SECRET))
        await logged_in(rig, live)
        await rig.fault("reset", {"phone": ANN})
        await rig.watch.until(lambda: any(state.value == "reconnecting" for _, state, _ in rig.watch.states))
        assert (await live.call(GetMe(), within=10)).phone == ANN
        assert (served.refused, direct(rig, served)) == (0, 0)


async def test_an_mtproxy_with_another_secret_gets_nowhere(rig: Rig) -> None:
    centres = {rig.sandbox.dc_id: (rig.sandbox.host, rig.sandbox.port)}
    async with proxy_servers.mtproxy(SECRET, centres) as served:
        live = behind(rig, Proxy(ProxyKind.MTPROXY, "127.0.0.1", served.port, secret=SECRET[::-1]))
        assert not await live.is_reached(within=1)
        assert served.refused > 0
        assert list(rig.sandbox.dc.ledger.connections(lambda _key: None)) == []


@pytest.mark.parametrize("kind", list(ProxyKind))
async def test_a_proxy_that_is_down_is_not_gone_around(rig: Rig, kind: ProxyKind) -> None:
    live = behind(rig, Proxy(kind, "127.0.0.1", 1, secret=SECRET))
    with pytest.raises(Unavailable):
        await live.repeat(object(), within=1.5)
    assert list(rig.sandbox.dc.ledger.connections(lambda _key: None)) == []


async def test_a_wrong_password_at_the_proxy_is_not_gone_around(rig: Rig) -> None:
    async with proxy_servers.socks5("me", "right") as served:
        live = behind(rig, Proxy(ProxyKind.SOCKS5, "127.0.0.1", served.port, "me", "wrong"))
        assert not await live.is_reached(within=1)
        assert served.refused > 0
        assert list(rig.sandbox.dc.ledger.connections(lambda _key: None)) == []


async def test_private_addresses_need_the_operators_word() -> None:
    async def resolve(host: str, _port: int) -> list[str]:
        found = {"two.example": ["93.184.216.34", "10.0.0.1"], "fine.example": ["93.184.216.34"]}
        if host.replace(".", "").isdigit() or ":" in host:
            return [host]
        if host not in found:
            raise OSError
        return found[host]

    strict, lenient = Proxies(resolve=resolve), Proxies(networks("10.0.0.0/8, ::1/128"), resolve=resolve)
    for host in (
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "::ffff:10.0.0.1",
        "0.0.0.0",
        "two.example",
        "x.example",
    ):
        with pytest.raises(Invalid) as refused:
            await strict.check(Proxy(ProxyKind.SOCKS5, host, 1080))
        assert refused.value.code == "PROXY_INVALID"
    for host in ("10.0.0.1", "::1", "::ffff:10.0.0.1", "two.example"):
        await lenient.check(Proxy(ProxyKind.SOCKS5, host, 1080))
    await strict.check(Proxy(ProxyKind.HTTP, "fine.example", 3128))


async def test_a_name_that_turns_private_later_is_not_followed(rig: Rig) -> None:
    """What was public when it was set must not lead inside when it is used."""
    answers = ["93.184.216.34"]

    async def resolve(_host: str, _port: int) -> list[str]:
        return answers

    rig.site = replace(rig.site, proxies=Proxies(resolve=resolve))
    async with proxy_servers.http_connect() as served:
        proxy = Proxy(ProxyKind.HTTP, "rebinding.example", served.port)
        await rig.site.proxies.check(proxy)
        answers[:] = ["127.0.0.1"]
        assert not await behind(rig, proxy).is_reached(within=1)
        assert served.reached == []
