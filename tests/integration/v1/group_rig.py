"""Ann's session, asked about her groups and channels; the sandbox's world is the judge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.sessions import StringSession

from teleflow.sandbox.world.chat_records import Chat, Member
from tests.integration.gateway.chat_rig import ANN, BOB, EVE, V1, Scene, scene

__all__ = ["ANN", "BOB", "EVE", "Rooms", "person", "rooms"]


class Rooms:
    """`ask` asks below `/sessions/{id}`; `chat` and `member` are as the data centre has them."""

    def __init__(self, at: Scene) -> None:
        self.at = at
        self.ids = at.ids
        self.chats = at.chats
        self.session = at.session

    async def ask(
        self, method: str, path: str, body: Any = None, *, status: int = 200, key: str | None = None, **query: Any
    ) -> Any:
        headers = self.at.headers if key is None else {**self.at.headers, "Idempotency-Key": key}
        url = f"{V1}/sessions/{self.session}{path}"
        sent = {} if body is None else {"json": body}
        answer = await self.at.rig.http.request(method, url, headers=headers, params=query, **sent)
        return self.at.read(answer, status)

    async def on(self, kind: str, method: str, path: str = "", body: Any = None, **more: Any) -> Any:
        return await self.ask(method, f"/chats/{self.chats[kind]}{path}", body, **more)

    @property
    def world(self) -> Any:
        return self.at.rig.sandbox.world

    def chat(self, id_: Any) -> Chat:
        found: Chat = self.world.chats.by_id[int(id_)]
        return found

    def member(self, kind: str, name: str) -> Member:
        found: Member = self.world.chats.member(self.chat(self.chats[kind]), self.ids[name])
        return found

    def titled(self, title: str) -> list[Chat]:
        return [chat for chat in self.world.chats if chat.title == title]


@asynccontextmanager
async def rooms(data: Path, **settings: Any) -> AsyncIterator[Rooms]:
    # Telethon gets the numbers that the rig's other tests factorise wrong now and then.
    async with scene(data, pq_bits=46, **settings) as at:
        yield Rooms(at)


@asynccontextmanager
async def person(at: Rooms, phone: str) -> AsyncIterator[Any]:
    """Somebody with another program: an unmodified Telethon, which has met everybody in the account's list."""
    rig = at.at.rig
    rsa.add_key(rig.sandbox.public_key_pem, old=False)
    session = StringSession()
    session.set_dc(rig.sandbox.dc_id, rig.sandbox.host, rig.sandbox.port)
    client: Any = TelegramClient(session, 1, "hash", connection_retries=3, retry_delay=0.1, request_retries=1)
    try:
        await asyncio.wait_for(client.connect(), 20)
        await client.send_code_request(phone)
        await client.sign_in(phone, rig.code(phone))
        await client.get_dialogs()
        yield client
    finally:
        await client.disconnect()
