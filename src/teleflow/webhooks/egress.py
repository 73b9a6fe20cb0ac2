"""The one door out to addresses that users name.

Promises: an address that was not checked is never connected to: each socket is made for one address, and made only if
that one is allowed (one that is not spoils all of a name's); no redirect is followed, no proxy of the environment used,
nothing is unpacked; a delivery ends in 10 s whatever the receiver does, having read 64 KiB at most; every refusal on
account of the address looks alike. How much is read of a file, and how long, is `fetching`'s to bound.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from teleflow.errors import Invalid
from teleflow.kit.clock import loop_time
from teleflow.kit.networks import Network, is_allowed
from teleflow.webhooks.target import address_of

WITHIN_S = 10.0
SILENT_S = 15.0  # a server that is read from, and says nothing
RESOLVE_WITHIN_S = 5.0
READ_MOST = 64 * 1024
_STORED = 8 * 1024
_STORED_HEADERS = 4 * 1024
_AT_ONCE = 1_000
_LOOKUPS_AT_ONCE = 64
_READ_BUFFER = 2**14
_PIECE = 256 * 1024

BLOCKED_ADDRESS = "BLOCKED_ADDRESS"
DNS_FAILED = "DNS_FAILED"
CONNECTION_FAILED = "CONNECTION_FAILED"
TLS_ERROR = "TLS_ERROR"
TIMEOUT = "TIMEOUT"
BAD_RESPONSE = "BAD_RESPONSE"

Resolve = Callable[[str, int], Awaitable[Sequence[tuple[int, str, int]]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """How an attempt ended. `status` is None where no answer came; then `error` is one of the codes above.

    `headers` are in lower case, `body` is the first 8 KiB as text.
    """

    status: int | None
    error: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    duration_ms: int = 0


@dataclass(frozen=True, slots=True)
class Coming:
    """An answer whose body is still to be read. `headers` in lower case; `size` as it says, None when it does not."""

    status: int
    headers: Mapping[str, str]
    size: int | None
    pieces: AsyncIterator[bytes]


class BadAnswer(Exception):
    """What came is no HTTP that can be read."""


class Blocked(OSError):
    """The address is not one to be connected to."""


class Egress:
    """See the module. `own_ports`: those that this service listens on, which nobody may make it call itself."""

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        *,
        own_ports: Sequence[int] = (),
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = tuple(allowed)
        self._resolve = resolve or self._looked_up
        # Of its own: a lookup can't be broken off, and somebody's dead name servers must not stop anybody else's work.
        self._names = ThreadPoolExecutor(_LOOKUPS_AT_ONCE, thread_name_prefix="names")
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None
        self.own_ports = set(own_ports)

    @property
    def allowed(self) -> tuple[Network, ...]:
        return self._allowed

    async def start(self) -> None:
        tls = self._tls or ssl.create_default_context()
        tls.minimum_version = ssl.TLSVersion.TLSv1_2
        connector = aiohttp.TCPConnector(
            limit=_AT_ONCE,
            resolver=_Checked(self),
            ttl_dns_cache=10,
            ssl=tls,
            keepalive_timeout=20,
            socket_factory=self._socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            read_bufsize=_READ_BUFFER,
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
        )

    async def stop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()
        self._names.shutdown(wait=False, cancel_futures=True)

    async def check(self, url: str) -> None:
        """Raises Invalid URL_NOT_ALLOWED for a name of a forbidden address; a name that is unknown may become one."""
        parsed = URL(url)
        try:
            async with asyncio.timeout(RESOLVE_WITHIN_S):
                await self.addresses(parsed.raw_host or "", parsed.port or 443)
        except Blocked as error:
            raise Invalid(
                "Webhooks are not sent to this address: it is not a public one",
                code="URL_NOT_ALLOWED",
                details={"field": "url"},
            ) from error
        except OSError:
            return  # a TimeoutError is one too

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """One attempt. Raises nothing."""
        if self._session is None:
            return Answer(None, CONNECTION_FAILED)
        began = loop_time()
        try:
            async with asyncio.timeout(WITHIN_S):
                return await self._exchange(self._session, url, body, headers, began)
        except (TimeoutError, aiohttp.ServerTimeoutError):
            error = TIMEOUT
        except (aiohttp.ClientSSLError, ssl.SSLError, ssl.CertificateError):
            error = TLS_ERROR
        except aiohttp.ClientConnectorError as failed:
            error = _cause(failed)
        except Blocked:
            error = BLOCKED_ADDRESS
        except (aiohttp.ClientConnectionError, OSError):
            error = CONNECTION_FAILED
        except (aiohttp.ClientError, ValueError, asyncio.IncompleteReadError):
            error = BAD_RESPONSE
        # How long a refusal took would tell what was refused.
        return Answer(None, error, duration_ms=0 if error == BLOCKED_ADDRESS else _since(began))

    @asynccontextmanager
    async def get(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[Coming]:
        """The answer to one GET, its body not read yet. Raises OSError (Blocked is one), BadAnswer."""
        if self._session is None:
            raise OSError("closed")
        wanted = URL(url, encoded=True)
        literal = address_of(wanted.raw_host or "")
        if literal is not None:
            self._refuse(str(literal), wanted.port or 0)
        slow = aiohttp.ClientTimeout(total=None, connect=WITHIN_S, sock_read=SILENT_S)
        try:
            async with self._session.get(wanted, headers=headers, allow_redirects=False, timeout=slow) as response:
                told = {name.lower(): value for name, value in response.headers.items()}
                yield Coming(response.status, told, response.content_length, response.content.iter_chunked(_PIECE))
        except aiohttp.ClientOSError:
            raise  # an OSError
        except (aiohttp.ClientError, ValueError) as error:
            raise BadAnswer(type(error).__name__) from error

    async def _exchange(
        self, session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str], began: float
    ) -> Answer:
        target = URL(url, encoded=True)
        literal = address_of(target.raw_host or "")
        if literal is not None:
            self._refuse(str(literal), target.port or 0)
        async with session.post(target, data=body, headers=headers, allow_redirects=False) as response:
            held = bytearray()
            while len(held) < READ_MOST:
                chunk = await response.content.read(READ_MOST - len(held))
                if not chunk:
                    break
                held += chunk
            else:
                response.close()  # whatever else it sends is not read: the connection goes
            return Answer(
                response.status,
                headers=_kept(response.headers),
                body=_text(held[:_STORED]),
                duration_ms=_since(began),
            )

    async def addresses(self, host: str, port: int) -> list[tuple[int, str, int]]:
        """Those of a host, all of which are allowed. Raises Blocked, OSError."""
        found = list(await self._resolve(host, port))
        for _, address, _ in found:
            self._refuse(address, port)
        if not found:
            raise OSError("no address")
        return found

    async def _looked_up(self, host: str, port: int) -> list[tuple[int, str, int]]:
        """(family, address, port) of each address of a host. Raises OSError."""
        lookup = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._names, lookup)
        return [(entry[0], str(entry[4][0]), port) for entry in found]

    def _socket(self, info: tuple[Any, ...]) -> socket.socket:
        """The last gate: no other code makes a socket here."""
        family, kind, protocol, _, address = info
        self._refuse(str(address[0]), int(address[1]))
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def _refuse(self, text: str, port: int) -> None:
        """Raises Blocked."""
        address = ipaddress.ip_address(text.partition("%")[0])
        if not is_allowed(address, self._allowed):
            raise Blocked("not a public address")
        if port in self.own_ports and _is_own(str(address)):
            raise Blocked("our own address")


class _Checked(AbstractResolver):
    """Looks names up for the connector, and refuses what must not be connected to."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - one that is forbidden spoils all
    ) -> list[ResolveResult]:
        async with asyncio.timeout(RESOLVE_WITHIN_S):
            found = await self._egress.addresses(host, port)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family_, proto=0, flags=socket.AI_NUMERICHOST)
            for family_, address, _ in found
        ]

    async def close(self) -> None:
        pass


def _cause(failed: aiohttp.ClientConnectorError) -> str:
    if isinstance(failed.os_error, Blocked):
        return BLOCKED_ADDRESS
    if isinstance(failed, aiohttp.ClientConnectorDNSError):
        return DNS_FAILED
    return CONNECTION_FAILED


def _is_own(address: str) -> bool:
    """Is it one of this machine's? Asked of the routing table; nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 9))
        except OSError:
            return False
        return str(probe.getsockname()[0]) == address


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    room = _STORED_HEADERS
    for name, value in headers.items():
        room -= len(name) + len(value)
        if room < 0:
            break
        kept[name.lower()[:200]] = _text(value.encode("utf-8", "surrogateescape"))
    return kept


def _text(raw: bytes | bytearray) -> str:
    """As text that any database takes."""
    return bytes(raw).decode("utf-8", "replace").replace("\x00", "\ufffd")


def _since(began: float) -> int:
    return round((loop_time() - began) * 1000)
