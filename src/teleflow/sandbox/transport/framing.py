"""Telegram's packet framings: full, abridged, intermediate and padded intermediate.

A framing cuts a growing buffer into packets and wraps packets for sending. It promises to hold no more than
one unfinished packet, and to raise `MalformedStreamError` as soon as the bytes cannot be right. It knows nothing of
what is inside a packet.
"""

from __future__ import annotations

import os
import struct
import zlib
from typing import Protocol

MAX_PACKET = 2 * 1024 * 1024
"""Bytes. A container holds at most 1 MiB; what is longer than this is nothing a client sends."""

QUICK_ACK = 0x8000_0000
ABRIDGED_TAG = 0xEF
INTERMEDIATE_TAG = b"\xee\xee\xee\xee"
PADDED_TAG = b"\xdd\xdd\xdd\xdd"

_HEAD = struct.Struct("<II")
_WORD = struct.Struct("<I")


class MalformedStreamError(Exception):
    """The peer sent what no client of this framing sends. The connection has to be closed."""


class Packet:
    """One packet as it came, and whether its sender asked for a quick acknowledgement."""

    __slots__ = ("payload", "quick_ack")

    def __init__(self, payload: bytes, *, quick_ack: bool = False) -> None:
        self.payload = payload
        self.quick_ack = quick_ack


class Framing(Protocol):
    """How packets lie in the stream, both ways."""

    name: str

    def split(self, data: bytes | bytearray, packets: list[Packet]) -> int:
        """Append the whole packets found in `data` to `packets`; return how many bytes they took."""
        ...

    def wrap(self, payload: bytes) -> bytes:
        """The bytes that carry `payload`."""
        ...

    def wrap_quick_ack(self, token: int) -> bytes:
        """The bytes that carry a quick acknowledgement; empty where the framing has none."""
        ...


def _checked(length: int) -> int:
    if not 0 < length <= MAX_PACKET:
        raise MalformedStreamError(f"packet of {length} bytes")
    return length


class Full:
    """Length, sequence number, payload, CRC32. Both directions count their packets from 0."""

    name = "full"
    __slots__ = ("_received", "_sent")

    def __init__(self) -> None:
        self._received = 0
        self._sent = 0

    def split(self, data: bytes | bytearray, packets: list[Packet]) -> int:
        position, end = 0, len(data)
        while end - position >= _HEAD.size:
            length, number = _HEAD.unpack_from(data, position)
            if not 16 <= length <= MAX_PACKET or length % 4:
                raise MalformedStreamError(f"full packet of {length} bytes")
            if number != self._received:
                raise MalformedStreamError(f"packet number {number}, expected {self._received}")
            stop = position + length
            if stop > end:
                break
            (checksum,) = _WORD.unpack_from(data, stop - 4)
            if zlib.crc32(data[position : stop - 4]) != checksum:
                raise MalformedStreamError("wrong CRC32")
            packets.append(Packet(bytes(data[position + 8 : stop - 4])))
            self._received = (self._received + 1) & 0xFFFF_FFFF
            position = stop
        return position

    def wrap(self, payload: bytes) -> bytes:
        head = _HEAD.pack(len(payload) + 12, self._sent) + payload
        self._sent = (self._sent + 1) & 0xFFFF_FFFF
        return head + _WORD.pack(zlib.crc32(head))

    def wrap_quick_ack(self, token: int) -> bytes:  # noqa: ARG002 - this framing cannot ask for one
        return b""


class Abridged:
    """One byte of length in words, or 0x7f and three bytes."""

    name = "abridged"
    __slots__ = ()

    def split(self, data: bytes | bytearray, packets: list[Packet]) -> int:
        position, end = 0, len(data)
        while position < end:
            first = data[position]
            words, start = first & 0x7F, position + 1
            if words == 0x7F:
                if end - position < 4:
                    break
                words, start = int.from_bytes(data[position + 1 : position + 4], "little"), position + 4
            stop = start + _checked(words * 4)
            if stop > end:
                break
            packets.append(Packet(bytes(data[start:stop]), quick_ack=first >= 0x80))
            position = stop
        return position

    def wrap(self, payload: bytes) -> bytes:
        words = len(payload) >> 2
        head = bytes((words,)) if words < 0x7F else b"\x7f" + words.to_bytes(3, "little")
        return head + payload

    def wrap_quick_ack(self, token: int) -> bytes:
        return token.to_bytes(4, "big")


class Intermediate:
    """Four bytes of length."""

    name = "intermediate"
    __slots__ = ()

    def split(self, data: bytes | bytearray, packets: list[Packet]) -> int:
        position, end = 0, len(data)
        while end - position >= 4:
            (head,) = _WORD.unpack_from(data, position)
            stop = position + 4 + _checked(head & ~QUICK_ACK)
            if stop > end:
                break
            packets.append(Packet(bytes(data[position + 4 : stop]), quick_ack=bool(head & QUICK_ACK)))
            position = stop
        return position

    def wrap(self, payload: bytes) -> bytes:
        return _WORD.pack(len(payload)) + payload

    def wrap_quick_ack(self, token: int) -> bytes:
        return _WORD.pack(token)


class PaddedIntermediate(Intermediate):
    """As `Intermediate`, each packet with a few random bytes at its end.

    Up to 15 are taken off by whoever knows where the message ends; we add 0 to 3, which every client drops.
    """

    name = "padded"
    __slots__ = ()

    def wrap(self, payload: bytes) -> bytes:
        noise = os.urandom(4)
        padded = payload + noise[: noise[3] & 3]
        return _WORD.pack(len(padded)) + padded
