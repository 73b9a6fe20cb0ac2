"""Bytes of every kind on the data centre's port crash nothing, leave nothing behind and disturb nobody else.

Real packets, spoilt by a seeded dice on every layer: the stream, the frame, the envelope, the message, the object.
A bystander makes calls all the while, each of which has to be answered in time; memory is compared between the end
of a first part, when pools and caches have been filled, and the end.
"""

from __future__ import annotations

import asyncio
import random
import struct
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from proofs import machine
from proofs.outcome import Outcome
from proofs.process import SandboxProcess
from proofs.raw import KeyedClient, framings

ANSWER_MS = 2000.0
GROWN_KIB = 12 * 1024
"""What the list of connections, which is bounded, may have grown by in the short form."""


@dataclass(frozen=True, slots=True)
class Scale:
    seconds: float
    warm: float
    grown_kib: float


SHORT = Scale(seconds=12, warm=4, grown_kib=GROWN_KIB)
LONG = Scale(seconds=600, warm=120, grown_kib=8 * GROWN_KIB)


class Fuzzer:
    """Sends spoilt packets on new connections, and counts them."""

    def __init__(self, host: str, port: int, model: KeyedClient, seed: int) -> None:
        self._host, self._port = host, port
        self._model = model
        self._dice = random.Random(seed)
        self.connections = 0
        self.packets = 0

    async def run(self, until: float) -> None:
        while time.monotonic() < until:
            await self._one()

    async def _one(self) -> None:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(self._host, self._port), 5)
        self.connections += 1
        try:
            opening, wrap = self._dice.choice(framings())
            writer.write(opening if self._dice.random() < 0.9 else self._dice.randbytes(self._dice.randrange(1, 80)))
            for number in range(self._dice.randrange(1, 12)):
                payload = self._payload()
                packet = wrap(payload, number)
                writer.write(self._spoilt(packet) if self._dice.random() < 0.4 else packet)
                self.packets += 1
            await asyncio.wait_for(writer.drain(), 5)
            await asyncio.wait_for(reader.read(65536), 0.02)
        except (ConnectionError, TimeoutError):
            pass  # it hung up or had nothing to say: both are good answers
        finally:
            if self._dice.random() < 0.3 and writer.transport is not None:
                writer.transport.abort()
            writer.close()

    def _payload(self) -> bytes:
        """A plain step of a key exchange, a sealed body of nonsense, or a sealed packet that was spoilt after."""
        dice = self._dice
        choice = dice.randrange(4)
        if choice == 0:
            body = self._spoilt(struct.pack("<I", dice.choice(STEPS)) + dice.randbytes(dice.randrange(300)))
            body += bytes(-len(body) % 4)
            return struct.pack("<qqi", 0, self._model.next_id(), len(body)) + body
        sealed = self._model.seal(self._body(), session=dice.randrange(1, 40))
        return self._spoilt(sealed) if choice == 1 else sealed

    def _body(self) -> bytes:
        dice = self._dice
        head = dice.choice((*SERVICE, *STEPS, dice.randrange(1 << 32)))
        body = struct.pack("<I", head) + dice.randbytes(4 * dice.randrange(60))
        if dice.random() < 0.2:  # a container that lies about what it holds
            inner = struct.pack("<qii", self._model.next_id(), dice.randrange(9), len(body)) + body
            body = struct.pack("<Ii", 0x73F1F8DC, dice.choice([1, 2, 1000, -1])) + inner
        return body

    def _spoilt(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(self._dice.randint(1, 4)):
            place = self._dice.randrange(len(changed) + 1)
            choice = self._dice.randrange(4)
            if choice == 0 and place < len(changed):
                changed[place] = self._dice.randrange(256)
            elif choice == 1:
                del changed[place : place + self._dice.randrange(20)]
            elif choice == 2:
                changed[place:place] = self._dice.randbytes(self._dice.randrange(20))
            else:
                changed += changed[place : place + 40]
        return bytes(changed)


STEPS = (0x60469778, 0xBE7E8EF1, 0xD712E4BE, 0xF5045F1F)
SERVICE = (
    *(0x62D6B459, 0x7ABE77EC, 0xF3427B8C, 0xDA69FB52, 0x7D861A08, 0xB921BD04, 0x58E4A740, 0xE7512126, 0x9299359F),
    *(0x3072CFA1, 0x73F1F8DC, 0xDA9B0D0D, 0xC1CD5EA9, 0xCB9F372D, 0xC4F9186B, 0x1FB33026),
)


async def _bystand(client: KeyedClient, until: float) -> list[float]:
    """Milliseconds that each call took."""
    took = []
    while time.monotonic() < until:
        began = time.perf_counter()
        await asyncio.wait_for(client.ping(), ANSWER_MS / 1000 * 3)
        took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.02)
    return took


async def run(scale: Scale, seed: int) -> Outcome:
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        sandbox = SandboxProcess(Path(made), pq_bits=46)
        await sandbox.start()
        try:
            info = sandbox.info
            address = str(info["host"]), int(info["port"])
            pem = await asyncio.to_thread(Path(info["publicKeyFile"]).read_text)
            bystander, model = await KeyedClient.made(*address, pem), await KeyedClient.made(*address, pem)
            await model.close()
            fuzzer = Fuzzer(*address, model, seed)
            began = time.monotonic()
            watching = asyncio.ensure_future(_bystand(bystander, began + scale.seconds))
            await fuzzer.run(began + scale.warm)
            first = machine.rss_kib(sandbox.pid)
            await fuzzer.run(began + scale.seconds)
            took = sorted(await watching)
            last = machine.rss_kib(sandbox.pid)
            again = await KeyedClient.made(*address, pem)
            await again.ping()
            for client in (bystander, again):
                await client.close()
            await asyncio.sleep(1)  # the last connections end
            left = sum(1 for row in await sandbox.connections() if row["endedAt"] is None)
            outcome.fact("connections and packets of nonsense", f"{fuzzer.connections}, {fuzzer.packets}")
            outcome.at_least("calls of the bystander answered", 10, len(took))
            outcome.at_most("  the slowest of them", ANSWER_MS, took[-1], "ms")
            outcome.at_most("memory grown since the first part", scale.grown_kib, last - first, "KiB")
            outcome.exactly("connections left open", 0, left)
            log = (Path(made) / "sandbox.log").read_text(errors="replace")
            outcome.exactly("failures that it logged of itself", 0, sum(log.count(word) for word in OURS))
        finally:
            await sandbox.stop()
    return outcome


OURS = ("connection.failed", "task.failed", "Traceback")
