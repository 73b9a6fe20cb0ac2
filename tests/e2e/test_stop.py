"""A stop as an operator asks for it, with sends under way: settled or handed over, within the time that is set."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from proofs import databases
from proofs.people import by_http, friends
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.wire import Caller, Reply, until
from tests.integration.webhooks.receiver import receiving


class Stand:
    """A service with one person's session, and a friend whom they write to."""

    def __init__(self, gateway: GatewayProcess, sandbox: SandboxProcess, token: str, friend: str) -> None:
        self.gateway = gateway
        self.sandbox = sandbox
        self.caller: Caller = gateway.caller(token)
        self.friend = friend
        self.session = ""

    async def send(self, text: str, *, later: bool) -> Reply:
        path = f"/api/v1/messages/send{'?async=true' if later else ''}"
        return await self.caller.ask(
            "POST", path, {"sessionId": self.session, "chatId": self.friend, "text": text}, idempotency_key=text
        )

    async def arrived(self, since: int) -> bool:
        calls = await self.sandbox.control.get(f"/ledger/calls?since={since}&limit=1000&method=messages.sendMessage")
        return bool(calls)

    async def texts(self) -> list[str]:
        return [row["text"] for row in await self.sandbox.messages() if row["to"] == self.friend]

    async def ended(self) -> tuple[int | None, float]:
        """SIGTERM, then its exit code and the seconds it took."""
        process = self.gateway._process
        assert process is not None
        began = time.monotonic()
        os.kill(self.gateway.pid, signal.SIGTERM)
        async with asyncio.timeout(60):
            return await process.wait(), time.monotonic() - began

    async def job(self, id_: str) -> Any:
        return (await self.caller.get(f"/api/v1/jobs/{id_}"))["data"]


@asynccontextmanager
async def standing(folder: Path, **settings: str) -> AsyncIterator[Stand]:
    sandbox = SandboxProcess(folder / "sandbox")
    await sandbox.start()
    gateway = GatewayProcess(folder / "gateway", sandbox.info, TELEGRAM_CONNECT_RATE="0", **settings)
    async with kept(gateway, sandbox):
        await gateway.start()
        (friend,) = await friends(sandbox, 1)
        (ann,) = await by_http(gateway, sandbox, 1)
        stand = Stand(gateway, sandbox, ann.token, friend)
        stand.session = (await stand.caller.get("/api/v1/sessions"))["data"][0]["id"]
        assert (await stand.send("first", later=False)).status == 201  # the friend is known from now on
        yield stand
        stand.caller.close()


async def slow(stand: Stand, milliseconds: int) -> int:
    """Telegram takes so long for the next message; the number of the last call before it."""
    match = {"method": "messages.sendMessage", "times": 1}
    await stand.sandbox.control.post("/faults", {"verb": "delay", "match": match, "args": {"ms": milliseconds}})
    return await stand.sandbox.last_call()


async def begun(stand: Stand, job: str) -> None:
    async def leaving() -> bool:
        return (await stand.job(job))["attempts"] > 0 or (await stand.job(job))["state"] == "sending"

    await until(leaving, 10)


async def test_who_waits_for_a_send_when_the_stop_comes_gets_the_answer_and_nobody_else_gets_in(tmp_path: Path) -> None:
    async with standing(tmp_path) as stand:
        await slow(stand, 1500)
        sending = asyncio.create_task(stand.send("second", later=False))
        other = stand.gateway.caller(stand.caller.token)

        async def under_way() -> bool:
            jobs = await other.get("/health")
            return bool(jobs) and not sending.done() and await _open_jobs(stand) > 0

        await until(under_way, 10)
        stopping = asyncio.create_task(stand.ended())
        await until(lambda: _closed(stand.gateway.port), 5)
        assert not sending.done()
        reply = await sending
        assert (reply.status, reply.json()["data"]["text"]) == (201, "second")
        code, seconds = await stopping
        assert code == 0
        assert seconds < 20
        assert await stand.texts() == ["first", "second"]
        other.close()


