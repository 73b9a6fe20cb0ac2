"""RSA public keys of data centres, found by fingerprint.

Held per data centre and not for the process: a gateway that trusts a test data centre's key must not
thereby accept it from Telegram.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha1

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from telethon.crypto import rsa as telegram_keys
from telethon.tl import TLObject


@dataclass(frozen=True, slots=True)
class PublicKey:
    """`fingerprint`: the lower 64 bits, signed, of the SHA-1 over n and e as TL strings."""

    n: int
    e: int
    fingerprint: int

    @classmethod
    def of(cls, n: int, e: int) -> PublicKey:
        text = TLObject.serialize_bytes(as_bytes(n)) + TLObject.serialize_bytes(as_bytes(e))
        digest = sha1(text, usedforsecurity=False).digest()
        return cls(n, e, int.from_bytes(digest[-8:], "little", signed=True))

    @classmethod
    def from_pem(cls, pem: bytes) -> PublicKey:
        """PKCS#1 ("RSA PUBLIC KEY") or SPKI ("PUBLIC KEY"). Raises ValueError."""
        key = load_pem_public_key(pem)
        if not isinstance(key, RSAPublicKey) or key.key_size != 2048:
            raise ValueError("not a 2,048-bit RSA public key")
        numbers = key.public_numbers()
        return cls.of(numbers.n, numbers.e)

    def encrypt(self, data: bytes) -> bytes:
        """SHA-1, data, random padding to 255 bytes, then plain RSA: what `p_q_inner_data` asks for."""
        block = sha1(data, usedforsecurity=False).digest() + data
        block += os.urandom(255 - len(block))
        return pow(int.from_bytes(block, "big"), self.e, self.n).to_bytes(256, "big")


def telegrams_own() -> tuple[PublicKey, ...]:
    """The keys of Telegram's data centres, as the codec's package carries them, current ones first."""
    listed = sorted(telegram_keys._server_keys.values(), key=lambda entry: entry[1])  # noqa: SLF001 - no other way
    return tuple(PublicKey.of(key.n, key.e) for key, _old in listed)


def choose(keys: Iterable[PublicKey], fingerprints: Iterable[int]) -> PublicKey | None:
    """The first of ours that the server also has."""
    offered = set(fingerprints)
    return next((key for key in keys if key.fingerprint in offered), None)


def as_bytes(number: int) -> bytes:
    """Big endian, without leading zeros: how the key exchange writes numbers."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
