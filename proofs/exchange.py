"""The client's side of a key exchange, checked as a careful client does and without what it need not do slowly.

Its secret exponent is short: what is measured is the data centre. The known prime is not proved prime again.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import struct
import time
from dataclasses import dataclass
from hashlib import sha1, sha256
from typing import Any

import cryptg
from cryptography.hazmat.primitives import serialization
from telethon.extensions import BinaryReader
from telethon.tl import functions, types

try:
    from gmpy2 import powmod
except ImportError:
    powmod = pow

EXPONENT_BITS = 256
WITHIN = 60.0
_PLAIN = struct.Struct("<qqi")


class ExchangeError(Exception):
    """The data centre said something that a client must not take."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    n: int
    e: int

    @classmethod
    def of(cls, pem: str) -> PublicKey:
        numbers: Any = serialization.load_pem_public_key(pem.encode())
        return cls(numbers.public_numbers().n, numbers.public_numbers().e)

    def seal(self, data: bytes) -> bytes:
        """RSA_PAD."""
        padded = data + os.urandom(192 - len(data))
        while True:
            key = os.urandom(32)
            hashed = padded[::-1] + sha256(key + padded).digest()
            sealed = bytes(cryptg.encrypt_ige(hashed, key, bytes(32)))
            hidden = int.from_bytes(key, "big") ^ int.from_bytes(sha256(sealed).digest(), "big")
            number = int.from_bytes(hidden.to_bytes(32, "big") + sealed, "big")
            if number < self.n:
                return int(powmod(number, self.e, self.n)).to_bytes(256, "big")


async def exchange(host: str, port: int, public: PublicKey) -> bytes:
    """A connection, a whole exchange on it, and the key. Raises ExchangeError, OSError, TimeoutError."""
    async with asyncio.timeout(WITHIN):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(b"\xee\xee\xee\xee")
            return await _Exchange(reader, writer, public).run()
        finally:
            writer.transport.abort()


class _Exchange:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, public: PublicKey) -> None:
        self._reader, self._writer, self._public = reader, writer, public
        self._last = 0

    async def _ask(self, request: Any) -> Any:
        body = bytes(request)
        self._last = max(self._last + 4, int(time.time() * 4294967296) & ~3)
        self._writer.write(struct.pack("<I", _PLAIN.size + len(body)) + _PLAIN.pack(0, self._last, len(body)) + body)
        (size,) = struct.unpack("<I", await self._reader.readexactly(4))
        answer = await self._reader.readexactly(size)
        if size < _PLAIN.size:
            raise ExchangeError(f"transport error {answer.hex()}")
        return _object(answer[_PLAIN.size :])

    async def run(self) -> bytes:
        nonce = int.from_bytes(os.urandom(16), "little", signed=True)
        pq = await self._ask(functions.ReqPqMultiRequest(nonce))
        p, q = (_raw(each) for each in sorted(cryptg.factorize_pq_pair(int.from_bytes(pq.pq, "big"))))
        new = os.urandom(32)
        both = {"nonce": nonce, "server_nonce": pq.server_nonce}
        inner = types.PQInnerDataDc(
            pq=pq.pq, p=p, q=q, new_nonce=int.from_bytes(new, "little", signed=True), dc=2, **both
        )
        offer = await self._ask(
            functions.ReqDHParamsRequest(
                p=p,
                q=q,
                public_key_fingerprint=pq.server_public_key_fingerprints[0],
                encrypted_data=self._public.seal(bytes(inner)),
                **both,
            )
        )
        server = pq.server_nonce.to_bytes(16, "little", signed=True)
        return await self._finish(offer, new, server, both)

    async def _finish(self, offer: Any, new: bytes, server: bytes, both: dict[str, int]) -> bytes:
        first, second = sha1(new + server).digest(), sha1(server + new).digest()
        key, iv = first + second[:12], second[12:] + sha1(new + new).digest() + new[:4]
        text = bytes(cryptg.decrypt_ige(offer.encrypted_answer, key, iv))
        told = _object(text[20:])
        if sha1(bytes(told)).digest() != text[:20]:
            raise ExchangeError("the parameters are not whole")
        prime, theirs = int.from_bytes(told.dh_prime, "big"), int.from_bytes(told.g_a, "big")
        if prime.bit_length() != 2048 or not 1 << 1984 <= theirs <= prime - (1 << 1984):
            raise ExchangeError("unsafe parameters")
        secret = secrets.randbits(EXPONENT_BITS) | 1 << (EXPONENT_BITS - 1)
        half = types.ClientDHInnerData(retry_id=0, g_b=_raw(int(powmod(told.g, secret, prime))), **both)
        text = sha1(bytes(half)).digest() + bytes(half)
        sealed = cryptg.encrypt_ige(text + os.urandom(-len(text) % 16), key, iv)
        done = await self._ask(functions.SetClientDHParamsRequest(encrypted_data=bytes(sealed), **both))
        made = int(powmod(theirs, secret, prime)).to_bytes(256, "big")
        expected = sha1(new + b"\1" + sha1(made).digest()[:8]).digest()[4:]
        if not isinstance(done, types.DhGenOk) or done.new_nonce_hash1.to_bytes(16, "little", signed=True) != expected:
            raise ExchangeError("the keys differ")
        return made


def _raw(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _object(data: bytes) -> Any:
    with BinaryReader(data) as reader:
        return reader.tgread_object()
