"""The cloud password's proof (SRP 6a, https://core.telegram.org/api/srp): the password itself never leaves.

A hundred milliseconds of arithmetic: call it in a thread.
"""

from __future__ import annotations

import os
from hashlib import pbkdf2_hmac, sha256
from typing import Any

import gmpy2
from telethon.tl.types import (
    InputCheckPasswordSRP,
)
from telethon.tl.types import (
    PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow as KnownAlgorithm,
)

_SIZE = 256


class UnknownAlgorithm(ValueError):
    """The account's password is checked in a way that this program does not know yet."""


def prove(password: str, state: Any) -> Any:
    """The `InputCheckPasswordSRP` for what account.getPassword answered. Raises UnknownAlgorithm, ValueError."""
    algorithm = state.current_algo
    if not isinstance(algorithm, KnownAlgorithm):
        raise UnknownAlgorithm(type(algorithm).__name__)
    g, p = algorithm.g, int.from_bytes(algorithm.p, "big")
    g_b = int.from_bytes(state.srp_B, "big")
    if p.bit_length() != 2048 or not 0 < g_b < p:
        raise ValueError("the data centre's password parameters are unusable")
    x = int.from_bytes(_stretch(password, algorithm.salt1, algorithm.salt2), "big")
    k = int.from_bytes(_hash(_wide(p), _wide(g)), "big")
    while True:
        a = int.from_bytes(os.urandom(_SIZE), "big")
        g_a = _power(g, a, p)
        u = int.from_bytes(_hash(_wide(g_a), _wide(g_b)), "big")
        if u and 1 < g_a < p - 1:
            break
    base = (g_b - k * _power(g, x, p)) % p
    shared = _hash(_wide(_power(base, a + u * x, p)))
    masked = bytes(left ^ right for left, right in zip(_hash(_wide(p)), _hash(_wide(g)), strict=True))
    proof = _hash(masked, _hash(algorithm.salt1), _hash(algorithm.salt2), _wide(g_a), _wide(g_b), shared)
    return InputCheckPasswordSRP(state.srp_id, _wide(g_a), proof)


def _stretch(password: str, salt1: bytes, salt2: bytes) -> bytes:
    once = _salted(_salted(password.encode(), salt1), salt2)
    return _salted(pbkdf2_hmac("sha512", once, salt1, 100_000), salt2)


def _salted(data: bytes, salt: bytes) -> bytes:
    return sha256(salt + data + salt).digest()


def _hash(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


def _wide(number: int) -> bytes:
    return number.to_bytes(_SIZE, "big")


def _power(base: int, exponent: int, modulus: int) -> int:
    with gmpy2.context(gmpy2.get_context(), allow_release_gil=True):
        return int(gmpy2.powmod_exp_list(base, [exponent], modulus)[0])
