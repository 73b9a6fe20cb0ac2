"""Verbs about answers, sessions and connections that a bare client meets with on the wire."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

from telethon.tl import types

from tests.sandbox.support import raw
from tests.sandbox.support.centre import NEAREST, Centre, sending, until
from tests.sandbox.support.raw import RawClient, signed

NEAREST_NAME = "help.getNearestDc"


async def answered(client: RawClient, count: int) -> list[int]:
    """The requests that the next `count` answers are about."""
    return [struct.unpack_from("<q", (await client.wait_for(raw.RPC_RESULT)).body, 4)[0] for _ in range(count)]


async def test_reorder_lets_the_next_answer_go_first(dc: Centre) -> None:
    client = await signed(dc)
    await dc.add_fault("reorder", {"method": NEAREST_NAME, "nth": 1}, {"ms": 60_000})
    first = client.send(NEAREST)
    await client.ping()
    second = client.send(sending(1))
    assert await answered(client, 2) == [second, first]


async def test_reorder_without_a_next_answer_is_a_late_one(still: Centre) -> None:
    clock: Any = still.clock
    client = await signed(still)
    await still.add_fault("reorder", {"method": NEAREST_NAME}, {"ms": 500})
    request = client.send(NEAREST)
    await client.ping()
    assert client.queue == []
    await clock.advance(0.6)
    assert (await client.result(request)).this_dc == 2


async def test_unknown_constructor_answers_with_what_no_layer_has(dc: Centre) -> None:
    client = await signed(dc)
    await dc.add_fault("unknown_constructor", {"method": NEAREST_NAME, "times": 1})
    body = (await client.result_message(client.send(NEAREST))).body
    assert int.from_bytes(body[12:16], "little") == 0x0DDBA115
    assert (await client.call(NEAREST)).this_dc == 2


async def test_unknown_constructor_at_once_comes_as_an_update(dc: Centre) -> None:
    client = await signed(dc)
    await client.ping()
    await dc.add_fault("unknown_constructor")
    message = await client.wait_for(0x0DDBA115)
    assert message.seq % 2 == 1


async def test_new_session_created_comes_once_more(dc: Centre) -> None:
    client = await signed(dc)
    await client.ping()
    await dc.add_fault("new_session_created")
    first = await client.wait_for(raw.NEW_SESSION)
    await dc.add_fault("new_session_created", {"method": NEAREST_NAME, "times": 1})
    request = client.send(NEAREST)
    second = await client.wait_for(raw.NEW_SESSION)
    assert first.body[12:20] != second.body[12:20]
    assert (await client.result(request)).this_dc == 2


async def test_duplicate_key_kill_ends_the_key(dc: Centre) -> None:
    client = await signed(dc)
    await dc.add_fault("duplicate_key_kill", {"method": NEAREST_NAME})
    error = await client.call(NEAREST)
    assert (error.error_code, error.error_message) == (406, "AUTH_KEY_DUPLICATED")
    assert (await client.call(sending(1))).error_message == "AUTH_KEY_DUPLICATED"
    assert dc.methods.revoked == [client.key_id]


async def test_storm_turns_away_what_comes_on_top(dc: Centre) -> None:
    rule = await dc.add_fault("storm", None, {"limit": 2})
    served, turned_away = [], []
    for _ in range(5):
        client = await RawClient(dc).connect()
        answer = await client.ask_plain(raw.functions.ReqPqMultiRequest(7))
        (turned_away if answer == -429 else served).append(client)
    assert (len(served), len(turned_away)) == (2, 3)
    assert await turned_away[0].closed() == b""
    await dc.remove_fault(rule.number)
    assert isinstance(await (await RawClient(dc).connect()).exchange(), types.DhGenOk)


async def test_slow_read_takes_a_request_in_sips(still: Centre) -> None:
    clock: Any = still.clock
    client = await signed(still)
    await client.ping()
    rule = await still.add_fault("slow_read", None, {"bytes": 200})
    await clock.advance(0)
    request = client.send(NEAREST)  # some hundred bytes: half a second
    await clock.advance(0.2)
    await asyncio.sleep(0.01)
    assert still.methods.runs == []
    for _ in range(40):
        await clock.advance(0.05)
        await asyncio.sleep(0)
    assert (await client.result(request)).this_dc == 2
    slow = client.send(sending(1))
    await clock.advance(0.1)
    await still.remove_fault(rule.number)
    await clock.advance(0.1)
    assert isinstance(await client.result(slow), types.UpdateShortSentMessage)


async def test_black_hole_swallows_both_directions_of_one_person(dc: Centre) -> None:
    client = await signed(dc)
    await client.ping()
    rule = await dc.add_fault("black_hole", {"phone": "15550001"})
    request = client.send(NEAREST)
    reading = asyncio.ensure_future(client.result(request))
    done, _ = await asyncio.wait({reading}, timeout=0.1)
    assert not done
    assert dc.methods.runs == []
    await dc.remove_fault(rule.number)
    assert (await reading).this_dc == 2
    await until(lambda: dc.methods.runs == ["GetNearestDcRequest"])
