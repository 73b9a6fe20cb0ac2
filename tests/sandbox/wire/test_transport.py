"""Framings, byte for byte, and what is no framing at all."""

from __future__ import annotations

import asyncio
import os
import struct
import zlib
from collections.abc import Callable

import pytest
from telethon.tl import types

from tests.sandbox.support.centre import LONG, NEAREST, Centre, until
from tests.sandbox.support.framings import NAMES
from tests.sandbox.support.raw import WAIT, RawClient, signed


@pytest.mark.parametrize("framing", NAMES)
async def test_each_framing_carries_a_key_exchange_and_calls(dc: Centre, framing: str) -> None:
    client = await signed(dc, framing)
    assert (await client.call(NEAREST)).this_dc == 2
    assert len((await client.call(LONG)).name) == 100_000


@pytest.mark.parametrize("framing", NAMES)
async def test_a_stream_in_single_bytes_is_understood(dc: Centre, framing: str) -> None:
    client = await signed(dc, framing)
    written = client.wire.writer.write
    pieces: list[bytes] = []
    client.wire.writer.write = pieces.append  # type: ignore[method-assign]
    request = client.send(NEAREST)
    for byte in b"".join(pieces):
        written(bytes([byte]))
        await client.wire.writer.drain()
        await asyncio.sleep(0)
    assert (await client.result(request)).this_dc == 2


@pytest.mark.parametrize("framing", ["abridged", "intermediate", "padded"])
async def test_a_quick_acknowledgement_comes_before_the_answer(dc: Centre, framing: str) -> None:
    client = await signed(dc, framing)
    await client.ping()
    client.send(NEAREST, quick_ack=True)
    token = await client.wire.read(4)
    assert int.from_bytes(token, "big" if framing == "abridged" else "little") == client.ack_token


async def refused(dc: Centre, data: bytes) -> bytes:
    """What a connection that begins with `data` is sent until the server closes it."""
    reader, writer = await asyncio.open_connection(dc.host, dc.port)
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(-1), WAIT)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


def full(payload: bytes, number: int = 0, *, length: int | None = None, wrong: int = 0) -> bytes:
    head = struct.pack("<II", len(payload) + 12 if length is None else length, number) + payload
    return head + struct.pack("<I", zlib.crc32(head) ^ wrong)


@pytest.mark.parametrize(
    "data",
    [
        full(bytes(40), wrong=1),
        full(bytes(40), length=0x7FFFFFFF),
        full(bytes(40), length=0xFFFFFFFF),
        full(bytes(40), length=8),
        full(bytes(40), length=53),
        full(bytes(4)) + full(bytes(4), number=5),
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /api HTTP/1.1\r\n\r\n",
        b"\xef\x00" + bytes(64),
        b"\xef\x7f\xff\xff\xff" + bytes(64),
        b"\xee\xee\xee\xee" + struct.pack("<I", 0x7FFFFFFF),
        b"\xee\xee\xee\xee" + struct.pack("<I", 0),
        b"\xdd\xdd\xdd\xdd" + struct.pack("<I", 0x0FFFFFFF),
        b"\xee\xee\xee\xee" + struct.pack("<I", 4) + b"abcd",
        b"\x01" * 64,
    ],
    ids=lambda data: data[:12].hex(),
)
async def test_what_no_client_sends_closes_the_connection(dc: Centre, data: bytes) -> None:
    assert await refused(dc, data) == b""
    client = await signed(dc)
    assert (await client.call(NEAREST)).this_dc == 2


async def test_garbage_of_every_beginning_harms_nobody_else(dc: Centre) -> None:
    bystander = await signed(dc)
    for first in range(256):
        _, writer = await asyncio.open_connection(dc.host, dc.port)
        writer.write(bytes([first]) + os.urandom(200))
        writer.close()
    assert (await bystander.call(NEAREST)).this_dc == 2


async def test_an_unknown_key_is_told_404(dc: Centre) -> None:
    client = await RawClient(dc).connect()
    client.key = os.urandom(256)
    client.send(NEAREST)
    assert await client.wire.receive() == struct.pack("<i", -404)
    assert await client.closed() == b""


async def test_a_packet_changed_on_its_way_closes_the_connection(dc: Centre) -> None:
    client = await signed(dc)
    client.seal = spoilt_last_byte(client.seal)  # type: ignore[method-assign]
    client.send(NEAREST)
    assert await client.closed() == b""
    assert dc.methods.runs == []


def spoilt_last_byte(seal: Callable[..., bytes]) -> Callable[..., bytes]:
    """Only the padding suffers; nothing but the message key tells."""

    def spoilt(plain: bytes) -> bytes:
        sealed = seal(plain)
        return sealed[:-1] + bytes([sealed[-1] ^ 1])

    return spoilt


async def test_a_wrong_checksum_under_a_good_packet_closes_the_connection(dc: Centre) -> None:
    client = await signed(dc)
    frame = client.wire.frame

    def spoilt(payload: bytes, **options: bool) -> bytes:
        whole = frame(payload, **options)
        return whole[:-1] + bytes([whole[-1] ^ 1])

    client.wire.frame = spoilt  # type: ignore[method-assign]
    client.send(NEAREST)
    assert await client.closed() == b""
    assert dc.methods.runs == []


@pytest.mark.parametrize(("length", "padding"), [(0, 28), (-4, 28), (17, 15), (4096, 16), (16, 1040), (32, 0)])
async def test_a_message_with_an_impossible_length_closes_the_connection(dc: Centre, length: int, padding: int) -> None:
    client = await signed(dc)
    head = struct.pack("<qqqii", client.salt, client.session, client.next_id(), 1, length)
    body = bytes(max(0, min(length, 64)))
    padding += -(len(head) + len(body) + padding) % 16
    client.wire.send(client.seal(head + body, padding))
    assert await client.closed() == b""


async def test_a_silent_connection_is_dropped(still: Centre) -> None:
    reader, writer = await asyncio.open_connection(still.host, still.port)
    writer.write(b"\xef")
    await until(lambda: len(still.listener))
    await still.clock.advance(61)  # type: ignore[attr-defined]
    assert await asyncio.wait_for(reader.read(-1), WAIT) == b""
    writer.close()


async def test_the_ledger_tells_connections_with_framing_and_end(dc: Centre) -> None:
    client = await signed(dc, "padded")
    await client.ping()
    client.close()
    await until(lambda: not len(dc.listener))
    ((row, phone),) = dc.ledger.connections(dc.rpc.person_of)
    told = row.as_dict(phone)
    assert (told["framing"], told["phone"], told["cause"]) == ("padded", "+15550001", "client")
    assert told["bytesIn"] > 0
    assert len(told["keyIds"]) == 1


async def test_a_client_that_never_reads_is_cut_off(dc: Centre) -> None:
    client = await signed(dc)
    await client.ping()
    client.wire.writer.transport.pause_reading()
    connection = next(iter(dc.listener))
    for _ in range(400):
        connection.send(bytes(128 * 1024))
        if not connection.open:
            break
    assert connection.cause == "slow reader"
    assert isinstance((await (await signed(dc)).call(NEAREST)), types.NearestDc)
