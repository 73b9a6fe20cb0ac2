"""From the world's log to live sessions: each entry becomes the update that Telegram would push.

A private text message goes out as `updateShortMessage` to devices that have met the sender, and as
full `updates` (with the users in it) to those that have not.
"""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.world.boxes import Box
from teleflow.sandbox.world.records import Entry, Message, Origin


class Feed:
    """An observer of the world."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        # key -> peers it has been told of since it last introduced itself
        self._met: dict[int, set[int]] = {}

    def introduced(self, key_id: int) -> None:
        """A client (re)started: it may know nobody."""
        self._met.pop(key_id, None)

    def told(self, entry: Entry, origin: Origin | None) -> None:
        """Push an entry to every live session of its account but the one that caused it."""
        world = self._desk.world
        reach = world.reach
        if reach is None:
            return
        box: Box | None = None
        short: Any = None
        full: Any = None
        for key_id in list(world.logins.of_person(entry.owner)):
            if not reach.live(key_id):
                continue
            if box is None:
                box = world.messages.box(entry.owner)
            message = box.messages.get(entry.ids[0]) if entry.kind == "message" else None
            if message is not None and self._has_met(key_id, message.peer_for(box.owner)):
                short = short or self._short(box, entry, message)
                updates = short
            else:
                full = full or self._full(box, entry)
                updates = full
            if updates is None:
                return
            mine = origin is not None and origin.key_id == key_id
            reach.push(key_id, updates, except_session=origin.session_id if mine and origin else None)

    def _has_met(self, key_id: int, peer: int) -> bool:
        met = self._met.setdefault(key_id, set())
        if peer in met:
            return True
        met.add(peer)
        return False

    def _short(self, box: Box, entry: Entry, message: Message) -> Any:
        view = self._desk.view
        whole = view.message(box, entry.ids[0], message)
        return types.UpdateShortMessage(
            id=whole.id,
            user_id=message.peer_for(box.owner),
            message=message.text,
            pts=entry.pts,
            pts_count=entry.count,
            date=message.date,
            out=whole.out,
            silent=whole.silent,
            reply_to=whole.reply_to,
            entities=whole.entities,
        )

    def _full(self, box: Box, entry: Entry) -> Any:
        view = self._desk.view
        update = view.update(box, entry)
        if update is None:
            return None
        if entry.kind in {"typing", "status"}:
            return types.UpdateShort(update, entry.date)
        owner = self._desk.world.people.by_id[box.owner]
        ids = view.involved(box, entry.ids) if entry.kind != "delete" else set()
        if entry.peer:
            ids.add(entry.peer)
        # seq 0: these updates are ordered by their pts alone
        return types.Updates(updates=[update], users=view.users(owner, ids), chats=[], date=entry.date, seq=0)
