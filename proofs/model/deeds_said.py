"""Deeds with messages, for the dice."""

from __future__ import annotations

from typing import Any

from telethon.tl import functions as f
from telethon.tl import types

from proofs.model import rules
from proofs.model.deeds import BOLD, EMOJIS, Deed, Picks
from proofs.model.records import is_channel


class Said(Picks):
    """Each makes a deed of `me` in `peer`, or None where there is nothing to do."""

    def send(self, me: int, peer: int) -> Deed | None:
        if self._unclear(me, peer):
            return None
        reply = self._number(me, peer) if self.dice.random() < 0.2 else 0
        text, clear = self._text(peer), self.dice.random() < 0.2
        request = f.messages.SendMessageRequest(
            self.at.peer(me, peer),
            text,
            random_id=self._random_id(),
            reply_to=types.InputReplyToMessage(reply) if reply else None,
            clear_draft=clear or None,
        )

        def local(client: Any, _answer: Any) -> None:
            if clear:
                client.drafts.pop(peer, None)

        return Deed(
            "send" if not reply else "reply",
            me,
            peer,
            request,
            lambda: self.model.send(me, peer, text, self.clock.now(), reply, clear_draft=clear),
            local=local,
        )

    def edit(self, me: int, peer: int) -> Deed | None:
        number = self._number(me, peer, own=True)
        if not number:
            return None
        message = self.model.message(me, peer, number)
        if message is not None and (message.source or (message.sender != me and self.dice.random() > BOLD)):
            return None
        text = message.text if message is not None and self.dice.random() < 0.05 else f"edited {self._text(me)}"
        request = f.messages.EditMessageRequest(self.at.peer(me, peer), number, message=text)
        return Deed("edit", me, peer, request, lambda: self.model.edit(me, peer, number, text))

    def delete(self, me: int, peer: int) -> Deed | None:
        revoke = self.dice.random() < 0.6
        numbers = sorted({self._number(me, peer, own=True) for _ in range(self.dice.choice([1, 1, 1, 2, 4]))})
        if not numbers[0]:
            return None
        request: Any = f.messages.DeleteMessagesRequest(numbers, revoke=revoke)
        if is_channel(peer):
            request = f.channels.DeleteMessagesRequest(self.at.peer(me, peer), numbers)
        rights = rules.held(self.model.chats[peer], me) if peer < 0 else {"delete_messages"}
        there = tuple(each for each in numbers if self.model.message(me, peer, each) is not None)
        own = all(self.model.box(me, peer).messages[each].sender == me for each in there)
        if (revoke or is_channel(peer)) and not own and "delete_messages" not in rights and self.dice.random() > BOLD:
            return None
        kind = "delete for all" if revoke or is_channel(peer) else "delete for oneself"
        effect = lambda: self.model.delete(me, peer, numbers, revoke=revoke)  # noqa: E731
        return Deed(kind, me, peer, request, effect, ("delete", there))

    def read(self, me: int, peer: int) -> Deed | None:
        ids = self.model.ids(me, peer)
        top = self.dice.choice(ids[-10:]) if ids and self.dice.random() < 0.5 else 0
        request: Any = f.messages.ReadHistoryRequest(self.at.peer(me, peer), top)
        if is_channel(peer):
            request = f.channels.ReadHistoryRequest(self.at.peer(me, peer), top)
        last = top or (ids[-1] if ids else 0)

        def local(client: Any, answer: Any) -> None:
            if answer is True:
                client.read_up_to(peer, last)

        effect = lambda: self.model.read(me, peer, top)  # noqa: E731
        return Deed("read", me, peer, request, effect, ("read_in", (peer, last)), local=local)

    def react(self, me: int, peer: int) -> Deed | None:
        number = self._number(me, peer)
        emoji = self.dice.choice([*EMOJIS, "", "🏴" if self.dice.random() < 0.2 else "👍"])
        if not number or peer in self.model.people[me].blocked or (peer > 0 and me in self.model.people[peer].blocked):
            return None
        wanted = [types.ReactionEmoji(emoji)] if emoji else []
        request = f.messages.SendReactionRequest(self.at.peer(me, peer), number, reaction=wanted)
        return Deed("react", me, peer, request, lambda: self.model.react(me, peer, number, emoji, EMOJIS))

    def pin(self, me: int, peer: int) -> Deed | None:
        pins = self.model.pins(me, peer)
        pinned = not pins or self.dice.random() < 0.6
        number = self._number(me, peer) if pinned else self.dice.choice(pins)
        if not number:
            return None
        alone = self.dice.random() < 0.3
        request = f.messages.UpdatePinnedMessageRequest(
            self.at.peer(me, peer), number, unpin=not pinned or None, pm_oneside=alone or None
        )
        effect = lambda: self.model.pin(me, peer, number, self.clock.now(), pinned=pinned, alone=alone)  # noqa: E731
        return Deed("pin" if pinned else "unpin", me, peer, request, effect)

    def unpin_all(self, me: int, peer: int) -> Deed | None:
        request = f.messages.UnpinAllMessagesRequest(self.at.peer(me, peer))
        pins = tuple(self.model.pins(me, peer)) if self.model.sees(me, peer) else ()
        return Deed("unpin all", me, peer, request, lambda: self.model.unpin_all(me, peer), ("unpin", pins))

    def forward(self, me: int, peer: int) -> Deed | None:
        to = self.dice.choice(self.chats(me))
        if self._unclear(me, to):
            return None
        chat = self.model.chats.get(to)
        many = 1 if chat is not None and chat.slow else self.dice.choice([1, 1, 2, 3])
        numbers = sorted({self._number(me, peer) for _ in range(many)})
        if not numbers[0]:
            return None
        request = f.messages.ForwardMessagesRequest(
            self.at.peer(me, peer), numbers, self.at.peer(me, to), random_id=[self._random_id() for _ in numbers]
        )
        effect = lambda: self.model.forward(me, peer, numbers, to, self.clock.now())  # noqa: E731
        return Deed("forward", me, to, request, effect)

    def look(self, me: int, peer: int) -> Deed | None:
        """Mentions, or reactions, are looked at."""
        if not self.model.sees(me, peer):
            return None
        mentions, reactions = self.model.mentions(me, peer), self.model.unseen_reactions(me, peer)
        if not mentions and not reactions and self.dice.random() < 0.9:
            return None
        numbers, whom = (
            (mentions, f.messages.ReadMentionsRequest)
            if mentions
            else (
                reactions,
                f.messages.ReadReactionsRequest,
            )
        )
        effect = lambda: self.model.look_at(me, peer, numbers)  # noqa: E731

        def local(client: Any, _answer: Any) -> None:
            if is_channel(peer):
                client.looked_at(peer, numbers)

        request = whom(self.at.peer(me, peer))
        return Deed("look at mentions", me, peer, request, effect, ("contents", tuple(numbers)), local=local)

    def clear(self, me: int, peer: int) -> Deed | None:
        if self.dice.random() < 0.6:
            return None
        if is_channel(peer):
            everybody = self.dice.random() < 0.4
            wipe = f.channels.DeleteHistoryRequest(self.at.peer(me, peer), 0, for_everyone=everybody or None)
            whole = lambda: self.model.clear_channel(me, peer, everybody=everybody)  # noqa: E731
            return Deed("clear history", me, peer, wipe, whole)
        revoke = peer > 0 and self.dice.random() < 0.5
        just = self.dice.random() < 0.5
        ids = tuple(self.model.ids(me, peer)[-100:])
        request = f.messages.DeleteHistoryRequest(
            self.at.peer(me, peer), 0, just_clear=just or None, revoke=revoke or None
        )
        effect = lambda: self.model.clear(me, peer, revoke=revoke, just_clear=just)[0]  # noqa: E731
        return Deed("clear history", me, peer, request, effect, ("delete", ids))
