"""The emulated Telegram as a whole: people, logins, messages and who is told of what.

Promises that everything it does is in the ledger, and that observers hear of a change after it is
true. Knows nothing of TL, sockets or HTTP; sessions are reached through the `Reach` it is given.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from typing import Any, Literal, Protocol

import msgspec
import structlog

from teleflow.kit.clock import Clock
from teleflow.sandbox.world import privacy, srp
from teleflow.sandbox.world.annexes import Waiting
from teleflow.sandbox.world.chats import Chats
from teleflow.sandbox.world.disk import Disk
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.files import Files
from teleflow.sandbox.world.journal import Journal
from teleflow.sandbox.world.ledger import Ledger
from teleflow.sandbox.world.logins import Logins
from teleflow.sandbox.world.mails import Mails
from teleflow.sandbox.world.messages import Messages
from teleflow.sandbox.world.people import NAME_LIMIT, SERVICE_ID, People, digits, valid_username
from teleflow.sandbox.world.positions import SLICE
from teleflow.sandbox.world.presence import Presence
from teleflow.sandbox.world.qr import LoginToken, LoginTokens
from teleflow.sandbox.world.records import (
    Attempt,
    Authorization,
    CloudPassword,
    Entry,
    Origin,
    Person,
)
from teleflow.sandbox.world.scheduled import Scheduled
from teleflow.sandbox.world.standing import Standing
from teleflow.sandbox.world.tickets import Tickets

_log = structlog.get_logger(__name__)
Observer = Callable[[Entry, Origin | None], None]


class Reach(Protocol):
    """The session layer, as far as the world and its observers need it (`rpc.base.Push`)."""

    def push(self, key_id: int, updates: Any, *, except_session: int | None = None) -> None: ...

    def revoke(self, key_id: int) -> None: ...

    def live(self, key_id: int) -> bool: ...


class Device(Protocol):
    """What a session told of itself (`initConnection`)."""

    key_id: int
    session_id: int
    api_id: int
    device_model: str
    system_version: str
    app_version: str
    address: str


class World:
    """One world. Not thread-safe: everything happens on the event loop that owns it."""

    def __init__(self, *, clock: Clock, seed: int | None = None) -> None:
        self.clock = clock
        self._seed = seed
        self.reach: Reach | None = None
        self.observers: list[Observer] = []
        # how a repeated random_id is answered, and how long a slice of a difference is
        self.random_id_repeat: Literal["answer", "error"] = "answer"
        self.slice_size = SLICE
        self.journal = Journal()
        self.disk = Disk()
        # set by the methods: how clients are told
        self.when_scanned: Callable[[LoginToken], None] = lambda _token: None
        self.when_scheduled: Callable[[Waiting, bool, int, Origin | None], None] | None = None
        self.when_frozen: Callable[[Person], None] = lambda _person: None
        self.begin(None)

    def begin(self, salt: bytes | None) -> None:
        """Start from nothing. `salt` keys the access hashes; it must outlive a restart."""
        seed = self._seed
        # a seeded world is for tests that want the same codes again; the other is unpredictable
        rng = random.Random(seed) if seed is not None else random.SystemRandom()  # noqa: S311
        if salt is None:
            salt = rng.randbytes(32) if seed is not None else secrets.token_bytes(32)
        self.people = People(salt)
        self.ledger = Ledger()
        self.logins = Logins(self.clock, self.journal, rng)
        self.chats = Chats(self.clock, self.journal, self.people)
        self.people.in_chat = self.chats.in_numbered
        self.messages = Messages(self.clock, self.ledger, self.journal, self.chats)
        self.messages.emit = self._emit
        self.files = Files(self.clock, self.journal, self.disk, rng, salt)
        self.scheduled = Scheduled(self.clock, self.journal, self.chats, self.messages)
        if self.when_scheduled is not None:
            self.scheduled.told = self.when_scheduled
        self.qr = LoginTokens(self.clock, rng)
        self.qr.accepted = self.when_scanned
        self.tickets = Tickets(self.clock)
        self.presence = Presence(self.clock, self.people, self._came_or_went)
        self.mails = Mails(self.clock, rng, self.keep)
        self.standing = Standing(self.clock, self.people, self.logins, keep=self.keep, cut=self.cut)
        self.standing.frozen = self.when_frozen
        self.people.add(Person(id=SERVICE_ID, phone="", first_name="Telegram", service=True, created=self.clock.time()))

    def attach(self, reach: Reach) -> None:
        """Connect the session layer."""
        self.reach = reach

    def _emit(self, entry: Entry, origin: Origin | None) -> None:
        for observer in self.observers:
            try:
                observer(entry, origin)
            except Exception:  # noqa: BLE001
                # what has been committed stays committed, whoever fails to hear of it
                _log.exception("world.observer_failed", kind=entry.kind, seq=entry.seq)

    # people

    @property
    def service(self) -> Person:
        return self.people.by_id[SERVICE_ID]

    def create_person(
        self,
        phone: str,
        first_name: str,
        last_name: str = "",
        *,
        username: str = "",
        cloud_password: str = "",
        scenario: str = "",
    ) -> Person:
        """A new person. Raises Refused with Telegram's names."""
        plain = digits(phone)
        if plain is None:
            raise Refused("PHONE_NUMBER_INVALID")
        if self.people.by_phone(plain) is not None:
            raise Refused("PHONE_NUMBER_OCCUPIED")
        if not 0 < len(first_name.strip()) <= NAME_LIMIT:
            raise Refused("FIRSTNAME_INVALID")
        if len(last_name) > NAME_LIMIT:
            raise Refused("LASTNAME_INVALID")
        if username and not valid_username(username):
            raise Refused("USERNAME_INVALID")
        if username and (self.people.by_username(username) is not None or self.people.taken_elsewhere(username)):
            raise Refused("USERNAME_OCCUPIED")
        person = Person(
            id=self.people.next_id(),
            phone=plain,
            first_name=first_name.strip(),
            last_name=last_name.strip(),
            username=username,
            scenario=scenario,
            created=self.clock.time(),
        )
        if cloud_password:
            person.password = CloudPassword(srp.new_salt(16), srp.new_salt(16), plain=cloud_password)
        self.people.add(person)
        self.keep(person)
        return person

    def keep(self, person: Person) -> None:
        """Remember a change of a person."""
        self.people.index_contacts(person)
        self.journal.touch("person", person.id, person)

    def rename(self, person: Person, first_name: str, last_name: str) -> None:
        if not 0 < len(first_name.strip()) <= NAME_LIMIT:
            raise Refused("FIRSTNAME_INVALID")
        if len(last_name) > NAME_LIMIT:
            raise Refused("LASTNAME_INVALID")
        person.first_name, person.last_name = first_name.strip(), last_name.strip()
        self.keep(person)
        self.tell_acquaintances(person, "name")

    def set_username(self, person: Person, username: str) -> None:
        self.people.set_username(person, username)
        self.keep(person)
        self.tell_acquaintances(person, "name")

    def set_online(self, person: Person, *, online: bool) -> None:
        self.presence.mark(person, online=online)

    def _came_or_went(self, person: Person, changed: bool) -> None:
        self.keep(person)
        if changed:
            self.tell_acquaintances(person, "status")

    def acquaintances(self, person: Person) -> list[Person]:
        """Everybody who is there and has to do with the person, and the person's own devices."""
        known = set(self.messages.box(person.id).dialogs) | set(person.contacts) | {person.id}
        known |= self.people.writers(person.id)
        by_id = self.people.by_id
        return [by_id[each] for each in sorted(known) if each in by_id and self.is_reachable(each)]

    def tell_acquaintances(self, person: Person, kind: Literal["name", "status"]) -> None:
        """A change of name, or (to those who may know) of presence."""
        for each in self.acquaintances(person):
            if kind == "name" or each is person or privacy.seen_exactly(each, person, self.people.in_chat):
                self.messages.tell(each.id, kind, peer=person.id)

    def typing(self, sender: Person, to: Person, action: bytes = b"", origin: Origin | None = None) -> None:
        """`messages.setTyping`; `action` is TL, opaque here, and empty for plain typing."""
        if sender.id not in to.blocked and to is not sender and self.is_reachable(to.id):
            self.messages.tell(to.id, "typing", peer=sender.id, data=action, origin=origin)

    def set_blocked(self, owner: Person, other: Person, *, blocked: bool, origin: Origin | None = None) -> bool:
        """Returns whether anything changed."""
        if blocked == (other.id in owner.blocked):
            return False
        if blocked:
            owner.blocked[other.id] = int(self.clock.time())
        else:
            del owner.blocked[other.id]
        self.keep(owner)
        self.messages.tell(owner.id, "blocked", peer=other.id, max_id=int(blocked), origin=origin)
        return True

    # logins

    def person_by_key(self, key_id: int) -> Person | None:
        found = self.logins.authorizations.get(key_id)
        return self.people.by_id.get(found.person) if found is not None else None

    def phone_of(self, key_id: int) -> str | None:
        """Digits of the phone bound to a key."""
        person = self.person_by_key(key_id)
        return person.phone if person is not None else None

    def is_reachable(self, person: int) -> bool:
        reach = self.reach
        return reach is not None and any(reach.live(key) for key in self.logins.of_person(person))

    def request_code(self, phone: str, key_id: int) -> Attempt:
        """`auth.sendCode`: by app when another device is logged in, else by e-mail or SMS."""
        plain = digits(phone)
        if plain is None:
            raise Refused("PHONE_NUMBER_INVALID")
        person = self.people.by_phone(plain)
        others = self.logins.of_person(person.id) if person is not None else {}
        by_mail = person is not None and bool(person.account.login_email)
        attempt = self.logins.send_code(plain, key_id, kind="app" if others else "email" if by_mail else "sms")
        if person is not None and others:
            self.messages.send(
                self.service,
                person,
                f"Login code: {attempt.code}. Keep it to yourself: whoever has it can enter your account.",
            )
        return attempt

    def authorize(self, person: Person, device: Device, *, hash_: int = 0) -> Authorization:
        """Log a device in, and tell the others. `hash_` is the number it is known by, 0 for a new one."""
        now = int(self.clock.time())
        others = list(self.logins.of_person(person.id))
        owed = self.logins.pending.get(device.key_id)
        authorization = Authorization(
            key_id=device.key_id,
            person=person.id,
            hash=hash_ or (owed.hash if owed is not None else 0) or self.logins.new_hash(),
            created=now,
            active=now,
            unconfirmed=any(key != device.key_id for key in others),
            api_id=device.api_id,
            device_model=device.device_model,
            system_version=device.system_version,
            app_version=device.app_version,
            address=device.address,
        )
        self.logins.authorize(authorization)
        if any(key != device.key_id for key in others):
            self.messages.send(
                self.service,
                person,
                f"New login. Your account was entered from {device.device_model or 'a new device'}.",
                origin=Origin(device.key_id, device.session_id),
            )
        return authorization

    def carry_over(self, known: Authorization, device: Device, *, away: bool) -> Authorization:
        """Bind a key of another data centre to a login; `away` is where the account does not live."""
        carried = msgspec.structs.replace(
            known, key_id=device.key_id, address=device.address, of=(known.of or known.key_id) if away else 0
        )
        self.logins.authorize(carried)
        return carried

    def log_out(self, key_id: int) -> None:
        """The device leaves. Its connection stays; what the login was carried over to is cut off."""
        for carried in self.logins.carried_from(key_id):
            self.revoke(carried)
        self.logins.drop(key_id)

    def revoke(self, key_id: int) -> None:
        """End an authorization from outside: its connections close, its requests answer 401."""
        carried = self.logins.carried_from(key_id)
        for key in (key_id, *carried):
            if self.logins.drop(key) is not None and self.reach is not None:
                self.reach.revoke(key)

    def cut(self, key_id: int) -> None:
        """Close a key's connections. What it is answered next is its account's affair."""
        if self.reach is not None:
            self.reach.revoke(key_id)

    def terminate_others(self, person: Person, keep: int | None) -> int:
        """End all of a person's logins but one. Returns how many ended."""
        ended = [key for key in self.logins.of_person(person.id) if key != keep]
        for key in ended:
            self.revoke(key)
        return len(ended)
