"""What is lost on the way comes again, and nothing is done twice."""

from __future__ import annotations

import struct
from typing import Any

from telethon.tl import functions, types

from tests.sandbox.support import raw
from tests.sandbox.support.centre import LATE, LONG, NEAREST, Centre
from tests.sandbox.support.raw import signed


def acks(*ids: int) -> bytes:
    return bytes(types.MsgsAck(list(ids)))


async def test_a_repeated_request_gets_the_same_answer_and_is_not_run_again(dc: Centre) -> None:
    client = await signed(dc)
    request = client.send(NEAREST, seq=1)
    first = await client.result_message(request)
    client.send(NEAREST, msg_id=request, seq=1)
    again = await client.result_message(request)
    assert again == first
    assert len(dc.methods.runs) == 1


async def test_a_request_repeated_in_a_new_container_is_not_run_again(dc: Centre) -> None:
    client = await signed(dc)
    request = client.send(NEAREST, seq=1)
    first = await client.result_message(request)
    inner = struct.pack("<qii", request, 1, 4) + bytes(NEAREST)
    client.send(struct.pack("<Ii", raw.CONTAINER, 1) + inner, content=False, seq=2)
    assert await client.result_message(request) == first
    assert len(dc.methods.runs) == 1


async def test_a_request_repeated_while_it_runs_is_acknowledged_and_runs_once(dc: Centre) -> None:
    client = await signed(dc)
    request = client.send(LATE, seq=1)
    client.send(LATE, msg_id=request, seq=1)
    assert struct.unpack("<IIiq", (await client.wait_for(raw.ACK)).body)[3] == request
    dc.methods.gate.set()
    assert (await client.result(request)).message == "late"
    assert len(dc.methods.runs) == 1


async def test_an_acknowledged_answer_is_forgotten_and_the_request_still_not_run_again(dc: Centre) -> None:
    client = await signed(dc)
    request = client.send(NEAREST, seq=1)
    answer = await client.result_message(request)
    client.send(acks(answer.msg_id), seq=2)
    client.send(NEAREST, msg_id=request, seq=1)
    assert struct.unpack("<IIiq", (await client.wait_for(raw.ACK)).body)[3] == request
    assert len(dc.methods.runs) == 1


async def test_unacknowledged_messages_come_again_when_the_session_reconnects(dc: Centre) -> None:
    client = await signed(dc)
    answer = await client.result_message(client.send(NEAREST))
    kept = await client.result_message(client.send(NEAREST))
    client.send(acks(answer.msg_id), content=False)
    await client.ping()
    await client.reconnect()
    client.send(functions.PingRequest(1))
    came = [await client.receive() for _ in range(3)]  # new_session_created, the answer, the pong
    assert kept in came
    assert answer not in came


async def test_unacknowledged_messages_come_again_after_a_while_and_not_for_ever(still: Centre) -> None:
    clock: Any = still.clock
    client = await signed(still)
    answer = await client.result_message(client.send(NEAREST))
    for _ in range(2):
        await clock.advance(151)
        assert await client.wait_for(raw.RPC_RESULT) == answer
    await clock.advance(400)
    await client.ping()
    session = still.engine.sessions.find(int.from_bytes(raw.sha1(client.key).digest()[12:], "little"), client.session)
    assert session is not None
    assert not session.unacked


async def test_what_waits_for_acknowledgement_is_bounded(dc: Centre) -> None:
    client = await signed(dc)
    for _ in range(12):
        client.send_container(*[NEAREST] * 100)
    for _ in range(1200):
        await client.wait_for(raw.RPC_RESULT)
    session = dc.engine.sessions.find(int.from_bytes(raw.sha1(client.key).digest()[12:], "little"), client.session)
    assert session is not None
    assert len(session.unacked) == len(session.answers) == 512


async def test_state_of_messages_is_told(dc: Centre) -> None:
    client = await signed(dc)
    dc.methods.gate.clear()
    answered, running = client.send(NEAREST), client.send(LATE)
    await client.result(answered)
    between = client.next_id()
    await client.ping()
    future = client.next_id(20)
    client.send(types.MsgsStateReq([answered, running, between, future, 4]))
    info = (await client.wait_for(raw.STATE_INFO)).body[12:]
    assert info[0] == 5
    states = list(info[1:6])
    assert states[0] & 7 == 4
    assert states[0] & 64
    assert states[1] & 7 == 4
    assert not states[1] & 64
    assert states[1] & 32
    assert states[2:4] == [2, 3]
    assert states[4] in {1, 2}


