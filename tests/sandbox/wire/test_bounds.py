"""What a hostile client could pile up, and where it ends: sessions, keys, requests, answers."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from typing import Any

import pytest
from telethon.tl import functions

from teleflow.sandbox.mtproto import calls, engine, gate, sessions
from teleflow.sandbox.transport import listener
from teleflow.sandbox.transport.connection import WRITE_LIMIT
from tests.sandbox.support import raw
from tests.sandbox.support.bodies import container, refusal
from tests.sandbox.support.centre import LATE, LONG, NEAREST, Centre, until
from tests.sandbox.support.raw import RawClient, signed
from tests.sandbox.wire.test_keys import bound, temporary


async def test_sessions_made_and_destroyed_leave_nothing_on_their_connection(dc: Centre) -> None:
    client = await signed(dc)
    await client.ping()
    home = client.session
    for number in range(1, 50):
        client.session, client.content = number, 0
        await client.ping()
        client.session, client.content = home, 100 + number
        client.send(functions.DestroySessionRequest(number))
        await client.wait_for(0xE22045FC)
    (connection,) = dc.listener
    assert [session.id for session in connection.state.sessions] == [home]  # type: ignore[attr-defined]
    assert [session.id for session in dc.engine.sessions] == [home]


async def test_an_answer_for_a_session_that_was_destroyed_is_kept_nowhere(still: Centre) -> None:
    clock: Any = still.clock
    client = await signed(still)
    client.send(LATE)
    await client.ping()
    (session,) = still.engine.sessions
    home, client.session, client.content = client.session, 77, 0
    client.send(functions.DestroySessionRequest(home))
    await client.wait_for(0xE22045FC)
    still.methods.gate.set()
    await until(lambda: not session.running)
    assert not session.unacked
    await clock.advance(1)
    assert session not in still.engine.sessions._chores


async def test_a_connection_carries_a_few_keys(dc: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MAX_KEYS", 2)
    client = await signed(dc)
    await client.ping()
    for _ in range(2):
        await client.exchange()
        client.session, client.content = client.session + 1, 0
        client.send(NEAREST)
        packet = await client.wire.receive()
    assert packet == struct.pack("<i", -429)
    assert await client.closed() == b""


async def test_a_permanent_key_has_a_few_temporary_ones(dc: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "MAX_TEMPORARY", 2)
    permanent = await signed(dc)
    made = []
    for _ in range(4):
        made.append(await temporary(dc))
        assert await bound(permanent, made[-1]) is True
    assert [dc.keys.get(each.key_id) is not None for each in made] == [False, False, True, True]
    assert len(dc.engine.gate.bindings.all_of(permanent.key_id)) == 3
    made[0].send(NEAREST)
    assert await made[0].wire.receive() == struct.pack("<i", -404)
    assert (await made[3].call(NEAREST)).this_dc == 2


async def test_a_binding_until_a_time_that_is_past_is_refused(dc: Centre) -> None:
    permanent, client = await signed(dc), await temporary(dc)
    past = int(dc.clock.time()) - 1
    assert (await bound(permanent, client, expires_at=past, told_expires=past)).error_message == "EXPIRES_AT_INVALID"


@pytest.mark.parametrize("name", ["MAX_ORPHANS", "MAX_ORPHAN_BYTES"])
async def test_sessions_without_a_connection_are_kept_within_limits(
    dc: Centre, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for turn in range(4):
        client = await signed(dc)
        await client.call(LONG)  # not acknowledged
        client.close()
        await until(lambda: not list(dc.listener))
        if not turn:
            kept = next(iter(dc.engine.sessions)).kept_bytes
            monkeypatch.setattr(sessions, name, 2 if name == "MAX_ORPHANS" else 2 * kept + 100)
    assert len(dc.engine.sessions) == 2
    assert dc.engine.sessions._orphan_bytes == sum(each.kept_bytes for each in dc.engine.sessions)


async def test_a_session_that_comes_back_is_not_counted_as_without(dc: Centre) -> None:
    client = await signed(dc)
    await client.call(LONG)
    await client.reconnect()
    await client.ping()
    assert (dc.engine.sessions._orphans, dc.engine.sessions._orphan_bytes) == ({}, 0)


async def test_requests_at_work_are_bounded_by_their_bytes(dc: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MAX_RUNNING_BYTES", 3)
    client = await signed(dc)
    first, second = client.send(LATE), client.send(NEAREST)
    assert (await client.result(second)).error_message == "FLOOD_WAIT_1"
    dc.methods.gate.set()
    assert (await client.result(first)).message == "late"
    assert (await client.call(NEAREST)).this_dc == 2
    (session,) = dc.engine.sessions
    assert session.load == 0


async def test_a_container_holds_a_mebibyte(dc: Centre) -> None:
    client = await signed(dc)
    for size, good in (((1 << 20) - 64, True), ((1 << 20) + 64, False)):
        inner = client.next_id()
        body = bytes(functions.PingRequest(7)) + bytes(size - 12 - 24)
        request = client.send(container((inner, client.next_seq(content=True), body)), content=False)
        if good:
            await client.wait_for(raw.PONG)
        else:
            assert await refusal(client, request) == 64


async def test_unfinished_packets_are_bounded_together(dc: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MAX_HELD", 100_000)
    opening = b"\xee\xee\xee\xee" + struct.pack("<I", 1_000_000) + bytes(60_000)
    first, second = [await asyncio.open_connection(dc.host, dc.port) for _ in range(2)]
    first[1].write(opening)
    await until(lambda: dc.listener._held == 60_000 + 4)
    second[1].write(opening)
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(second[0].read(), 5) == b""
    await until(lambda: len(dc.listener) == 1)
    first[1].close()
    await until(lambda: dc.listener._held == 0)
    assert (await (await signed(dc)).call(NEAREST)).this_dc == 2


async def test_what_clients_do_not_read_is_bounded_together(dc: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    lazy, other = await signed(dc), await signed(dc)
    await other.call(NEAREST)
    monkeypatch.setattr(listener, "MAX_HELD", 3 * 1024 * 1024)
    number = next(each.number for each in dc.listener)
    lazy.wire.reader._transport.pause_reading()  # type: ignore[attr-defined]
    (connection,) = [each for each in dc.listener if each.number == number]
    while connection.open:
        connection.send(bytes(500_000))
        await asyncio.sleep(0)
    assert connection.cause == "slow reader"
    assert connection.bytes_out < WRITE_LIMIT
    await until(lambda: dc.listener._held == 0)
    assert (await other.call(NEAREST)).this_dc == 2


async def test_a_long_packet_in_small_pieces_is_not_copied_for_each(dc: Centre) -> None:
    _, writer = await asyncio.open_connection(dc.host, dc.port)
    writer.write(b"\xee\xee\xee\xee" + struct.pack("<I", 1_000_000) + bytes(500_000))
    await until(lambda: dc.listener._held > 500_000)
    (connection,) = dc.listener
    held = connection._buffer
    writer.write(b"0000")
    await until(lambda: dc.listener._held > 500_004)
    assert connection._buffer is held
    writer.close()


async def test_answers_are_sent_again_when_they_are_asked_for(dc: Centre) -> None:
    client = await signed(dc)
    request = client.send(NEAREST)
    first = await client.result_message(request)
    body = struct.pack("<IIiqq", 0x8610BAEB, 0x1CB5C415, 2, request, client.last_id - 4)
    client.send(body, content=False)
    assert await client.result_message(request) == first
    info = (await client.wait_for(raw.STATE_INFO)).body[12:]
    assert info[0] == 2
    assert info[1] & 64
    assert dc.methods.runs == ["GetNearestDcRequest"]


async def test_the_state_tells_what_needs_no_acknowledgement(dc: Centre) -> None:
    client: RawClient = await signed(dc)
    content, other = client.send(NEAREST), client.send(functions.PingRequest(7), content=False)
    await client.ping()
    client.send(raw.types.MsgsStateReq([content, other]), content=False)
    info = (await client.wait_for(raw.STATE_INFO)).body[12:]
    assert [bool(state & 16) for state in info[1:3]] == [False, True]
