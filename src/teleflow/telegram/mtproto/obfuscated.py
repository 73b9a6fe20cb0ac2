"""The transport that MTProxies speak: padded intermediate packets inside an obfuscated stream.

https://core.telegram.org/mtproto/mtproto-transports#transport-obfuscation. The first 64 bytes tell the proxy, by the
secret that both know, which data centre is meant. They go out in front of the first packet.
"""

from __future__ import annotations

import os
import struct
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from teleflow.telegram.mtproto.framing import PACKET_LIMIT, BrokenStream, TransportFault

_PADDED = b"\xdd\xdd\xdd\xdd"
_MOST_PADDING = 15
_LENGTH = struct.Struct("<I")
_INT = struct.Struct("<i")
# What other protocols begin with, so that a proxy can tell us from them.
_TAKEN = frozenset({b"HEAD", b"POST", b"GET ", b"OPTI", b"PVrG", b"\xee" * 4, _PADDED, b"\x16\x03\x01\x02"})


class ObfuscatedFraming:
    """One connection's framing, both ways, as `FullFraming` is. `dc_id`: where the proxy is to connect us."""

    __slots__ = ("_buffer", "_decrypt", "_encrypt", "_opening")

    def __init__(self, secret: bytes, dc_id: int) -> None:
        head = bytearray(_first_bytes())
        head[56:60] = _PADDED
        head[60:62] = struct.pack("<h", dc_id)
        back = bytes(head[8:56])[::-1]
        self._encrypt = Cipher(AES(_key(bytes(head[8:40]), secret)), CTR(bytes(head[40:56]))).encryptor()
        self._decrypt = Cipher(AES(_key(back[:32], secret)), CTR(back[32:])).decryptor()
        sealed = self._encrypt.update(bytes(head))
        self._opening = bytes(head[:56]) + sealed[56:]
        self._buffer = bytearray()

    def encode(self, packet: bytes) -> bytes:
        packet += os.urandom(os.urandom(1)[0] & _MOST_PADDING)
        opening, self._opening = self._opening, b""
        return opening + self._encrypt.update(_LENGTH.pack(len(packet)) + packet)

    def feed(self, data: bytes) -> list[bytes]:
        """Packets that are whole now, without their padding. Raises BrokenStream or TransportFault."""
        buffer = self._buffer
        buffer += self._decrypt.update(data)
        packets = []
        while len(buffer) >= 4:
            length = _LENGTH.unpack_from(buffer)[0]
            if not 4 <= length <= PACKET_LIMIT:
                raise BrokenStream(f"a packet of {length} bytes")
            if len(buffer) < 4 + length:
                break
            packets.append(_without_padding(bytes(buffer[4 : 4 + length])))
            del buffer[: 4 + length]
        return packets


def _without_padding(packet: bytes) -> bytes:
    if len(packet) < 4 + _MOST_PADDING + 1 and _INT.unpack_from(packet)[0] < 0:
        raise TransportFault(_INT.unpack_from(packet)[0])
    if packet[:8] == bytes(8):
        return packet  # unencrypted: it tells its own length
    if len(packet) < 40:
        raise BrokenStream("a packet that is too short")
    return packet[: 24 + (len(packet) - 24) // 16 * 16]


def _first_bytes() -> bytes:
    while True:
        head = os.urandom(64)
        if head[0] != 0xEF and head[:4] not in _TAKEN and head[4:8] != bytes(4):
            return head


def _key(part: bytes, secret: bytes) -> bytes:
    return sha256(part + secret).digest()
