"""Making a key, and every way of not getting one."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import functions, types

from teleflow.sandbox.mtproto import arithmetic
from teleflow.sandbox.mtproto.keys import AuthKey, FileKeyStore
from teleflow.sandbox.mtproto.rsa import ServerKey
from tests.sandbox.support.centre import NEAREST, Centre, centre
from tests.sandbox.support.raw import RawClient, factors, introduction, number, old_padding, raw, rsa_pad, signed


@pytest.mark.parametrize("padding", [old_padding, rsa_pad])
@pytest.mark.parametrize(
    ("inner", "fields"),
    [
        (types.PQInnerData, {}),
        (types.PQInnerDataDc, {"dc": 2}),
        (types.PQInnerDataDc, {"dc": -2}),
        (types.PQInnerDataDc, {"dc": 10002}),
        (types.PQInnerDataTemp, {"expires_in": 3600}),
        (types.PQInnerDataTempDc, {"dc": 2, "expires_in": 3600}),
    ],
)
async def test_a_key_is_made_with_either_padding_and_each_inner_data(
    dc: Centre, padding: Any, inner: Any, fields: dict[str, int]
) -> None:
    client = await RawClient(dc).connect()
    client.padding = padding
    assert isinstance(await client.exchange(inner, **fields), types.DhGenOk)
    assert (await client.call(NEAREST)).this_dc == 2


async def test_the_old_request_for_pq_is_answered_too(dc: Centre) -> None:
    client = await RawClient(dc).connect()
    answer = await client.ask_plain(functions.ReqPqRequest(5))
    p, q = factors(number(answer.pq))
    assert (answer.nonce, p * q) == (5, number(answer.pq))
    assert p != q


async def test_another_data_centres_inner_data_is_rejected(dc: Centre) -> None:
    client = await RawClient(dc).connect()
    assert await client.exchange(types.PQInnerDataDc, dc=4) == -444
    assert await client.closed() == b""


async def test_a_half_outside_the_safe_range_fails(dc: Centre) -> None:
    client = await RawClient(dc).connect()
    client.public_half = lambda g, b, prime: b"\2"  # type: ignore[method-assign]
    assert isinstance(await client.exchange(), types.DhGenFail)
    assert list(dc.keys.all()) == []


async def test_wrong_hash_of_the_old_padding_is_rejected(dc: Centre) -> None:
    client = await RawClient(dc).connect()

    def spoilt(data: bytes, n: int, e: int) -> bytes:
        block = os.urandom(20) + data
        return pow(number(block + os.urandom(255 - len(block))), e, n).to_bytes(256, "big")

    client.padding = spoilt
    assert await client.exchange() == -404


@pytest.mark.parametrize("field", ["nonce", "server_nonce", "p", "public_key_fingerprint", "encrypted_data"])
async def test_a_step_that_does_not_fit_is_rejected(dc: Centre, field: str) -> None:
    client = await RawClient(dc).connect()
    pq = await client.ask_plain(functions.ReqPqMultiRequest(9))
    p, q = factors(number(pq.pq))
    step = {
        "nonce": 9,
        "server_nonce": pq.server_nonce,
        "p": raw(p),
        "q": raw(q),
        "public_key_fingerprint": pq.server_public_key_fingerprints[0],
        "encrypted_data": bytes(256),
    }
    step[field] = {"p": b"\3", "encrypted_data": b"\xff" * 256}.get(field, 1)  # type: ignore[call-overload]
    assert await client.ask_plain(functions.ReqDHParamsRequest(**step)) == -404


@pytest.mark.parametrize("body", [b"", b"\1\2\3\4", bytes(NEAREST), os.urandom(400)])
async def test_a_plain_message_that_is_no_step_ends_the_connection(dc: Centre, body: bytes) -> None:
    client = await RawClient(dc).connect()
    client.wire.send(struct.pack("<qqi", 0, client.next_id(), len(body)) + body)
    assert await client.closed() in {b"", client_404()}


def client_404() -> bytes:
    from tests.sandbox.wire.test_transport import full

    return full(struct.pack("<i", -404))


async def test_a_temporary_key_ends(still: Centre) -> None:
    client = await RawClient(still).connect()
    await client.exchange(types.PQInnerDataTemp, expires_in=60)
    assert (await client.call(NEAREST)).this_dc == 2
    await still.clock.advance(61)  # type: ignore[attr-defined]
    client.send(NEAREST)
    with pytest.raises(AssertionError, match="-404"):
        await client.receive()


async def test_keys_outlive_the_process(tmp_path: Path, server_key: ServerKey) -> None:
    async with centre(server_key, state_dir=tmp_path) as dc:
        client = await signed(dc)
        await client.call(introduction(NEAREST))
    async with centre(server_key, state_dir=tmp_path) as dc:
        client.dc = dc
        await client.connect()
        assert (await client.call(NEAREST)).this_dc == 2


async def test_the_rsa_key_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "key.pem"
    first = ServerKey.load_or_generate(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert ServerKey.load_or_generate(path).public_pem == first.public_pem
    assert first.public_pem.startswith("-----BEGIN RSA PUBLIC KEY-----")


def test_a_key_file_cut_short_keeps_what_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    store = FileKeyStore(path)
    keys = [AuthKey.made(os.urandom(256), created_at=1, first_salt=-5) for _ in range(3)]
    for key in keys:
        store.put(key)
    store.remove(keys[0].key_id)
    store.close()
    with path.open("a") as file:
        file.write('{"key": "00')
    assert list(FileKeyStore(path).all()) == keys[1:]
    assert path.stat().st_mode & 0o777 == 0o600


def test_plain_and_native_powers_agree() -> None:
    base, exponent = 3**500, (1 << 511) | 12345
    assert arithmetic.power(base, exponent, arithmetic.DH_PRIME) == arithmetic.power_plain(
        base, exponent, arithmetic.DH_PRIME
    )


@pytest.mark.parametrize("bits", [30, 46, 48, 62])
def test_the_number_to_factorise_has_no_sign_bit(bits: int) -> None:
    for _ in range(50):
        p, q = arithmetic.proof_of_work(bits)
        assert p < q
        assert raw(p * q)[0] < 0x80


@pytest.mark.parametrize(("candidate", "prime"), [(2, True), (41, True), (1, False), (561, False), (2**31 - 1, True)])
def test_primes_are_told_from_others(candidate: int, prime: bool) -> None:
    assert arithmetic.probably_prime(candidate) is prime
