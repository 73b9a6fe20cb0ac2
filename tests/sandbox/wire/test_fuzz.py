"""Seeded nonsense on every layer: nobody else notices, nothing is logged as a failure of ours."""

from __future__ import annotations

import asyncio
import gzip
import random
import struct
from typing import Any

import pytest
from structlog.testing import capture_logs
from telethon.tl import functions, types
from telethon.tl.alltlobjects import tlobjects
from telethon.tl.tlobject import TLObject

from tests.sandbox.support import raw
from tests.sandbox.support.centre import NEAREST, Centre, sending, until
from tests.sandbox.support.raw import RawClient, signed

OURS = {"connection.failed", "task.failed"}
SERVICE = [
    types.MsgsAck([1, 2]),
    types.MsgsStateReq([1, 2]),
    types.MsgResendReq([1]),
    functions.PingRequest(1),
    functions.PingDelayDisconnectRequest(1, 75),
    functions.GetFutureSaltsRequest(3),
    functions.RpcDropAnswerRequest(4),
    functions.DestroySessionRequest(4),
]


def mutated(dice: random.Random, data: bytes) -> bytes:
    """A few bytes changed, cut off, doubled or put in."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(changed) + 1)
        choice = dice.randrange(4)
        if choice == 0 and place < len(changed):
            changed[place] = dice.randrange(256)
        elif choice == 1:
            del changed[place : place + dice.randrange(20)]
        elif choice == 2:
            changed[place:place] = dice.randbytes(dice.randrange(20))
        else:
            changed += changed[place : place + 40]
    return bytes(changed)


def nonsense(dice: random.Random) -> bytes:
    """A body: a real one spoilt, or one that only begins like one."""
    choice = dice.randrange(5)
    if choice == 0:
        body = dice.choice(list(tlobjects)).to_bytes(4, "little") + dice.randbytes(dice.randrange(200))
    elif choice == 1:
        body = mutated(dice, bytes(dice.choice(SERVICE)))
    elif choice == 2:
        body = mutated(dice, bytes(functions.InvokeWithLayerRequest(150, sending(1))))
    elif choice == 3:
        packed = mutated(dice, gzip.compress(bytes(sending(1))))
        body = struct.pack("<I", raw.GZIP) + TLObject.serialize_bytes(packed)
    else:
        inner = mutated(dice, struct.pack("<qii", 4, 1, 4) + bytes(NEAREST))
        body = struct.pack("<Ii", raw.CONTAINER, dice.randrange(5)) + inner
    return body + bytes(-len(body) % 4)


async def still_served(client: RawClient) -> bool:
    return bool((await client.call(NEAREST)).this_dc == 2)


@pytest.mark.parametrize("seed", range(4))
async def test_sealed_nonsense_is_answered_or_ends_its_own_connection(dc: Centre, seed: int) -> None:
    dice = random.Random(seed)
    bystander, client = await signed(dc), await signed(dc)
    with capture_logs() as logs:
        for _ in range(300):
            if next(reversed(list(dc.listener))).cause is not None or client.wire.reader.at_eof():
                client.close()
                await client.connect()
            client.send(nonsense(dice), seq=dice.choice([0, 1, 2, 3, None]), content=bool(dice.randrange(2)))
            await asyncio.sleep(0)
        assert await still_served(bystander)
    assert [event for event in logs if event["event"] in OURS] == []


@pytest.mark.parametrize("seed", range(4))
async def test_spoilt_streams_end_and_leave_nothing_behind(dc: Centre, seed: int) -> None:
    dice = random.Random(seed)
    bystander = await signed(dc)
    model = await signed(dc)
    sealed: list[bytes] = []
    model.wire.writer.write = sealed.append  # type: ignore[method-assign]
    model.send(sending(1))
    plain = struct.pack("<qqi", 0, model.next_id(), 20) + bytes(functions.ReqPqMultiRequest(7))
    with capture_logs() as logs:
        for _ in range(150):
            beginning = dice.choice([b"\xef", b"\xee" * 4, b"\xdd" * 4, b"", dice.randbytes(64)])
            data = beginning + mutated(dice, dice.choice([sealed[0], plain, dice.randbytes(100)]))
            _, writer = await asyncio.open_connection(dc.host, dc.port)
            writer.write(data)
            await asyncio.sleep(0)
            writer.close()
        assert await still_served(bystander)
        model.close()
        await until(lambda: len(dc.listener) == 1)
    assert [event for event in logs if event["event"] in OURS] == []
    assert len(dc.engine.sessions) <= 2


async def test_a_key_exchange_of_nonsense_harms_nobody(dc: Centre) -> None:
    dice = random.Random(5)
    bystander = await signed(dc)
    steps: list[Any] = [
        functions.ReqPqMultiRequest(3),
        functions.ReqDHParamsRequest(3, 4, b"\3", b"\5", 5, bytes(256)),
        functions.SetClientDHParamsRequest(3, 4, bytes(64)),
    ]
    with capture_logs() as logs:
        for _ in range(100):
            client = await RawClient(dc).connect()
            body = mutated(dice, bytes(dice.choice(steps)))
            body += bytes(-len(body) % 4)
            for _ in range(dice.randrange(1, 7)):
                client.wire.send(struct.pack("<qqi", 0, client.next_id(), len(body)) + body)
            await asyncio.sleep(0)
            client.close()
        assert await still_served(bystander)
    assert [event for event in logs if event["event"] in OURS] == []
