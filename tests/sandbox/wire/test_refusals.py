"""Ids, numbers and salts that are wrong, and the code with which each is refused."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from telethon.tl import functions, types

from tests.sandbox.support import raw
from tests.sandbox.support.bodies import container, packed, refusal
from tests.sandbox.support.centre import NEAREST, Centre
from tests.sandbox.support.raw import RawClient, signed

MINUTE = 60.0


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
    client.send(types.MsgsAck([1]), content=True)  # some clients count acknowledgements as content
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
