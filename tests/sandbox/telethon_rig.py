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
from telethon.sessions.abstract import Session

from proofs.judges import connected
from teleflow.sandbox import running
from teleflow.sandbox.embedded import Sandbox

WAIT = 10.0
# quicker to factorise than the usual 62; smaller ones Telethon gets wrong now and then, and a product
# that fills its bytes to the last bit it reads as negative
PQ_BITS = 46
ANN, BOB, EVE = "+15550100001", "+15550100002", "+15550100003"


class Box:
    """A running sandbox and the clients that a test makes."""

    def __init__(self, running: Sandbox) -> None:
        self.dc = running.dc
        self.world = running.world
        self.control = running.control
        self._clients: list[Any] = []

    async def close(self) -> None:
        for client in self._clients:
            # a second disconnect would write to the session file again
            if client.is_connected():
                await client.disconnect()

    def client(self, session: Any = None, **more: Any) -> Any:
        """A Telethon client: on a new key, on a string session, or on a session object."""
        stored = session if isinstance(session, Session) else StringSession(session)
        if not stored.auth_key:
            stored.set_dc(self.dc.dc_id, self.dc.host, self.dc.port)
        options: dict[str, Any] = {"connection_retries": 3, "retry_delay": 0.1, "request_retries": 1} | more
        client = TelegramClient(stored, 1, "hash", **options)
        self._clients.append(client)
        return client

    def code(self, phone: str) -> str:
        found = self.control.code(phone)
        assert found is not None
        return str(found["code"])

    async def login(self, phone: str, session: Any = None, **more: Any) -> Any:
        client = self.client(session, **more)
        await asyncio.wait_for(connected(client), WAIT)
        await client.send_code_request(phone)
        await client.sign_in(phone, self.code(phone))
        return client


class Heard:
    """New messages as a handler receives them."""

    def __init__(self, client: Any, **filters: Any) -> None:
        self.events: asyncio.Queue[Any] = asyncio.Queue()
        client.add_event_handler(self.events.put, events.NewMessage(**filters))

    async def next(self) -> Any:
        return await asyncio.wait_for(self.events.get(), WAIT)


@contextlib.asynccontextmanager
async def sandbox(state_dir: Path | None = None, **changes: Any) -> AsyncIterator[Box]:
    """A sandbox with nobody in it, whose key Telethon trusts."""
    async with running(state_dir=state_dir, pq_bits=PQ_BITS, control_port=None, **changes) as started:
        rsa.add_key(started.public_key_pem, old=False)
        box = Box(started)
        try:
            yield box
        finally:
            await box.close()


@pytest.fixture
def trusted_keys() -> Iterator[None]:
    """Telethon keeps its public keys in a module-wide table; leave it as it was."""
    before = dict(rsa._server_keys)
    yield
    rsa._server_keys.clear()
    rsa._server_keys.update(before)
