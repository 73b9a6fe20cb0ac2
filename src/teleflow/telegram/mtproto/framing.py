"""The TCP transport "full": length, number, packet, CRC-32 (https://core.telegram.org/mtproto/mtproto-transports).

Pure: bytes in, packets out. A stream that breaks the form is dead, there is no way to find the next packet.
"""

from __future__ import annotations

import struct
from typing import Protocol
from zlib import crc32

PACKET_LIMIT = 16 * 1024 * 1024  # as Telegram's own clients: more is an attack or a broken stream
# Packets are numbered from 0 on. A number so far from what came is noise, in which one length of 256 looks like one:
# whoever believed it would wait for megabytes, and take what comes for a part of them. Servers that count in their own
# way are not refused.
_FAR = 1 << 24
_HEAD = struct.Struct("<iI")
_INT = struct.Struct("<i")


class BrokenStream(ConnectionError):
    """What came is not the transport that was agreed on."""


class TransportFault(ConnectionError):
    """A negative number in place of a packet: -404 key unknown, -429 too many connections, -444 wrong DC."""

    def __init__(self, code: int) -> None:
        super().__init__(f"transport error {code}")
        self.code = code


class Framing(Protocol):
    """How packets lie in one connection's stream."""

    def encode(self, packet: bytes) -> bytes: ...

    def feed(self, data: bytes) -> list[bytes]:
        """Packets that are whole now. Raises BrokenStream or TransportFault."""
        ...


class FullFraming:
    """One connection's framing, both ways."""

    __slots__ = ("_buffer", "_received", "_sent")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._sent = 0
        self._received = 0

    def encode(self, packet: bytes) -> bytes:
        head = _HEAD.pack(len(packet) + 12, self._sent)
        self._sent += 1
        return b"".join((head, packet, struct.pack("<I", crc32(packet, crc32(head)))))

    def feed(self, data: bytes) -> list[bytes]:
        """Packets that are whole now. Raises BrokenStream or TransportFault."""
        buffer = self._buffer
        if not buffer and len(data) >= 12 and _INT.unpack_from(data)[0] == len(data):
            self._received += 1
            return [_checked(data)]  # the usual case: one packet, no copy into the buffer
        buffer += data
        packets = []
        while len(buffer) >= 4:
            length = _INT.unpack_from(buffer)[0]
            if length < 0:
                raise TransportFault(length)
            if not 12 <= length <= PACKET_LIMIT:
                raise BrokenStream(f"a packet of {length} bytes")
            if len(buffer) < length:
                if len(buffer) >= 8 and _HEAD.unpack_from(buffer)[1] >= self._received + _FAR:
                    raise BrokenStream("a packet of no likely number")
                break
            self._received += 1
            packets.append(_checked(bytes(buffer[:length])))
            del buffer[:length]
        return packets


def _checked(frame: bytes) -> bytes:
    body = frame[8:-4]
    if crc32(frame[:-4]) != int.from_bytes(frame[-4:], "little"):
        raise BrokenStream("a packet whose checksum is wrong")
    if len(body) == 4:
        code = _INT.unpack(body)[0]
        if code < 0:
            raise TransportFault(code)
    return body
