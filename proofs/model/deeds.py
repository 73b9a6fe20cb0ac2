"""Deeds: for each what a client asks, and what it does to the model. Chosen by a seeded dice, allowed or not."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from telethon.tl import types

from proofs.model.line import WorldTime
from proofs.model.records import CHANNELS_BELOW, is_channel
from proofs.model.rooms import Model
from proofs.model.rules import LONGEST_TEXT, SLOW_SLACK

EMOJIS = "👍👎❤🔥👏😁"
NOT_THERE = 999_999_999
BOLD = 0.06
"""How often something is tried that a client would not offer."""


@dataclass(slots=True)
class Deed:
    kind: str
    me: int
    peer: int
    request: Any
    effect: Callable[[], Any]
    """Does it to the model; raises No."""
    affected: tuple[str, Any] = ("", None)
    """What the pts of an affectedMessages or affectedHistory stands for."""
    touches: set[int] = field(default_factory=set)
    """Whose belonging to the chat may change."""
    local: Callable[[Any, Any], None] | None = None
    """What the asking client (and the answer) then knows, where the answer does not tell."""


class Addresses:
    """By which access hashes people name each other and channels."""

    def __init__(self) -> None:
        self.people: dict[tuple[int, int], int] = {}
        self.channels: dict[tuple[int, int], int] = {}

    def knows(self, me: int, peer: int) -> bool:
        return not is_channel(peer) or (me, peer) in self.channels

    def peer(self, me: int, peer: int) -> Any:
        if peer == me:
            return types.InputPeerSelf()
        if peer > 0:
            return types.InputPeerUser(peer, self.people[me, peer])
        if not is_channel(peer):
            return types.InputPeerChat(-peer)
        return types.InputPeerChannel(CHANNELS_BELOW - peer, self.channels[me, peer])

    def user(self, me: int, user: int) -> Any:
        return types.InputUserSelf() if user == me else types.InputUser(user, self.people[me, user])


class Picks:
    """What deeds are made of: who, where, which message, what text."""

    def __init__(self, seed: int, model: Model, addresses: Addresses, clock: WorldTime) -> None:
        self.dice = random.Random(seed)
        self.model, self.at, self.clock = model, addresses, clock
        self.pairs: dict[int, list[int]] = {}
        """Person: with whom they have a private chat (themselves: saved messages)."""
        self.serial = 0

    def chats(self, me: int) -> list[int]:
        """What `me` can name; where they are is named more often."""
        mine = [each for each, chat in self.model.chats.items() if me in chat.members and self.at.knows(me, each)]
        rest = [
            each
            for each, chat in self.model.chats.items()
            if me not in chat.members and (is_channel(each) or me in chat.former) and self.at.knows(me, each)
        ]
        return [*self.pairs.get(me, ()), *mine * 3, *rest, *self.pairs.get(me, ())]

    # picking

    def _number(self, me: int, peer: int, *, own: bool = False) -> int:
        """One of the newest messages; now and then one that is not there."""
        ids = self.model.ids(me, peer)[-25:]
        messages = self.model.box(me, peer).messages
        if self.dice.random() > BOLD:
            ids = [each for each in ids if not messages[each].service]
        if own and self.dice.random() < 0.85:
            ids = [each for each in ids if messages[each].sender == me and not messages[each].source] or ids
        if self.dice.random() < 0.01:
            return NOT_THERE
        if not ids:
            return 0
        return self.dice.choice(ids)

    def _text(self, peer: int) -> str:
        self.serial += 1
        if self.dice.random() < 0.01:
            return self.dice.choice(["", "  ", "x" * (LONGEST_TEXT + 1)])
        text = f"{self.serial} {self.dice.choice(['hello', 'so?', 'Ünïcödé 🎉', 'a longer line of text ' * 6])}".strip()
        if peer < 0 and self.dice.random() < 0.1:
            named = self.dice.choice([*self.model.people.values()]).username
            text += f" @{named}"
        return text

    def _unclear(self, me: int, peer: int) -> bool:
        """Whether slow mode lets go at about this moment: nobody can say who is first."""
        chat = self.model.chats.get(peer)
        return chat is not None and abs(chat.may_write_at.get(me, 0) - self.clock.now()) < SLOW_SLACK

    def _random_id(self) -> int:
        return self.dice.getrandbits(62) + 1

    def _other(self, me: int, peer: int) -> int:
        """Somebody of the chat, or anybody."""
        chat = self.model.chats[peer]
        some = sorted(chat.members | chat.former) if self.dice.random() < 0.7 else sorted(self.model.people)
        return self.dice.choice([each for each in some if each != me] or sorted(self.model.people))
