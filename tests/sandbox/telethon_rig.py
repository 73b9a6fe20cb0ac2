"""An unmodified Telethon against the sandbox: all it is given is an address, a data centre id and a public key."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from telethon import TelegramClient, events
from telethon.crypto import rsa
from telethon.sessions import StringSession

from teleflow.kit.clock import SystemClock
from teleflow.kit.tasks import Tasks
from teleflow.sandbox.rpc.register import build
from teleflow.sandbox.scenario import Scenarios
from teleflow.sandbox.server import Backend, DataCentre, Options
from teleflow.sandbox.world.control import WorldControl
from teleflow.sandbox.world.world import World

WAIT = 10.0
ANN, BOB, EVE = "+15550100001", "+15550100002", "+15550100003"


class Sandbox:
    """A data centre with its world, in this process."""

    def __init__(self, state_dir: Path | None = None) -> None:
        self.clock = SystemClock()
        self.world = World(clock=self.clock)
        self.control = WorldControl(self.world, directory=state_dir)
        self.tasks = Tasks("rig")
        self.dc = DataCentre(Options(state_dir=state_dir, pq_bits=30), self._backend)
        self._clients: list[Any] = []

    def _backend(self, dc: DataCentre) -> Backend:
        rpc = build(self.world, dc_id=dc.dc_id, address=lambda: (dc.host, dc.port))
        return Backend(
            rpc,
            attach=self.world.attach,
            revoke=self.world.revoke,
            expire_code=lambda phone: _forget(self.world.logins.expire_codes(phone)),
        )

    async def start(self) -> None:
        self.control.load()
        await self.dc.start()
        Scenarios(self.world, self.clock, self.tasks).start()
        rsa.add_key(self.dc.public_key_pem, old=False)

    async def stop(self) -> None:
        for client in self._clients:
            await client.disconnect()
        await self.tasks.close()
        await self.dc.stop()
        self.control.close()

    def client(self, session: str | None = None, **more: Any) -> Any:
        stored = StringSession(session)
        if session is None:
            stored.set_dc(self.dc.dc_id, self.dc.host, self.dc.port)
        options: dict[str, Any] = {"connection_retries": 3, "retry_delay": 0.1, "request_retries": 1} | more
        client = TelegramClient(stored, 1, "hash", **options)
        self._clients.append(client)
        return client

    def code(self, phone: str) -> str:
        found = self.control.code(phone)
        assert found is not None
        return str(found["code"])

    async def login(self, phone: str, **more: Any) -> Any:
        client = self.client(**more)
        await asyncio.wait_for(client.connect(), WAIT)
        await client.send_code_request(phone)
        await client.sign_in(phone, self.code(phone))
        return client


def _forget(_count: int) -> None:
    return None


class Heard:
    """New messages as a handler receives them."""

    def __init__(self, client: Any, **filters: Any) -> None:
        self.events: asyncio.Queue[Any] = asyncio.Queue()
        client.add_event_handler(self.events.put, events.NewMessage(**filters))

    async def next(self) -> Any:
        return await asyncio.wait_for(self.events.get(), WAIT)


@contextlib.asynccontextmanager
async def sandbox(state_dir: Path | None = None) -> AsyncIterator[Sandbox]:
    running = Sandbox(state_dir)
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


@pytest.fixture
def trusted_keys() -> Iterator[None]:
    """Telethon keeps its public keys in a module-wide table; leave it as it was."""
    before = dict(rsa._server_keys)
    yield
    rsa._server_keys.clear()
    rsa._server_keys.update(before)
