"""Files come down as they were sent up: each kind byte for byte, a big one with its reference expired at half, in flat
memory and nearly as fast as a bare Telethon loads it; parts of a file are what RFC 9110 says.

An unmodified Telethon sends them, and loads the big one too, in the same run. The judge is SHA-256.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telethon.tl.types import DocumentAttributeAudio, DocumentAttributeVideo

from proofs.kinds import noise
from proofs.machine import rss_kib
from proofs.outcome import Outcome, Row
from proofs.people import by_http, friends
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.ranges import cases
from proofs.sender import Named, telethon
from proofs.wire import Caller, until

MB = 1_000_000
MOST_GROWTH_MB = 64
LEAST_SHARE = 0.6
WITHIN = 60.0
FAR = 4
"""A second data centre: what lies there comes over a link of its own."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Bytes of the big file; `rounds` of loading it by each, in turn."""

    size: int
    rounds: int
    judges_speed: bool


SHORT = Scale(size=24 * MB, rounds=1, judges_speed=False)
LONG = Scale(size=1_000 * MB, rounds=2, judges_speed=True)


async def run(scale: Scale, seed: int) -> Outcome:
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox", pq_bits=46, dcs=[FAR], state_dir=str(folder / "state"))
        await sandbox.start()
        gateway = GatewayProcess(folder / "gateway", sandbox.info, TELEGRAM_CONNECT_RATE="0")
        async with kept(gateway, sandbox):
            await gateway.start()
            (person,) = await by_http(gateway, sandbox, 1)
            (friend,) = await friends(sandbox, 1)
            caller = gateway.caller(person.token)
            async with telethon(sandbox, friend) as client:
                shelf = await shelf_of(sandbox, caller, client, person.phone, friend)
                await _kinds(outcome, shelf, seed)
                await _ranges(outcome, shelf, noise(1_500_000, seed + 50))
                await _big(outcome, shelf, gateway, scale, seed)
            outcome.loop(gateway.lag)
            caller.close()
    return outcome


@dataclass(slots=True)
class Shelf:
    """What the friend's client sends and the person is told of."""

    sandbox: SandboxProcess
    caller: Caller
    client: Any
    to: Any
    chat: int
    session: str
    phone: str

    async def sent(self, file: Any, **more: Any) -> dict[str, Any]:
        message = await self.client.send_file(self.to, file, **more)
        query = f"sessionId={self.session}&chatId={self.chat}&limit=1"
        found: list[dict[str, Any]] = []

        async def there() -> bool:
            told = await self.caller.get(f"/api/v1/messages/history?{query}")
            found[:] = told["data"]
            return bool(found) and found[0].get("media", {}).get("fileId") is not None and message is not None

        await until(there, WITHIN)
        media: dict[str, Any] = found[0]["media"]
        return media

    def path(self, media: dict[str, Any]) -> str:
        return f"/api/v1/sessions/{self.session}/files/{media['fileId']}"


async def shelf_of(sandbox: SandboxProcess, caller: Caller, client: Any, phone: str, friend: str) -> Shelf:
    body = {"do": "send", "to": friend, "text": "send me something"}
    await sandbox.control.post(f"/accounts/{urllib.parse.quote(phone)}/act", body)
    (dialog,) = [one async for one in client.iter_dialogs() if one.message.message == body["text"]]
    session = (await caller.get("/api/v1/sessions"))["data"][0]["id"]
    return Shelf(sandbox, caller, client, dialog.input_entity, (await client.get_me()).id, session, phone)


async def _kinds(outcome: Outcome, shelf: Shelf, seed: int) -> None:
    video = {"attributes": [DocumentAttributeVideo(3.0, 320, 240, supports_streaming=True)]}
    circle = {"attributes": [DocumentAttributeVideo(3.0, 240, 240, round_message=True)]}
    voice = {"attributes": [DocumentAttributeAudio(2, voice=True, waveform=b"\x01" * 20)], "voice_note": True}
    song = {"attributes": [DocumentAttributeAudio(2, title="Song", performer="Band")]}
    kinds: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("video", "a.mp4", video),
        ("video_note", "b.mp4", circle),
        ("voice", "c.ogg", voice),
        ("audio", "d.mp3", song),
        ("document", "e.zip", {"force_document": True}),
        ("document", "far.bin", {"force_document": True}),
    )
    equal = 0
    for number, (kind, name, more) in enumerate(kinds):
        if name.startswith("far"):
            await shelf.sandbox.control.post("/world/files", {"dc": FAR})
        data = noise(300_000 + number, seed + number)
        media = await shelf.sent(Named(data, name), **more)
        reply = await shelf.caller.ask("GET", shelf.path(media))
        equal += reply.status == 200 and reply.body == data and media["type"] == kind
    await shelf.sandbox.control.post("/world/files", {"dc": 0})
    outcome.exactly("kinds of media, one of them at another data centre: byte for byte", len(kinds), equal)


