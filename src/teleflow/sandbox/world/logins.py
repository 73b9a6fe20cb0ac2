"""Getting in and staying in: codes, authorizations, two-step verification.

Promises: a code is good for one key, one phone, five minutes and a few tries; a key is bound to at
most one person. Whether a code must travel by app or SMS is decided here; carrying it is not.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator
from typing import cast

from teleflow.kit.clock import Clock
from teleflow.sandbox.world import srp
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.journal import Journal
from teleflow.sandbox.world.records import Attempt, Authorization, CloudPassword, CodeKind, Pending, Person

CODE_LIFE = 300.0
CODE_TRIES = 5
CODES_PER_WINDOW = 30
CODE_WINDOW = 3600.0
PASSWORD_TRIES = 5
PASSWORD_WINDOW = 600.0
SRP_LIFE = 300.0
ATTEMPT_KEPT = 24 * 3600.0
NO_KIND = "none"
_NEXT_KIND: dict[CodeKind, CodeKind] = {"app": "sms", "email": "sms", "sms": "call"}


class Logins:
    """Authorizations by key, attempts by phone_code_hash."""

    def __init__(self, clock: Clock, journal: Journal, rng: random.Random) -> None:
        self._clock = clock
        self._journal = journal
        self._rng = rng
        self.authorizations: dict[int, Authorization] = {}
        self._by_person: dict[int, dict[int, Authorization]] = {}
        self.attempts: dict[str, Attempt] = {}
        self.last_code: dict[str, Attempt] = {}
        # the next way of a code by phone ("": of all), as a fault rule has it
        self.forced: dict[str, str] = {}
        self._codes_sent: dict[str, list[float]] = {}
        # keys that have given the right code and still owe the cloud password
        self.pending: dict[int, Pending] = {}
        # exports of an account's data that are under way: whose
        self.takeouts: dict[int, int] = {}
        self._challenges: dict[int, srp.Challenge] = {}
        self._wrong_passwords: dict[int, list[float]] = {}

    # authorizations

    def of_person(self, person: int) -> dict[int, Authorization]:
        """A person's devices. Logins carried over to other data centres belong to one of them and are not here."""
        return self._by_person.get(person, {})

    def keys_of(self, person: int) -> list[int]:
        """Every key that is bound to a person."""
        return [key for key, known in self.authorizations.items() if known.person == person]

    def authorize(self, authorization: Authorization) -> None:
        """Bind a key to a person; what it was bound to before is forgotten."""
        self.drop(authorization.key_id)
        if self.pending.pop(authorization.key_id, None) is not None:
            self._journal.gone("pending", authorization.key_id)
        self.file(authorization)
        self._journal.touch("authorization", authorization.key_id, authorization)

    def file(self, authorization: Authorization) -> None:
        """Index an authorization that is already remembered."""
        self.authorizations[authorization.key_id] = authorization
        if not authorization.of:
            self._by_person.setdefault(authorization.person, {})[authorization.key_id] = authorization

    def drop(self, key_id: int) -> Authorization | None:
        found = self.authorizations.pop(key_id, None)
        if found is not None:
            self._by_person.get(found.person, {}).pop(key_id, None)
            self._journal.gone("authorization", key_id)
        return found

    def carried_from(self, key_id: int) -> list[int]:
        """Keys at other data centres whose login comes from this one."""
        return [key for key, known in self.authorizations.items() if known.of == key_id]

    def keep(self, authorization: Authorization) -> None:
        """Remember a change of a login."""
        self._journal.touch("authorization", authorization.key_id, authorization)

    def new_hash(self) -> int:
        return self._rng.getrandbits(63) or 1

    def owes_password(self, key_id: int, person: Person, hash_: int) -> None:
        """All has been shown but the cloud password."""
        self.pending[key_id] = Pending(key_id, person.id, hash_)
        self._journal.touch("pending", key_id, self.pending[key_id])

    def owner_of_pending(self, key_id: int) -> int | None:
        """Whose cloud password a key owes."""
        found = self.pending.get(key_id)
        return found.person if found is not None else None

    # codes

    def send_code(self, phone: str, key_id: int, *, kind: CodeKind) -> Attempt:
        """A new attempt; an older one of the same key and phone is void."""
        now = self._clock.time()
        recent = [at for at in self._codes_sent.get(phone, ()) if at > now - CODE_WINDOW]
        if len(recent) >= CODES_PER_WINDOW:
            raise Refused("PHONE_NUMBER_FLOOD")
        self._codes_sent[phone] = [*recent, now]
        for old in self._stale(phone, key_id, now):
            self.forget(old)
        attempt = Attempt(
            hash=secrets.token_hex(9),
            phone=phone,
            key_id=key_id,
            code=self._new_code(),
            kind=kind,
            sent_at=now,
            expires=now + CODE_LIFE,
        )
        self.attempts[attempt.hash] = attempt
        self._sent(attempt)
        return attempt

    def _stale(self, phone: str, key_id: int, now: float) -> Iterator[Attempt]:
        yield from [
            attempt
            for attempt in self.attempts.values()
            if (attempt.phone == phone and attempt.key_id == key_id) or attempt.expires < now - ATTEMPT_KEPT
        ]

    def _new_code(self) -> str:
        return f"{self._rng.randrange(10_000, 100_000)}"

    def _sent(self, attempt: Attempt) -> None:
        self.last_code[attempt.phone] = attempt
        self._journal.touch("attempt", attempt.hash, attempt)

    def forget(self, attempt: Attempt) -> None:
        if self.attempts.pop(attempt.hash, None) is not None:
            self._journal.gone("attempt", attempt.hash)

    def next_kind(self, attempt: Attempt) -> CodeKind | None:
        forced = self.forced.get(attempt.phone, self.forced.get(""))
        if forced is not None:
            return None if forced == NO_KIND else cast("CodeKind", forced)
        return _NEXT_KIND.get(attempt.kind)

    def resend(self, phone: str, phone_code_hash: str, key_id: int) -> Attempt:
        """The same code by the next way."""
        attempt = self.find(phone, phone_code_hash, key_id)
        following = self.next_kind(attempt)
        if following is None:
            raise Refused("SEND_CODE_UNAVAILABLE", 406)
        attempt.kind = following
        attempt.sent_at = self._clock.time()
        attempt.expires = attempt.sent_at + CODE_LIFE
        self._sent(attempt)
        return attempt

    def find(self, phone: str, phone_code_hash: str, key_id: int) -> Attempt:
        """The attempt that this key has for this phone. A code asked by another key counts as expired."""
        if not phone_code_hash:
            raise Refused("PHONE_CODE_HASH_EMPTY")
        attempt = self.attempts.get(phone_code_hash)
        if (
            attempt is None
            or attempt.phone != phone
            or attempt.key_id != key_id
            or attempt.expires <= self._clock.time()
        ):
            raise Refused("PHONE_CODE_EXPIRED")
        return attempt

    def verify(self, attempt: Attempt, code: str) -> None:
        """Compare a code; after too many wrong ones the attempt is spent."""
        if not code:
            raise Refused("PHONE_CODE_EMPTY")
        if not secrets.compare_digest(code.encode(), attempt.code.encode()):
            attempt.tries += 1
            if attempt.tries >= CODE_TRIES:
                attempt.expires = 0.0
            self._journal.touch("attempt", attempt.hash, attempt)
            raise Refused("PHONE_CODE_INVALID")
        attempt.verified = True
        self._journal.touch("attempt", attempt.hash, attempt)

    def expire_codes(self, phone: str | None = None) -> int:
        """Let outstanding codes (of one phone) expire now. Returns how many."""
        expired = 0
        for attempt in self.attempts.values():
            if (phone is None or attempt.phone == phone) and attempt.expires > self._clock.time():
                attempt.expires = 0.0
                self._journal.touch("attempt", attempt.hash, attempt)
                expired += 1
        return expired

    def invalidate(self, phone: str, codes: set[str]) -> int:
        """Let these outstanding codes of a phone expire. Returns how many."""
        invalid = [each for each in self.attempts.values() if each.phone == phone and each.code in codes]
        for attempt in invalid:
            attempt.expires = 0.0
            self._journal.touch("attempt", attempt.hash, attempt)
        return len(invalid)

    # two-step verification

    def challenge(self, person: Person) -> srp.Challenge:
        """Numbers for one password check. The verifier must have been made (`CloudPassword.verifier`)."""
        now = self._clock.time()
        for old in [each.srp_id for each in self._challenges.values() if each.expires <= now]:
            del self._challenges[old]
        if person.password is None:
            raise Refused("PASSWORD_MISSING")
        asked = srp.challenge(person.id, person.password.verifier, now + SRP_LIFE)
        self._challenges[asked.srp_id] = asked
        return asked

    def redeem(self, person: Person, srp_id: int) -> tuple[srp.Challenge, CloudPassword]:
        """Take a challenge back for its one check."""
        now = self._clock.time()
        wrong = [at for at in self._wrong_passwords.get(person.id, ()) if at > now - PASSWORD_WINDOW]
        self._wrong_passwords[person.id] = wrong
        if len(wrong) >= PASSWORD_TRIES:
            raise Refused("PHONE_PASSWORD_FLOOD", 406)
        asked = self._challenges.pop(srp_id, None)
        if asked is None or asked.person != person.id or asked.expires <= now or person.password is None:
            raise Refused("SRP_ID_INVALID")
        if asked.verifier != person.password.verifier:
            raise Refused("SRP_PASSWORD_CHANGED")
        return asked, person.password

    def password_checked(self, person: Person, *, right: bool) -> None:
        """Count a wrong password, or forget the wrong ones."""
        if right:
            self._wrong_passwords.pop(person.id, None)
            return
        self._wrong_passwords.setdefault(person.id, []).append(self._clock.time())
        raise Refused("PASSWORD_HASH_INVALID")

    def rotate_challenges(self) -> None:
        """Every outstanding SRP id becomes invalid (fault verb `rotate_srp`)."""
        self._challenges.clear()
