"""A data centre, or somebody before it, that plays frames again, changes them, and speaks of old things.

The one in the middle has no key: it sees framed packets, and may repeat, change and make them up.
"""

from __future__ import annotations

import asyncio
import os
import random
import struct
import zlib
from contextlib import suppress

from proofs.attacks.case import Case, Context, Found, statuses, that, together
from proofs.process import GatewayProcess
from proofs.wire import until

MOST_KEPT = 40


class Middle:
    """Passes both ways on, and adds packets of its own to what the data centre says."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._dice = random.Random(5)
        self._kept: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.hostile = False
        self.added = 0
        self.connections = 0

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            theirs, ours = await asyncio.open_connection(*self._to)
        except OSError:
            writer.close()
            return
        up, down = asyncio.create_task(self._up(reader, ours)), asyncio.create_task(self._down(theirs, writer))
        self._tasks |= {up, down}
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        for end in (writer, ours):
            end.close()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Frames of the full transport: length, number, packet, CRC-32; numbers are given anew."""
        number = 0
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                length = struct.unpack("<I", await reader.readexactly(4))[0]
                packet = (await reader.readexactly(length - 4))[4:-4]
                for each in (packet, *self._additions(packet)):
                    frame = struct.pack("<II", len(each) + 12, number) + each
                    writer.write(frame + struct.pack("<I", zlib.crc32(frame)))
                    number += 1
                await writer.drain()

    def _additions(self, packet: bytes) -> list[bytes]:
        if packet[:8] == bytes(8) or len(packet) < 40:  # of a key exchange: nothing is secured yet
            return []
        self._kept = [*self._kept[-MOST_KEPT:], packet]
        if not self.hostile:
            return []
        wrong_key, wrong_data = bytearray(packet), bytearray(packet)
        wrong_key[self._dice.randrange(8, 24)] ^= 1 << self._dice.randrange(8)
        wrong_data[self._dice.randrange(24, len(packet))] ^= 0x80
        made_up = packet[:8] + self._dice.randbytes(16 + 16 * self._dice.randrange(1, 9))
        added = [
            packet,
            self._dice.choice(self._kept),
            bytes(wrong_key),
            bytes(wrong_data),
            made_up,
            os.urandom(64),
            packet[:24],
            packet[:-16],
            bytes(8) + packet[8:],
        ]
        self.added += len(added)
        return added


async def hostile_middle(context: Context) -> Found:
    middle = Middle(context.sandbox.info["host"], int(context.sandbox.info["port"]))
    info = {**context.sandbox.info, "port": await middle.start()}
    gateway = GatewayProcess(context.folder / "hostile", info)
    other = Context(gateway, context.sandbox, context.folder / "hostile")
    try:
        await gateway.start()
        await other.start()
        account = await other.account()
        middle.hostile = True
        replies = []
        for number in range(20):
            if number == 10:
                await other.sandbox.fault("bad_salt", {"phone": account.phone, "times": 1})
            body = {"sessionId": account.session, "chatId": "me", "text": f"through {number}"}
            replies.append(await other.ask("POST", "/api/v1/messages/send", body, key=account.user.key))

        async def online() -> bool:
            told = await other.data("GET", f"/api/v1/sessions/{account.session}", key=account.user.key)
            return bool(told["state"] == "online" and told["isAuthorized"])

        await until(online, 20)
        texts = [row["text"] for row in await other.sandbox.messages() if row["text"].startswith("through ")]
        log = other.log_of("gateway.log")
    finally:
        await gateway.kill()
        await middle.stop()
    return together(
        statuses(replies, 201),
        that(texts == [f"through {number}" for number in range(20)], f"{len(texts)} messages arrived, each once"),
        that(middle.added > 100, f"{middle.added} packets added"),
        that(middle.connections <= 6 and "Traceback" not in log, f"{middle.connections} connections, nothing crashed"),
    )


CASES = (Case("G05", "packets played again, changed, made up; an old salt", hostile_middle),)
