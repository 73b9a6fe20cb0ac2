"""Who exists: people by id, phone and username, and how one person sees another.

Promises that phones and usernames are unique and that access hashes differ for each viewer.
Knows nothing of messages or logins.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet

from teleflow.sandbox.world import privacy
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.records import Contact, Person

SERVICE_ID = 777000
# above 32 bits, as Telegram's newer accounts: clients that truncate show at once
FIRST_ID = 6_100_000_001
_USERNAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]{3,30}[A-Za-z0-9]$")
_PHONE_NOISE = re.compile(r"[\s().\-]+")
NAME_LIMIT = 64
ABOUT_LIMIT = 70


def digits(phone: str) -> str | None:
    """The number as Telegram keeps it, or None when it is no phone number (5 to 15 digits)."""
    plain = _PHONE_NOISE.sub("", phone).removeprefix("+")
    if plain.isascii() and plain.isdigit() and 5 <= len(plain) <= 15:
        return plain
    return None


def valid_username(username: str) -> bool:
    return bool(_USERNAME.match(username)) and "__" not in username


_NOBODY: frozenset[int] = frozenset()


class People:
    """The register of people."""

    def __init__(self, salt: bytes) -> None:
        self.salt = salt
        self.by_id: dict[int, Person] = {}
        self._by_phone: dict[str, Person] = {}
        self._by_username: dict[str, Person] = {}
        # whom each has written down, and by whom each is written down
        self._written: dict[int, frozenset[int]] = {}
        self._writers: dict[int, set[int]] = {}
        self._hashes: dict[tuple[int, int], int] = {}
        # whether somebody is in a chat, by the number that TL gives it
        self.in_chat: privacy.InChat = privacy.nobody_is_in
        # whether a username belongs to something else than a person
        self.taken_elsewhere: Callable[[str], bool] = lambda _username: False

    def __iter__(self) -> Iterator[Person]:
        return iter(self.by_id.values())

    def next_id(self) -> int:
        return max(max(self.by_id, default=0) + 1, FIRST_ID)

    def add(self, person: Person) -> None:
        """File a person. The caller has checked that phone and username are free."""
        self.by_id[person.id] = person
        if person.phone:
            self._by_phone[person.phone] = person
        if person.username:
            self._by_username[person.username.lower()] = person
        self.index_contacts(person)

    def index_contacts(self, person: Person) -> None:
        """Make `writers` agree with somebody's address book."""
        before = self._written.get(person.id, _NOBODY)
        if before == person.contacts.keys():
            return
        for gone in before - person.contacts.keys():
            self._writers[gone].discard(person.id)
        for new in person.contacts.keys() - before:
            self._writers.setdefault(new, set()).add(person.id)
        self._written[person.id] = frozenset(person.contacts)

    def writers(self, person: int) -> AbstractSet[int]:
        """Who has somebody in the address book."""
        return self._writers.get(person, _NOBODY)

    def by_phone(self, phone: str) -> Person | None:
        plain = digits(phone)
        return self._by_phone.get(plain) if plain else None

    def by_username(self, username: str) -> Person | None:
        return self._by_username.get(username.removeprefix("@").lower())

    def set_username(self, person: Person, username: str) -> None:
        """`account.updateUsername`: an empty name takes it away."""
        if username == person.username:
            raise Refused("USERNAME_NOT_MODIFIED")
        if username:
            if not valid_username(username):
                raise Refused("USERNAME_INVALID")
            holder = self.by_username(username)
            if (holder is not None and holder is not person) or self.taken_elsewhere(username):
                raise Refused("USERNAME_OCCUPIED")
        self._by_username.pop(person.username.lower(), None)
        person.username = username
        if username:
            self._by_username[username.lower()] = person

    def release(self, person: Person) -> None:
        """Phone and username are free for others."""
        self._by_phone.pop(person.phone, None)
        self._by_username.pop(person.username.lower(), None)
        person.phone = person.username = ""

    def set_phone(self, person: Person, phone: str) -> None:
        """Another number (digits). The caller has checked that it is free."""
        self._by_phone.pop(person.phone, None)
        person.phone = phone
        self._by_phone[phone] = person

    def access_hash(self, viewer: int, target: int) -> int:
        """The 64-bit number under which `viewer`, and nobody else, may address `target`."""
        known = self._hashes.get((viewer, target))
        if known is None:
            seed = viewer.to_bytes(8, "big", signed=True) + target.to_bytes(8, "big", signed=True)
            digest = hashlib.blake2b(seed, digest_size=8, key=self.salt).digest()
            # never 0: clients write 0 when they do not know the hash
            known = int.from_bytes(digest, "big", signed=True) or 1
            self._hashes[viewer, target] = known
        return known

    def phone_visible(self, viewer: Person, target: Person) -> bool:
        return privacy.phone_visible(viewer, target, self.in_chat)

    def allows(self, owner: Person, key: privacy.Key, viewer: Person) -> bool:
        """Whether `owner` lets `viewer`, by the account's privacy."""
        return privacy.allows(owner, key, viewer, self.in_chat)

    def search(self, viewer: Person, query: str, limit: int) -> tuple[list[Person], list[Person]]:
        """Contacts whose name or username matches, then others by username prefix."""
        wanted = query.removeprefix("@").lower()
        mine: list[Person] = []
        others: list[Person] = []
        for person in self:
            if person is viewer or person.deleted:
                continue
            contact = viewer.contacts.get(person.id)
            if contact is not None and _matches(contact, person, wanted):
                mine.append(person)
            elif person.username.lower().startswith(wanted):
                others.append(person)
            if len(mine) >= limit:
                break
        return mine[:limit], others[:limit]


def _matches(contact: Contact, person: Person, wanted: str) -> bool:
    names = f"{contact.first_name} {contact.last_name}".lower()
    return wanted in names or person.username.lower().startswith(wanted)
