"""Compares: clients with the model, the data centre's answers with the model, differences with what was pushed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types

from proofs.model.deeds import Addresses
from proofs.model.line import RefusedError
from proofs.model.observer import Known
from proofs.model.records import Told, is_channel
from proofs.model.rooms import Model
from proofs.model.rows import from_model, from_tl, marked, unlike
from proofs.model.seat import Missed, Seat

PAGE = 100


class Checker:
    """`checks` counts comparisons, `wrong` holds the divergences in words."""

    def __init__(self, model: Model, addresses: Addresses) -> None:
        self.model, self.at = model, addresses
        self.checks = 0
        self.wrong: list[str] = []

    def same(self, what: str, is_now: Any, should_be: Any) -> None:
        self.checks += 1
        if is_now != should_be:
            self.wrong.append(f"{what}: {is_now!r}, in the model {should_be!r}")

    def log_since(self, box: int, pts: int) -> list[Told]:
        log = self.model.boxes[box].log
        return log[bisect_right(log, pts, key=lambda told: told.pts) :]

    # what clients know

    def client(self, seat: Seat) -> None:
        """Everything that a connected client has been told, and only that."""
        client, model, me = seat.client, self.model, seat.me
        self.wrong += client.wrong
        client.wrong.clear()
        for box, known in client.boxes.items():
            self._told(seat, box, known)
            self._rows(seat, box, known)
        mine = model.people[me]

        def asked(peer: int) -> bool:
            """Where one may not look, or could not when one came back and has not asked since, one knows nothing."""
            return model.sees(me, peer) and peer not in client.out_of_sight

        marks = ({each for each in of.marked if asked(each)} for of in (client, mine))
        self.same(f"{seat.name}'s marked", *marks)
        self.same(f"{seat.name}'s archived", client.archived, mine.archived)
        drafts = ({each: text for each, text in of.drafts.items() if asked(each)} for of in (client, mine))
        self.same(f"{seat.name}'s drafts", *drafts)
        for peer, until in mine.muted.items():
            if asked(peer):
                self.same(f"{seat.name}'s mute of {peer}", client.muted.get(peer), until)
        waiting = {
            each.number: (each.peer, each.text)
            for each in model.waiting.values()
            if each.owner == me and each.number not in client.waiting_out_of_sight
        }
        self.same(f"{seat.name}'s scheduled", client.scheduled, waiting)
        inside = {each for each, chat in model.chats.items() if is_channel(each) and me in chat.members}
        self.same(f"{seat.name}'s channels", {each for each in client.boxes if each != me}, inside)
        for peer, told in client.admins.items():
            chat = model.chats[peer]
            known_of = {user: admin for user, admin in told.items() if user in chat.members and me in chat.members}
            self.same(
                f"{seat.name} knows administrators of {peer}",
                known_of,
                {user: user in chat.admins for user in known_of},
            )
        for peer in self.chats(me):
            self._marks(seat, peer)

    def _told(self, seat: Seat, box: int, known: Known) -> None:
        """Since the last look: the same entries with the same pts, none left out, none twice."""
        since = known.log[0].pts - known.log[0].count if known.log else known.pts
        told = [(each.pts, each.count, each.kind, each.what) for each in known.log]
        expected = [(each.pts, each.count, each.kind, each.what) for each in self.log_since(box, since)]
        self.checks += len(expected)
        if told != expected:
            unequal = (n for n, (one, other) in enumerate(zip(told, expected, strict=False)) if one != other)
            at = next(unequal, min(len(told), len(expected)))
            parts = f"{told[at : at + 3]}, in the model {expected[at : at + 3]}"
            self.wrong.append(f"{seat.name} in {box} from {since}: {parts}")
        self.same(f"{seat.name}'s pts of {box}", known.pts, self.model.boxes[box].pts)
        known.log.clear()

    def _rows(self, seat: Seat, box: int, known: Known) -> None:
        hidden = self.model.chats[box].hidden.get(seat.me, 0) if is_channel(box) else 0
        floor = max(known.floor, hidden)
        messages = self.model.boxes[box].messages
        expected = {number: message for number, message in messages.items() if number > floor}
        rows = {number: row for number, row in known.rows.items() if number > floor}
        if rows.keys() != expected.keys():
            self.wrong.append(f"{seat.name} in {box}: differs by {sorted(rows.keys() ^ expected.keys())[:8]}")
        self.checks += len(rows)
        for number, row in rows.items():
            message = expected.get(number)
            if message is None:
                continue
            wanted = from_model(self.model, message, box, seat.me)
            if number in known.stale:
                row, wanted = (each._replace(reactions=(), mine="") for each in (row, wanted))
            if number in known.unlooked:
                row, wanted = (each._replace(mention=None) for each in (row, wanted))
            if row != wanted:
                self.wrong.append(f"{seat.name} in {box}, {number}: {unlike(row, wanted)}")

    def _marks(self, seat: Seat, peer: int) -> None:
        client, mine = seat.client, self.model.people[seat.me]
        marks = client.reads.get(peer, [0, 0])
        if mine.read_in.get(peer):
            self.same(f"{seat.name} has read in {peer}", marks[0], mine.read_in[peer])
            if client.whole(peer):
                self.same(f"{seat.name} counts unread in {peer}", client.unread(peer), self.model.unread(seat.me, peer))
        post = peer < 0 and self.model.chats[peer].kind == "broadcast"
        if mine.read_out.get(peer) and not post:
            self.same(f"others have read {seat.name} in {peer}", marks[1], mine.read_out[peer])

    def chats(self, me: int) -> list[int]:
        """Where `me` is, or has been and still has messages."""
        found = [each for each in self.model.boxes[me].ids if each > 0 and each in self.model.people]
        return found + [
            each
            for each, chat in self.model.chats.items()
            if me in chat.members or (not is_channel(each) and me in chat.former)
        ]

    # what the data centre answers

    async def state(self, seat: Seat) -> None:
        state = await seat.line.ask(f.updates.GetStateRequest())
        self.same(f"{seat.name}'s pts by getState", state.pts, self.model.boxes[seat.me].pts)
        self.same(f"{seat.name}'s own count of pts", seat.client.boxes[seat.me].pts, state.pts)

    async def history(self, seat: Seat, peer: int, most: int) -> None:
        """The newest `most` messages of a chat, and how many there are."""
        me, model = seat.me, self.model
        ids = model.ids(me, peer)[::-1]
        messages = model.box(me, peer).messages
        box, offset = model.place(me, peer), 0
        for start in range(0, max(1, min(most, len(ids))), PAGE):
            request = f.messages.GetHistoryRequest(self.at.peer(me, peer), offset, None, 0, PAGE, 0, 0, 0)
            answer = await seat.line.ask(request)
            page = ids[start : start + PAGE]
            where = f"{seat.name}'s history of {peer}"
            self.same(f"{where}, numbers", [each.id for each in answer.messages], page)
            total = getattr(answer, "count", None)
            self.same(f"{where}, count", len(answer.messages) if total is None else total, len(ids))
            if is_channel(peer):
                self.same(f"{where}, pts", answer.pts, model.boxes[peer].pts)
            for each in answer.messages:
                if each.id in messages:
                    wanted = from_model(model, messages[each.id], box, me)
                    self.same(f"{where}, {each.id}", unlike(from_tl(each, me), wanted), "")
            offset = page[-1] if page else 0

    async def dialogs(self, seat: Seat, peers: Iterable[int]) -> None:
        me, model = seat.me, self.model
        wanted = list(peers)
        for start in range(0, len(wanted), PAGE):
            named = [types.InputDialogPeer(self.at.peer(me, each)) for each in wanted[start : start + PAGE]]
            for dialog in (await seat.line.ask(f.messages.GetPeerDialogsRequest(named))).dialogs:
                self._dialog(seat, dialog)
        listed = await self._listed(seat)
        nothing = {each for each in model.chats if is_channel(each) and me not in model.chats[each].members}
        expected = {each for each in self.chats(me) if model.ids(me, each)} - nothing
        self.same(f"{seat.name}'s list of dialogs", listed, expected)
        marks = {marked(each.peer) for each in await seat.line.ask(f.messages.GetDialogUnreadMarksRequest())}
        self.same(f"{seat.name}'s list of unread marks", marks, model.people[me].marked - nothing)

    async def _listed(self, seat: Seat) -> set[int]:
        found: set[int] = set()
        for folder in (0, 1):
            request = f.messages.GetDialogsRequest(
                datetime.fromtimestamp(0, UTC), 0, types.InputPeerEmpty(), PAGE, 0, folder_id=folder
            )
            page = {marked(each.peer) for each in (await seat.line.ask(request)).dialogs}
            archived = self.model.people[seat.me].archived
            self.same(
                f"{seat.name}'s folder {folder}", {each for each in page if (each in archived) != bool(folder)}, set()
            )
            found |= page
        return {each for each in found if each < 0 or each in self.model.people}

    def _dialog(self, seat: Seat, dialog: Any) -> None:
        me, model, peer = seat.me, self.model, marked(dialog.peer)
        mine, ids = model.people[me], model.ids(me, peer)
        draft = dialog.draft.message if isinstance(dialog.draft, types.DraftMessage) else None
        until = dialog.notify_settings.mute_until
        post = peer < 0 and model.chats[peer].kind == "broadcast"
        told = {
            "top": dialog.top_message,
            "unread": dialog.unread_count,
            "read": dialog.read_inbox_max_id,
            "read by others": 0 if post else dialog.read_outbox_max_id,
            "mentions": dialog.unread_mentions_count,
            "reactions": dialog.unread_reactions_count,
            "marked": bool(dialog.unread_mark),
            "archived": dialog.folder_id == 1,
            "draft": draft,
            "muted": int(until.timestamp()) if until is not None else 0,
            "pts": dialog.pts,
        }
        expected = {
            "top": ids[-1] if ids else 0,
            "unread": model.unread(me, peer),
            "read": mine.read_in.get(peer, 0),
            "read by others": 0 if post else mine.read_out.get(peer, 0),
            "mentions": len(model.mentions(me, peer)),
            "reactions": len(model.unseen_reactions(me, peer)),
            "marked": peer in mine.marked,
            "archived": peer in mine.archived,
            "draft": mine.drafts.get(peer),
            "muted": mine.muted.get(peer, 0),
            "pts": model.boxes[peer].pts if is_channel(peer) else None,
        }
        for name, value in told.items():
            self.same(f"{seat.name}'s dialog with {peer}, {name}", value, expected[name])

    # differences

    def missed(self, seat: Seat, missed: Missed, beside: Seat | None) -> None:
        """A difference is what was pushed meanwhile, merged as Telegram does it.

        Messages come as they are now, those that are gone not at all; an edit of one that came as new may be left
        out, and so may whatever concerns messages that are gone; deletions, pins and read marks come as they were.
        """
        box = missed.box
        self.same(f"{seat.name}: pts after the difference of {box}", missed.until, self.model.boxes[box].pts)
        if missed.too_long:
            return
        pushed = self.log_since(box, missed.since)
        if beside is not None and box in beside.client.boxes:
            self.same(f"{seat.name}: who stayed is at the same pts", beside.client.boxes[box].pts, missed.until)
        there = self.model.boxes[box].messages
        hidden = self.model.chats[box].hidden.get(seat.me, 0) if is_channel(box) else 0
        new = {each.what for each in pushed if each.kind == "new" and each.what in there and each.what > hidden}
        self.same(f"{seat.name}: new messages in the difference of {box}", sorted(missed.new), sorted(new))
        expected = [(each.kind, each.what) for each in pushed if each.kind != "new"]
        self.same(
            f"{seat.name}: other updates in the difference of {box}",
            [each for each in missed.others if self._lasts(each, new, there, hidden)],
            [each for each in expected if self._lasts(each, new, there, hidden)],
        )

    def _lasts(self, told: tuple[str, Any], new: set[int], there: dict[int, Any], hidden: int) -> bool:
        kind, what = told
        if kind == "edit":
            return what in there and what not in new and what > hidden
        return kind not in ("pin", "unpin") or max(what) > hidden

    async def refused_history(self, seat: Seat, peer: int) -> None:
        """Who may not look into a channel does not."""
        try:
            await seat.line.ask(f.messages.GetHistoryRequest(self.at.peer(seat.me, peer), 0, None, 0, 1, 0, 0, 0))
        except RefusedError as refused:
            self.same(f"{seat.name} outside of {peer}", refused.name, "CHANNEL_PRIVATE")
        else:
            self.same(f"{seat.name} looks into {peer}", is_now=True, should_be=False)
