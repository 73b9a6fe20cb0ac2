"""Codes sent to e-mail addresses: to confirm an address, to recover a forgotten cloud password.

The letters stay with the account, where the control API shows them; nothing leaves the machine.
"""

from __future__ import annotations

import random
import re
import secrets
from collections.abc import Callable

from teleflow.kit.clock import Clock
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.records import Person
from teleflow.sandbox.world.settings import Mail

LENGTH = 6
LIFE = 3600.0
TRIES = 5
CONFIRM, RECOVER, VERIFY = "confirm", "recover", "verify"
_ADDRESS = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


class Mails:
    """The outstanding code of each account for each purpose."""

    def __init__(self, clock: Clock, rng: random.Random, keep: Callable[[Person], None]) -> None:
        self._clock = clock
        self._rng = rng
        self._keep = keep

    def send(self, person: Person, purpose: str, address: str) -> Mail:
        """A new code; an older one for the same purpose is void."""
        now = self._clock.time()
        code = f"{self._rng.randrange(10**LENGTH):0{LENGTH}}"
        mail = person.account.mails[purpose] = Mail(address, code, purpose, now, now + LIFE)
        self._keep(person)
        return mail

    def check(self, person: Person, purpose: str, code: str, *, expired: str = "EMAIL_HASH_EXPIRED") -> Mail:
        """Compare, and leave the letter where it is. Raises CODE_EMPTY, CODE_INVALID and `expired`."""
        mail = person.account.mails.get(purpose)
        if mail is None or mail.expires <= self._clock.time():
            raise Refused(expired)
        if not code:
            raise Refused("CODE_EMPTY")
        if not secrets.compare_digest(mail.code.encode(), code.encode()):
            mail.tries += 1
            if mail.tries >= TRIES:
                mail.expires = 0.0
            self._keep(person)
            raise Refused("CODE_INVALID")
        return mail

    def take(self, person: Person, purpose: str, code: str, *, expired: str = "EMAIL_HASH_EXPIRED") -> Mail:
        """The same, and the code is spent."""
        mail = self.check(person, purpose, code, expired=expired)
        self.drop(person, purpose)
        return mail

    def drop(self, person: Person, purpose: str) -> None:
        if person.account.mails.pop(purpose, None) is not None:
            self._keep(person)


def valid_address(text: str) -> bool:
    return len(text) <= 254 and bool(_ADDRESS.match(text))


def pattern(address: str) -> str:
    """The address as strangers may see it: `a***z@example.com`."""
    name, _, domain = address.partition("@")
    return f"{name[:1]}***{name[-1:]}@{domain}"
