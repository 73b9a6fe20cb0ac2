"""What the model knows: people, chats, messages and boxes, in plain Python, with whatever can be counted from them.

Nothing is kept that could be counted: unread messages, last messages and mentions are looked for each time. Peers have
marked ids. A box is an account's, or a supergroup's or channel's; its log says what each pts stood for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

CHANNELS_BELOW = -1_000_000_000_000


def is_channel(peer: int) -> bool:
    return peer < CHANNELS_BELOW


class No(Exception):
    """What was asked is refused with one of these names (a name that ends in _ is the beginning of one)."""

    def __init__(self, *names: str) -> None:
        super().__init__(" or ".join(names))
        self.names = names

    def allows(self, name: str) -> bool:
        return any(name == each or (each.endswith("_") and name.startswith(each)) for each in self.names)


@dataclass(slots=True, eq=False)
class Message:
    sender: int
    to: int
    text: str
    date: float
    service: str = ""
    edited: bool = False
    source: int = 0
    """Whose message was forwarded, 0 for none."""
    reactions: dict[int, str] = field(default_factory=dict)
    unseen: set[int] = field(default_factory=set)
    """Who reacted, where the author has not looked yet."""
    mentions: dict[int, bool] = field(default_factory=dict)
    """Who is mentioned: whether they have not looked yet."""
    pinned: set[int] = field(default_factory=set)
    """Boxes."""
    numbers: dict[int, int] = field(default_factory=dict)
    """Box: number there."""
    replies: dict[int, int] = field(default_factory=dict)
    """Box: number there of the message that it answers."""

    def peer(self, box: int) -> int:
        return self.to if self.to < 0 or box == self.sender else self.sender


@dataclass(slots=True)
class Told:
    """One entry of a log: what a client is told of with this pts."""

    pts: int
    count: int
    kind: str
    what: Any


@dataclass(slots=True)
class Box:
    pts: int = 1
    last: int = 0
    messages: dict[int, Message] = field(default_factory=dict)
    log: list[Told] = field(default_factory=list)
    ids: dict[int, list[int]] = field(default_factory=dict)
    """Chat: the numbers of its messages, ascending."""

    def tell(self, kind: str, what: Any, count: int = 1) -> None:
        self.pts += count
        self.log.append(Told(self.pts, count, kind, what))


@dataclass(slots=True)
class Chat:
    kind: str
    """group, megagroup or broadcast."""
    creator: int
    title: str
    public: bool = False
    slow: int = 0
    banned: set[str] = field(default_factory=set)
    """What ordinary members may not do."""
    members: set[int] = field(default_factory=set)
    former: set[int] = field(default_factory=set)
    kicked: set[int] = field(default_factory=set)
    restricted: dict[int, set[str]] = field(default_factory=dict)
    admins: dict[int, set[str]] = field(default_factory=dict)
    """Without the creator."""
    promoters: dict[int, int] = field(default_factory=dict)
    inviters: dict[int, int] = field(default_factory=dict)
    may_write_at: dict[int, float] = field(default_factory=dict)
    hidden: dict[int, int] = field(default_factory=dict)
    """Member: up to which number the history was cleared for them alone."""


@dataclass(slots=True)
class Person:
    name: str
    username: str
    blocked: set[int] = field(default_factory=set)
    drafts: dict[int, str] = field(default_factory=dict)
    marked: set[int] = field(default_factory=set)
    archived: set[int] = field(default_factory=set)
    muted: dict[int, int] = field(default_factory=dict)
    read_in: dict[int, int] = field(default_factory=dict)
    read_out: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Waiting:
    owner: int
    peer: int
    text: str
    date: int
    number: int


class State:
    """All of it, and what follows from it."""

    def __init__(self) -> None:
        self.people: dict[int, Person] = {}
        self.chats: dict[int, Chat] = {}
        self.boxes: dict[int, Box] = {}
        self.waiting: dict[int, Waiting] = {}

    def place(self, me: int, peer: int) -> int:
        """The box that numbers a chat's messages for `me`."""
        return peer if is_channel(peer) else me

    def box(self, me: int, peer: int) -> Box:
        return self.boxes[self.place(me, peer)]

    def ids(self, me: int, peer: int) -> list[int]:
        """The numbers of the messages that `me` sees in a chat."""
        ids = self.box(me, peer).ids.get(peer, [])
        hidden = self.chats[peer].hidden.get(me, 0) if is_channel(peer) else 0
        return ids[bisect_right(ids, hidden) :] if hidden else ids

    def seen(self, me: int, peer: int) -> Iterator[tuple[int, Message]]:
        messages = self.box(me, peer).messages
        return ((number, messages[number]) for number in self.ids(me, peer))

    def message(self, me: int, peer: int, number: int) -> Message | None:
        found = self.box(me, peer).messages.get(number)
        return found if found is not None and found.peer(self.place(me, peer)) == peer else None

    def unread(self, me: int, peer: int) -> int:
        read = self.people[me].read_in.get(peer, 0)
        return sum(number > read and message.sender != me for number, message in self.seen(me, peer))

    def mentions(self, me: int, peer: int) -> list[int]:
        return [number for number, message in self.seen(me, peer) if message.mentions.get(me)]

    def unseen_reactions(self, me: int, peer: int) -> list[int]:
        return [number for number, message in self.seen(me, peer) if message.sender == me and message.unseen]

    def pins(self, me: int, peer: int) -> list[int]:
        """Of all messages of the chat, shown to `me` or not."""
        place, box = self.place(me, peer), self.box(me, peer)
        return [number for number in box.ids.get(peer, []) if place in box.messages[number].pinned]

    def sees(self, me: int, peer: int) -> bool:
        """Whether `me` may look into a chat."""
        if peer > 0:
            return True
        chat = self.chats[peer]
        if is_channel(peer):
            return me in chat.members or (chat.public and me not in chat.kicked)
        return me in chat.members or me in chat.former
