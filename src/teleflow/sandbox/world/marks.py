"""Which messages are pinned, and which mentions and reactions have not been seen; rebuilt on load."""

from __future__ import annotations

from teleflow.sandbox.world.annexes import Annex
from teleflow.sandbox.world.records import Message


class Marks:
    """Numbers of messages by box and chat; all of it follows from the messages."""

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