async def _ranges(outcome: Outcome, shelf: Shelf, data: bytes) -> None:
    media = await shelf.sent(Named(data, "ranges.bin"), force_document=True)
    path = shelf.path(media)
    etag = (await shelf.caller.ask("GET", path)).header("etag") or ""
    for case in cases(len(data)):
        headers: dict[str, Any] = {
            name.replace("-", "_"): value.replace("ETAG", etag) for name, value in case.headers.items()
        }
        reply = await shelf.caller.ask("GET", path, **headers)
        right = reply.status == case.status
        if case.span is not None:
            right &= reply.body == data[case.span[0] : case.span[1] + 1]
        if reply.status in {206, 416}:
            told = f"bytes {case.span[0]}-{case.span[1]}/{len(data)}" if case.span else f"bytes */{len(data)}"
            right &= reply.header("content-range") == told
        asked = ", ".join(f"{name}: {value[:24]}" for name, value in case.headers.items())
        outcome.rows.append(Row(f"{case.what} ({asked})", str(case.status), str(reply.status), right))


async def _big(outcome: Outcome, shelf: Shelf, gateway: GatewayProcess, scale: Scale, seed: int) -> None:
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        source = Path(made) / "big.bin"
        wanted = await asyncio.to_thread(written, source, scale.size, seed)
        media = await shelf.sent(str(source), force_document=True)
    (message,) = [one async for one in shelf.client.iter_messages(shelf.to, limit=1)]
    before = rss_kib(gateway.pid)
    peak = Peak(gateway.pid)
    watching = asyncio.create_task(peak.watch())
    by_us: list[float] = []
    by_telethon: list[float] = []
    equal = 0
    try:
        for number in range(scale.rounds):
            half = scale.size // 2 if number == 0 else None
            got, took = await ours(shelf, gateway.port, media, half)
            equal += got == wanted
            by_us.append(scale.size / took / MB)
            got, took = await bare(shelf, message)
            equal += got == wanted
            by_telethon.append(scale.size / took / MB)
    finally:
        watching.cancel()
    renewals = sum(row["phone"] == shelf.phone for row in await shelf.sandbox.calls("messages.getMessages"))
    outcome.exactly(f"{scale.size // MB} MB down, hashes equal (half of them Telethon's own)", 2 * scale.rounds, equal)
    outcome.exactly("references renewed by the service, once a load", scale.rounds, renewals)
    outcome.at_most("growth of the service's memory meanwhile", MOST_GROWTH_MB, (peak.kib - before) / 1024, "MiB")
    outcome.fact("MB/s, ours and bare Telethon", f"{max(by_us):.1f}, {max(by_telethon):.1f}")
    share = max(by_us) / max(by_telethon)
    if scale.judges_speed:
        outcome.at_least("ours of bare Telethon's", LEAST_SHARE, share)
    else:
        outcome.fact("ours of bare Telethon's", f"{share:.2f}")


def written(path: Path, size: int, seed: int) -> str:
    digest, left = hashlib.sha256(), size
    block = noise(1 << 20, seed)
    with path.open("wb") as file:
        while left:
            piece = block[:left]
            file.write(piece)
            digest.update(piece)
            left -= len(piece)
    return digest.hexdigest()


async def ours(shelf: Shelf, port: int, media: dict[str, Any], half: int | None = None) -> tuple[str, float]:
    """Hash and seconds. All references expire when `half` of it has come."""
    digest, came, path = hashlib.sha256(), 0, shelf.path(media)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4 << 20)
    began = time.monotonic()
    head = f"GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {shelf.caller.token}\r\nconnection: close\r\n\r\n"
    try:
        writer.write(head.encode())
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WITHIN)
        while piece := await asyncio.wait_for(reader.read(1 << 20), WITHIN):
            digest.update(piece)
            came += len(piece)
            if half is not None and came >= half:
                half = None
                await shelf.sandbox.control.post("/world/files", {"expire": True})
    finally:
        writer.close()
    return digest.hexdigest(), time.monotonic() - began


async def bare(shelf: Shelf, message: Any) -> tuple[str, float]:
    """An unmodified Telethon loads the same file; its reference is asked for anew first."""
    fresh = (await shelf.client.get_messages(shelf.to, ids=[message.id]))[0]
    digest = hashlib.sha256()
    began = time.monotonic()
    async for piece in shelf.client.iter_download(fresh.media, request_size=512 * 1024):
        digest.update(piece)
    return digest.hexdigest(), time.monotonic() - began


class Peak:
    """The most memory that a process had, looked at often."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.kib = 0

    async def watch(self) -> None:
        while True:
            self.kib = max(self.kib, rss_kib(self._pid))
            await asyncio.sleep(0.02)
