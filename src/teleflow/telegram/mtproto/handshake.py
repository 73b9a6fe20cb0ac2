"""Making an authorization key (https://core.telegram.org/mtproto/auth_key).

The heavy arithmetic (factoring, two 2,048-bit powers) runs in a thread, in native code that gives up the
interpreter lock: a login must not stop the loop for everybody else.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

import cryptg
import gmpy2
from telethon.extensions import BinaryReader
from telethon.tl.functions import ReqDHParamsRequest, ReqPqMultiRequest, SetClientDHParamsRequest
from telethon.tl.types import (
    ClientDHInnerData,
    DhGenFail,
    DhGenOk,
    DhGenRetry,
    PQInnerData,
    ResPQ,
    ServerDHInnerData,
    ServerDHParamsOk,
)

from teleflow.telegram.mtproto.cipher import AuthKey
from teleflow.telegram.mtproto.keys import PublicKey, as_bytes, choose

_SAFE = 1 << (2048 - 64)
# The prime that Telegram's data centres use; being well known, it need not be proven prime each time.
_KNOWN_PRIME = int(
    "C71CAEB9C6B1C9048E6C522F70F13F73980D40238E3E21C14934D037563D930F48198A0AA7C14058229493D22530F4DBFA336F6E0AC92513"
    "9543AED44CCE7C3720FD51F69458705AC68CD4FE6B6B13ABDC9746512969328454F18FAF8C595F642477FE96BB2A941D5BCD1D4AC8CC4988"
    "0708FA9B378E3C4F3A9060BEE67CF9A4A4A695811051907E162753B56B0F6B410DBA74D8A84B2A14B3144E0EF1284754FD17ED950D5965B4"
    "B9DD46582DB1178D169C6BC465B0D6FF9CA3928FEF5B9AE4E418FC15E83EBEA0F87FA9FF5EED70050DED2849F47BF959D956850CE929851F"
    "0D8115F635B105EE2E4E15D04B2454BF6F4FADF034B10403119CD8E3B92FCC5B",
    16,
)
_GENERATORS = range(2, 8)

Exchange = Callable[[bytes], Awaitable[bytes]]


class HandshakeFailed(ConnectionError):
    """The server's answers don't add up: an impostor, or a wrong key file."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """`time_offset`: the server's clock minus ours, in seconds. `salt`: the first server salt."""

    key: AuthKey
    salt: int
    time_offset: int


async def make_key(
    exchange: Exchange, keys: Sequence[PublicKey], *, now: Callable[[], float], threads: Executor
) -> NewKey:
    """Run the exchange over an unencrypted channel. Raises HandshakeFailed, ConnectionError."""
    loop = asyncio.get_running_loop()
    nonce = int.from_bytes(os.urandom(16), "little", signed=True)
    pq: Any = _read(await exchange(bytes(ReqPqMultiRequest(nonce))))
    _check(isinstance(pq, ResPQ) and pq.nonce == nonce, "the answer to req_pq_multi is not ours")
    key = choose(keys, pq.server_public_key_fingerprints)
    if key is None:
        raise HandshakeFailed("the data centre has none of the RSA keys that we trust")
    product = int.from_bytes(pq.pq, "big")
    _check(3 < product < 1 << 63, "pq is out of range")
    p, q = sorted(await loop.run_in_executor(threads, cryptg.factorize_pq_pair, product))
    _check(p > 1 and p * q == product, "pq is not a product of two primes")

    new_nonce = os.urandom(32)
    inner = PQInnerData(
        pq=pq.pq,
        p=as_bytes(p),
        q=as_bytes(q),
        nonce=nonce,
        server_nonce=pq.server_nonce,
        new_nonce=int.from_bytes(new_nonce, "little", signed=True),
    )
    encrypted = key.encrypt(bytes(inner))
    request = ReqDHParamsRequest(nonce, pq.server_nonce, as_bytes(p), as_bytes(q), key.fingerprint, encrypted)
    params: Any = _read(await exchange(bytes(request)))
    _check(isinstance(params, ServerDHParamsOk), "the data centre refused the key exchange")
    _check((params.nonce, params.server_nonce) == (nonce, pq.server_nonce), "a nonce changed")

    server_nonce = pq.server_nonce.to_bytes(16, "little", signed=True)
    aes_key, aes_iv = _temporary_key(server_nonce, new_nonce)
    dh = _open_inner(params.encrypted_answer, aes_key, aes_iv)
    _check((dh.nonce, dh.server_nonce) == (nonce, pq.server_nonce), "a nonce changed inside")
    offset = dh.server_time - int(now())
    g_b, secret = await loop.run_in_executor(threads, _agree, dh.g, dh.g_a, dh.dh_prime)

    auth_key = AuthKey(secret)
    client = bytes(ClientDHInnerData(nonce, pq.server_nonce, 0, g_b))
    plain = sha1(client, usedforsecurity=False).digest() + client
    plain += os.urandom(-len(plain) % 16)
    sealed = cryptg.encrypt_ige(plain, aes_key, aes_iv)
    outcome: Any = _read(await exchange(bytes(SetClientDHParamsRequest(nonce, pq.server_nonce, sealed))))
    _check(
        isinstance(outcome, DhGenOk | DhGenRetry | DhGenFail)
        and (outcome.nonce, outcome.server_nonce) == (nonce, pq.server_nonce),
        "the last answer is not ours",
    )
    _check(isinstance(outcome, DhGenOk), "the data centre did not take the key")
    proof = sha1(new_nonce + b"\x01" + auth_key.aux_hash, usedforsecurity=False).digest()[4:20]
    _check(outcome.new_nonce_hash1.to_bytes(16, "little", signed=True) == proof, "the data centre holds another key")
    salt = bytes(a ^ b for a, b in zip(new_nonce[:8], server_nonce[:8], strict=True))
    return NewKey(auth_key, int.from_bytes(salt, "little", signed=True), offset)


