"""The data centre's RSA key: made once, kept in a file, told to clients as PKCS#1 PEM.

Both paddings of the key exchange are understood: the old one (SHA-1 in front) and RSA_PAD.
"""

from __future__ import annotations

import os
from hashlib import sha1, sha256
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from telethon.tl.tlobject import TLObject

from teleflow.sandbox.mtproto.arithmetic import power
from teleflow.sandbox.mtproto.envelope import decrypt_ige

BLOCK = 256


class ServerKey:
    """A 2048-bit RSA key pair. Making one takes some hundred milliseconds: call it in a thread."""

    def __init__(self, private: rsa.RSAPrivateKey) -> None:
        numbers = private.private_numbers()
        public = numbers.public_numbers
        if public.n.bit_length() != BLOCK * 8:
            raise ValueError("the RSA key of a data centre has 2048 bits")
        self._private = private
        self._n = public.n
        self._p, self._q = numbers.p, numbers.q
        self._dp, self._dq, self._inverse = numbers.dmp1, numbers.dmq1, numbers.iqmp
        width = (public.e.bit_length() + 7) // 8
        parts = public.n.to_bytes(BLOCK, "big"), public.e.to_bytes(width, "big")
        digest = sha1(b"".join(map(TLObject.serialize_bytes, parts))).digest()  # noqa: S324
        self.fingerprint = int.from_bytes(digest[-8:], "little", signed=True)

    @classmethod
    def generate(cls) -> ServerKey:
        """One whose fingerprint has sixteen hex digits: mtcute 0.30 looks in vain for one that has fewer."""
        while True:
            key = cls(rsa.generate_private_key(public_exponent=65537, key_size=BLOCK * 8))
            if key.fingerprint % 2**64 >= 2**60:
                return key

    @classmethod
    def load(cls, path: Path) -> ServerKey:
        """Read the PEM file. Raises ValueError when it holds no RSA key, OSError when it cannot be read."""
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise ValueError(f"{path.name} holds no RSA key")  # noqa: TRY004 - the file's content is wrong
        return cls(private)

    @classmethod
    def load_or_generate(cls, path: Path) -> ServerKey:
        """The key in `path`; a new one is made and written there (0600) when there is none."""
        if path.exists():
            return cls.load(path)
        key = cls.generate()
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key.private_pem)
        return key

    @property
    def private_pem(self) -> bytes:
        return self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )

    @property
    def public_pem(self) -> str:
        """`-----BEGIN RSA PUBLIC KEY-----`, the form in which clients carry data centres' keys."""
        return (
            self._private.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1)
            .decode("ascii")
        )

    @property
    def secret(self) -> bytes:
        """A secret that whoever has the private key can compute again."""
        return sha256(b"salts" + self._p.to_bytes(BLOCK, "big")).digest()

    def decrypt(self, sealed: bytes) -> bytes | None:
        """What a client encrypted for us, with whatever random bytes follow; None when it was not for this key.

        For the old padding the caller still has to check the hash, see `checked_old`.
        """
        number = int.from_bytes(sealed, "big")
        if len(sealed) != BLOCK or number >= self._n:
            return None
        low = power(number % self._p, self._dp, self._p)
        high = power(number % self._q, self._dq, self._q)
        plain = high + self._q * ((low - high) * self._inverse % self._p)
        block = int(plain).to_bytes(BLOCK, "big")
        return _unpad(block) or (block[1:] if block[0] == 0 else None)


def _unpad(block: bytes) -> bytes | None:
    """RSA_PAD: the key is hidden under a hash of the text, the text is reversed under the key."""
    hidden, sealed = block[:32], block[32:]
    mask = int.from_bytes(sha256(sealed).digest(), "big")
    key = (int.from_bytes(hidden, "big") ^ mask).to_bytes(32, "big")
    opened = decrypt_ige(sealed, key, bytes(32))
    padded = opened[:192][::-1]
    if sha256(key + padded).digest() != opened[192:]:
        return None
    return b"\0" * 20 + padded


def old_hash_fits(block: bytes, length: int) -> bool:
    """Whether the old padding's hash is that of the first `length` bytes of text (or RSA_PAD was used)."""
    return block[:20] in {bytes(20), sha1(block[20 : 20 + length]).digest()}  # noqa: S324
