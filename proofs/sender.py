"""An unmodified Telethon that sends files to people of the sandbox."""

from __future__ import annotations

import urllib.parse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.sessions import StringSession

from proofs.judges import connected
from proofs.process import SandboxProcess


class Named(BytesIO):
    """Bytes as a file of this name."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


@asynccontextmanager
async def telethon(sandbox: SandboxProcess, phone: str) -> AsyncIterator[Any]:
    """A client that is signed in to this account, which there is."""
    info = sandbox.info
    with open(info["publicKeyFile"], encoding="ascii") as file:  # noqa: ASYNC230, PTH123 - a small file, once
        rsa.add_key(file.read(), old=False)
    session = StringSession()
    session.set_dc(info["dcId"], info["host"], info["port"])
    client: Any = TelegramClient(session, 1, "hash", connection_retries=3, retry_delay=0.1, request_retries=1)
    try:
        await connected(client)
        await client.send_code_request(phone)
        code = (await sandbox.control.get(f"/accounts/{urllib.parse.quote(phone)}/code"))["code"]
        await client.sign_in(phone, code)
        yield client
    finally:
        await client.disconnect()
