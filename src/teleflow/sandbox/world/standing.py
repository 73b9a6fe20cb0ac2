"""What Telegram does to accounts: bans, freezes, moves to another data centre, deletes.

Promises that whoever is hit is cut off at once and told why at the next request.
"""

from __future__ import annotations

from collections.abc import Callable

from teleflow.kit.clock import Clock
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.logins import Logins
from teleflow.sandbox.world.people import People
from teleflow.sandbox.world.records import Person

FOR_EVER = 2**31 - 1


class Standing:
    """Built once for each world. `keep` and `cut` (a key's connections) are the world's.

    `frozen` is told of accounts that were frozen or thawed.
    """

    def __init__(
        self,
        clock: Clock,
        people: People,
        logins: Logins,
        *,
        keep: Callable[[Person], None],
        cut: Callable[[int], None],
    ) -> None:
        self._clock = clock
        self._people = people
        self._logins = logins
        self._keep = keep
        self._cut = cut
        self.frozen: Callable[[Person], None] = lambda _person: None

    def refusal(self, person: Person) -> tuple[int, str] | None:
        """Why nothing at all is answered to the keys of an account; None when there is no such reason."""
        if person.deleted:
            return 401, "USER_DEACTIVATED"
        if person.account.banned:
            return 401, "USER_DEACTIVATED_BAN"
        return None

    def is_frozen(self, person: Person) -> bool:
        account = person.account
        return bool(account.frozen_since) and self._clock.time() < account.frozen_until

    def ban(self, person: Person) -> None:
        person.account.banned = True
        self._keep(person)
        for key_id in self._logins.keys_of(person.id):
            self._cut(key_id)

    def unban(self, person: Person) -> None:
        person.account.banned = False
        self._keep(person)

    def freeze(self, person: Person, seconds: float | None = None) -> None:
        """The account may look, and do nothing."""
        now = int(self._clock.time())
        person.account.frozen_since = now
        person.account.frozen_until = FOR_EVER if seconds is None else now + int(seconds)
        self._keep(person)
        self.frozen(person)

    def thaw(self, person: Person) -> None:
        person.account.frozen_since = person.account.frozen_until = 0
        self._keep(person)
        self.frozen(person)

    def move(self, person: Person, dc: int) -> None:
        """The account lives at another data centre from now on (0: at the main one)."""
        person.account.dc = dc
        self._keep(person)

    def delete(self, person: Person) -> None:
        """`account.deleteAccount`: phone and username are free again, messages stay."""
        keys = self._logins.keys_of(person.id)
        self._people.release(person)
        person.deleted = True
        person.password = None
        self._keep(person)
        for key_id in keys:
            self._cut(key_id)

    def check_usable(self, phone: str) -> None:
        """Whether a number may be given a code. Raises PHONE_NUMBER_BANNED."""
        person = self._people.by_phone(phone)
        if person is not None and person.account.banned:
            raise Refused("PHONE_NUMBER_BANNED")
