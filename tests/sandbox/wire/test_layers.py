"""Clients of older layers: what they send is read, what they are told is in their words."""

from __future__ import annotations

import struct
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest
from telethon.tl import functions, types

from teleflow.sandbox.mtproto import layers, tl
from tests.sandbox.support import raw
from tests.sandbox.support.centre import NEAREST, Centre, sending
from tests.sandbox.support.raw import introduction, signed

USER_OF = {198: 0x4B46C37E, 227: 0x31774388}


def user(**more: Any) -> Any:
    return types.User(5, is_self=True, access_hash=7, first_name="Ann", phone="1555", **more)


def read(data: bytes) -> Any:
    return tl.read_object(data)


@pytest.mark.parametrize("layer", [198, 227])
def test_what_is_written_in_an_older_layer_is_read_back(layer: int) -> None:
    dialect = layers.dialect(layer)
    assert dialect is not None
    plain = {"#", "true", "int", "long", "string", "bytes", "double"}
    kinds = [each for each in dialect.constructors if all(field.flags or field.kind in plain for field in each.fields)]
    assert len(kinds) >= 3
    for definition in kinds:
        first = layers.Old(definition, definition.read(raw.BinaryReader(bytes(400))))._bytes()
        assert int.from_bytes(first[:4], "little") == definition.number
        assert layers.Old(definition, read(first))._bytes() == first


@pytest.mark.parametrize(("layer", "spoken"), [(150, 198), (198, 198), (210, 227), (227, 227)])
def test_a_client_is_spoken_to_as_the_next_known_layer(layer: int, spoken: int) -> None:
    dialect = layers.dialect(layer)
    assert dialect is not None
    said = bytes(dialect.said(user()))
    assert int.from_bytes(said[:4], "little") == USER_OF[spoken]
    found = read(said)
    assert (found.id, found.is_self, found.access_hash, found.first_name, found.phone) == (5, True, 7, "Ann", "1555")


@pytest.mark.parametrize("layer", [228, raw.LAYER, 0])
def test_the_others_are_spoken_to_in_the_current_layer(layer: int) -> None:
    assert layers.dialect(layer) is None


def test_what_an_older_layer_does_not_know_is_left_out() -> None:
    dialect = layers.dialect(198)
    assert dialect is not None
    message = types.Message(3, types.PeerUser(5), datetime.now(UTC), "text", from_id=types.PeerUser(5))
    updates = types.Updates(
        [types.UpdateStarGiftCraftFail(), types.UpdateNewMessage(message, 4, 1)], [user()], [], None, 0
    )
    said = read(bytes(dialect.said(updates)))
    assert [type(each).__name__ for each in said.updates] == ["UpdateNewMessage"]
    assert (said.updates[0].message.message, said.users[0].first_name) == ("text", "Ann")
    assert isinstance(updates.updates[0], types.UpdateStarGiftCraftFail)


def test_nothing_is_copied_that_is_the_same_in_both() -> None:
    dialect = layers.dialect(198)
    assert dialect is not None
    same = types.UpdateDeleteMessages([1], 2, 1)
    assert dialect.said(same) is same
    listed = [types.PeerUser(5)]
    assert dialect.said(listed) is listed


async def test_a_method_of_an_older_layer_is_the_one_of_today(dc: Centre) -> None:
    client = await signed(dc)
    await client.call(introduction(NEAREST, 198))
    peer = bytes(types.InputPeerUser(5, 0))
    body = struct.pack("<II", 0x983F9745, 1 << 1) + peer + tl.text(b"as of old") + struct.pack("<q", 99)
    assert isinstance(await client.result(client.send(body)), types.UpdateShortSentMessage)
    assert dc.methods.runs[-1] == "SendMessageRequest"
    (row,) = dc.ledger.calls(random_id=99)
    assert row.method == "messages.sendMessage"
    assert dc.methods.callers[-1].layer == 198


async def test_updates_go_out_to_each_session_in_its_layer(dc: Centre) -> None:
    old, new = await signed(dc), await signed(dc)
    await old.call(introduction(sending(1), 198))
    await new.call(introduction(sending(1)))
    updates = types.Updates([], [user()], [], None, 0)
    for client, wanted in ((old, USER_OF[198]), (new, types.User.CONSTRUCTOR_ID)):
        dc.methods.push.push(client.key_id, updates)
        message = await client.wait_for(types.Updates.CONSTRUCTOR_ID)
        assert struct.pack("<I", wanted) in message.body


async def test_a_method_of_no_layer_is_told_so(dc: Centre) -> None:
    client = await signed(dc)
    assert (await client.result(client.send(struct.pack("<I", 0x12345678)))).error_message == "INPUT_METHOD_INVALID"
    unknown = bytes(functions.messages.GetMessagesRequest([types.InputMessageID(1)]))[:-8] + struct.pack("<II", 9, 9)
    assert (await client.result(client.send(unknown))).error_message == "INPUT_CONSTRUCTOR_INVALID"


async def test_a_request_packed_as_zlib_is_read_like_one_packed_as_gzip(dc: Centre) -> None:
    client = await signed(dc)
    body = struct.pack("<I", raw.GZIP) + tl.text(zlib.compress(bytes(NEAREST)))
    assert (await client.result(client.send(body))).this_dc == 2
