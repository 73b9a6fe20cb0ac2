"""Sessions, containers, gzip, wrappers: what good messages get, and bad bodies."""

from __future__ import annotations

import asyncio
import gzip
import struct
import tracemalloc
from typing import Any

import pytest
from telethon.tl import functions, types

from teleflow.sandbox.mtproto.tl import BadObjectError, Budget, inflate
from tests.sandbox.support import raw
from tests.sandbox.support.bodies import packed
from tests.sandbox.support.centre import LATE, LONG, NEAREST, Centre, sending
from tests.sandbox.support.raw import signed

# Sessions.


async def test_a_new_session_is_announced_once(dc: Centre) -> None:
    client = await signed(dc)
    first = client.send(NEAREST)
    message = await client.receive()
    assert message.kind == raw.NEW_SESSION
    assert message.seq % 2
    assert struct.unpack_from("<q", message.body, 4)[0] == first
    await client.result(first)
    await client.reconnect()
    client.send(NEAREST)
    kinds = {(await client.receive()).kind for _ in range(3)}
    assert raw.RPC_RESULT in kinds
    client.session += 1
    client.send(NEAREST)
    assert (await client.receive()).kind == raw.NEW_SESSION


async def test_our_messages_number_content_and_rise(dc: Centre) -> None:
    client = await signed(dc)
    last, content = 0, 0
    for _ in range(5):
        client.send(NEAREST)
        client.send(functions.PingRequest(3))
    for _ in range(11):
        message = await client.receive()
        assert message.msg_id > last
        last = message.msg_id
        answers_content = message.kind in {raw.RPC_RESULT, raw.NEW_SESSION}
        assert message.seq == content * 2 + answers_content
        content += answers_content
        assert message.msg_id % 4 == (3 if message.kind == raw.NEW_SESSION else 1)


async def test_several_sessions_of_one_key_share_a_connection(dc: Centre) -> None:
    client = await signed(dc)
    assert (await client.call(NEAREST)).this_dc == 2
    client.session, client.content = 77, 0
    assert (await client.call(NEAREST)).this_dc == 2
    assert len(dc.engine.sessions) == 2


async def test_a_key_has_a_bounded_number_of_sessions(dc: Centre) -> None:
    client = await signed(dc)
    for session in range(100):
        client.session, client.content = session, 0
        client.send(NEAREST)
    await client.reconnect()
    await client.ping()
    assert len(dc.engine.sessions) <= 32


async def test_destroy_session_forgets_another_session_of_the_key(dc: Centre) -> None:
    client = await signed(dc)
    await client.ping()
    mine = client.session
    client.session, client.content = 77, 0
    client.send(functions.DestroySessionRequest(mine))
    assert struct.unpack("<Iq", (await client.wait_for(0xE22045FC)).body)[1] == mine
    client.send(functions.DestroySessionRequest(mine))
    await client.wait_for(0x62D350C9)


async def test_destroy_auth_key_ends_the_key(dc: Centre) -> None:
    client = await signed(dc)
    client.send(functions.DestroyAuthKeyRequest())
    await client.wait_for(0xF660E1D4)
    assert await client.closed() == b""
    await client.connect()
    client.send(NEAREST)
    assert await client.wire.receive() == struct.pack("<i", -404)


async def test_ping_delay_disconnect_closes_later(still: Centre) -> None:
    clock: Any = still.clock
    client = await signed(still)
    client.send(functions.PingDelayDisconnectRequest(5, 20))
    await client.wait_for(raw.PONG)
    await clock.advance(15)
    client.send(functions.PingDelayDisconnectRequest(6, 20))
    await client.wait_for(raw.PONG)
    await clock.advance(15)
    await client.ping()
    await clock.advance(6)
    await client.closed()
    ((row, _),) = still.ledger.connections(still.rpc.person_of)
    assert row.cause == "ping_delay_disconnect"


# Containers and gzip.


async def test_the_messages_of_a_container_are_answered_in_one_container(dc: Centre) -> None:
    client = await signed(dc)
    await client.ping()
    packets = next(iter(dc.listener)).packets_out
    first, second, _ = client.send_container(NEAREST, functions.contacts.GetContactIDsRequest(0))
    assert (await client.result(first)).this_dc == 2
    await client.result_message(second)
    assert next(iter(dc.listener)).packets_out == packets + 1


async def test_requests_may_be_gzipped_alone_in_a_container_and_inside(dc: Centre) -> None:
    client = await signed(dc)
    assert (await client.call(packed(bytes(NEAREST)))).this_dc == 2
    ids = client.send_container(packed(bytes(NEAREST)), NEAREST)
    assert (await client.result(ids[0])).this_dc == 2
    wrapped = struct.pack("<Ii", functions.InvokeWithLayerRequest.CONSTRUCTOR_ID, 150) + packed(bytes(NEAREST))
    assert (await client.call(wrapped)).this_dc == 2
    assert dc.methods.callers[-1].layer == 150


async def test_long_answers_are_gzipped_and_short_ones_not(dc: Centre) -> None:
    client = await signed(dc)
    long = await client.result_message(client.send(LONG))
    assert int.from_bytes(long.body[12:16], "little") == raw.GZIP
    assert len(long.body) < 2000
    short = await client.result_message(client.send(NEAREST))
    assert int.from_bytes(short.body[12:16], "little") == types.NearestDc.CONSTRUCTOR_ID


