"""The HTTP server itself: bounds in time, order on a connection, and how it stops."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from teleflow.api import bodies, server
from teleflow.model.jobs import SendJob
from teleflow.model.sending import Sending
from tests.integration.api.rig import Service, running

SEND = b'{"phone":"+15550100002","message":"hello"}'


def request(headers: dict[str, str], body: bytes = SEND, path: str = "/send") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def test_a_head_that_does_not_come_is_not_waited_for(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack row D01."""
    monkeypatch.setattr(server, "HEAD_TIME", 0.05)
    for start in (b"", b"GET /health HTTP/1.1\r\nX-Slow: "):
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(start)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
        writer.close()


async def test_a_body_that_does_not_come_is_not_waited_for(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = await service.connected()
    monkeypatch.setattr(bodies, "BODY_DEADLINE", 0.05)
    whole = request(headers)
    status, _, body = await service.raw(whole[:-5])
    assert (status, b"REQUEST_TIMEOUT" in body) == (408, True)


async def test_bytes_that_belong_to_no_request_hold_no_connection(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a request is answered, neither blank lines nor the rest of its body, byte by byte, keep it open."""
    monkeypatch.setattr(server, "HEAD_TIME", 0.05)
    bodiless = b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"
    refused = b"POST /version HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    for start, dribble in ((bodiless, b"\r\n"), (refused, b"x")):
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(start)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert head.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 405 "))
        writer.write(dribble)
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(reader.read(), 5)  # to its end
        writer.close()


async def test_a_caller_who_takes_no_answer_is_not_waited_for(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "TAKE_TIME", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port, limit=1024)
    writer.write(b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n" * 20)  # 30 MB
    async with asyncio.timeout(5):
        while not service.server._state.connections:
            await asyncio.sleep(0)
        while service.server._state.connections:
            await asyncio.sleep(0.01)
    with contextlib.suppress(ConnectionError):
        while await asyncio.wait_for(reader.read(1 << 20), 5):
            pass
    writer.close()


async def test_an_idle_connection_between_requests_is_kept(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_TIME", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    for _ in range(3):
        writer.write(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        length = int(next(line for line in head.split(b"\r\n") if line.startswith(b"content-length")).split(b":")[1])
        await reader.readexactly(length)
        with pytest.raises(TimeoutError):  # idle, but no head has begun: it is not closed
            await asyncio.wait_for(reader.read(1), 0.15)
    writer.close()


async def test_pipelined_requests_are_answered_in_their_order(service: Service) -> None:
    headers = await service.connected()
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    texts = [f"message {n}" for n in range(20)]
    writer.write(
        b"".join(request(headers, b'{"phone":"+15550100002","message":"%s"}' % text.encode()) for text in texts)
    )
    for _ in texts:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert head.startswith(b"HTTP/1.1 200 "), head
        length = int(next(line for line in head.split(b"\r\n") if line.startswith(b"content-length")).split(b":")[1])
        await reader.readexactly(length)
    assert [asked[3] for asked in service.telegram.asked if asked[0] == "send"] == texts
    writer.close()


async def test_head_without_a_body_leaves_the_connection_usable(service: Service) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    for _ in range(3):
        writer.write(b"HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert head.startswith(b"HTTP/1.1 200 ")
    writer.close()


class Held:
    """A send that waits until the test lets it go."""

    def __init__(self, service: Service) -> None:
        self.began, self.go = asyncio.Event(), asyncio.Event()
        self._real = service.telegram.send
        service.services.messages._outbox = self

    async def send(self, sending: Sending) -> SendJob:
        self.began.set()
        await self.go.wait()
        return await self._real(sending)


async def test_a_stop_lets_what_is_under_way_end(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        held = Held(service)
        headers = await service.connected()
        sending = asyncio.create_task(service.http.post("/send", content=SEND, headers={**headers, **JSON}))
        await asyncio.wait_for(held.began.wait(), 5)
        stopping = asyncio.create_task(service.server.stop(grace=5))
        await asyncio.sleep(0)
        held.go.set()
        assert (await sending).status_code == 200
        await stopping
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", service.port)


async def test_what_is_cut_off_by_a_stop_gets_no_answer(tmp_path: Path) -> None:
    """An error answer to a send is a promise that nothing goes out: nobody can give it here."""
    async with running(tmp_path) as service:
        held = Held(service)
        headers = await service.connected()
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(request(headers))
        await asyncio.wait_for(held.began.wait(), 5)
        await service.server.stop(grace=0)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


JSON = {"content-type": "application/json"}


class Gone:
    """A transport whose peer has left: as uvloop's, it raises when it is written to."""

    def is_closing(self) -> bool:
        return True

    def write(self, _data: bytes) -> None:
        raise RuntimeError("the handler is closed")


async def test_an_answer_for_nobody_is_no_error() -> None:
    joining = server._Joining(Gone(), asyncio.get_running_loop())  # type: ignore[arg-type]
    joining.write(b"HTTP/1.1 200 OK\r\n\r\n")
    joining.write(b"body")
    joining._flush()
