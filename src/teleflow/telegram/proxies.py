"""Connections through a proxy, and never around it.

A session that has a proxy connects through it or not at all. The proxy's name is resolved here, each time, and the
address that was checked is the one that is connected to: private networks are only for those that the operator
named. The data centre's address is told to the proxy as it is.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from python_socks import ProxyError, ProxyType

from teleflow.errors import Invalid
from teleflow.kit.networks import Network, is_allowed
from teleflow.model.proxies import Proxy, ProxyKind
from teleflow.telegram.mtproto.connect import Dial, dial
from teleflow.telegram.mtproto.framing import Framing, FullFraming
from teleflow.telegram.mtproto.link import Link
from teleflow.telegram.mtproto.obfuscated import ObfuscatedFraming

RESOLVE_WITHIN_S = 5.0
_CONNECT_WITHIN_S = 9.0  # inside of the link's own deadline, so that the cause is told

Resolve = Callable[[str, int], Awaitable[list[str]]]


class ProxyFailed(ConnectionError):
    """The proxy is not there, refuses us, or can't reach the data centre."""


@dataclass(frozen=True, slots=True)
class Route:
    """How one connection is made: `dial` and the framing that is spoken on it."""

    dial: Dial
    framing: Callable[[], Framing]


async def resolved(host: str, port: int) -> list[str]:
    """All addresses of a host. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Proxies:
    """Which proxies are allowed here, and the way through them."""

    def __init__(self, allowed: Sequence[Network] = (), *, resolve: Resolve = resolved, straight: Dial = dial) -> None:
        self._allowed = tuple(allowed)
        self._resolve = resolve
        self._straight = straight

    async def check(self, proxy: Proxy) -> None:
        """Raises Invalid PROXY_INVALID: unknown host, or an address that the operator does not allow."""
        details = {"field": "proxy.host"}
        try:
            await self._address(proxy)
        except ProxyFailed as error:
            raise Invalid(f"The proxy can't be used: {error}", code="PROXY_INVALID", details=details) from error

    def route(self, proxy: Proxy | None, dc_id: int) -> Route:
        if proxy is None:
            return Route(self._straight, FullFraming)
        if proxy.kind is ProxyKind.MTPROXY:
            return Route(partial(self._to_mtproxy, proxy), partial(ObfuscatedFraming, proxy.secret or b"", dc_id))
        return Route(partial(self._through, proxy), FullFraming)

    async def _through(self, proxy: Proxy, protocol: Callable[[], Link], host: str, port: int) -> Link:
        from python_socks.async_.asyncio import Proxy as Connector  # of most installations no session has a proxy

        address = await self._address(proxy)
        kind = ProxyType.SOCKS5 if proxy.kind is ProxyKind.SOCKS5 else ProxyType.HTTP
        connector = Connector(kind, address, proxy.port, proxy.username, proxy.password, rdns=True)
        try:
            opened = await connector.connect(host, port, timeout=_CONNECT_WITHIN_S)
        except (ProxyError, OSError, ValueError, RuntimeError) as error:  # what its reader makes of odd answers
            raise ProxyFailed(f"the proxy does not connect us: {_told(error)}") from error
        try:
            _, link = await asyncio.get_running_loop().create_connection(protocol, sock=opened)
        except BaseException:
            with suppress(OSError):
                opened.close()
            raise
        return link

    async def _to_mtproxy(self, proxy: Proxy, protocol: Callable[[], Link], _host: str, _port: int) -> Link:
        address = await self._address(proxy)
        try:
            _, link = await asyncio.get_running_loop().create_connection(protocol, address, proxy.port)
        except OSError as error:
            raise ProxyFailed(f"the proxy does not connect us: {_told(error)}") from error
        return link

    async def _address(self, proxy: Proxy) -> str:
        """An address of the proxy that may be connected to. One that may not spoils them all. Raises ProxyFailed."""
        try:
            async with asyncio.timeout(RESOLVE_WITHIN_S):
                found = await self._resolve(proxy.host, proxy.port)
        except (OSError, UnicodeError) as error:
            raise ProxyFailed("the proxy's host is not known") from error
        for text in found:
            if not is_allowed(ipaddress.ip_address(text.partition("%")[0]), self._allowed):
                raise ProxyFailed("the proxy's address is in a private network that PROXY_ALLOW_NETS does not name")
        if not found:
            raise ProxyFailed("the proxy's host has no address")
        return found[0]


def _told(error: BaseException) -> str:
    """For a person; without what the proxy's own answer may hold of us."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ProxyError):
        return str(error)[:100] or type(error).__name__
    return type(error).__name__
