"""Verbs about updates and differences, as a bare client sees them: pushes by pts, and what it is told when it asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from telethon.extensions import BinaryReader
from telethon.tl import functions, types

from teleflow.sandbox import running
from teleflow.sandbox.embedded import Sandbox
from teleflow.sandbox.mtproto.rsa import ServerKey
from tests.sandbox.support import raw
from tests.sandbox.support.raw import RawClient, introduction

ANN, BOB = "+15550001", "+15550002"
SKIPPED = {raw.NEW_SESSION, raw.ACK, raw.RPC_RESULT, raw.PONG}


@pytest.fixture
async def sandbox(server_key: ServerKey) -> AsyncIterator[Sandbox]:
    async with running(key=server_key, pq_bits=30, control_port=None) as whole:
        for phone, name in ((ANN, "Ann"), (BOB, "Bob")):
            whole.control.create_account({"phone": phone, "firstName": name})
        yield whole


@pytest.fixture
async def ann(sandbox: Sandbox) -> RawClient:
    """A device of Ann's that has got one message already, and so knows Bob."""
    client = await RawClient(sandbox.dc).connect()
    await client.exchange()
    sent = await client.call(introduction(functions.auth.SendCodeRequest(ANN, 1, "hash", types.CodeSettings())))
    code = (sandbox.control.code(ANN) or {})["code"]
    await client.call(functions.auth.SignInRequest(ANN, sent.phone_code_hash, code))
    await say(sandbox, "hello")
    assert await told(client, 1) == [("hello", 2)]
    return client


async def say(sandbox: Sandbox, *texts: str) -> None:
    for text in texts:
        await sandbox.control.act(BOB, {"do": "send", "to": ANN, "text": text})


async def told(client: RawClient, count: int) -> list[tuple[str, int]]:
    """Text and pts of the next pushed messages."""
    found: list[tuple[str, int]] = []
    while len(found) < count:
        message = await client.receive()
        if message.kind in SKIPPED:
            continue
        update = BinaryReader(message.body).tgread_object()
        if isinstance(update, types.UpdateShortMessage):
            found.append((update.message, update.pts))
        elif isinstance(update, types.Updates):
            news = [each for each in update.updates if isinstance(each, types.UpdateNewMessage)]
            found += [(each.message.message, each.pts) for each in news]
    return found


async def nothing_told(client: RawClient) -> bool:
    """Whether nothing is under way to the client."""
    ping = client.send(functions.PingRequest(7))
    while True:
        message = await client.receive()
        if message.kind == raw.PONG and int.from_bytes(message.body[4:12], "little", signed=True) == ping:
            return True
        if message.kind not in SKIPPED:
            return False


async def difference(client: RawClient, pts: int) -> Any:
    return await client.call(functions.updates.GetDifferenceRequest(pts, 1, 0))


async def test_withhold_updates_keeps_them_for_the_difference(sandbox: Sandbox, ann: RawClient) -> None:
    rule = await sandbox.dc.add_fault("withhold_updates", {"phone": ANN, "times": 2})
    await say(sandbox, "one", "two")
    assert await nothing_told(ann)
    await say(sandbox, "three")
    assert await told(ann, 1) == [("three", 5)]
    missed = await difference(ann, 2)
    assert [message.message for message in missed.new_messages] == ["one", "two", "three"]
    assert rule.fired == 2
    noted = [row.faults for row in sandbox.dc.ledger.calls(phone="15550001") if row.outcome == "fault"]
    assert noted == [[(rule.number, "withhold_updates")]] * 2


async def test_withhold_updates_of_one_chat_leaves_the_others(sandbox: Sandbox, ann: RawClient) -> None:
    bob = sandbox.control.account(BOB)["id"]
    sandbox.control.create_account({"phone": "+15550003", "firstName": "Cleo"})
    await sandbox.dc.add_fault("withhold_updates", {"phone": ANN, "chat": str(bob)})
    await say(sandbox, "lost")
    await sandbox.control.act("+15550003", {"do": "send", "to": ANN, "text": "heard"})
    assert await told(ann, 1) == [("heard", 4)]


