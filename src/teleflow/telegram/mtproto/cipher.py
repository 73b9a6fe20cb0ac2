"""Encryption of MTProto 2.0 messages (https://core.telegram.org/mtproto/description)."""

from __future__ import annotations

import os
from hashlib import sha1, sha256

import cryptg


class NotForUs(ConnectionError):
    """A packet that this key did not make: forged, damaged, or of another key."""


class AuthKey:
    """A 2,048-bit authorization key. `id` is the lower 64 bits of its SHA-1."""

    __slots__ = ("_id_bytes", "_read_hash", "_write_hash", "aux_hash", "bytes", "id")

    def __init__(self, key: bytes) -> None:
        if len(key) != 256:
            raise ValueError("an auth key has 256 bytes")
        digest = sha1(key, usedforsecurity=False).digest()
        self.bytes = key
        self.aux_hash = digest[:8]
        self._id_bytes = digest[12:20]
        self.id = int.from_bytes(self._id_bytes, "little")
        self._write_hash = key[88:120]
        self._read_hash = key[96:128]

    def __repr__(self) -> str:
        return "AuthKey(…)"

    def encrypt(self, plain: bytes) -> bytes:
        """Pad and encrypt what a client sends: salt, session id, message."""
        plain += os.urandom(12 + -(len(plain) + 12) % 16)
        msg_key = sha256(self._write_hash + plain).digest()[8:24]
        key, iv = self._derive(msg_key, 0)
        return b"".join((self._id_bytes, msg_key, cryptg.encrypt_ige(plain, key, iv)))

    def decrypt(self, packet: bytes) -> bytes:
        """What a server sent, padding included. Raises NotForUs."""
        if len(packet) < 40 or len(packet) % 16 != 8 or packet[:8] != self._id_bytes:
            raise NotForUs("a packet of another key")
        msg_key = packet[8:24]
        key, iv = self._derive(msg_key, 8)
        plain: bytes = cryptg.decrypt_ige(packet[24:], key, iv)
        if sha256(self._read_hash + plain).digest()[8:24] != msg_key:
            raise NotForUs("a packet whose msg_key is wrong")
        return plain

    def _derive(self, msg_key: bytes, x: int) -> tuple[bytes, bytes]:
        key = self.bytes
        a = sha256(msg_key + key[x : x + 36]).digest()
        b = sha256(key[x + 40 : x + 76] + msg_key).digest()
        return a[:8] + b[8:24] + a[24:], b[:8] + a[8:24] + b[24:]
