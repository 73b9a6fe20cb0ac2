"""Verbs about calls, as a client sees them on the wire."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from telethon.tl import types

from tests.sandbox.support import raw
from tests.sandbox.support.centre import NEAREST, Centre, sending, until
from tests.sandbox.support.raw import RawClient, signed

NEAREST_NAME = "help.getNearestDc"


def runs(dc: Centre) -> int:
    return dc.methods.runs.count("GetNearestDcRequest")


async def unanswered(client: RawClient, request: int, *, ended: bool = True) -> None:
    """`request` has been dealt with (unless it is still under way), and has no answer."""
    if ended:
        ledger = client.dc.ledger
        await until(lambda: any(row.msg_id == request and row.ended is not None for row in ledger.calls()))
    pong = client.send(raw.functions.PingRequest(7))
    while True:
        message = await client.receive()
        if message.kind == raw.RPC_RESULT:
            assert struct.unpack_from("<q", message.body, 4)[0] != request
        if message.kind == raw.PONG and struct.unpack_from("<q", message.body, 4)[0] == pong:
            return


@pytest.mark.parametrize(
    ("args", "code", "name"),
    [
        ({"name": "PEER_FLOOD"}, 400, "PEER_FLOOD"),
        ({"name": "CHAT_WRITE_FORBIDDEN", "code": 403}, 403, "CHAT_WRITE_FORBIDDEN"),
        ({"name": "FLOOD_WAIT", "seconds": 9}, 420, "FLOOD_WAIT_9"),
        ({"name": "FLOOD_WAIT_X", "seconds": 9}, 420, "FLOOD_WAIT_9"),
        ({"name": "FLOOD_WAIT_7"}, 420, "FLOOD_WAIT_7"),
        ({"name": "AUTH_KEY_UNREGISTERED"}, 401, "AUTH_KEY_UNREGISTERED"),
        ({"name": "Timeout", "code": -503}, -503, "TIMEOUT"),
    ],
)
async def test_rpc_error_answers_instead_of_the_method(dc: Centre, args: dict[str, Any], code: int, name: str) -> None:
    client = await signed(dc)
    await dc.add_fault("rpc_error", {"method": NEAREST_NAME, "times": 1}, args)
    error = await client.call(NEAREST)
    assert (error.error_code, error.error_message) == (code, name)
    assert runs(dc) == 0
    assert (await client.call(NEAREST)).this_dc == 2


async def test_flood_answers_what_is_left_of_the_window(still: Centre) -> None:
    clock: Any = still.clock
    client = await signed(still)
    await still.add_fault("flood", {"method": NEAREST_NAME}, {"seconds": 30})
    assert (await client.call(NEAREST)).error_message == "FLOOD_WAIT_30"
    await clock.advance(10)
    assert (await client.call(NEAREST)).error_message == "FLOOD_WAIT_20"
    await clock.advance(20)
    assert (await client.call(NEAREST)).this_dc == 2


async def test_drop_request_leaves_no_trace_and_the_repetition_runs(dc: Centre) -> None:
    client = await signed(dc)
    await dc.add_fault("drop_request", {"method": NEAREST_NAME, "nth": 1})
    request = client.send(NEAREST)
    await unanswered(client, request)
    assert runs(dc) == 0
    client.send(NEAREST, msg_id=request, seq=1)
    assert (await client.result(request)).this_dc == 2


async def test_drop_reply_after_commit_runs_once_and_answers_the_repetition(dc: Centre) -> None:
    client = await signed(dc)
    rule = await dc.add_fault("drop_reply_after_commit", {"method": NEAREST_NAME})
    request = client.send(NEAREST)
    await unanswered(client, request)
    assert runs(dc) == 1
    client.send(NEAREST, msg_id=request, seq=1)
    assert (await client.result(request)).this_dc == 2
    assert runs(dc) == 1
    (row,) = [row.as_dict() for row in dc.ledger.calls() if row.method == NEAREST_NAME]
    assert row["outcome"] == "ok"
    assert row["faults"] == [{"id": rule.number, "verb": "drop_reply_after_commit"}]


async def test_a_dropped_reply_stays_dropped_when_the_session_reconnects(dc: Centre) -> None:
    client = await signed(dc)
    await dc.add_fault("drop_reply_after_commit", {"method": NEAREST_NAME})
    request = client.send(NEAREST)
    await unanswered(client, request)
    await client.reconnect()
    await unanswered(client, request)


async def test_the_first_attempt_of_each_random_id_can_be_dropped(dc: Centre) -> None:
    client = await signed(dc)
    await dc.add_fault("drop_reply_after_commit", {"method": "messages.sendMessage", "attempt": 1})
    for random_id in (11, 12):
        await unanswered(client, client.send(sending(random_id)))
        assert isinstance(await client.call(sending(random_id)), types.UpdateShortSentMessage)
    told = [row.as_dict()["randomId"] for row in dc.ledger.calls(random_id=12)]
    assert told == ["12", "12"]


async def test_delay_holds_one_call_and_no_other(still: Centre) -> None:
    clock: Any = still.clock
    client = await signed(still)
    await still.add_fault("delay", {"method": NEAREST_NAME}, {"ms": 700})
    request = client.send(NEAREST)
    assert isinstance(await client.call(sending(1)), types.UpdateShortSentMessage)
    await unanswered(client, request, ended=False)
    await clock.advance(0.7)
    assert (await client.result(request)).this_dc == 2


async def test_duplicate_reply_sends_the_same_message_twice(dc: Centre) -> None:
    client = await signed(dc)
    await dc.add_fault("duplicate_reply", {"method": NEAREST_NAME, "nth": 1})
    request = client.send(NEAREST)
    assert await client.result_message(request) == await client.result_message(request)
    assert runs(dc) == 1


async def test_bad_salt_makes_the_clients_salt_wrong(dc: Centre) -> None:
    client = await signed(dc)
    await dc.add_fault("bad_salt", {"method": NEAREST_NAME, "nth": 1})
    request = client.send(NEAREST)
    _, bad, _, _, salt = struct.unpack("<Iqiiq", (await client.wait_for(raw.BAD_SALT)).body)
    assert bad == request
    client.send(NEAREST)
    await client.wait_for(raw.BAD_SALT)
    client.salt = salt
    assert (await client.call(NEAREST)).this_dc == 2
    assert runs(dc) == 1


async def test_bad_salt_at_once_spoils_the_salt_of_a_person(dc: Centre) -> None:
    client = await signed(dc)
    await client.ping()
    await dc.add_fault("bad_salt", {"phone": "+15550001"})
    client.send(NEAREST)
    await client.wait_for(raw.BAD_SALT)


@pytest.mark.parametrize("code", [16, 17, 32, 33, 35])
async def test_bad_msg_refuses_a_message(dc: Centre, code: int) -> None:
    client = await signed(dc)
    await dc.add_fault("bad_msg", {"method": NEAREST_NAME, "nth": 1}, {"code": code})
    request = client.send(NEAREST)
    told = struct.unpack("<Iqii", (await client.wait_for(raw.BAD_MSG)).body)
    assert told == (raw.BAD_MSG, request, 1, code)
    assert runs(dc) == 0


async def test_revoke_session_on_a_call_ends_the_login(dc: Centre) -> None:
    client = await signed(dc)
    await dc.add_fault("revoke_session", {"method": NEAREST_NAME})
    assert (await client.call(NEAREST)).error_message == "AUTH_KEY_UNREGISTERED"
    assert len(dc.methods.revoked) == 1
    await client.closed()


async def test_revoke_session_at_once_is_for_one_person(dc: Centre) -> None:
    client = await signed(dc)
    await client.ping()
    await dc.add_fault("revoke_session", {"phone": "999"})
    assert dc.methods.revoked == []
    await dc.add_fault("revoke_session", {"phone": "15550001"})
    await client.closed()
    assert dc.methods.revoked == [int.from_bytes(raw.sha1(client.key).digest()[12:], "little")]


async def test_expire_code_at_once_and_on_a_call(dc: Centre) -> None:
    client = await signed(dc)
    await dc.add_fault("expire_code", {"phone": "+15550001"})
    assert dc.methods.expired == ["15550001"]
    await dc.add_fault("expire_code", {"method": NEAREST_NAME})
    assert (await client.call(NEAREST)).this_dc == 2
    assert dc.methods.expired == ["15550001", "15550001"]


async def test_clock_offset_makes_the_server_tell_another_time(dc: Centre) -> None:
    client = await signed(dc)
    rule = await dc.add_fault("clock_offset", None, {"seconds": 600})
    client.send(NEAREST)
    message = await client.wait_for(raw.BAD_MSG)
    assert struct.unpack("<Iqii", message.body)[3] == 16
    assert abs((message.msg_id >> 32) - dc.clock.time() - 600) < 5
    await dc.remove_fault(rule.number)
    assert (await client.call(NEAREST)).this_dc == 2


async def test_rules_fire_in_their_order_and_each_firing_is_numbered_in_the_ledger(dc: Centre) -> None:
    client = await signed(dc)
    delay = await dc.add_fault("delay", {"method": NEAREST_NAME}, {"ms": 1})
    error = await dc.add_fault("rpc_error", {"method": NEAREST_NAME}, {"name": "PEER_FLOOD"})
    expire = await dc.add_fault("expire_code")
    await client.call(NEAREST)
    rows = [row.as_dict() for row in dc.ledger.calls()]
    assert [row["seq"] for row in rows] == [1, 2]
    assert rows[0]["faults"] == [{"id": expire.number, "verb": "expire_code"}]
    assert [fault["id"] for fault in rows[1]["faults"]] == [delay.number, error.number]
    assert (rows[1]["outcome"], rows[1]["error"]) == ("error", "PEER_FLOOD")
    await dc.clear_faults()
    assert (await client.call(NEAREST)).this_dc == 2
    await until(lambda: not dc.faults.all())