async def test_duplicate_update_comes_twice_with_one_pts(sandbox: Sandbox, ann: RawClient) -> None:
    await sandbox.dc.add_fault("duplicate_update", {"phone": ANN, "nth": 1})
    await say(sandbox, "one", "two")
    assert await told(ann, 3) == [("one", 3), ("one", 3), ("two", 4)]


async def test_out_of_order_update_comes_after_the_next(sandbox: Sandbox, ann: RawClient) -> None:
    await sandbox.dc.add_fault("out_of_order_update", {"phone": ANN, "nth": 1}, {"ms": 60_000})
    await say(sandbox, "one", "two", "three")
    assert await told(ann, 3) == [("two", 4), ("one", 3), ("three", 5)]


async def test_out_of_order_update_without_a_next_one_is_late(sandbox: Sandbox, ann: RawClient) -> None:
    await sandbox.dc.add_fault("out_of_order_update", {"phone": ANN}, {"ms": 1})
    await say(sandbox, "one")
    assert await told(ann, 1) == [("one", 3)]


async def test_skip_pts_leaves_a_gap_that_the_difference_bridges(sandbox: Sandbox, ann: RawClient) -> None:
    await sandbox.dc.add_fault("skip_pts", {"phone": ANN}, {"n": 7})
    bridged = await difference(ann, 2)
    assert (bridged.new_messages, bridged.state.pts) == ([], 9)
    await say(sandbox, "after")
    assert await told(ann, 1) == [("after", 10)]
    missed = await difference(ann, 2)
    assert ([message.message for message in missed.new_messages], missed.state.pts) == (["after"], 10)


async def test_difference_too_long_tells_only_where_to_go_on(sandbox: Sandbox, ann: RawClient) -> None:
    await say(sandbox, "one", "two")
    await sandbox.dc.add_fault("difference_too_long", {"phone": ANN, "times": 1})
    answer = await difference(ann, 2)
    assert isinstance(answer, types.updates.DifferenceTooLong)
    assert answer.pts == 4
    assert isinstance(await difference(ann, 2), types.updates.Difference)


async def test_difference_slice_tells_so_much_at_a_time(sandbox: Sandbox, ann: RawClient) -> None:
    await say(sandbox, *(f"text {number}" for number in range(5)))
    await sandbox.dc.add_fault("difference_slice", {"phone": ANN}, {"n": 2})
    texts, pts, kinds = [], 2, []
    while True:
        part = await difference(ann, pts)
        kinds.append(type(part).__name__)
        texts += [message.message for message in part.new_messages]
        if not isinstance(part, types.updates.DifferenceSlice):
            break
        pts = part.intermediate_state.pts
    assert texts == [f"text {number}" for number in range(5)]
    assert kinds == ["DifferenceSlice", "DifferenceSlice", "Difference"]


async def test_channel_difference_too_long_tells_only_where_to_go_on(sandbox: Sandbox, ann: RawClient) -> None:
    made = await ann.call(functions.channels.CreateChannelRequest("News", "all of it", broadcast=True))
    channel = types.InputChannel(made.chats[0].id, made.chats[0].access_hash)
    peer = types.InputPeerChannel(channel.channel_id, channel.access_hash)
    await ann.call(functions.messages.SendMessageRequest(peer, "post", random_id=5))
    request = functions.updates.GetChannelDifferenceRequest(channel, types.ChannelMessagesFilterEmpty(), 1, 100)
    await sandbox.dc.add_fault("channel_difference_too_long", {"phone": ANN, "times": 1})
    answer = await ann.call(request)
    assert isinstance(answer, types.updates.ChannelDifferenceTooLong)
    assert isinstance(await ann.call(request), types.updates.ChannelDifference)


