"""Bob, with an unmodified Telethon, sends files to Ann, who is signed in through the service."""

from __future__ import annotations

import asyncio
import hashlib
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.sessions import StringSession

from tests.integration.gateway.rig import ANN, BOB, Rig, rigged

WAIT = 20.0


def noise(size: int) -> bytes:
    return (hashlib.sha512(size.to_bytes(4, "big")).digest() * (size // 64 + 1))[:size]


def png(width: int, height: int) -> bytes:
    """A real picture, of one colour."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = (b"\x00" + b"\x40" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Named(BytesIO):
    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


class Post:
    """`session` is Ann's, `headers` prove her; `bob` is a Telethon client, `to_ann` how he addresses her."""

    def __init__(self, rig: Rig, headers: dict[str, str], bob: Any) -> None:
        self.rig, self.headers, self.bob = rig, headers, bob
        self.session = ""
        self.bob_id = 0
        self.to_ann: Any = None

    async def made(self) -> Post:
        storage, user = self.rig.gateway.storage, await self.rig.gateway.storage.user_named("ann")
        assert user is not None
        self.session = (await storage.sessions(user.id, limit=1))[0].id
        ids = {one["firstName"]: one["id"] for one in self.rig.sandbox.control.accounts()}
        self.bob_id = ids["Bob"]
        sent = await self.rig.sandbox.control.act(ANN, {"do": "send", "to": ids["Bob"], "text": "hello"})
        assert sent
        async for dialog in self.bob.iter_dialogs():
            if dialog.id == ids["Ann"]:
                self.to_ann = dialog.input_entity
        return self

    async def sent(self, data: bytes, name: str, **more: Any) -> dict[str, Any]:
        """What Ann is told of a file that Bob sends: the message."""
        await self.bob.send_file(self.to_ann, Named(data, name), **more)
        return await self.newest()

    async def newest(self) -> dict[str, Any]:
        query = {"sessionId": self.session, "chatId": str(self.bob_id), "limit": 1}
        answer = await self.rig.http.get("/api/v1/messages/history", params=query, headers=self.headers)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()["data"][0]
        return told

    def path(self, message: dict[str, Any]) -> str:
        return f"/api/v1/sessions/{self.session}/files/{message['media']['fileId']}"

    async def get(self, message: dict[str, Any], *, method: str = "GET", thumb: str = "", **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        query = {"thumb": thumb} if thumb else None
        return await self.rig.http.request(method, self.path(message), params=query, headers={**self.headers, **named})


@asynccontextmanager
async def posting(data: Path, *, dcs: tuple[int, ...] = (), **settings: Any) -> AsyncIterator[Post]:
    # Telethon gets the numbers that the rig's other tests factorise wrong now and then.
    async with rigged(data, dcs=dcs, pq_bits=46, **settings) as rig:
        headers = await rig.connected("ann", ANN)
        rsa.add_key(rig.sandbox.public_key_pem, old=False)
        session = StringSession()
        session.set_dc(rig.sandbox.dc_id, rig.sandbox.host, rig.sandbox.port)
        bob = TelegramClient(session, 1, "hash", connection_retries=3, retry_delay=0.1, request_retries=1)
        try:
            await asyncio.wait_for(bob.connect(), WAIT)
            await bob.send_code_request(BOB)
            await bob.sign_in(BOB, rig.code(BOB))
            yield await Post(rig, headers, bob).made()
        finally:
            await bob.disconnect()


__all__ = ["Post", "noise", "png", "posting"]