async def _open_jobs(stand: Stand) -> int:
    """As the database has it: a send is stored before it leaves."""
    count, _ = await databases.open_jobs(stand.gateway.data_dir)
    return count


async def _closed(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def test_a_send_that_nobody_waits_for_is_settled_before_the_end_and_what_is_queued_goes_on_at_the_next_start(
    tmp_path: Path,
) -> None:
    async with standing(tmp_path) as stand:
        await slow(stand, 1500)
        second = (await stand.send("second", later=True)).json()["data"]["id"]
        third = (await stand.send("third", later=True)).json()["data"]["id"]
        await begun(stand, second)
        assert (await stand.ended())[0] == 0
        assert await stand.texts() == ["first", "second"]
        assert await _open_jobs(stand) == 1
        await stand.gateway.start()
        assert (await stand.job(second))["state"] == "sent"

        async def sent() -> bool:
            return (await stand.job(third))["state"] == "sent"

        await until(sent, 20)
        assert await stand.texts() == ["first", "second", "third"]


async def test_a_delivery_that_is_under_way_is_settled_and_comes_once_and_what_waits_goes_on_at_the_next_start(
    tmp_path: Path,
) -> None:
    answered = asyncio.Event()

    async def answer(_: Any) -> web.Response:
        await answered.wait()
        return web.Response()

    async with receiving() as receiver, standing(tmp_path, WEBHOOK_ALLOW_NETS="127.0.0.0/8") as stand:
        receiver.answer = answer
        hook = {"url": receiver.url, "events": ["message.sent"]}
        assert (await stand.caller.ask("POST", "/api/v1/webhooks", hook)).status == 201
        texts = [f"number-{number}" for number in range(30)]  # more than are under way to one endpoint at once
        for text in texts:
            assert (await stand.send(text, later=False)).status == 201
        await receiver.count(1)
        stopping = asyncio.create_task(stand.ended())
        await until(lambda: _closed(stand.gateway.port), 5)
        assert not stopping.done()
        under_way = len(receiver.got)
        answered.set()
        assert (await stopping)[0] == 0
        assert len(receiver.got) == under_way < len(texts), "nothing new is begun by a stop"
        await stand.gateway.start()
        got = await receiver.count(len(texts), within=30)
        assert sorted(one.event["data"]["text"] for one in got) == sorted(texts)
        assert len({one.id for one in got}) == len(texts)


async def test_a_stop_takes_no_longer_than_its_setting_and_the_send_goes_out_once(tmp_path: Path) -> None:
    async with standing(tmp_path, STOP_WITHIN_SECONDS="2") as stand:
        await slow(stand, 20_000)
        second = (await stand.send("second", later=True)).json()["data"]["id"]
        await begun(stand, second)
        code, seconds = await stand.ended()
        assert code == 0
        assert 1.0 < seconds < 6.0
        await stand.gateway.start()

        async def sent() -> bool:
            return (await stand.job(second))["state"] == "sent"

        await until(sent, 40)
        assert await stand.texts() == ["first", "second"]


@pytest.fixture
def ear(tmp_path: Path) -> Any:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "notify"))
        made.settimeout(30)
        yield made


async def test_systemd_hears_that_it_is_ready_alive_and_stopping(tmp_path: Path, ear: socket.socket) -> None:
    sandbox = SandboxProcess(tmp_path / "sandbox")
    await sandbox.start()
    told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
    gateway = GatewayProcess(tmp_path / "gateway", sandbox.info, **told)
    async with kept(gateway, sandbox):
        await gateway.spawn()
        assert await asyncio.to_thread(ear.recv, 100) == b"READY=1"
        await stand_up(gateway)
        assert [await asyncio.to_thread(ear.recv, 100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
        await gateway.stop()
        rest = []
        ear.settimeout(0)
        while b"STOPPING=1" not in rest:
            rest.append(ear.recv(100))
        assert set(rest) <= {b"WATCHDOG=1", b"STOPPING=1"}


async def stand_up(gateway: GatewayProcess) -> None:
    """Ready is said when it listens, and not before."""
    await gateway.line()
    assert (await gateway.caller().ask("GET", "/health")).status == 200
