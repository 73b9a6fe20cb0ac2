"""Keys and what they are worth: introductions, temporary keys, several RSA keys, two places, forgetting."""

from __future__ import annotations

import os
import struct
from hashlib import sha1
from typing import Any

import cryptg
import pytest
from telethon.tl import functions, types

from teleflow.sandbox.mtproto import gate, rsa
from teleflow.sandbox.mtproto.rsa import ServerKey
from tests.sandbox.support.centre import NEAREST, Centre, centre, sending, until
from tests.sandbox.support.raw import LAYER, RawClient, introduction, signed


async def stranger(dc: Centre) -> RawClient:
    """A client with a key that has told nothing of itself."""
    client = RawClient(dc)
    client.introduced = False
    await client.connect()
    await client.exchange()
    return client


async def temporary(dc: Centre, seconds: int = 3600) -> RawClient:
    client = RawClient(dc)
    await client.connect()
    await client.exchange(types.PQInnerDataTemp, expires_in=seconds)
    return client


def first_version_seal(key: bytes, plain: bytes) -> bytes:
    """An envelope of MTProto 1.0, as clients make it for a binding."""
    message_key = sha1(plain).digest()[4:20]
    plain += os.urandom(-len(plain) % 16)
    parts = [
        sha1(message_key + key[:32]).digest(),
        sha1(key[32:48] + message_key + key[48:64]).digest(),
        sha1(key[64:96] + message_key).digest(),
        sha1(message_key + key[96:128]).digest(),
    ]
    aes_key = parts[0][:8] + parts[1][8:20] + parts[2][4:16]
    aes_iv = parts[0][8:20] + parts[1][:8] + parts[2][16:20] + parts[3][:8]
    return sha1(key).digest()[12:] + message_key + cryptg.encrypt_ige(plain, aes_key, aes_iv)


async def bound(permanent: RawClient, client: RawClient, **wrong: Any) -> Any:
    """The answer to `auth.bindTempAuthKey`; `wrong` replaces what is told."""
    msg_id, expires = client.next_id(), int(client.dc.clock.time()) + 3600
    told = {
        "nonce": 77,
        "temp_auth_key_id": client.key_id,
        "perm_auth_key_id": permanent.key_id,
        "temp_session_id": client.session,
        "expires_at": expires,
        "msg_id": msg_id,
    } | wrong
    inner = struct.pack(
        "<IqQQqi",
        0x75A3F765,
        told["nonce"],
        told["temp_auth_key_id"],
        told["perm_auth_key_id"],
        told["temp_session_id"],
        told["expires_at"],
    )
    plain = os.urandom(16) + struct.pack("<qii", told["msg_id"], 0, len(inner)) + inner
    sealed = first_version_seal(wrong.get("key", permanent.key), plain)
    signed_id = struct.unpack("<q", struct.pack("<Q", permanent.key_id))[0]
    request = functions.auth.BindTempAuthKeyRequest(signed_id, 77, wrong.get("told_expires", expires), sealed)
    return await client.result(client.send(request, msg_id=msg_id))


async def test_a_client_introduces_itself_before_it_asks(dc: Centre) -> None:
    client = await stranger(dc)
    assert (await client.call(NEAREST)).error_message == "CONNECTION_NOT_INITED"
    only_layer = functions.InvokeWithLayerRequest(LAYER, NEAREST)
    assert (await client.call(only_layer)).error_message == "CONNECTION_NOT_INITED"
    assert (await client.call(introduction(NEAREST))).this_dc == 2
    assert (await client.call(NEAREST)).this_dc == 2
    assert dc.methods.callers[-1].device_model == "device"


@pytest.mark.parametrize("layer", [0, 50, LAYER + 1, -1])
async def test_a_layer_that_nobody_speaks_is_told(dc: Centre, layer: int) -> None:
    client = await stranger(dc)
    assert (await client.call(introduction(NEAREST, layer))).error_message == "CONNECTION_LAYER_INVALID"
    without = introduction(NEAREST).query
    assert (await client.call(without)).error_message == "CONNECTION_LAYER_INVALID"
    assert dc.methods.runs == []


async def test_each_of_several_rsa_keys_makes_a_key(server_key: ServerKey) -> None:
    second = ServerKey.generate()
    async with centre(server_key, more_keys=(second,)) as dc:
        for pem, position in ((server_key.public_pem, 0), (second.public_pem, 1)):
            client = RawClient(dc)
            client.public_key = pem, position
            await client.connect()
            assert isinstance(await client.exchange(), types.DhGenOk)
            assert (await client.call(NEAREST)).this_dc == 2


async def test_a_temporary_key_stands_for_the_permanent_one_it_is_bound_to(dc: Centre) -> None:
    permanent, client = await signed(dc), await temporary(dc)
    assert (await client.call(sending(1))).error_message == "AUTH_KEY_PERM_EMPTY"
    answer = await bound(permanent, client)
    assert answer is True, answer.error_message
    assert await bound(permanent, client) is True
    await client.call(sending(2))
    assert dc.methods.callers[-1].key_id == permanent.key_id
    dc.methods.push.push(permanent.key_id, types.UpdatesTooLong())
    message = await client.wait_for(types.UpdatesTooLong.CONSTRUCTOR_ID)
    assert message.seq % 2 == 1
    assert dc.methods.push.live(permanent.key_id)


