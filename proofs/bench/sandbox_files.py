"""A big file up, and down again as fast as it comes: over one connection, and over several of the same key.

Every piece is compared with what was sent, whole.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from typing import Any

from telethon.tl import functions, types

from proofs.bench.sandbox_child import key_of, salt_of
from proofs.bench.sandbox_meter import Meter, Plan, introduced
from proofs.lean import Lean, RefusedError

PART = 512 * 1024
UNDER_WAY = 6
"""Requests of one connection at a time; clients that load big files have several."""
_BEFORE_DATA = 16
_NUMBER = 0x5EED


async def files(plan: Plan) -> dict[str, Any]:
    """`plan`: parts, seconds and a list of how many connections. Megabytes (10^6) a second."""
    parts = [os.urandom(PART) for _ in range(plan["parts"])]
    (link,) = await introduced(plan, range(1))
    up = Meter(plan["pid"])
    with up.running():
        location = await _uploaded(link, parts)
    found: dict[str, Any] = {"up": up.figures(len(parts) * PART / 1e6)}
    for count in plan["connections"]:
        links = [link, *[await _beside(plan) for _ in range(count - 1)]]
        meter = Meter(plan["pid"])
        with meter.running():
            got = await _down(links, location, parts, plan["seconds"])
        found[str(count)] = meter.figures(got * PART / 1e6)
        for each in links[1:]:
            each.close()
    return found


async def _beside(plan: Plan) -> Lean:
    link = await Lean.connected(plan["host"], plan["port"], key_of(0), salt_of(0))
    await link.introduce(functions.help.GetNearestDcRequest())
    return link


async def _uploaded(link: Lean, parts: list[bytes]) -> Any:
    for number, part in enumerate(parts):
        await link.call(functions.upload.SaveBigFilePartRequest(_NUMBER, number, len(parts), part))
    file = types.InputFileBig(_NUMBER, len(parts), "big.bin")
    media = types.InputMediaUploadedDocument(file, "application/octet-stream", [])
    answer = await link.call(functions.messages.SendMediaRequest(types.InputPeerSelf(), media, "", random_id=_NUMBER))
    document = answer.updates[-1].message.media.document
    return types.InputDocumentFileLocation(document.id, document.access_hash, document.file_reference, "")


async def _down(links: list[Lean], location: Any, parts: list[bytes], seconds: float) -> int:
    """How many pieces came, all of them right. Raises RefusedError."""
    requests = [bytes(functions.upload.GetFileRequest(location, number * PART, PART)) for number in range(len(parts))]
    turns = itertools.cycle(range(len(parts)))
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    until = time.perf_counter() + seconds
    got = running = 0

    def ask(link: Lean) -> None:
        number = next(turns)
        link.send(requests[number], lambda answer: take(link, number, answer))

    def take(link: Lean, number: int, answer: bytes) -> None:
        nonlocal got, running
        if not answer.startswith(parts[number], _BEFORE_DATA):
            over.set_exception(RefusedError(f"piece {number} is not what was uploaded: {answer[:64].hex()}"))
            return
        got += 1
        if time.perf_counter() < until:
            ask(link)
            return
        running -= 1
        if not running:
            over.set_result(None)

    for link in links:
        for _ in range(UNDER_WAY):
            running += 1
            ask(link)
    async with asyncio.timeout(seconds + 60):
        await over
    return got
