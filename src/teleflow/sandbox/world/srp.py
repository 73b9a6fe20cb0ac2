"""The server's half of two-step verification (SRP as Telegram uses it).

Pure arithmetic; the slow parts (`verifier`, `check`) are meant to be called in a thread.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

try:
    from gmpy2 import powmod as _pow
except ImportError:  # pure Python is some ten times slower and just as right
    _pow = pow

# The 2048-bit safe prime and generator that Telegram hands out.
G = 3
P_BYTES = bytes.fromhex(
    "c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f48198a0aa7c14058229493d22530f4db"
    "fa336f6e0ac925139543aed44cce7c3720fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f64"
    "2477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4a4a695811051907e162753b56b0f6b41"
    "0dba74d8a84b2a14b3144e0ef1284754fd17ed950d5965b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4"
    "e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f0d8115f635b105ee2e4e15d04b2454bf"
    "6f4fadf034b10403119cd8e3b92fcc5b"
)
_P = int.from_bytes(P_BYTES, "big")
_SIZE = 256
_G_BYTES = G.to_bytes(_SIZE, "big")


@dataclass(slots=True)
class Challenge:
    """One question put to a client: `B` goes out, `b` stays."""

    srp_id: int
    person: int
    b: int
    B: bytes
    verifier: bytes
    expires: float


def _sha(*parts: bytes) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def _big(number: int) -> bytes:
    return int(number).to_bytes(_SIZE, "big")


def new_salt(length: int) -> bytes:
    return secrets.token_bytes(length)


def verifier(password: str, salt1: bytes, salt2: bytes) -> bytes:
    """What is kept instead of the password. Some 100 ms of native code."""
    inner = _sha(salt2, _sha(salt1, password.encode(), salt1), salt2)
    stretched = hashlib.pbkdf2_hmac("sha512", inner, salt1, 100_000)
    x = int.from_bytes(_sha(salt2, stretched, salt2), "big")
    return _big(_pow(G, x, _P))


def challenge(person: int, known: bytes, expires: float) -> Challenge:
    """A fresh `B`; its numbers are good for one check."""
    k = int.from_bytes(_sha(P_BYTES, _G_BYTES), "big")
    v = int.from_bytes(known, "big")
    while True:
        b = secrets.randbits(2048)
        g_b = int(_pow(G, b, _P))
        public = (k * v + g_b) % _P
        # clients refuse numbers that are close to either end
        if 1 << 1984 < public < _P - (1 << 1984) and 1 << 1984 < g_b < _P - (1 << 1984):
            srp_id = secrets.randbits(63)
            return Challenge(srp_id, person, b, _big(public), known, expires)


def check(asked: Challenge, salt1: bytes, salt2: bytes, a_bytes: bytes, m1: bytes) -> bool:
    """Whether the client knows the password behind the verifier."""
    a_public = int.from_bytes(a_bytes, "big")
    if not 0 < a_public < _P or len(a_bytes) > _SIZE:
        return False
    a_padded = _big(a_public)
    u = int.from_bytes(_sha(a_padded, asked.B), "big")
    v = int.from_bytes(asked.verifier, "big")
    shared = int(_pow(a_public * int(_pow(v, u, _P)) % _P, asked.b, _P))
    mixed = bytes(x ^ y for x, y in zip(_sha(P_BYTES), _sha(_G_BYTES), strict=True))
    expected = _sha(mixed, _sha(salt1), _sha(salt2), a_padded, asked.B, _sha(_big(shared)))
    return hmac.compare_digest(expected, m1)
