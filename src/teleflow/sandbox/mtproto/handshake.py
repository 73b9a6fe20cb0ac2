"""The key exchange, the server's side: from `req_pq` to `dh_gen_ok`, on one connection.

Promises: a key is handed to `made` before the client is told that it is good; whatever a stranger sends ends in an
answer, in `RejectedError` (the connection is told -404 and closed) or in nothing; the loop never does the arithmetic.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

from telethon.tl import functions, types

from teleflow.sandbox.mtproto import arithmetic
from teleflow.sandbox.mtproto.arithmetic import DH_GENERATOR, DH_PRIME, ArithmeticPool
from teleflow.sandbox.mtproto.envelope import KEY_SIZE, decrypt_ige, encrypt_ige
from teleflow.sandbox.mtproto.keys import AuthKey
from teleflow.sandbox.mtproto.rsa import ServerKey, old_hash_fits
from teleflow.sandbox.mtproto.tl import BadObjectError, read_object

MAX_PENDING = 4
"""Exchanges under way on one connection; a further one pushes the oldest out."""

WRONG_DC = -444

_INNER = (types.PQInnerData, types.PQInnerDataDc, types.PQInnerDataTemp, types.PQInnerDataTempDc)


class RejectedError(Exception):
    """The step does not belong to any exchange under way, or was not made for this data centre.

    `code` is the transport error that the client is told.
    """

    def __init__(self, reason: str, code: int = -404) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(slots=True)
class _Exchange:
    nonce: int
    server_nonce: int
    p: int
    q: int
    new_nonce: bytes = b""
    lifetime: int | None = None
    secret: int = 0
    aes_key: bytes = b""
    aes_iv: bytes = b""


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """What all handshakes of a data centre share."""

    keys: tuple[ServerKey, ...]
    pool: ArithmeticPool
    now: Callable[[], float]
    made: Callable[[AuthKey], bool]
    """Takes a new key; False when one with that id is known already."""
    dc_id: int
    pq_bits: int = 62


def _bytes_of(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _nonce_bytes(nonce: int, size: int = 16) -> bytes:
    return nonce.to_bytes(size, "little", signed=True)


def _nonce_from(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


def _sha1(data: bytes) -> bytes:
    return sha1(data).digest()  # noqa: S324 - the protocol says so


class Handshake:
    """The exchanges of one connection."""

    def __init__(self, settings: ExchangeSettings) -> None:
        self._settings = settings
        self._pending: dict[int, _Exchange] = {}

    async def answer(self, request: Any) -> Any:
        """The object that answers a plain request. Raises RejectedError, BusyError."""
        if isinstance(request, (functions.ReqPqMultiRequest, functions.ReqPqRequest)):
            return await self._begin(request.nonce)
        if isinstance(request, functions.ReqDHParamsRequest):
            return await self._offer(request)
        if isinstance(request, functions.SetClientDHParamsRequest):
            return await self._finish(request)
        raise RejectedError("no step of a key exchange")

    async def _begin(self, nonce: int) -> Any:
        bits = self._settings.pq_bits
        p, q = await self._settings.pool.run(lambda: arithmetic.proof_of_work(bits))
        exchange = _Exchange(nonce, _nonce_from(os.urandom(16)), p, q)
        while len(self._pending) >= MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        self._pending[exchange.server_nonce] = exchange
        fingerprints = [key.fingerprint for key in self._settings.keys]
        return types.ResPQ(nonce, exchange.server_nonce, _bytes_of(p * q), fingerprints)

    def _found(self, request: Any) -> _Exchange:
        exchange = self._pending.get(request.server_nonce)
        if exchange is None or exchange.nonce != request.nonce:
            raise RejectedError("unknown nonce")
        return exchange

    async def _offer(self, request: Any) -> Any:
        exchange = self._found(request)
        p, q = int.from_bytes(request.p, "big"), int.from_bytes(request.q, "big")
        key = next((key for key in self._settings.keys if key.fingerprint == request.public_key_fingerprint), None)
        if key is None or (p, q) != (exchange.p, exchange.q):
            raise RejectedError("wrong factors or unknown fingerprint")
        opened = await self._settings.pool.run(lambda: key.decrypt(request.encrypted_data))
        inner = self._inner(opened, exchange)
        exchange.new_nonce = _nonce_bytes(inner.new_nonce, 32)
        exchange.lifetime = getattr(inner, "expires_in", None)
        exchange.secret, public = await self._settings.pool.run(arithmetic.half_of_exchange)
        return self._parameters(exchange, public)

    def _inner(self, opened: bytes | None, exchange: _Exchange) -> Any:
        if opened is None:
            raise RejectedError("not for this key")
        try:
            inner = read_object(opened[20:])
        except BadObjectError:
            raise RejectedError("unreadable inner data") from None
        if not isinstance(inner, _INNER) or not old_hash_fits(opened, len(bytes(inner))):
            raise RejectedError("wrong inner data")
        if (inner.nonce, inner.server_nonce) != (exchange.nonce, exchange.server_nonce):
            raise RejectedError("wrong inner nonce")
        if int.from_bytes(inner.pq, "big") != exchange.p * exchange.q:
            raise RejectedError("wrong inner pq")
        dc = getattr(inner, "dc", None)
        if dc is not None and abs(dc) % 10000 != self._settings.dc_id:  # 10000 is added for test servers
            raise RejectedError("for another data centre", WRONG_DC)
        return inner

    def _parameters(self, exchange: _Exchange, public: int) -> Any:
        new, server = exchange.new_nonce, _nonce_bytes(exchange.server_nonce)
        first, second, third = _sha1(new + server), _sha1(server + new), _sha1(new + new)
        exchange.aes_key = first + second[:12]
        exchange.aes_iv = second[12:] + third + new[:4]
        inner = bytes(
            types.ServerDHInnerData(
                exchange.nonce,
                exchange.server_nonce,
                DH_GENERATOR,
                _bytes_of(DH_PRIME),
                public.to_bytes(KEY_SIZE, "big"),
                int(self._settings.now()),
            )
        )
        text = _sha1(inner) + inner
        text += os.urandom(-len(text) % 16)
        sealed = encrypt_ige(text, exchange.aes_key, exchange.aes_iv)
        return types.ServerDHParamsOk(exchange.nonce, exchange.server_nonce, sealed)

    async def _finish(self, request: Any) -> Any:
        exchange = self._found(request)
        if not exchange.aes_key:
            raise RejectedError("out of order")
        public = self._client_half(request.encrypted_data, exchange)
        if not arithmetic.in_safe_range(public):
            return self._failed(exchange)
        secret = exchange.secret
        shared = await self._settings.pool.run(lambda: arithmetic.power(public, secret, DH_PRIME))
        key = self._auth_key(shared, exchange)
        hash_of = _hashes(exchange.new_nonce, key.key)
        if not self._settings.made(key):
            return types.DhGenRetry(exchange.nonce, exchange.server_nonce, hash_of(2))
        self._pending.pop(exchange.server_nonce, None)
        return types.DhGenOk(exchange.nonce, exchange.server_nonce, hash_of(1))

    def _client_half(self, sealed: bytes, exchange: _Exchange) -> int:
        if not sealed or len(sealed) % 16:
            raise RejectedError("not a multiple of the block size")
        text = decrypt_ige(sealed, exchange.aes_key, exchange.aes_iv)
        try:
            inner = read_object(text[20:])
        except BadObjectError:
            raise RejectedError("unreadable client data") from None
        if not isinstance(inner, types.ClientDHInnerData) or _sha1(bytes(inner)) != text[:20]:
            raise RejectedError("wrong client data")
        if (inner.nonce, inner.server_nonce) != (exchange.nonce, exchange.server_nonce):
            raise RejectedError("wrong client nonce")
        return int.from_bytes(inner.g_b, "big")

    def _auth_key(self, shared: int, exchange: _Exchange) -> AuthKey:
        """The key has 256 bytes, leading zeros included, as Telegram's servers have it."""
        now = int(self._settings.now())
        new, server = exchange.new_nonce[:8], _nonce_bytes(exchange.server_nonce)[:8]
        salt = int.from_bytes(new, "little") ^ int.from_bytes(server, "little")
        return AuthKey.made(
            shared.to_bytes(KEY_SIZE, "big"),
            created_at=now,
            first_salt=salt - (1 << 64) if salt >> 63 else salt,
            expires_at=None if exchange.lifetime is None else now + exchange.lifetime,
        )

    def _failed(self, exchange: _Exchange) -> Any:
        self._pending.pop(exchange.server_nonce, None)
        hash_of = _hashes(exchange.new_nonce, b"")
        return types.DhGenFail(exchange.nonce, exchange.server_nonce, hash_of(3))


def _hashes(new_nonce: bytes, key: bytes) -> Callable[[int], int]:
    """`new_nonce_hash1`, 2 and 3 by their number."""
    auxiliary = _sha1(key)[:8]
    return lambda number: _nonce_from(_sha1(new_nonce + bytes((number,)) + auxiliary)[4:])
