"""What a message may carry beside its text: where it is forwarded from, reactions, pins, mentions, votes.

Plain records; most messages have none. `Marks` indexes them and is rebuilt on load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from teleflow.sandbox.world.records import Message


class Forward(msgspec.Struct, omit_defaults=True):
    """Where a message was first said. Somebody who does not want to be named has only a name."""

    date: int
    from_id: int = 0
    from_name: str = ""
    post: int = 0
    author: str = ""
    # in saved messages: where it was taken from
    saved_peer: int = 0
    saved_id: int = 0


class Reaction(msgspec.Struct, omit_defaults=True):
    emoji: str
    date: int
    big: bool = False


class Ballot(msgspec.Struct, omit_defaults=True):
    """A poll: its TL `poll` as bytes, and who voted for what (by the options' bytes)."""

    id: int
    poll: bytes
    options: list[bytes]
    votes: dict[int, list[bytes]] = {}
    voted_at: dict[int, int] = {}
    correct: list[bytes] = []
    multiple: bool = False
    quiz: bool = False
    public: bool = False
    closed: bool = False
    close_date: int = 0
    solution: str = ""


class Annex(msgspec.Struct, omit_defaults=True):
    """See the module. Accounts and channels are named by their ids."""

    forward: Forward | None = None
    # who reacted, in that order, and whose reaction the author has not seen yet
    reactions: dict[int, Reaction] = {}
    fresh: set[int] = set()
    # in whose boxes it is pinned
    pinned: set[int] = set()
    # who is mentioned, and whether they have not seen it yet
    mentions: dict[int, bool] = {}
    viewers: set[int] = set()
    forwards: int = 0
    no_forwards: bool = False
    scheduled: bool = False
    ballot: Ballot | None = None


class Marks:
    """Which messages are pinned, and which mentions and reactions have not been seen: numbers by box and chat."""

    def __init__(self) -> None:
        # (box, peer) -> numbers
        self._pinned: dict[tuple[int, int], set[int]] = {}
        # (person, peer) -> numbers in the box where the person sees them
        self._mentions: dict[tuple[int, int], set[int]] = {}
        self._reactions: dict[tuple[int, int], set[int]] = {}

    def pinned(self, box: int, peer: int) -> list[int]:
        return sorted(self._pinned.get((box, peer), ()))

    def mentions(self, person: int, peer: int) -> list[int]:
        return sorted(self._mentions.get((person, peer), ()))

    def reactions(self, person: int, peer: int) -> list[int]:
        return sorted(self._reactions.get((person, peer), ()))

    def file(self, message: Message) -> None:
        """Make the indexes agree with a message that has its numbers."""
        if message.annex is None:
            return
        for owner in message.sides:
            self._show(message, message.annex, owner)

    def _show(self, message: Message, annex: Annex, owner: int) -> None:
        number = message.sides[owner][0]
        peer = message.peer_for(owner)
        _put(self._pinned, (owner, peer), number, there=owner in annex.pinned)
        for person, unseen in annex.mentions.items():
            if owner in (person, message.to):
                _put(self._mentions, (person, peer), number, there=unseen)
        if owner in (message.sender, message.to) and (owner < 0 or owner == message.sender):
            _put(self._reactions, (message.sender, peer), number, there=bool(annex.fresh))

    def drop(self, message: Message, owner: int, number: int) -> None:
        """The message has left a box."""
        annex = message.annex
        if annex is None:
            return
        peer = message.peer_for(owner)
        annex.pinned.discard(owner)
        for table in (self._pinned, self._mentions, self._reactions):
            for person in {owner, message.sender, *annex.mentions} if owner < 0 else {owner}:
                _put(table, (person, peer), number, there=False)


def _put(table: dict[tuple[int, int], set[int]], key: tuple[int, int], number: int, *, there: bool) -> None:
    if there:
        table.setdefault(key, set()).add(number)
        return
    numbers = table.get(key)
    if numbers is not None:
        numbers.discard(number)
        if not numbers:
            del table[key]


def annex_of(message: Message) -> Annex:
    """A message's annex, made when there is none."""
    if message.annex is None:
        message.annex = Annex()
    return message.annex
