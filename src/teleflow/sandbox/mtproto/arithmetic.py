"""Big numbers, off the event loop: modular powers and primes in a small pool of threads.

Uses gmpy2 where it is installed, plain Python otherwise (about six times slower).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

try:
    import gmpy2
except ImportError:  # pragma: no cover - the pure form is tested by calling it
    gmpy2 = None

R = TypeVar("R")
WORKERS = 2
MAX_WAITING = 2048

DH_GENERATOR = 3
DH_PRIME = int(
    "c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f"
    "48198a0aa7c14058229493d22530f4dbfa336f6e0ac925139543aed44cce7c37"
    "20fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f64"
    "2477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4"
    "a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754"
    "fd17ed950d5965b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4"
    "e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f"
    "0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b",
    16,
)
"""The 2048-bit safe prime that Telegram's data centres use; clients know it as good."""

EXPONENT_BITS = 512
"""Of our secret exponent: four times cheaper than 2048 and far beyond what the prime's own strength asks for."""


class BusyError(Exception):
    """Too much arithmetic is waiting."""


def power_plain(base: int, exponent: int, modulus: int) -> int:
    return pow(base, exponent, modulus)


def _power_gmp(base: int, exponent: int, modulus: int) -> int:
    return int(gmpy2.powmod(base, exponent, modulus))


power: Callable[[int, int, int], int] = power_plain if gmpy2 is None else _power_gmp


def probably_prime(number: int) -> bool:
    """Miller-Rabin with fixed bases that are exact below 3.3e24."""
    if number < 2:
        return False
    bases = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
    if any(number % base == 0 for base in bases):
        return number in bases
    odd = number - 1
    twos = (odd & -odd).bit_length() - 1
    odd >>= twos
    for base in bases:
        residue = pow(base, odd, number)
        if residue in {1, number - 1}:
            continue
        for _ in range(twos - 1):
            residue = residue * residue % number
            if residue == number - 1:
                break
        else:
            return False
    return True


def random_prime(bits: int) -> int:
    """A prime of exactly `bits` bits."""
    while True:
        candidate = secrets.randbits(bits) | (1 << (bits - 1)) | 1
        if probably_prime(candidate):
            return candidate


def proof_of_work(bits: int) -> tuple[int, int]:
    """Two different primes, the smaller first, whose product has about `bits` bits (below 2^63).

    The product's first byte stays below 0x80, as in Telegram's own (below 2^63): some clients read it with a sign.
    """
    while True:
        p, q = sorted((random_prime(bits // 2), random_prime(bits // 2)))
        if p != q and (p * q).bit_length() % 8:
            return p, q


def half_of_exchange() -> tuple[int, int]:
    """Our secret exponent and g raised to it."""
    while True:
        secret = secrets.randbits(EXPONENT_BITS) | (1 << (EXPONENT_BITS - 1))
        public = power(DH_GENERATOR, secret, DH_PRIME)
        if in_safe_range(public):
            return secret, public


def in_safe_range(public: int) -> bool:
    """Whether a half of the exchange gives nothing away: at least 2^1984 from both ends."""
    margin = 1 << (2048 - 64)
    return margin <= public <= DH_PRIME - margin


class ArithmeticPool:
    """Runs arithmetic in threads; at most `MAX_WAITING` jobs wait."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(WORKERS, "sandbox-arithmetic", initializer=_let_the_loop_run)
        self._waiting = 0

    async def run(self, work: Callable[[], R]) -> R:
        """The result of `work`. Raises BusyError when too many wait."""
        if self._waiting >= MAX_WAITING:
            raise BusyError
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _let_the_loop_run() -> None:
    if gmpy2 is not None:
        gmpy2.get_context().allow_release_gil = True
