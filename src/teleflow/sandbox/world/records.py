"""What the world remembers, as plain records: no rules, no TL, no clock.

Everything here can be written to disk and read back as it is. Times are Unix seconds; ids of peers
have Telegram's marked form (a person's is positive), so that groups and channels fit beside people.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from teleflow.sandbox.world.annexes import Annex
from teleflow.sandbox.world.media_records import Media
from teleflow.sandbox.world.settings import Account, PrivacyRule

EntryKind = Literal[
    "message",
    "edit",
    "delete",
    "read_inbox",
    "read_outbox",
    "typing",
    "status",
    "name",
    "blocked",
    "authorization",
    "account",
    "channel",
    "participants",
    "participant_admin",
    "channel_read_inbox",
    "channel_read_outbox",
    "channel_available",
    "join_requests",
    "default_banned",
    "reactions",
    "pinned",
    "unpinned",
    "contents",
    "folder",
    "poll",
    "topic_pinned",
    "topics_pinned",
    "topic_read_inbox",
    "topic_read_outbox",
]
CodeKind = Literal["app", "sms", "call", "flash_call", "missed_call", "fragment_sms", "email"]


class CloudPassword(msgspec.Struct):
    """Two-step verification: an SRP verifier, or the plain word until somebody needs the verifier."""

    salt1: bytes
    salt2: bytes
    verifier: bytes = b""
    plain: str = ""
    hint: str = ""
    # where a forgotten password is recovered; `new_email` has not been confirmed yet
    email: str = ""
    new_email: str = ""

    @property
    def is_set(self) -> bool:
        """Whether there is a password, and not only an address for one."""
        return bool(self.verifier or self.plain)


class Contact(msgspec.Struct):
    """How one person wrote another down. `phone` is what they typed: it makes the number visible."""

    first_name: str
    last_name: str = ""
    phone: str = ""


class Story(msgspec.Struct, omit_defaults=True):
    """A photo or video that is shown for a time, to whom the rules let. `pinned`: beside the profile for good."""

    id: int
    date: int
    expires: int
    media: Media
    caption: str = ""
    entities: list[bytes] = []
    rules: list[PrivacyRule] = []
    pinned: bool = False
    no_forwards: bool = False
    random_id: int = 0


class Person(msgspec.Struct, omit_defaults=True):
    """Somebody with (or, for the service account, without) a phone. `phone` is digits only."""

    id: int
    phone: str
    first_name: str
    last_name: str = ""
    username: str = ""
    about: str = ""
    scenario: str = ""
    service: bool = False
    deleted: bool = False
    created: float = 0.0
    online_until: int = 0
    was_online: int = 0
    phone_privacy: Literal["everybody", "contacts", "nobody"] = "contacts"
    findable: bool = True
    password: CloudPassword | None = None
    account: Account = msgspec.field(default_factory=Account)
    # profile photos, the newest (which is shown) last
    photos: list[int] = []
    contacts: dict[int, Contact] = {}
    blocked: dict[int, int] = {}
    # the oldest first
    stories: list[Story] = []


class Authorization(msgspec.Struct, omit_defaults=True):
    """One logged-in device: an auth key bound to a person."""

    key_id: int
    person: int
    hash: int
    created: int
    active: int
    api_id: int = 0
    device_model: str = ""
    system_version: str = ""
    app_version: str = ""
    address: str = ""
    # of a login carried over to another data centre: the key of the login it comes from
    of: int = 0
    encrypted_requests_disabled: bool = False
    call_requests_disabled: bool = False
    unconfirmed: bool = False


class Pending(msgspec.Struct, omit_defaults=True):
    """A key that has shown all but the cloud password; `hash` is the number its login will have, 0 for any."""

    key_id: int
    person: int
    hash: int = 0


class Attempt(msgspec.Struct, omit_defaults=True):
    """A login under way: the code that was sent and to which key it answers."""

    hash: str
    phone: str
    key_id: int
    code: str
    kind: CodeKind
    sent_at: float
    expires: float
    tries: int = 0
    verified: bool = False


class Action(msgspec.Struct, omit_defaults=True):
    """What a service message tells. `kind` is the name of Telegram's `messageAction…` in lower case."""

    kind: str
    text: str = ""
    users: list[int] = []
    # a marked id, or a number of seconds, or whatever else the kind needs
    number: int = 0
    # further numbers and switches (0 or 1), by Telegram's names
    values: dict[str, int] = {}


class Message(msgspec.Struct, omit_defaults=True):
    """What was said, once; each account that has it keeps its own number for it in `sides`."""

    uid: int
    date: int
    sender: int
    to: int
    text: str
    random_id: int = 0
    # TL entities as bytes, opaque to the world
    entities: list[bytes] = []
    reply_to: int = 0
    # the number, in each box, of the message that it answers; it stays when that one goes
    answers: dict[int, int] | None = None
    edit_date: int = 0
    silent: bool = False
    # set in service messages
    action: Action | None = None
    media: Media | None = None
    # the album that it belongs to
    grouped: int = 0
    # a post of a broadcast channel, which names its author only by signature
    post: bool = False
    author: str = ""
    # marked id of the chat it is written as (anonymous administrators, posts in the discussion group)
    written_as: int = 0
    # the post that this is the discussion group's copy of: (channel, number there)
    copy_of: tuple[int, int] | None = None
    # the first message of the thread that it belongs to (uid), in supergroups
    thread: int = 0
    # forward, reactions, pins, mentions: most messages have none of them
    annex: Annex | None = None
    # account, or channel -> (message id there, pts of its arrival)
    sides: dict[int, tuple[int, int]] = {}

    def peer_for(self, owner: int) -> int:
        """The dialog in which `owner` sees it."""
        if self.to < 0 or owner == self.sender:
            return self.to
        return self.sender


class Dialog(msgspec.Struct, omit_defaults=True):
    """One entry of an account's chat list. `ids` (ascending) is rebuilt from messages on load."""

    owner: int
    peer: int
    read_inbox: int = 0
    read_outbox: int = 0
    unread: int = 0
    ids: list[int] = []


class Entry(msgspec.Struct, omit_defaults=True):
    """One update of one account. With `pts` it is part of the account's log, without it is told once."""

    seq: int
    owner: int
    kind: EntryKind
    date: int
    pts: int = 0
    count: int = 0
    ids: list[int] = []
    peer: int = 0
    max_id: int = 0
    unread: int = 0
    # the message at the time (kinds `message` and `edit`), so that the ledger needs no look-up
    uid: int = 0
    # the group or channel in which it happens, where `peer` is who does it
    chat: int = 0
    data: bytes = b""


class Committed(msgspec.Struct, omit_defaults=True):
    """A line of the ledger of messages: what was really accepted, never changed afterwards."""

    seq: int
    time: float
    uid: int
    sender: int
    to: int
    from_phone: str
    to_phone: str
    from_id: int
    to_id: int
    from_pts: int
    random_id: int
    text: str


class BoxState(msgspec.Struct):
    """The counters of an account's message box."""

    owner: int
    pts: int = 1
    last_id: int = 0
    # pts before the first entry that is still in the log
    floor: int = 1


class Origin(msgspec.Struct, frozen=True):
    """The session that asked: it learns the result from its answer and is pushed nothing."""

    key_id: int
    session_id: int
