"""kurigram from PyPI against the sandbox: python kurigram_story.py '{"host", "port", ...}' STEP...

Prints one line of JSON for each step, {"step", "ok", ...}, and exits with 1 when one fails. Runs in an environment of
its own (requirements-kurigram.txt): it imports nothing of this project.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import logging
import sys
import tempfile
import traceback
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

# docs:begin
from pyrogram import Client, errors, filters
from pyrogram.connection import Connection
from pyrogram.crypto import rsa
from pyrogram.handlers import MessageHandler

DC: dict[str, Any] = json.loads(sys.argv[1])


def trust(pem: str) -> None:
    """Add the data centre's key, a PKCS#1 PEM: two integers in a sequence."""
    der = base64.b64decode("".join(pem.splitlines()[1:-1]))
    numbers, place = [], 4
    for _ in range(2):
        size, place = der[place + 1], place + 2
        if size & 0x80:
            width = size & 0x7F
            size, place = int.from_bytes(der[place : place + width], "big"), place + width
        numbers.append(int.from_bytes(der[place : place + size], "big"))
        place += size
    n, e = (number.to_bytes((number.bit_length() + 7) // 8, "big") for number in numbers)
    text = b"\xfe" + len(n).to_bytes(3, "little") + n + bytes(-len(n) % 4) + bytes([len(e)]) + e
    digest = hashlib.sha1(text + bytes(-len(text) % 4)).digest()
    rsa.server_public_keys[int.from_bytes(digest[-8:], "little", signed=True)] = rsa.PublicKey(*numbers)


class ToSandbox(Connection):
    """Every connection goes to the sandbox, whatever address kurigram knows."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named | {"server_address": DC["host"], "port": DC["port"]})


def client(name: str, saved: str | None = None, **more: Any) -> Client:
    return Client(name, 1, "hash", in_memory=True, session_string=saved, connection_factory=ToSandbox, **more)


# docs:end

ANN, BOB, EVE = "+15550100001", "+15550100002", "+15550100003"
WAIT = 15


async def control(method: str, path: str, body: Any = None) -> Any:
    def ask() -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(DC["controlUrl"] + path, data, method=method)) as answer:
            return json.loads(answer.read())

    return await asyncio.to_thread(ask)


async def act(phone: str, **body: Any) -> Any:
    return await control("POST", f"/accounts/{urllib.parse.quote(phone)}/act", body)


async def sign_in(phone: str, password: str = "", app: Client | None = None) -> str:
    """The session string of a new login."""
    app = app or client(phone)
    await app.connect()
    sent = await app.send_code(phone)
    code = (await control("GET", f"/accounts/{urllib.parse.quote(phone)}/code"))["code"]
    try:
        await app.sign_in(phone, sent.phone_code_hash, code)
    except errors.SessionPasswordNeeded:
        await app.check_password(password)
    saved = await app.export_session_string()
    await app.disconnect()
    return str(saved)


class Story:
    """The steps, in the order in which they are named."""

    ann: Client
    group_id: int
    channel_id: int

    def __init__(self, folder: str) -> None:
        self.folder = folder

    async def login(self) -> None:
        await sign_in(ANN, app=self._device())
        await self._start()
        me = await self.ann.get_me()
        assert (me.first_name, me.phone_number) == ("Ann", ANN[1:]), me

    def _device(self) -> Client:
        """Kept on disk, for it has to know after a restart how far it had got."""
        more = {"skip_updates": False, "fetch_topics": False, "fetch_stories": False}
        return Client("ann", 1, "hash", workdir=self.folder, connection_factory=ToSandbox, **more)

    async def _start(self) -> None:
        self.heard: asyncio.Queue[Any] = asyncio.Queue()

        async def hear(_: Client, message: Any) -> None:
            await self.heard.put(message)

        self.ann = self._device()
        self.ann.add_handler(MessageHandler(hear, filters.text))
        await self.ann.start()

    async def _hear(self, text: str) -> Any:
        async with asyncio.timeout(WAIT):
            while True:
                message = await self.heard.get()
                if message.text == text:
                    return message

    async def password(self) -> None:
        eve = client("eve", await sign_in(EVE, "open sesame"), no_updates=True)
        await eve.start()
        assert (await eve.get_me()).first_name == "Eve"
        await eve.stop()

    async def talk(self) -> None:
        sent = await self.ann.send_message("bob_here", "hello Bob")
        assert sent.text == "hello Bob"
        await act(BOB, do="send", to=ANN, text="hello Ann")
        message = await self._hear("hello Ann")
        assert message.from_user.first_name == "Bob"
        history = [each.text async for each in self.ann.get_chat_history("bob_here", limit=2)]
        assert history == ["hello Ann", "hello Bob"], history

    async def group(self) -> None:
        group = await self.ann.create_group("Friends", ["bob_here"])
        self.group_id = getattr(group, "id", None) or group.chat.id
        await self.ann.send_message(self.group_id, "welcome")
        bob = client("bob", await sign_in(BOB), no_updates=True)
        await bob.start()
        titles = [dialog.chat.title async for dialog in bob.get_dialogs()]
        assert "Friends" in titles, titles
        read = [each.text async for each in bob.get_chat_history(self.group_id, limit=1)]
        assert read == ["welcome"], read
        await bob.send_message(self.group_id, "hello group")
        assert (await self._hear("hello group")).chat.title == "Friends"
        await bob.stop()

    async def channel(self) -> None:
        self.channel_id = (await self.ann.create_channel("News", "all of it")).id
        await self.ann.send_message(self.channel_id, "first post")
        history = [each.text async for each in self.ann.get_chat_history(self.channel_id, limit=1)]
        assert history == ["first post"], history
        await act(ANN, do="send", to=self.channel_id, text="second post")  # as from another device
        assert (await self._hear("second post")).chat.title == "News"

    async def media(self) -> None:
        data = b"media " * 50_000
        file = io.BytesIO(data)
        file.name = "notes.txt"
        sent = await self.ann.send_document("bob_here", file, caption="read this")
        back = await self.ann.download_media(sent, in_memory=True)
        assert bytes(back.getbuffer()) == data

    async def reconnect(self) -> None:
        await self.ann.stop()
        await act(BOB, do="send", to=ANN, text="while away {n}", times=3)
        await act(BOB, do="send", to=self.group_id, text="group while away")
        await act(ANN, do="send", to=self.channel_id, text="post while away")
        await self._start()
        assert (await self.ann.get_me()).first_name == "Ann"
        missed = {"while away 1", "while away 2", "while away 3", "group while away", "post while away"}
        async with asyncio.timeout(WAIT):
            while missed:
                missed.discard((await self.heard.get()).text)
        history = [each.text async for each in self.ann.get_chat_history("bob_here", limit=3)]
        assert history == [f"while away {number}" for number in (3, 2, 1)], history
        await act(BOB, do="send", to=ANN, text="live again")
        await self._hear("live again")


def tell(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def main(folder: str) -> int:
    story, failed = Story(folder), 0
    for step in sys.argv[2:]:
        try:
            await asyncio.wait_for(getattr(story, step)(), 2 * WAIT)
            tell(step=step, ok=True)
        except Exception:  # noqa: BLE001 - whatever goes wrong is this step's
            failed = 1
            tell(step=step, ok=False, error=traceback.format_exc())
    if hasattr(story, "ann") and story.ann.is_connected:
        await story.ann.stop()
    return failed


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    trust(Path(DC["publicKeyFile"]).read_text("ascii"))
    with tempfile.TemporaryDirectory() as made:
        told = asyncio.run(main(made))
    sys.exit(told)
