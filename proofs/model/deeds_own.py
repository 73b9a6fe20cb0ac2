"""Deeds that concern oneself, and messages for later, for the dice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types

from proofs.model.deeds import Deed, Picks


class Own(Picks):
    """Each makes a deed of `me` in `peer`, or None where there is nothing to do."""

    def draft(self, me: int, peer: int) -> Deed | None:
        if not self.model.sees(me, peer):
            return None
        text = self.dice.choice(["", f"not yet {self.serial}"])

        def effect() -> None:
            self.model.people[me].drafts.pop(peer, None)
            if text:
                self.model.people[me].drafts[peer] = text

        def local(client: Any, _answer: Any) -> None:
            client.drafts.pop(peer, None)
            if text:
                client.drafts[peer] = text

        return Deed("draft", me, peer, f.messages.SaveDraftRequest(self.at.peer(me, peer), text), effect, local=local)

    def mark(self, me: int, peer: int) -> Deed | None:
        if not self.model.sees(me, peer):
            return None
        unread = self.dice.random() < 0.6
        change = (lambda marks: marks.add(peer)) if unread else (lambda marks: marks.discard(peer))
        named = types.InputDialogPeer(self.at.peer(me, peer))
        request = f.messages.MarkDialogUnreadRequest(named, unread=unread or None)
        return Deed(
            "mark unread",
            me,
            peer,
            request,
            lambda: change(self.model.people[me].marked),
            local=lambda client, _answer: change(client.marked),
        )

    def archive(self, me: int, peer: int) -> Deed | None:
        folder = self.dice.randrange(2)
        moved = [types.InputFolderPeer(self.at.peer(me, peer), folder)]
        request = f.folders.EditPeerFoldersRequest(moved)
        return Deed("archive", me, peer, request, lambda: self.model.archive(me, peer, folder))

    def mute(self, me: int, peer: int) -> Deed | None:
        if not self.model.sees(me, peer):
            return None
        until = self.dice.choice([0, 2_000_000_000])
        settings = types.InputPeerNotifySettings(mute_until=datetime.fromtimestamp(until, UTC))
        request = f.account.UpdateNotifySettingsRequest(types.InputNotifyPeer(self.at.peer(me, peer)), settings)

        def effect() -> None:
            self.model.people[me].muted[peer] = until

        def local(client: Any, _answer: Any) -> None:
            client.muted[peer] = until

        return Deed("mute", me, peer, request, effect, local=local)

    def block(self, me: int, peer: int) -> Deed | None:
        if peer < 0 or peer == me:
            return None
        blocked = self.model.people[me].blocked
        shut = peer not in blocked and self.dice.random() < 0.4
        kind = f.contacts.BlockRequest if shut else f.contacts.UnblockRequest
        effect = lambda: (blocked.add if shut else blocked.discard)(peer)  # noqa: E731
        return Deed("block", me, peer, kind(self.at.peer(me, peer)), effect)

    # what goes out later

    def schedule(self, me: int, peer: int) -> Deed | None:
        if self._unclear(me, peer):
            return None
        date, text = self.clock.between_steps(self.dice.randrange(3)), f"later {self._text(me)}"
        request = f.messages.SendMessageRequest(
            self.at.peer(me, peer), text, random_id=self._random_id(), schedule_date=datetime.fromtimestamp(date, UTC)
        )
        made: list[Any] = []

        def effect() -> None:
            made.append(self.model.schedule(me, peer, text, date, self.clock.now()))

        def local(_client: Any, answer: Any) -> None:
            (told,) = [each for each in answer.updates if isinstance(each, types.UpdateNewScheduledMessage)]
            made[0].number = told.message.id
            self.model.waiting[told.message.id] = made[0]

        return Deed("schedule", me, peer, request, effect, local=local)

    def schedule_drop(self, me: int, _peer: int) -> Deed | None:
        """Taken back, or sent at once."""
        mine = [each for each in self.model.waiting.values() if each.owner == me and self.model.sees(me, each.peer)]
        if not mine:
            return None
        waiting = self.dice.choice(mine)
        if self._unclear(me, waiting.peer):
            return None
        named = self.at.peer(me, waiting.peer)
        if self.dice.random() < 0.5:
            request = f.messages.DeleteScheduledMessagesRequest(named, [waiting.number])
            gone = lambda: self.model.waiting.pop(waiting.number)  # noqa: E731
            return Deed("schedule: taken back", me, waiting.peer, request, gone)
        now = f.messages.SendScheduledMessagesRequest(named, [waiting.number])
        out = lambda: self.model.go_out(waiting, self.clock.now())  # noqa: E731
        return Deed("schedule: sent now", me, waiting.peer, now, out)
