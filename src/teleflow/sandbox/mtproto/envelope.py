"""The encrypted envelope of MTProto 2.0: message key, AES-256-IGE, padding.

`open_envelope` promises that what it returns was made by someone who holds the key. It knows nothing of salts,
sessions and message ids; those are fields of the plain text.
"""

from __future__ import annotations

import os
import struct
from hashlib import sha1, sha256

import cryptg

KEY_SIZE = 256
HEAD_SIZE = 24
MIN_PLAIN = 32 + 12
MIN_PADDING, MAX_PADDING = 12, 1024
_KEY_ID = struct.Struct("<Q")


class BadEnvelopeError(Exception):
    """Not made with this key, or not a multiple of the block size."""


def key_id_of(key: bytes) -> int:
    """The 64 bits by which a packet names its key (unsigned)."""
    return int.from_bytes(sha1(key).digest()[12:20], "little")  # noqa: S324 - the protocol says so


def _cipher(key: bytes, message_key: bytes, x: int) -> tuple[bytes, bytes]:
    a = sha256(message_key + key[x : x + 36]).digest()
    b = sha256(key[x + 40 : x + 76] + message_key).digest()
    return a[:8] + b[8:24] + a[24:32], b[:8] + a[8:24] + b[24:32]


def open_envelope(key: bytes, packet: bytes) -> bytes:
    """The plain text of a client's packet (with its padding). Raises BadEnvelopeError."""
    size = (len(packet) - HEAD_SIZE) & ~15  # a padded framing leaves up to 15 bytes behind
    if size < MIN_PLAIN:
        raise BadEnvelopeError("too short")
    message_key = packet[8:HEAD_SIZE]
    plain: bytes = cryptg.decrypt_ige(packet[HEAD_SIZE : HEAD_SIZE + size], *_cipher(key, message_key, 0))
    if _hash(key[88:120], plain)[8:24] != message_key:
        raise BadEnvelopeError("wrong message key")
    return plain


def quick_ack_token(key: bytes, plain: bytes) -> int:
    """What a client that asked for a quick acknowledgement of `plain` waits for."""
    return int.from_bytes(_hash(key[88:120], plain)[:4], "little") | 0x8000_0000


def seal(key: bytes, key_id: int, *parts: bytes) -> bytes:
    """A server's packet. The parts are, in a row, salt, session, message id, number, length and body."""
    size = sum(map(len, parts))
    plain = b"".join((*parts, os.urandom(MIN_PADDING + -(size + MIN_PADDING) % 16)))
    message_key = _hash(key[96:128], plain)[8:24]
    sealed: bytes = cryptg.encrypt_ige(plain, *_cipher(key, message_key, 8))
    return b"".join((_KEY_ID.pack(key_id), message_key, sealed))


def _hash(part_of_key: bytes, plain: bytes) -> bytes:
    """SHA-256 of both in a row, without putting them there: `plain` may be a piece of a file."""
    digest = sha256(part_of_key)
    digest.update(plain)
    return digest.digest()


def encrypt_ige(plain: bytes, key: bytes, iv: bytes) -> bytes:
    """AES-256-IGE; the length has to be a multiple of 16."""
    return bytes(cryptg.encrypt_ige(plain, key, iv))


def decrypt_ige(sealed: bytes, key: bytes, iv: bytes) -> bytes:
    """AES-256-IGE; the length has to be a multiple of 16."""
    return bytes(cryptg.decrypt_ige(sealed, key, iv))
