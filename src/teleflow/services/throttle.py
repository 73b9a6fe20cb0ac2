"""How many wrong passwords are too many.

Failures count, never successes. They are counted per account, per address and in all; each wrong try beyond
the free ones makes the next wait longer, up to a bound, and no account is ever locked. An address from which
the owner has logged in before is judged by its own failures alone, so nobody can shut the owner out from
elsewhere. What is told is the same whether the account exists or not. Everything is bounded and in memory.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

from teleflow.errors import Limited
from teleflow.kit.clock import Clock

K = TypeVar("K")
MOST_ENTRIES = 50_000
GOOD_FOR = 30 * 86400.0  # how long an address counts as the owner's, seconds
Pair = tuple[bytes, str]


@dataclass(frozen=True, slots=True)
class Patience:
    """`free` failures cost nothing; then waits double from `first` to `most` seconds; `forget` seconds clear all."""

    free: int
    first: float
    most: float
    forget: float = 900.0

    def wait(self, failures: int) -> float:
        if failures < self.free:
            return 0.0
        return min(self.most, self.first * 2.0 ** min(failures - self.free, 32))


ACCOUNT = Patience(free=5, first=1, most=30)
ADDRESS = Patience(free=20, first=1, most=60)
OWN_ADDRESS = Patience(free=10, first=1, most=30)


class LoginThrottle:
    """Ask `check` before the password is looked at, then tell `failed` or `succeeded`."""

    def __init__(
        self,
        clock: Clock,
        *,
        account: Patience = ACCOUNT,
        address: Patience = ADDRESS,
        own_address: Patience = OWN_ADDRESS,
        overall_burst: float = 600,
        overall_rate: float = 10,
    ) -> None:
        self._clock = clock
        self._accounts: _Failures[bytes] = _Failures(account)
        self._addresses: _Failures[str] = _Failures(address)
        self._pairs: _Failures[Pair] = _Failures(own_address)
        self._good: OrderedDict[Pair, float] = OrderedDict()
        self._overall = _Bucket(overall_burst, overall_rate)

    def check(self, username: str, address: str) -> None:
        """Raises Limited with the seconds to wait."""
        now = self._clock.monotonic()
        pair = (_account(username), _network(address))
        if self._is_good(pair, now):
            wait = self._pairs.wait(pair, now)
        else:
            wait = max(self._accounts.wait(pair[0], now), self._addresses.wait(pair[1], now), self._overall.wait(now))
        if wait > 0:
            raise Limited("Too many failed logins", code="TOO_MANY_REQUESTS", retry_after=wait)

    def failed(self, username: str, address: str) -> None:
        now = self._clock.monotonic()
        pair = (_account(username), _network(address))
        self._pairs.add(pair, now)
        if not self._is_good(pair, now):
            self._accounts.add(pair[0], now)
            self._addresses.add(pair[1], now)
            self._overall.take(now)

    def succeeded(self, username: str, address: str) -> None:
        """The failures of this address with this account are forgiven, those of others are not."""
        now = self._clock.monotonic()
        pair = (_account(username), _network(address))
        forgiven = self._pairs.clear(pair, now)
        if not self._is_good(pair, now):
            self._accounts.forgive(pair[0], forgiven)
            self._addresses.forgive(pair[1], forgiven)
        self._good[pair] = now
        self._good.move_to_end(pair)
        if len(self._good) > MOST_ENTRIES:
            self._good.popitem(last=False)

    def _is_good(self, pair: Pair, now: float) -> bool:
        since = self._good.get(pair)
        return since is not None and now - since < GOOD_FOR


class _Failures(Generic[K]):
    """Counts of failures by key, the longest untouched falling out first."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._seen: OrderedDict[K, tuple[int, float]] = OrderedDict()

    def count(self, key: K, now: float) -> int:
        failures, last = self._seen.get(key, (0, now))
        return failures if now - last < self._patience.forget else 0

    def wait(self, key: K, now: float) -> float:
        failures, last = self._seen.get(key, (0, now))
        if now - last >= self._patience.forget:
            return 0.0
        return max(0.0, last + self._patience.wait(failures) - now)

    def add(self, key: K, now: float) -> None:
        self._seen[key] = (self.count(key, now) + 1, now)
        self._seen.move_to_end(key)
        if len(self._seen) > MOST_ENTRIES:
            self._seen.popitem(last=False)

    def clear(self, key: K, now: float) -> int:
        failures = self.count(key, now)
        self._seen.pop(key, None)
        return failures

    def forgive(self, key: K, failures: int) -> None:
        if key in self._seen:
            count, last = self._seen[key]
            self._seen[key] = (max(0, count - failures), last)


class _Bucket:
    """Tokens that failures take and time gives back."""

    def __init__(self, burst: float, rate: float) -> None:
        self._burst, self._rate = burst, rate
        self._tokens, self._at = burst, 0.0

    def _fill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now

    def wait(self, now: float) -> float:
        self._fill(now)
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / self._rate

    def take(self, now: float) -> None:
        self._fill(now)
        self._tokens = max(0.0, self._tokens - 1)


def _account(username: str) -> bytes:
    return hashlib.blake2b(username.encode(errors="surrogatepass"), digest_size=16).digest()


def _network(address: str) -> str:
    """One home has one IPv4 address, but a whole /64 of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return address
