"""The session layer as a client that does everything wrong sees it."""

from __future__ import annotations

import asyncio
import gzip
import struct
import tracemalloc
from typing import Any

import pytest
from telethon.tl import functions, types
from telethon.tl.tlobject import TLObject

from teleflow.sandbox.mtproto.tl import BadObjectError, Budget, inflate
from tests.sandbox.support import raw
from tests.sandbox.support.centre import LATE, LONG, NEAREST, Centre, sending
from tests.sandbox.support.raw import RawClient, signed

MINUTE = 60.0


def packed(data: bytes) -> bytes:
    return struct.pack("<I", raw.GZIP) + TLObject.serialize_bytes(gzip.compress(data))


def container(*messages: tuple[int, int, bytes]) -> bytes:
    inside = b"".join(struct.pack("<qii", msg_id, seq, len(body)) + body for msg_id, seq, body in messages)
    return struct.pack("<Ii", raw.CONTAINER, len(messages)) + inside


async def refusal(client: RawClient, request: int) -> int:
    """The code with which a message was refused."""
    message = await client.wait_for(raw.BAD_MSG)
    _, bad, _, code = struct.unpack_from("<Iqii", message.body)
    assert bad == request
    assert message.seq % 2 == 0
    return int(code)


# Ids and numbers.


@pytest.mark.parametrize(
    ("ahead", "code"), [(-301 - 1, 16), (-298, 0), (28, 0), (32, 17), (5 * MINUTE, 17), (-60 * MINUTE, 16)]
)
async def test_a_message_id_from_another_time_is_refused(still: Centre, ahead: float, code: int) -> None:
    client = await signed(still)
    request = client.send(NEAREST, msg_id=client.next_id(ahead))
    if code:
        assert await refusal(client, request) == code
    else:
        assert (await client.result(request)).this_dc == 2


@pytest.mark.parametrize("rest", [1, 2, 3])
async def test_a_message_id_not_divisible_by_four_is_refused(dc: Centre, rest: int) -> None:
    client = await signed(dc)
    assert await refusal(client, client.send(NEAREST, msg_id=client.next_id() + rest)) == 18


async def test_a_container_with_a_used_id_is_refused(dc: Centre) -> None:
    client = await signed(dc)
    used = client.next_id(5)
    client.send_container(NEAREST, msg_id=used)
    client.send_container(NEAREST, msg_id=used)
    assert await refusal(client, used) == 19


async def test_a_message_too_old_to_be_remembered_is_refused(dc: Centre) -> None:
    client = await signed(dc)
    old = client.next_id()
    for _ in range(500):
        client.send(functions.PingRequest(1), content=False)
    assert await refusal(client, client.send(NEAREST, msg_id=old, seq=1)) == 20


async def test_a_number_lower_than_an_earlier_one_is_refused(dc: Centre) -> None:
    client = await signed(dc)
    await client.result(client.send(NEAREST, seq=11))
    assert await refusal(client, client.send(NEAREST, seq=5)) == 32
    assert await refusal(client, client.send(NEAREST, seq=11)) == 32
    assert (await client.result(client.send(NEAREST, seq=13))).this_dc == 2


async def test_a_number_higher_than_a_later_one_is_refused(dc: Centre) -> None:
    client = await signed(dc)
    early = client.next_id()
    await client.result(client.send(NEAREST, seq=11))
    assert await refusal(client, client.send(NEAREST, msg_id=early, seq=13)) == 33
    assert (await client.result(client.send(NEAREST, msg_id=early, seq=9))).this_dc == 2


async def test_the_kind_of_message_decides_the_parity_of_its_number(dc: Centre) -> None:
    client = await signed(dc)
    ack = types.MsgsAck([1])
    assert await refusal(client, client.send(ack, seq=1)) == 34
    assert await refusal(client, client.send(container((client.next_id(), 1, bytes(NEAREST))), seq=3)) == 34
    assert await refusal(client, client.send(NEAREST, seq=2)) == 35
    await client.ping()


@pytest.mark.parametrize("how", ["empty", "nested", "cut", "too many", "inner later", "bad length"])
async def test_an_invalid_container_is_refused(dc: Centre, how: str) -> None:
    client = await signed(dc)
    inner = (client.next_id(), 1, bytes(NEAREST))
    later = (client.next_id(5), 1, bytes(NEAREST))
    body = {
        "empty": container(),
        "nested": container((client.next_id(), 0, container(inner))),
        "cut": struct.pack("<Ii", raw.CONTAINER, 3) + container(inner)[8:],
        "too many": struct.pack("<Ii", raw.CONTAINER, 1021) + bytes(20) * 1021,
        "inner later": container(later),
        "bad length": struct.pack("<Iiqii", raw.CONTAINER, 1, inner[0], 1, 400) + bytes(NEAREST),
    }[how]
    assert await refusal(client, client.send(body, content=False)) == 64
    assert dc.methods.runs == []


async def test_a_container_hidden_by_gzip_in_a_container_is_refused(dc: Centre) -> None:
    client = await signed(dc)
    hidden = client.next_id(1)
    inside = packed(container((client.next_id(), 1, bytes(NEAREST))))
    inside += bytes(-len(inside) % 4)
    client.send(container((hidden, 0, inside)), content=False, msg_id=client.next_id(2))
    assert await refusal(client, hidden) == 64
    assert dc.methods.runs == []


# Salts.


async def test_a_wrong_salt_is_answered_with_the_right_one(dc: Centre) -> None:
    client = await signed(dc)
    request = client.send(NEAREST, salt=1)
    _, bad, _, code, salt = struct.unpack("<Iqiiq", (await client.wait_for(raw.BAD_SALT)).body)
    assert (bad, code) == (request, 48)
    assert dc.methods.runs == []
    client.salt = salt
    assert (await client.call(NEAREST)).this_dc == 2


async def test_salts_rotate_and_the_old_one_is_good_for_a_while(still: Centre) -> None:
    clock: Any = still.clock
    client = await signed(still)
    client.salt = (await salts(client))[0].salt
    await clock.advance(1800)
    assert (await client.call(NEAREST)).this_dc == 2
    await clock.advance(1800)
    client.send(NEAREST)
    new = struct.unpack("<Iqiiq", (await client.wait_for(raw.BAD_SALT)).body)[4]
    assert new != client.salt
    client.salt = new
    assert (await client.call(NEAREST)).this_dc == 2


async def salts(client: RawClient, count: int = 4) -> list[Any]:
    client.send(functions.GetFutureSaltsRequest(count))
    message = await client.wait_for(0xAE500895)
    from telethon.extensions import BinaryReader

    return BinaryReader(message.body).tgread_object().salts


async def test_future_salts_are_the_salts_of_the_future(still: Centre) -> None:
    clock: Any = still.clock
    client = await signed(still)
    told = await salts(client)
    assert len(told) == 4
    for later in told[1:]:
        await clock.advance(1800)
        client.salt = later.salt
        assert (await client.call(NEAREST)).this_dc == 2
    assert len(await salts(client, 1000)) == 64


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
