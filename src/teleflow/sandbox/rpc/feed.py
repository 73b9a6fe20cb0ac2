"""From the world's log to live sessions: each entry becomes the update that Telegram would push.

A private text message goes out as `updateShortMessage` to devices that have met the sender, and as
full `updates` (with the users in it) to those that have not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.chat_feed import ChannelFeed
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.peers import spoken_of
from teleflow.sandbox.rpc.short_forms import ShortForms
from teleflow.sandbox.rpc.view import revealed
from teleflow.sandbox.world.boxes import Box
from teleflow.sandbox.world.records import Entry, Message, Origin

MOST_MET = 20_000
"""Devices of which it is known whom they have met; one that is forgotten gets full updates again."""


class Rendered:
    """An update that becomes bytes when the first session wants it, and only once.

    What it shows is read at that moment: it must be used within the push, not kept.
    """

    __slots__ = ("_body", "_make", "_write")

    def __init__(self, make: Callable[[], Any], write: Callable[[], bytes] | None = None) -> None:
        self._make = make
        self._write = write
        self._body = b""

    def made(self) -> Any:
        """The object itself: of now, and to keep."""
        return self._make()

    def __bytes__(self) -> bytes:
        if not self._body:
            self._body = bytes(self._make()) if self._write is None else self._write()
        return self._body


class Feed:
    """An observer of the world."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._channels = ChannelFeed(desk)
        self._short_forms = ShortForms()
        # key -> peers it has been told of since it last introduced itself
        self._met: dict[int, set[int]] = {}

    def introduced(self, key_id: int) -> None:
        """A client (re)started: it may know nobody."""
        self._met.pop(key_id, None)

    def told(self, entry: Entry, origin: Origin | None) -> None:
        """Push an entry to every live session of its account but the one that caused it."""
        if entry.owner < 0:
            self._channels.told(entry, origin)
            return
        world = self._desk.world
        reach = world.reach
        keys = world.logins.of_person(entry.owner)
        if reach is None or not keys:
            return
        box = world.messages.box(entry.owner)
        message = box.messages.get(entry.ids[0]) if entry.kind in {"message", "edit"} else None
        if message is None and entry.kind in {"message", "edit"}:
            return
        short = Rendered(lambda: self._short(box, entry), lambda: self._short_bytes(box, entry))
        full = Rendered(lambda: self._full(box, entry))
        for key_id in list(keys):
            if not reach.live(key_id):
                continue
            brief = message is not None and entry.kind == "message" and self._may_be_brief(key_id, box, message)
            own = origin is not None and origin.key_id == key_id
            reach.push(key_id, short if brief else full, except_session=origin.session_id if own and origin else None)

    def _may_be_brief(self, key_id: int, box: Box, message: Message) -> bool:
        """Short forms carry a text and name people and groups that the device must know already."""
        peer = message.peer_for(box.owner)
        met = self._has_met(key_id, peer)
        if peer < 0:
            met = self._has_met(key_id, message.sender) and met
        return (
            met
            and message.action is None
            and message.media is None
            and message.annex is None
            and not message.written_as
        )

    def _has_met(self, key_id: int, peer: int) -> bool:
        met = self._met.get(key_id)
        if met is None:
            while len(self._met) >= MOST_MET:
                del self._met[next(iter(self._met))]
            met = self._met[key_id] = set()
        if peer in met:
            return True
        met.add(peer)
        return False

    def _short(self, box: Box, entry: Entry) -> Any:
        view = self._desk.view
        message = box.messages[entry.ids[0]]
        peer = message.peer_for(box.owner)
        common = {
            "id": entry.ids[0],
            "message": message.text,
            "pts": entry.pts,
            "pts_count": entry.count,
            "date": message.date,
            "out": message.sender == box.owner or None,
            "silent": message.silent or None,
            "reply_to": view.reply_header(box, message),
            "entities": revealed(message.entities) if message.entities else None,
        }
        if peer < 0:
            return types.UpdateShortChatMessage(from_id=message.sender, chat_id=-peer, **common)
        return types.UpdateShortMessage(user_id=peer, **common)

    def _short_bytes(self, box: Box, entry: Entry) -> bytes:
        message = box.messages[entry.ids[0]]
        reply = self._desk.view.reply_header(box, message) if message.reply_to else None
        return self._short_forms.of(entry, message, reply)

    def _full(self, box: Box, entry: Entry) -> Any:
        view = self._desk.view
        update = view.update(box, entry)
        if entry.kind in {"typing", "status"} and not entry.chat:
            return types.UpdateShort(update, entry.date)
        owner = self._desk.world.people.by_id[box.owner]
        ids = view.involved(box, entry.ids) if entry.kind != "delete" else set()
        ids |= {entry.peer, entry.chat}
        if entry.kind == "account":
            ids.update(spoken_of(update))
        elif entry.kind == "poll":
            ids |= view.beside(entry)
        elif entry.kind == "participants":
            ids.update(view.rooms.people_of(entry.chat))
        users, chats = view.users(owner, ids), view.chats(owner, ids)
        # seq 0: these updates are ordered by their pts alone
        return types.Updates(updates=[update], users=users, chats=chats, date=entry.date, seq=0)