async def test_a_channel_difference_may_be_of_some_messages_only(sandbox: Sandbox, ann: RawClient) -> None:
    made = await ann.call(functions.channels.CreateChannelRequest("News", "all of it", broadcast=True))
    channel = types.InputChannel(made.chats[0].id, made.chats[0].access_hash)
    peer = types.InputPeerChannel(channel.channel_id, channel.access_hash)
    for number in range(4):
        await ann.call(functions.messages.SendMessageRequest(peer, f"post {number}", random_id=5 + number))
    wanted = types.ChannelMessagesFilter([types.MessageRange(3, 4)])
    part = await ann.call(functions.updates.GetChannelDifferenceRequest(channel, wanted, 1, 100))
    assert [(message.id, message.message) for message in part.new_messages] == [(3, "post 1"), (4, "post 2")]


async def test_a_takeout_that_nobody_has_begun_is_refused(sandbox: Sandbox, ann: RawClient) -> None:
    inside = functions.updates.GetStateRequest()
    refused = await ann.call(functions.InvokeWithTakeoutRequest(5, inside))
    assert refused.error_message == "TAKEOUT_INVALID"
    begun = await ann.call(functions.account.InitTakeoutSessionRequest())
    assert (await ann.call(functions.InvokeWithTakeoutRequest(begun.id, inside))).pts == 2
    assert await ann.call(functions.InvokeWithTakeoutRequest(begun.id, functions.account.FinishTakeoutSessionRequest()))
    again = await ann.call(functions.InvokeWithTakeoutRequest(begun.id, inside))
    assert again.error_message == "TAKEOUT_INVALID"


async def test_random_id_repeat_chooses_between_two_answers(sandbox: Sandbox, ann: RawClient) -> None:
    found = await ann.call(functions.contacts.ResolvePhoneRequest(BOB))
    peer = types.InputPeerUser(found.users[0].id, found.users[0].access_hash)
    request = functions.messages.SendMessageRequest(peer, "once", random_id=77)
    first = await ann.call(request)
    rule = await sandbox.dc.add_fault("random_id_repeat", None, {"how": "error_duplicate"})
    assert (await ann.call(request)).error_message == "RANDOM_ID_DUPLICATE"
    await sandbox.dc.remove_fault(rule.number)
    assert (await ann.call(request)).id == first.id


async def test_rotate_srp_makes_a_password_check_stale(sandbox: Sandbox, ann: RawClient) -> None:
    sandbox.control.create_account({"phone": "+15550009", "firstName": "Eve", "cloudPassword": "secret"})
    eve = await RawClient(sandbox.dc).connect()
    await eve.exchange()
    sent = await eve.call(introduction(functions.auth.SendCodeRequest("+15550009", 1, "hash", types.CodeSettings())))
    code = (sandbox.control.code("+15550009") or {})["code"]
    refused = await eve.call(functions.auth.SignInRequest("+15550009", sent.phone_code_hash, code))
    assert refused.error_message == "SESSION_PASSWORD_NEEDED"
    challenge = await eve.call(functions.account.GetPasswordRequest())
    await sandbox.dc.add_fault("rotate_srp")
    check = types.InputCheckPasswordSRP(challenge.srp_id, bytes(256), bytes(32))
    assert (await eve.call(functions.auth.CheckPasswordRequest(check))).error_message == "SRP_ID_INVALID"


async def test_ban_account_ends_with_its_rule(sandbox: Sandbox, ann: RawClient) -> None:
    rule = await sandbox.dc.add_fault("ban_account", {"phone": ANN})
    await ann.closed()
    await ann.connect()
    error = await asyncio.wait_for(ann.call(functions.updates.GetStateRequest()), 5)
    assert (error.error_code, error.error_message) == (401, "USER_DEACTIVATED_BAN")
    await sandbox.dc.remove_fault(rule.number)
    assert (await ann.call(functions.updates.GetStateRequest())).pts == 2
