"""The pure parts of the MTProto client: what a hostile or odd peer can send, and what must come of it."""

from __future__ import annotations

import os
import struct
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleflow.telegram.mtproto.cipher import AuthKey, NotForUs
from teleflow.telegram.mtproto.envelope import Envelope
from teleflow.telegram.mtproto.framing import PACKET_LIMIT, BrokenStream, FullFraming, TransportFault
from teleflow.telegram.mtproto.handshake import HandshakeFailed, _agree
from teleflow.telegram.mtproto.link import Link
from teleflow.telegram.mtproto.packing import packed, unpacked

KEY = AuthKey(bytes(range(256)))


def server_packet(key: AuthKey, plain: bytes) -> bytes:
    """As a server encrypts: the same with x = 8."""
    from hashlib import sha256

    import cryptg

    plain += os.urandom(12 + -(len(plain) + 12) % 16)
    msg_key = sha256(key.bytes[96:128] + plain).digest()[8:24]
    aes, iv = key._derive(msg_key, 8)
    return key.id.to_bytes(8, "little") + msg_key + cryptg.encrypt_ige(plain, aes, iv)


@given(st.lists(st.binary(min_size=8, max_size=300), max_size=8), st.integers(1, 50))
def test_packets_come_out_as_they_went_in_however_the_stream_is_cut(packets: list[bytes], size: int) -> None:
    sender, receiver = FullFraming(), FullFraming()
    stream = b"".join(sender.encode(packet) for packet in packets)
    received = [
        packet for start in range(0, len(stream), size) for packet in receiver.feed(stream[start : start + size])
    ]
    assert received == packets


@pytest.mark.parametrize("length", [0, 11, PACKET_LIMIT + 1, 2**31 - 1])
def test_an_absurd_length_ends_the_stream(length: int) -> None:
    with pytest.raises(BrokenStream):
        FullFraming().feed(struct.pack("<i", length) + b"x" * 20)


def test_noise_whose_length_is_a_likely_one_ends_the_stream() -> None:
    """It is not believed, and what comes is not kept for a packet that never comes to its end."""
    with pytest.raises(BrokenStream):
        FullFraming().feed(struct.pack("<iI", 5_000_000, 0xB6C0_93E1) + b"x" * 56)


@pytest.mark.parametrize("number", [0, 7, 1_000_000])
def test_a_server_that_numbers_in_its_own_way_is_listened_to(number: int) -> None:
    head = struct.pack("<iI", 20, number) + b"12345678"
    frame = head + struct.pack("<I", crc32(head))
    receiver = FullFraming()
    for _ in range(3):
        assert receiver.feed(frame[:9]) == []
        assert receiver.feed(frame[9:]) == [b"12345678"]


def test_a_wrong_checksum_ends_the_stream() -> None:
    frame = bytearray(FullFraming().encode(b"12345678"))
    frame[10] ^= 1
    with pytest.raises(BrokenStream):
        FullFraming().feed(bytes(frame))


@pytest.mark.parametrize("code", [-404, -429, -444])
def test_a_transport_error_is_told_in_both_forms(code: int) -> None:
    with pytest.raises(TransportFault) as framed:
        FullFraming().feed(FullFraming().encode(struct.pack("<i", code)))
    assert framed.value.code == code
    with pytest.raises(TransportFault) as bare:
        FullFraming().feed(struct.pack("<iii", code, code, code))
    assert bare.value.code == code


@given(st.binary(max_size=500))
def test_random_packets_are_not_for_us(data: bytes) -> None:
    with pytest.raises(NotForUs):
        KEY.decrypt(data)


def test_one_flipped_bit_is_noticed() -> None:
    packet = bytearray(server_packet(KEY, b"\0" * 64))
    assert KEY.decrypt(bytes(packet))[:64] == b"\0" * 64
    packet[60] ^= 4
    with pytest.raises(NotForUs):
        KEY.decrypt(bytes(packet))


def envelope(now: float = 1_000_000.0) -> Envelope:
    return Envelope(KEY, salt=1, time_offset=0, clock=lambda: now)


def message_for(box: Envelope, *, session: int | None = None, msg_id: int = 5, length: int | None = None) -> bytes:
    body = b"\1\2\3\4" * 4
    head = struct.pack(
        "<qqqii", 0, box.id if session is None else session, msg_id, 1, len(body) if length is None else length
    )
    return server_packet(KEY, head + body)


@pytest.mark.parametrize(
    "fault", [{"session": 12345}, {"msg_id": 4}, {"length": -4}, {"length": 1 << 20}, {"length": 7}]
)
def test_a_packet_of_another_session_or_shape_is_not_for_us(fault: dict[str, int]) -> None:
    box = envelope()
    assert box.open(message_for(box))[0] == 5
    with pytest.raises(NotForUs):
        box.open(message_for(box, **fault))


def test_message_ids_rise_and_are_divisible_by_four_even_when_the_clock_stands() -> None:
    box = envelope()
    ids = [box.message(b"", content=False)[0] for _ in range(100)]
    assert ids == sorted(set(ids))
    assert all(number % 4 == 0 for number in ids)
    assert ids[0] >> 32 == 1_000_000


def test_sequence_numbers_count_content_messages() -> None:
    box = envelope()
    numbers = [
        struct.unpack_from("<qi", box.message(b"", content=content)[1])[1] for content in (True, False, True, False)
    ]
    assert numbers == [1, 2, 3, 4]


def test_a_repeated_message_is_seen_and_a_very_old_one_counts_as_seen() -> None:
    box = envelope()
    assert box.is_new(5)
    assert not box.is_new(5)
    assert all(box.is_new(number) for number in range(101, 401, 2))
    assert not box.is_new(7)


@given(st.binary(max_size=4000))
def test_packing_is_undone_by_unpacking(body: bytes) -> None:
    small = packed(body)
    assert small == body or unpacked(memoryview(small)) == body


def test_a_bomb_is_not_inflated() -> None:
    import gzip

    from telethon.tl import TLObject

    bomb = b"\xa1\xcf\x72\x30" + TLObject.serialize_bytes(gzip.compress(b"\0" * (64 << 20)))
    with pytest.raises(ValueError, match="more than"):
        unpacked(memoryview(bomb))


async def test_packings_in_packings_are_not_followed_for_ever() -> None:
    import gzip

    from telethon.tl import TLObject

    body = b"\xa1\xcf\x72\x30" * 2
    for _ in range(600):
        body = b"\xa1\xcf\x72\x30" + TLObject.serialize_bytes(gzip.compress(body, compresslevel=0))
    link = Link(clock=lambda: 1e9, on_update=lambda _: None, on_lost=lambda _: None)
    link.secure(KEY, salt=0, time_offset=0)
    link._message(int(1e9) << 32 | 1, 0, memoryview(body), depth=0)
    link.close()


@pytest.mark.parametrize(
    ("g", "g_a", "prime"),
    [(3, 5, "known"), (1, 1 << 2000, "known"), (3, 1 << 2000, "composite"), (3, 0, "known")],
)
def test_weak_parameters_are_refused(g: int, g_a: int, prime: str) -> None:
    from teleflow.telegram.mtproto.handshake import _KNOWN_PRIME

    modulus = _KNOWN_PRIME if prime == "known" else _KNOWN_PRIME + 2
    with pytest.raises(HandshakeFailed):
        _agree(g, g_a.to_bytes(256, "big"), modulus.to_bytes(256, "big"))


def test_crc_is_over_the_whole_head() -> None:
    frame = FullFraming().encode(b"12345678")
    assert int.from_bytes(frame[-4:], "little") == crc32(frame[:-4])
