"""Verbs about connections and the whole data centre, as sockets see them."""

from __future__ import annotations

import asyncio
import struct
import zlib
from typing import Any

import pytest

from tests.sandbox.support.centre import LONG, NEAREST, Centre, until
from tests.sandbox.support.raw import WAIT, RawClient, signed

NEAREST_NAME = "help.getNearestDc"


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Both loops: they differ in when they read, pause and accept."""
    return "asyncio", {"use_uvloop": request.param}


async def connects(dc: Centre) -> bool:
    try:
        _, writer = await asyncio.open_connection(dc.host, dc.port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def end_of(client: RawClient) -> bytes:
    try:
        return await client.closed()
    except ConnectionResetError:
        return b"reset"


async def test_refuse_closes_the_listening_socket_and_every_connection_for_a_while(still: Centre) -> None:
    clock: Any = still.clock
    client = await signed(still)
    port = still.port
    await still.add_fault("refuse", None, {"seconds": 30})
    assert await end_of(client) in {b"", b"reset"}
    assert not await connects(still)
    await clock.advance(29)
    assert not await connects(still)
    await clock.advance(1)
    assert await connects(still)
    assert still.port == port
    await client.connect()
    assert (await client.call(NEAREST)).this_dc == 2


async def test_refuse_can_leave_open_connections_alone_and_ends_with_its_rule(dc: Centre) -> None:
    client = await signed(dc)
    rule = await dc.add_fault("refuse", None, {"close": False})
    assert not await connects(dc)
    assert (await client.call(NEAREST)).this_dc == 2
    assert await dc.remove_fault(rule.number)
    assert await connects(dc)
    assert not await dc.remove_fault(rule.number)


async def test_two_refusals_end_with_the_later_one(still: Centre) -> None:
    clock: Any = still.clock
    await still.add_fault("refuse", None, {"seconds": 10})
    await still.add_fault("refuse", None, {"seconds": 20})
    await clock.advance(11)
    assert not await connects(still)
    await clock.advance(10)
    assert await connects(still)


async def test_accept_and_stall_takes_connections_and_says_nothing_until_it_ends(still: Centre) -> None:
    clock: Any = still.clock
    client = await signed(still)
    await still.add_fault("accept_and_stall", None, {"seconds": 30})
    assert await end_of(client) in {b"", b"reset"}
    await client.connect()
    request = client.send(NEAREST)
    await until(lambda: len(still.listener) == 1)
    await clock.advance(29)
    (connection,) = still.listener
    assert (connection.bytes_in, connection.bytes_out) == (0, 0)
    await clock.advance(1)
    assert (await client.result(request)).this_dc == 2


async def test_a_black_hole_swallows_both_directions_until_it_ends(dc: Centre) -> None:
    client = await signed(dc)
    await client.ping()
    rule = await dc.add_fault("black_hole")
    (connection,) = dc.listener
    sent = connection.bytes_in
    request = client.send(NEAREST)
    for _ in range(50):
        await asyncio.sleep(0)
    assert connection.bytes_in == sent
    await dc.remove_fault(rule.number)
    assert (await client.result(request)).this_dc == 2


async def test_a_black_hole_can_be_one_persons(dc: Centre) -> None:
    client = await signed(dc)
    await client.ping()
    await dc.add_fault("black_hole", {"phone": "999"})
    assert (await client.call(NEAREST)).this_dc == 2


async def test_close_tcp_at_once_closes_one_persons_connections(dc: Centre) -> None:
    client, stranger = await signed(dc), await RawClient(dc).connect()
    await client.ping()
    await dc.add_fault("close_tcp", {"phone": "15550001"})
    assert await end_of(client) == b""
    assert not isinstance(await stranger.exchange(), int)


async def test_close_tcp_on_a_call_loses_the_call(dc: Centre) -> None:
    client = await signed(dc)
    await dc.add_fault("close_tcp", {"method": NEAREST_NAME, "nth": 1})
    client.send(NEAREST)
    await end_of(client)
    assert dc.methods.runs == []
    await client.connect()
    assert (await client.call(NEAREST)).this_dc == 2


async def test_close_tcp_mid_frame_cuts_the_answer_in_two(dc: Centre) -> None:
    client = await signed(dc)
    await client.ping()
    await dc.add_fault("close_tcp", {"method": NEAREST_NAME, "nth": 1}, {"when": "mid_frame"})
    client.send(NEAREST)
    half = await end_of(client)
    assert 0 < len(half) < int.from_bytes(half[:4], "little")
    assert dc.methods.runs == ["GetNearestDcRequest"]


@pytest.mark.parametrize("count", [1, 5, 300])
async def test_close_tcp_after_n_bytes_writes_exactly_that_many(dc: Centre, count: int) -> None:
    client = await signed(dc)
    await client.ping()
    match = {"method": "help.getSupportName"}
    await dc.add_fault("close_tcp", match, {"when": "after_n_bytes", "bytes": count})
    client.send(LONG)
    assert len(await end_of(client)) == count


async def test_reset_is_a_reset_and_not_an_end(dc: Centre) -> None:
    client = await signed(dc)
    await client.ping()
    await dc.add_fault("reset")
    assert await end_of(client) == b"reset"


@pytest.mark.parametrize("code", [-404, -429, -444])
async def test_transport_error_sends_four_bytes_and_closes(dc: Centre, code: int) -> None:
    client = await signed(dc)
    await client.ping()
    await dc.add_fault("transport_error", {"method": NEAREST_NAME, "nth": 1}, {"code": code})
    client.send(NEAREST)
    assert await asyncio.wait_for(client.wire.receive(), WAIT) == struct.pack("<i", code)
    assert await end_of(client) == b""


async def test_garbage_comes_before_the_answer(dc: Centre) -> None:
    client = await signed(dc)
    await client.ping()
    await dc.add_fault("garbage", {"method": NEAREST_NAME, "nth": 1}, {"bytes": 33})
    request = client.send(NEAREST)
    await client.wire.read(33)
    assert (await client.result(request)).this_dc == 2


async def test_flip_bit_spoils_one_frame_and_no_other(dc: Centre) -> None:
    client = await signed(dc)
    await client.ping()
    await dc.add_fault("flip_bit", {"method": NEAREST_NAME, "nth": 1})
    client.send(NEAREST)
    head = await client.wire.read(4)
    rest = await client.wire.read(int.from_bytes(head, "little") - 4)
    assert zlib.crc32(head + rest[:-4]) != int.from_bytes(rest[-4:], "little")
    assert (await client.call(NEAREST)).this_dc == 2


async def test_truncate_frame_leaves_the_client_waiting(dc: Centre) -> None:
    client = await signed(dc)
    await client.ping()
    await dc.add_fault("truncate_frame", {"method": NEAREST_NAME, "nth": 1})
    client.send(NEAREST)
    length = int.from_bytes(await client.wire.read(4), "little")
    await client.wire.read(length // 2 - 4)
    client.send(NEAREST)
    assert int.from_bytes(await client.wire.read(4), "little") < 1000  # the next frame begins where half is missing


async def test_every_outage_is_in_the_ledger(dc: Centre) -> None:
    for verb in ("refuse", "accept_and_stall", "black_hole", "close_tcp", "garbage"):
        await dc.add_fault(verb)
    await dc.clear_faults()
    assert [row.as_dict()["faults"][0]["verb"] for row in dc.ledger.calls()] == [
        "refuse",
        "accept_and_stall",
        "black_hole",
        "close_tcp",
        "garbage",
    ]
    assert await connects(dc)
