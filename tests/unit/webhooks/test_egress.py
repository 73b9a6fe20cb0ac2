"""The one door out: whatever a receiver does, an attempt ends, bounded, with a code."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from teleflow.errors import Invalid
from teleflow.kit.networks import networks
from teleflow.webhooks import egress as module
from teleflow.webhooks.egress import Egress

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LOCAL = networks("127.0.0.0/8")
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Server:
    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.connections = 0
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            await self.talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    one = Server(talk)
    server = await asyncio.start_server(one.handle, "127.0.0.1", 0, ssl=tls)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()


@asynccontextmanager
async def door(**more: Any) -> AsyncIterator[Egress]:
    egress = Egress(**{"allowed": LOCAL, **more})
    await egress.start()
    try:
        yield egress
    finally:
        await egress.stop()


def saying(raw: bytes) -> Talk:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()

    return talk


async def answer(raw: bytes) -> module.Answer:
    async with serving(saying(raw)) as server, door() as egress:
        return await egress.post(f"http://127.0.0.1:{server.port}/", b"{}", {})


async def test_an_answer_is_kept_in_part_and_as_text() -> None:
    body = b"\xff\x00" + b"x" * 20_000
    got = await answer(b"HTTP/1.1 200 OK\r\nX-A: b\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
    assert (got.status, got.error) == (200, None)
    assert got.headers["x-a"] == "b"
    assert got.body.startswith("\ufffd\ufffdxx")
    assert len(got.body) == 8192


async def test_a_redirect_is_not_followed() -> None:
    async with serving(saying(OK)) as inner:
        for status in (301, 302, 307, 308):
            raw = b"HTTP/1.1 %d Moved\r\nlocation: http://127.0.0.1:%d/\r\ncontent-length: 0\r\n\r\n"
            assert (await answer(raw % (status, inner.port))).status == status
        assert inner.connections == 0


async def test_what_is_packed_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    raw = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n%s" % (len(bomb), bomb)
    got = await answer(raw)
    assert got.status == 200
    assert len(got.body) <= 8192


async def test_a_body_without_end_is_read_in_part() -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(10_000):
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with serving(talk) as server, door() as egress:
        got = await egress.post(f"http://127.0.0.1:{server.port}/", b"{}", {})
    assert got.status == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % n for n in range(1000)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nxx\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort",
    ],
)
async def test_what_is_no_answer_fails(raw: bytes) -> None:
    got = await answer(raw)
    assert got.status is None
    assert got.error in {module.BAD_RESPONSE, module.CONNECTION_FAILED}


async def test_whoever_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WITHIN_S", 0.3)

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
        for _ in range(100):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def continues(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(100):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    for each in (talk, continues):
        async with serving(each) as server, door() as egress:
            got = await egress.post(f"http://127.0.0.1:{server.port}/", b"{}", {})
        assert (got.status, got.error) == (None, module.TIMEOUT)


async def test_a_name_is_pinned_to_what_was_checked() -> None:
    """The lookup that is checked is the one that is connected to: a second one would tell another address."""
    told: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[tuple[int, str, int]]:
        told.append(host)
        return [(2, "127.0.0.1" if len(told) == 1 else "10.0.0.1", port)]

    async with serving(saying(OK)) as server, door(resolve=resolve) as egress:
        got = await egress.post(f"http://rebinding.example:{server.port}/", b"{}", {})
        assert (got.status, len(told), server.connections) == (200, 1, 1)


@pytest.mark.parametrize("second", ["10.0.0.1", "::1", "169.254.169.254"])
async def test_one_internal_address_spoils_a_name(second: str) -> None:
    async def resolve(_: str, port: int) -> Sequence[tuple[int, str, int]]:
        return [(2, "127.0.0.1", port), (10 if ":" in second else 2, second, port)]

    async with serving(saying(OK)) as server, door(resolve=resolve) as egress:
        got = await egress.post(f"http://both.example:{server.port}/", b"{}", {})
        assert (got.error, server.connections, got.duration_ms) == (module.BLOCKED_ADDRESS, 0, 0)
        with pytest.raises(Invalid) as refused:
            await egress.check(f"http://both.example:{server.port}/")
        assert refused.value.code == "URL_NOT_ALLOWED"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "localhost", "[::ffff:127.0.0.1]"])
async def test_what_is_not_allowed_is_never_connected_to(host: str) -> None:
    async with serving(saying(OK)) as server, door(allowed=()) as egress:
        got = await egress.post(f"http://{host}:{server.port}/", b"{}", {})
        assert (got.error, server.connections) == (module.BLOCKED_ADDRESS, 0)


async def test_open_closed_and_silent_ports_of_what_is_not_allowed_look_alike() -> None:
    async with serving(saying(OK)) as server, door(allowed=()) as egress:
        told = [await egress.post(f"http://127.0.0.1:{port}/", b"{}", {}) for port in (server.port, 1025, 9999)]
    assert len({(one.status, one.error, one.body, one.duration_ms) for one in told}) == 1


async def test_we_are_not_made_to_call_ourselves() -> None:
    async with serving(saying(OK)) as server, door(own_ports=[server.port]) as egress:
        got = await egress.post(f"http://127.0.0.1:{server.port}/", b"{}", {})
        assert (got.error, server.connections) == (module.BLOCKED_ADDRESS, 0)


async def test_nobody_there_and_no_such_name_are_told_apart() -> None:
    async def resolve(host: str, port: int) -> Sequence[tuple[int, str, int]]:
        raise OSError("no such name")

    async with serving(saying(OK)) as server:
        closed = server.port
    async with door() as egress:
        assert (await egress.post(f"http://127.0.0.1:{closed}/", b"{}", {})).error == module.CONNECTION_FAILED
    async with door(resolve=resolve) as egress:
        assert (await egress.post("http://nobody.example/", b"{}", {})).error == module.DNS_FAILED
        await egress.check("http://nobody.example/")  # it may come to be


async def test_a_certificate_must_be_good(tmp_path: Any) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(self_signed(tmp_path))
    async with serving(saying(OK), tls) as server, door() as egress:
        got = await egress.post(f"https://127.0.0.1:{server.port}/", b"{}", {})
        assert (got.status, got.error) == (None, module.TLS_ERROR)


def self_signed(folder: Any) -> str:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return str(path)
