"""Files go up as they were given: each kind seen by an unmodified Telethon as what it claims to be, an album as one, a
big one though the service is killed at half of it, no part of it sent twice, in flat memory.

The judge is that Telethon client (SHA-256 of what it loads) and the data centre's list of calls.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofs.forms import post_form
from proofs.kinds import kinds, png
from proofs.machine import rss_kib
from proofs.outcome import Outcome
from proofs.people import by_http, friends
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.prove.files import LEAST_SHARE, MB, MOST_GROWTH_MB, Peak, Shelf, shelf_of, written
from proofs.sender import telethon
from proofs.wire import Reply, until

PART = 512 * 1024
AT_ONCE = 4
"""Parts that may be on their way when the process is killed: those go again."""
_UP_WITHIN = 600.0


@dataclass(frozen=True, slots=True)
class Scale:
    """Bytes of the big file; `rounds` of sending it by each, in turn."""

    size: int
    rounds: int
    judges_speed: bool


SHORT = Scale(size=32 * MB, rounds=1, judges_speed=False)
LONG = Scale(size=1_000 * MB, rounds=2, judges_speed=True)


async def run(scale: Scale, seed: int) -> Outcome:
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox", pq_bits=46, state_dir=str(folder / "state"))
        await sandbox.start()
        gateway = GatewayProcess(folder / "gateway", sandbox.info, TELEGRAM_CONNECT_RATE="0")
        async with kept(gateway, sandbox):
            await gateway.start()
            (person,) = await by_http(gateway, sandbox, 1)
            (friend,) = await friends(sandbox, 1)
            async with telethon(sandbox, friend) as client:
                caller = gateway.caller(person.token)
                shelf = await shelf_of(sandbox, caller, client, person.phone, friend)
                post = Post(gateway, shelf)
                await _kinds(outcome, post, seed)
                await _album(outcome, post)
                source = folder / "big.bin"
                digest = await asyncio.to_thread(written, source, scale.size, seed)
                await _killed(outcome, post, source, scale.size, digest)
                await _speed(outcome, post, source, digest, scale)
                caller.close()
            spooled = [path for path in (folder / "gateway").glob("**/spool/*") if path.is_dir()]
            outcome.exactly("files left in the spool", 0, len(spooled))
            outcome.loop(gateway.lag)
    return outcome


@dataclass(slots=True)
class Post:
    """The person's way to the friend, whose Telethon client is on the shelf."""

    gateway: GatewayProcess
    shelf: Shelf

    async def form(
        self, what: str, fields: dict[str, Any], files: dict[str, Any], *, later: bool = False, **headers: str
    ) -> Reply:
        said = {"sessionId": self.shelf.session, "chatId": str(self.shelf.chat)}
        said |= {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
        path = f"/api/v1/messages/{what}{'?async=true' if later else ''}"
        token = self.shelf.caller.token or ""
        return await post_form(self.gateway.port, path, token, said, files, **headers)

    async def newest(self, count: int = 1) -> list[Any]:
        """The friend's newest messages, the oldest of them first."""
        found = [one async for one in self.shelf.client.iter_messages(self.shelf.to, limit=count)]
        return found[::-1]

    async def job(self, job_id: str) -> dict[str, Any]:
        job: dict[str, Any] = (await self.shelf.caller.get(f"/api/v1/jobs/{job_id}"))["data"]
        return job

    async def sent(self, job_id: str) -> dict[str, Any]:
        """The job once it is sent. Raises TimeoutError, RuntimeError."""
        job: dict[str, Any] = {}

        async def ended() -> bool:
            nonlocal job
            job = await self.job(job_id)
            return job["state"] not in {"queued", "sending", "uncertain"}

        await until(ended, _UP_WITHIN, every=0.1)
        if job["state"] != "sent":
            raise RuntimeError(f"the upload ended as {job}")
        return job


async def _kinds(outcome: Outcome, post: Post, seed: int) -> None:
    right = equal = 0
    all_kinds = kinds(seed)
    for kind in all_kinds:
        fields = {"type": kind.type, "caption": kind.type, **kind.about}
        reply = await post.form("media", fields, {"file": (kind.name, kind.mime, kind.data)})
        if reply.status != 201:
            raise RuntimeError(f"{kind.type}: {reply.status} {reply.body[:300]!r}")
        (message,) = await post.newest()
        told = reply.json()["data"]["media"]["type"]
        right += kind.is_it(message) and told == kind.type and message.message == kind.type
        equal += await message.download_media(bytes) == kind.data
    outcome.exactly("kinds of media that Telethon sees as what they claim to be", len(all_kinds), right)
    outcome.exactly("of them byte for byte", len(all_kinds), equal)


async def _album(outcome: Outcome, post: Post) -> None:
    pictures = [png(20 + number, 20, grey=number) for number in range(10)]
    files = {f"f{number}": (f"{number}.png", "image/png", data) for number, data in enumerate(pictures)}
    items = [{"type": "photo", "file": name, "caption": name} for name in files]
    reply = await post.form("album", {"items": items}, files)
    if reply.status != 201:
        raise RuntimeError(f"album: {reply.status} {reply.body[:300]!r}")
    messages = await post.newest(len(pictures))
    groups = {message.grouped_id for message in messages}
    outcome.exactly("groups that the ten photos of an album are in", 1, len(groups - {None}))
    as_sent = [await message.download_media(bytes) for message in messages] == pictures
    in_order = [message.message for message in messages] == list(files)
    outcome.exactly("photos of it in order, byte for byte", True, as_sent and in_order)


async def _killed(outcome: Outcome, post: Post, source: Path, size: int, digest: str) -> None:
    """SIGKILL when half of it is up; started again, it goes on there."""
    file = {"file": ("big.bin", "application/octet-stream", source)}
    reply = await post.form("media", {"type": "document"}, file, later=True, idempotency_key="big-1")
    if reply.status != 202:
        raise RuntimeError(f"big: {reply.status} {reply.body[:300]!r}")
    job_id = reply.json()["data"]["id"]

    async def half() -> bool:
        return bool((await post.job(job_id))["uploadedBytes"] * 2 >= size)

    await until(half, _UP_WITHIN, every=0.005)
    await post.gateway.kill()
    before = len(await post.shelf.sandbox.calls("upload.saveBigFilePart"))
    await post.gateway.start()
    await post.sent(job_id)
    (message,) = await post.newest()
    parts = -(-size // PART)
    saved = len(await post.shelf.sandbox.calls("upload.saveBigFilePart"))
    outcome.fact("parts saved when it was killed, of all", f"{before} of {parts}")
    outcome.at_most("parts that were saved more than once", AT_ONCE, saved - parts)
    outcome.exactly("hash of what Telethon loads", digest[:16], (await _loaded(post, message))[:16])
    again = await post.form("media", {"type": "document"}, file, idempotency_key="big-1")
    same = again.status == 201 and again.json()["data"]["id"] == message.id
    outcome.exactly("asked again with its key, it is the same message", True, same)


async def _speed(outcome: Outcome, post: Post, source: Path, digest: str, scale: Scale) -> None:
    by_us: list[float] = []
    by_telethon: list[float] = []
    equal = 0
    before, peak = rss_kib(post.gateway.pid), Peak(post.gateway.pid)
    watching = asyncio.create_task(peak.watch())
    try:
        for _ in range(scale.rounds):
            began = time.monotonic()
            reply = await post.form("media", {"type": "document"}, {"file": ("big.bin", "", source)}, later=True)
            await post.sent(reply.json()["data"]["id"])
            by_us.append(scale.size / (time.monotonic() - began) / MB)
            (message,) = await post.newest()
            equal += await _loaded(post, message) == digest
            began = time.monotonic()
            await post.shelf.client.send_file(post.shelf.to, str(source), force_document=True)
            by_telethon.append(scale.size / (time.monotonic() - began) / MB)
    finally:
        watching.cancel()
    outcome.exactly(f"{scale.size // MB} MB up, hashes equal", scale.rounds, equal)
    outcome.at_most("growth of the service's memory meanwhile", MOST_GROWTH_MB, (peak.kib - before) / 1024, "MiB")
    outcome.fact("MB/s, ours (from the request on) and bare Telethon", f"{max(by_us):.1f}, {max(by_telethon):.1f}")
    share = max(by_us) / max(by_telethon)
    if scale.judges_speed:
        outcome.at_least("ours of bare Telethon's", LEAST_SHARE, share)
    else:
        outcome.fact("ours of bare Telethon's", f"{share:.2f}")


async def _loaded(post: Post, message: Any) -> str:
    digest = hashlib.sha256()
    async for piece in post.shelf.client.iter_download(message.media, request_size=512 * 1024):
        digest.update(piece)
    return digest.hexdigest()