async def test_a_gzip_bomb_does_not_unpack(dc: Centre) -> None:
    client = await signed(dc)
    bomb = packed(bytes(NEAREST) + bytes(64 * 1024 * 1024))
    client.send(bomb)
    assert await client.closed() == b""
    client = await signed(dc)
    wrapped = struct.pack("<Ii", functions.InvokeWithLayerRequest.CONSTRUCTOR_ID, 150) + bomb
    assert (await client.call(wrapped)).error_message == "INPUT_REQUEST_TOO_LONG"


def test_unpacking_stops_at_the_budget() -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    tracemalloc.start()
    try:
        with pytest.raises(BadObjectError):
            inflate(bomb, Budget(1000))
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()


# What cannot be read, run or answered.


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"\1\2\3\4", "INPUT_METHOD_INVALID"),
        (bytes(types.NearestDc("XX", 1, 1)), "INPUT_METHOD_INVALID"),
        (bytes(sending(1))[:-8], "INPUT_FETCH_ERROR"),
        (bytes(functions.messages.SendMessageRequest.CONSTRUCTOR_ID.to_bytes(4, "little")) + bytes(8), "INPUT_"),
        (struct.pack("<IiI", 0xDA9B0D0D, 150, 5), "INPUT_CONSTRUCTOR_INVALID"),
        (struct.pack("<Ii", 0xDA9B0D0D, 150) * 40 + bytes(NEAREST), "INPUT_REQUEST_TOO_LONG"),
        (struct.pack("<Ii", 0xDA9B0D0D, 150) * 90_000 + bytes(NEAREST), "INPUT_REQUEST_TOO_LONG"),
        (struct.pack("<Ii", 0x1CB5C415, 1) * 90_000, "INPUT_REQUEST_TOO_LONG"),
        (struct.pack("<Ii", 0x1CB5C415, 0x7FFFFFFF), "INPUT_FETCH_ERROR"),
        (bytes(functions.help.GetCdnConfigRequest()), "INTERNAL"),
        (bytes(functions.help.GetRecentMeUrlsRequest("x")), "INPUT_METHOD_INVALID"),
    ],
    ids=range(11),
)
async def test_what_is_no_answerable_request_gets_an_rpc_error(dc: Centre, body: bytes, name: str) -> None:
    client = await signed(dc)
    error = await client.call(body)
    assert isinstance(error, types.RpcError)
    assert error.error_message.startswith(name)
    assert (await client.call(NEAREST)).this_dc == 2


async def test_truth_and_numbers_are_answered_in_their_wire_form(dc: Centre) -> None:
    client = await signed(dc)
    message = await client.result_message(client.send(functions.contacts.GetContactIDsRequest(0)))
    assert message.body[12:] == struct.pack("<Iiiii", 0x1CB5C415, 3, 1, 2, 3)
    assert await client.call(functions.account.UpdateStatusRequest(False)) is True


# Wrappers and order.


async def test_wrappers_tell_the_method_who_calls(dc: Centre) -> None:
    client = await signed(dc)
    introduced = functions.InitConnectionRequest(
        api_id=7, device_model="d", system_version="s", app_version="a", system_lang_code="sl", lang_pack="",
        lang_code="l", query=NEAREST,
    )  # fmt: skip
    await client.call(functions.InvokeWithLayerRequest(149, functions.InvokeWithoutUpdatesRequest(introduced)))
    await client.call(NEAREST)
    first, second = dc.methods.callers
    for caller in (first, second):
        assert (caller.layer, caller.api_id, caller.device_model, caller.lang_code) == (149, 7, "d", "l")
    assert (first.wants_updates, second.wants_updates) == (False, True)
    assert first.msg_id < second.msg_id


async def test_invoke_after_waits_for_the_named_request(dc: Centre) -> None:
    client = await signed(dc)
    late = client.send(LATE)
    after = client.send(functions.InvokeAfterMsgRequest(late, NEAREST))
    await client.ping()
    assert dc.methods.runs == ["GetInviteTextRequest"]
    dc.methods.gate.set()
    assert (await client.result(after)).this_dc == 2
    assert dc.methods.runs == ["GetInviteTextRequest", "GetNearestDcRequest"]


async def test_a_slow_method_holds_nobody_up_and_is_acknowledged(still: Centre) -> None:
    clock: Any = still.clock
    client = await signed(still)
    late = client.send(LATE)
    assert (await client.call(NEAREST)).this_dc == 2
    await clock.advance(1)
    acknowledged = (await client.wait_for(raw.ACK)).body
    assert acknowledged == struct.pack("<IIiq", raw.ACK, 0x1CB5C415, 1, late)
    still.methods.gate.set()
    assert (await client.result(late)).message == "late"


async def test_a_thousand_requests_at_once_are_all_answered(dc: Centre) -> None:
    client = await signed(dc)
    ids = {request for _ in range(10) for request in client.send_container(*[NEAREST] * 100)[:-1]}
    while ids:
        message = await client.wait_for(raw.RPC_RESULT)
        ids.discard(struct.unpack_from("<q", message.body, 4)[0])
    assert len(dc.methods.runs) == 1000
    await asyncio.sleep(0)
