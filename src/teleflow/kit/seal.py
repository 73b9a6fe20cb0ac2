"""Encryption at rest: AES-256-GCM, bound to the place where the secret lies.

A sealed value is ``version(1) | key id(4) | nonce(12) | ciphertext and tag``. The *binding* (table, row,
column) is authenticated with it, so a blob copied into another row does not open. The key id tells which
key sealed it, so that keys can rotate while the service runs: what an older key sealed opens until it is sealed anew.

Keys are stretched from the operator's string with scrypt (N=2^15, r=8, p=1) once, at start.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from teleflow.errors import Internal

_VERSION = b"\x01"
_SALT = b"teleflow/seal/1"  # fixed: the same string must give the same key on every node


class SealBroken(Internal):
    """A sealed value does not open: another key, another row, or altered bytes."""

    code = "SEAL_BROKEN"


class SealKey:
    """One key and its id."""

    def __init__(self, secret: str) -> None:
        material = hashlib.scrypt(secret.encode(), salt=_SALT, n=2**15, r=8, p=1, maxmem=64 * 1024 * 1024, dklen=64)
        self.id = material[32:36]
        self.check = material[36:52].hex()
        self._cipher = AESGCM(material[:32])
        self._hash_key = hmac.digest(material[:32], b"teleflow/seal/nonce", "sha256")

    def digest(self, data: bytes) -> bytes:
        return hmac.digest(self._hash_key, data, "sha256")

    def encrypt(self, nonce: bytes, data: bytes, binding: bytes) -> bytes:
        return self._cipher.encrypt(nonce, data, binding)

    def decrypt(self, nonce: bytes, data: bytes, binding: bytes) -> bytes:
        return self._cipher.decrypt(nonce, data, binding)


class Seal:
    """Seals with the newest key, opens with any that it holds."""

    def __init__(self, current: str, older: Iterable[str] = ()) -> None:
        self._current = SealKey(current)
        self._keys = {key.id: key for key in (self._current, *(SealKey(text) for text in older))}

    @property
    def check(self) -> str:
        """Proves, without telling it, that the same key is in use: stored at the first start."""
        return self._current.check

    @property
    def checks(self) -> frozenset[str]:
        """The same of every key that it holds."""
        return frozenset(key.check for key in self._keys.values())

    @property
    def key_id(self) -> bytes:
        """Of the key that seals now: bytes 1 to 4 of what it sealed."""
        return self._current.id

    def name(self, check: str) -> str:
        """How a key is told to people: its id in hex; of one that is not here, the beginning of its check."""
        return next((key.id.hex() for key in self._keys.values() if key.check == check), f"{check[:8]}?")

    def learn(self, key: SealKey) -> None:
        """Open with this key too. To make one is a tenth of a second of arithmetic."""
        self._keys[key.id] = key

    def use(self, key: SealKey) -> None:
        """Seal with this key from now on, and go on opening with the others."""
        self.learn(key)
        self._current = key

    def is_current(self, blob: bytes) -> bool:
        """Whether the newest key sealed this. The head of it (5 bytes) is enough."""
        return bytes(blob[1:5]) == self._current.id

    def seal_anew(self, blob: bytes, *binding: str) -> bytes:
        """The same secret under the newest key. Raises SealBroken."""
        return self.seal(self.open(blob, *binding), *binding)

    def seal(self, secret: bytes, *binding: str) -> bytes:
        nonce = os.urandom(12)
        sealed = self._current.encrypt(nonce, secret, _join(binding))
        return _VERSION + self._current.id + nonce + sealed

    def seal_same(self, secret: bytes, *binding: str) -> bytes:
        """As `seal`, but equal secrets in one place give equal bytes: for tokens that callers compare.

        The nonce is a keyed hash of all that is sealed, so that none serves twice for different ones.
        """
        place = _join(binding)
        nonce = self._current.digest(len(place).to_bytes(4, "big") + place + secret)[:12]
        return _VERSION + self._current.id + nonce + self._current.encrypt(nonce, secret, place)

    def open(self, blob: bytes, *binding: str) -> bytes:
        """Raises SealBroken when the value was not sealed for this binding with a known key."""
        key = self._keys.get(bytes(blob[1:5]))
        if bytes(blob[:1]) != _VERSION or key is None:
            raise SealBroken("A stored secret was sealed with a key that is not here")
        try:
            return key.decrypt(bytes(blob[5:17]), bytes(blob[17:]), _join(binding))
        except InvalidTag as error:
            raise SealBroken("A stored secret does not open: altered, or moved from another row") from error


def _join(binding: tuple[str, ...]) -> bytes:
    return b"\x1f".join(part.encode() for part in binding)