def _agree(g: int, g_a_bytes: bytes, prime_bytes: bytes) -> tuple[bytes, bytes]:
    """(our public value, the shared secret). Raises HandshakeFailed on values that leak it."""
    prime = int.from_bytes(prime_bytes, "big")
    g_a = int.from_bytes(g_a_bytes, "big")
    _check(g in _GENERATORS, "an unusual generator")
    if prime != _KNOWN_PRIME:
        _check(_is_good_prime(prime, g), "the modulus is not a safe prime")
    _check(_SAFE <= g_a <= prime - _SAFE, "the server's public value is weak")
    while True:
        b = int.from_bytes(os.urandom(256), "big")
        g_b = _power(g, b, prime)
        secret = _power(g_a, b, prime)
        # A secret that begins with a zero byte is legal, but common clients and servers disagree on how to
        # write it (one exchange in 256 fails with them): drawing again costs nothing.
        if _SAFE <= g_b <= prime - _SAFE and secret >> 2040:
            return as_bytes(g_b), secret.to_bytes(256, "big")


def _is_good_prime(prime: int, g: int) -> bool:
    """A 2,048-bit safe prime of which g generates the subgroup of prime order."""
    if prime.bit_length() != 2048 or not gmpy2.is_prime(prime, 30) or not gmpy2.is_prime((prime - 1) // 2, 30):
        return False
    rule = {2: (8, {7}), 3: (3, {2}), 4: (1, {0}), 5: (5, {1, 4}), 6: (24, {19, 23}), 7: (7, {3, 5, 6})}
    modulus, residues = rule[g]
    return prime % modulus in residues


def _power(base: int, exponent: int, modulus: int) -> int:
    # The list form is the one that can release the interpreter lock while it computes.
    with gmpy2.context(gmpy2.get_context(), allow_release_gil=True):
        return int(gmpy2.powmod_exp_list(base, [exponent], modulus)[0])


def _temporary_key(server_nonce: bytes, new_nonce: bytes) -> tuple[bytes, bytes]:
    def digest(*parts: bytes) -> bytes:
        return sha1(b"".join(parts), usedforsecurity=False).digest()

    a, b = digest(new_nonce, server_nonce), digest(server_nonce, new_nonce)
    return a + b[:12], b[12:] + digest(new_nonce, new_nonce) + new_nonce[:4]


def _open_inner(encrypted: bytes, aes_key: bytes, aes_iv: bytes) -> Any:
    _check(len(encrypted) % 16 == 0 and len(encrypted) > 20, "an answer that is no cipher text")
    plain = cryptg.decrypt_ige(encrypted, aes_key, aes_iv)
    reader = BinaryReader(plain[20:])
    inner = reader.tgread_object()
    _check(isinstance(inner, ServerDHInnerData), "the inner answer is something else")
    length = reader.tell_position()
    _check(sha1(plain[20 : 20 + length], usedforsecurity=False).digest() == plain[:20], "the inner answer is altered")
    return inner


def _read(body: bytes) -> Any:
    try:
        return BinaryReader(body).tgread_object()
    except Exception as error:
        raise HandshakeFailed("an answer that is no TL object") from error


def _check(holds: bool, problem: str) -> None:
    if not holds:
        raise HandshakeFailed(problem)