async def test_a_message_asked_for_again_comes_again(dc: Centre) -> None:
    client = await signed(dc)
    answer = await client.result_message(client.send(NEAREST))
    client.send(types.MsgResendReq([answer.msg_id]))
    assert await client.wait_for(raw.RPC_RESULT) == answer
    client.send(types.MsgResendReq([5]))
    await client.wait_for(raw.STATE_INFO)


async def test_a_big_answer_is_announced_and_sent_when_asked_for(dc: Centre, monkeypatch: Any) -> None:
    monkeypatch.setattr("teleflow.sandbox.mtproto.service.BIG_ANSWER", 100)
    client = await signed(dc)
    request = client.send(LONG, seq=1)
    answer = await client.result_message(request)
    client.send(LONG, msg_id=request, seq=1)
    told = struct.unpack_from("<Iqqi", (await client.wait_for(raw.DETAILED)).body)
    assert told[1:] == (request, answer.msg_id, len(answer.body))
    client.send(types.MsgResendReq([answer.msg_id]), seq=2)
    assert await client.result_message(request) == answer


async def test_an_answer_can_be_dropped_running_given_or_unknown(dc: Centre) -> None:
    client = await signed(dc)
    late = client.send(LATE)
    drop = client.send(functions.RpcDropAnswerRequest(late))
    for told in (late, drop):  # both requests
        assert isinstance(await client.result(told), types.RpcAnswerDroppedRunning)
    dc.methods.gate.set()
    given = await client.result_message(client.send(NEAREST))
    dropped = await client.call(functions.RpcDropAnswerRequest(struct.unpack_from("<q", given.body, 4)[0]))
    assert (dropped.msg_id, dropped.bytes) == (given.msg_id, len(given.body))
    assert isinstance(await client.call(functions.RpcDropAnswerRequest(5)), types.RpcAnswerUnknown)
    await client.ping()
    (row,) = [row for row in dc.ledger.calls() if row.method == "help.getInviteText"]
    assert row.outcome == "unwanted"


async def test_updates_go_to_every_session_that_wants_them_but_one(dc: Centre) -> None:
    first = await signed(dc)
    key_id = int.from_bytes(raw.sha1(first.key).digest()[12:], "little")
    await first.call(NEAREST)
    second = raw.RawClient(dc)
    second.key, second.salt = first.key, first.salt
    await (await second.connect()).call(NEAREST)
    quiet = raw.RawClient(dc)
    quiet.key, quiet.salt = first.key, first.salt
    await (await quiet.connect()).call(functions.InvokeWithoutUpdatesRequest(NEAREST))
    push = dc.methods.push
    assert push.live(key_id)
    push.push(key_id, types.UpdatesTooLong(), except_session=second.session)
    await first.wait_for(types.UpdatesTooLong.CONSTRUCTOR_ID)
    for other in (second, quiet):
        await other.ping()
        assert all(message.kind != types.UpdatesTooLong.CONSTRUCTOR_ID for message in other.queue)
    push.push(key_id, types.UpdatesTooLong())
    await second.wait_for(types.UpdatesTooLong.CONSTRUCTOR_ID)


async def test_pushes_do_not_pile_up_behind_a_client_that_does_not_read(still: Centre) -> None:
    clock: Any = still.clock
    client = await signed(still)
    key_id = int.from_bytes(raw.sha1(client.key).digest()[12:], "little")
    await client.call(NEAREST)
    connection = next(iter(still.listener))
    client.wire.writer.transport.pause_reading()
    push = still.methods.push
    update = types.UpdateShort(types.UpdateConfig(), None)
    while not connection.congested:
        push.push(key_id, types.help.SupportName(raw.os.urandom(200_000).hex()))
        await still.clock.sleep(0)
        assert connection.open
    for _ in range(10_000):
        push.push(key_id, update)
    client.wire.writer.transport.resume_reading()
    while connection.congested:
        await client.receive()
    await clock.advance(1)
    await client.wait_for(types.UpdatesTooLong.CONSTRUCTOR_ID)
    push.push(key_id, types.UpdatesTooLong())
    await client.wait_for(types.UpdatesTooLong.CONSTRUCTOR_ID)


async def test_a_revoked_key_loses_its_connections_and_stays_known(dc: Centre) -> None:
    client = await signed(dc)
    await client.ping()
    key_id = int.from_bytes(raw.sha1(client.key).digest()[12:], "little")
    dc.methods.push.revoke(key_id)
    await client.closed()
    assert not dc.methods.push.live(key_id)
    await client.connect()
    assert (await client.call(NEAREST)).this_dc == 2