WRONG: list[dict[str, Any]] = [
    {"nonce": 78},
    {"temp_auth_key_id": 5},
    {"perm_auth_key_id": 5},
    {"temp_session_id": 5},
    {"msg_id": 4},
    {"key": bytes(256)},
]


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_binding_that_is_not_quite_right_is_refused(dc: Centre, wrong: dict[str, Any]) -> None:
    permanent, client = await signed(dc), await temporary(dc)
    assert (await bound(permanent, client, **wrong)).error_message == "ENCRYPTED_MESSAGE_INVALID"
    assert (await client.call(sending(1))).error_message == "AUTH_KEY_PERM_EMPTY"


async def test_bindings_of_the_wrong_keys_are_refused(dc: Centre) -> None:
    permanent, other, client = await signed(dc), await signed(dc), await temporary(dc)
    assert (await bound(permanent, other)).error_message == "TEMP_AUTH_KEY_EMPTY"
    assert (await bound(client, client)).error_message == "ENCRYPTED_MESSAGE_INVALID"
    assert await bound(permanent, client) is True
    assert (await bound(other, client)).error_message == "TEMP_AUTH_KEY_ALREADY_BOUND"


async def test_a_temporary_key_ends_and_is_forgotten(still: Centre) -> None:
    clock: Any = still.clock
    permanent, client = await signed(still), await temporary(still, 120)
    assert await bound(permanent, client) is True
    await clock.advance(200)
    assert still.keys.get(client.key_id) is None
    assert still.keys.get(permanent.key_id) is not None
    client.send(NEAREST)
    assert (await client.closed())[-8:-4] == struct.pack("<i", -404)


async def test_keys_that_nobody_is_logged_in_with_are_forgotten_in_time(still: Centre) -> None:
    clock: Any = still.clock
    loners = [await signed(still) for _ in range(3)]
    friend = await signed(still)
    for client in (*loners, friend):
        await client.ping()
        client.close()
    still.engine.gate.person_of = lambda key_id: "1" if key_id == friend.key_id else None
    await until(lambda: not list(still.listener))
    await clock.advance(gate.UNBOUND_KEPT + 1000)
    assert [key.key_id for key in still.keys.all()] == [friend.key_id]
    assert len(still.engine.sessions) == 0


async def test_the_number_of_keys_without_a_login_is_bounded(dc: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "MAX_UNBOUND", 2)
    dc.engine.gate.person_of = lambda _: None
    made = []
    for _ in range(5):
        client = await signed(dc)
        made.append(client.key_id)
        client.close()
    assert dc.engine.gate.sweep() == 3
    assert len(list(dc.keys.all())) == 2
    assert {key.key_id for key in dc.keys.all()} < set(made)


async def test_one_key_at_two_places_is_worth_nothing_any_more(dc: Centre) -> None:
    here = await signed(dc)
    await here.call(NEAREST)
    there = RawClient(dc)
    there.key, there.salt = here.key, here.salt
    await there.connect("127.0.0.2")
    await there.call(NEAREST)  # a client that has moved
    assert dc.methods.revoked == []
    assert (await here.call(NEAREST)).error_message == "AUTH_KEY_DUPLICATED"
    assert dc.methods.revoked == [here.key_id]
    error = await there.call(NEAREST)
    assert (error.error_code, error.error_message) == (406, "AUTH_KEY_DUPLICATED")


async def test_a_client_that_moves_keeps_its_key(dc: Centre) -> None:
    client = await signed(dc)
    await client.call(NEAREST)
    client.close()
    for place in ("127.0.0.2", "127.0.0.1", "127.0.0.3"):
        await client.connect(place)
        assert (await client.call(NEAREST)).this_dc == 2
        client.close()


async def test_coming_and_going_leaves_nothing_behind(dc: Centre) -> None:
    client = await signed(dc)
    engine = dc.engine
    for turn in range(300):
        client.close()
        client.session = turn
        await client.connect()
        await client.ping()
    client.close()
    await until(lambda: not list(dc.listener))
    assert len(engine.sessions) <= 32
    assert not engine.places._last
    assert not engine._fresh
    assert not engine._deadlines
    assert not engine.calls._unwanted


def test_a_made_keys_fingerprint_has_sixteen_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """mtcute 0.30 files it with its leading zeros, and looks for it without."""
    first = [bytes(19) + b"\x0f", bytes(19) + b"\x10"]  # the last byte is the fingerprint's highest
    monkeypatch.setattr(rsa, "sha1", lambda _: Digest(first.pop(0)))
    assert ServerKey.generate().fingerprint == 0x10 << 56
    assert not first


class Digest:
    def __init__(self, held: bytes) -> None:
        self._held = held

    def digest(self) -> bytes:
        return self._held
