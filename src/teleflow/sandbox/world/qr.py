"""Logging in by a code that another device scans: tokens, who has accepted them, when they are over.

Promises that a token serves one login of one key (or, after a move, of one key at the account's own data centre).
Tokens live for half a minute and only in memory.
"""

from __future__ import annotations

import base64
import binascii
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from teleflow.kit.clock import Clock
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.records import Person

LIFE = 30.0
ACCEPTED_LIFE = 120.0
MOST_TOKENS = 10_000


@dataclass(slots=True)
class LoginToken:
    """One QR code. `device` is what its client told of itself; `hash` is the number that the login will have."""

    token: bytes
    key_id: int
    expires: float
    device: str
    app_version: str
    system_version: str
    address: str
    api_id: int
    hash: int
    except_ids: frozenset[int] = frozenset()
    accepted_by: int = 0


Armed = Callable[[LoginToken], object]


class LoginTokens:
    """Built once for each world. `accepted` tells the client that its code has been scanned."""

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self._tokens: dict[bytes, LoginToken] = {}
        self.accepted: Callable[[LoginToken], None] = lambda _token: None
        # what a fault rule does to the next code, by the rule
        self.armed: dict[int, Armed] = {}

    def make(self) -> tuple[bytes, int, float]:
        """A new token, the hash of its login, and when it is over."""
        return secrets.token_bytes(32), self._rng.getrandbits(63) or 1, self._clock.time() + LIFE

    def file(self, token: LoginToken) -> None:
        """Remember a token; the oldest are forgotten."""
        over = self._clock.time() - ACCEPTED_LIFE
        for each in list(self._tokens.values()):
            if each.expires > over and len(self._tokens) < MOST_TOKENS:
                break
            del self._tokens[each.token]
        self._tokens[token.token] = token

    def waiting(self) -> list[LoginToken]:
        """Tokens that can still be scanned, oldest first."""
        now = self._clock.time()
        return [each for each in self._tokens.values() if not each.accepted_by and each.expires > now]

    def accepted_of(self, key_id: int) -> LoginToken | None:
        """The token of this key that somebody has accepted."""
        now = self._clock.time()
        for each in self._tokens.values():
            if each.key_id == key_id and each.accepted_by and each.expires > now:
                return each
        return None

    def find(self, token: bytes, *, unknown: str) -> LoginToken:
        """Raises `unknown` and AUTH_TOKEN_EXPIRED."""
        found = self._tokens.get(token)
        if found is None:
            raise Refused(unknown)
        if found.expires <= self._clock.time():
            raise Refused("AUTH_TOKEN_EXPIRED")
        return found

    def accept(self, token: bytes, person: Person) -> LoginToken:
        """A device of `person` has scanned the code."""
        found = self.find(token, unknown="AUTH_TOKEN_INVALIDX")
        if found.accepted_by:
            raise Refused("AUTH_TOKEN_ALREADY_ACCEPTED")
        if person.id in found.except_ids:
            raise Refused("AUTH_TOKEN_EXCEPTION")
        found.accepted_by = person.id
        # the client must come back for its login, perhaps at another data centre
        found.expires = self._clock.time() + ACCEPTED_LIFE
        self.accepted(found)
        return found

    def spend(self, token: LoginToken) -> None:
        """It has served."""
        self._tokens.pop(token.token, None)

    def expire(self) -> int:
        """Every code that waits to be scanned is over now. Returns how many."""
        waiting = self.waiting()
        for each in waiting:
            each.expires = self._clock.time()
        return len(waiting)


def token_of(link: str) -> bytes:
    """The token in a `tg://login?token=…` link, or written alone. Raises AUTH_TOKEN_INVALIDX."""
    text = link.strip()
    if "?" in text:
        text = parse_qs(urlsplit(text).query).get("token", [""])[0]
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise Refused("AUTH_TOKEN_INVALIDX") from error
