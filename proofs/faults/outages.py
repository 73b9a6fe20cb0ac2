"""Verbs about the data centre itself: its socket, its clock, its patience."""

from __future__ import annotations

import asyncio
import random
import struct
import time
from contextlib import suppress
from functools import partial
from typing import Any

from telethon.tl import functions

from proofs.bare import BAD_MESSAGE, BAD_SALT, WAIT
from proofs.faults.stage import NEAREST_REQUEST, Case, Stage, expect, raises, sending, silent, within


async def _knock(stage: Stage) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.wait_for(asyncio.open_connection(*stage.address), WAIT)


def _hello() -> bytes:
    """The first step of a key exchange, in the intermediate framing."""
    body = bytes(functions.ReqPqMultiRequest(random.getrandbits(100)))
    plain = struct.pack("<qqi", 0, int(time.time() * 2**32) & ~3, len(body)) + body
    return b"\xee" * 4 + struct.pack("<I", len(plain)) + plain


async def _answered(stage: Stage) -> bytes:
    """What a stranger's first packet is answered by."""
    reader, writer = await _knock(stage)
    try:
        writer.write(_hello())
        size = int.from_bytes(await asyncio.wait_for(reader.readexactly(4), WAIT), "little")
        return await asyncio.wait_for(reader.readexactly(size), WAIT)
    finally:
        writer.close()


async def refused(stage: Stage, *, close: bool) -> str:
    _, line = await stage.alone()
    rule = await stage.inject("refuse", close=close)
    await raises(ConnectionRefusedError, _knock(stage))
    if close:
        with suppress(ConnectionResetError):
            await line.rest()
    else:
        await line.call(NEAREST_REQUEST)
    await stage.remove(rule)
    await _answered(stage)
    kept = "closed" if close else "served on"
    return f"connection refused, the one there was {kept}; let in with the rule's end"


async def refused_for_a_time(stage: Stage) -> str:
    began = time.monotonic()
    await stage.inject("refuse", seconds=0.5)
    await raises(ConnectionRefusedError, _knock(stage))
    while True:
        try:
            await _answered(stage)
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)
            continue
        took = time.monotonic() - began
        expect(0.45 <= took < 3, took)
        return f"connection refused for {took:.1f} s"


async def survived(stage: Stage, verb: str) -> str:
    """Telethon waits, comes back and sends what it had in hand."""
    _, client, _, to = await stage.friends()
    number = random.getrandbits(60)
    rule = await stage.inject(verb, close=True) if verb != "black_hole" else await stage.inject(verb)
    going = await silent(client(sending(to, number)))
    await stage.remove(rule)
    await within(going, 10)
    expect(await stage.committed(number) == 1, "not committed once")
    return "waits, comes back, 1 committed"


async def stalled(stage: Stage) -> str:
    _, line = await stage.alone()
    rule = await stage.inject("accept_and_stall", close=False)
    reader, writer = await _knock(stage)
    writer.write(_hello())
    reading = await silent(reader.read(1))
    await line.call(NEAREST_REQUEST)
    await stage.remove(rule)
    expect(len(await within(reading)) == 1, "closed")
    writer.close()
    return "accepted, no byte; open connections served; answered with the rule's end"


async def swallowed(stage: Stage, *, one: bool) -> str:
    phone, line = await stage.alone()
    _, other = await stage.alone()
    rule = await stage.inject("black_hole", {"phone": phone} if one else {})
    going = await silent(line.call(NEAREST_REQUEST))
    waiting: Any = None
    if one:
        await other.call(NEAREST_REQUEST)
    else:
        waiting = await silent(other.call(NEAREST_REQUEST))
    await stage.remove(rule)
    await within(going)
    if waiting is not None:
        await within(waiting)
    return "no byte and no end" + (", others served" if one else " for anybody") + "; answered with the rule's end"


async def wrong_clock(stage: Stage, seconds: int) -> str:
    _, line = await stage.alone()
    await stage.inject("clock_offset", seconds=seconds)
    line.send(NEAREST_REQUEST)
    line.salt = struct.unpack_from("<q", (await line.of_kind(BAD_SALT)).body, 20)[0]  # the salt of that hour
    request = line.send(NEAREST_REQUEST)
    answer = await line.of_kind(BAD_MESSAGE)
    bad, _, code = struct.unpack_from("<qii", answer.body, 4)
    told = (answer.msg_id >> 32) - time.time()
    expect(bad == request and code == (16 if seconds > 0 else 17) and abs(told - seconds) < 5, (code, told))
    client = await stage.stranger()
    await within(client(functions.help.GetConfigRequest()))
    return f"bad_msg {code}, ids of {told:+.0f} s; Telethon follows that clock"


async def slow(stage: Stage) -> str:
    _, line = await stage.alone()
    await stage.inject("slow_read", bytes=200)
    began = time.monotonic()
    await line.call(functions.help.GetConfigRequest())
    await line.call(functions.help.GetConfigRequest())
    took = time.monotonic() - began
    expect(took > 0.4, took)  # the second waits until the first one's 91 bytes have had their time
    return f"two small calls take {took:.1f} s"


async def crowded(stage: Stage) -> str:
    await stage.inject("storm", limit=3)
    told = [await _answered(stage) for _ in range(6)]
    away = [struct.unpack("<i", each)[0] for each in told if len(each) == 4]
    expect(away == [-429] * 3, [len(each) for each in told])
    return "3 of 6 connections served, 3 told -429"


CASES = (
    Case("refuse", "", "connection refused", partial(refused, close=False), alone=True),
    Case("refuse", "close", "connection refused, open ones closed", partial(refused, close=True), alone=True),
    Case("refuse", "seconds", "connection refused so long", refused_for_a_time, alone=True),
    Case("refuse", "Telethon", "sent once", partial(survived, verb="refuse"), alone=True),
    Case("accept_and_stall", "", "accepted and not answered", stalled, alone=True),
    Case("accept_and_stall", "Telethon", "sent once", partial(survived, verb="accept_and_stall"), alone=True),
    Case("black_hole", "everybody", "silence", partial(swallowed, one=False), alone=True),
    Case("black_hole", "one person", "silence for one", partial(swallowed, one=True), alone=True),
    Case("black_hole", "Telethon", "sent once", partial(survived, verb="black_hole"), alone=True),
    Case("clock_offset", "ahead", "ids are too low", partial(wrong_clock, seconds=3600), alone=True),
    Case("clock_offset", "behind", "ids are too high", partial(wrong_clock, seconds=-3600), alone=True),
    Case("slow_read", "bytes", "requests trickle in", slow, alone=True),
    Case("storm", "limit", "-429 to the rest", crowded, alone=True),
)
