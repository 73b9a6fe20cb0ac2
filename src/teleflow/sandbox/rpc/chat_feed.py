"""From a supergroup's or channel's log to the sessions of its members.

An update is made into bytes once for all who see the same, and put into an envelope for each member,
as names and access hashes are the viewer's own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from telethon.extensions import BinaryReader
from telethon.tl import types

from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.world.records import Entry, Message, Origin, Person

_VECTOR = 0x1CB5C415


class _Packed:
    """Bytes where something that can be made into bytes is wanted."""

    __slots__ = ("_body",)

    def __init__(self, body: bytes) -> None:
        self._body = body

    def made(self) -> Any:
        """The object, for those who have to look into it."""
        with BinaryReader(self._body) as reader:
            return reader.tgread_object()

    def __bytes__(self) -> bytes:
        return self._body


class ChannelFeed:
    """Fans the entries of channels' boxes out."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def told(self, entry: Entry, origin: Origin | None) -> None:
        """Push an entry to every live session of every member but the one that caused it."""
        world = self._desk.world
        reach = world.reach
        chat = world.chats.by_id.get(entry.owner)
        if reach is None or chat is None:
            return
        keys_of = world.logins.of_person
        bodies: dict[int, bytes | None] = {}
        box = world.messages.box(chat.id)
        message = box.messages.get(entry.ids[0]) if entry.kind != "delete" else None
        involved = self._desk.view.involved(box, entry.ids) if message is not None else {chat.id}
        for member in world.chats.present(chat):
            keys = [key for key in keys_of(member.user) if reach.live(key)]
            if not keys:
                continue
            # the sender sees it as outgoing, whom it mentions as such, everybody else the same
            seen_by = member.user if message is not None and _sees_more(message, member.user) else 0
            if seen_by not in bodies:
                update = self._desk.view.update(box, entry, seen_by)
                bodies[seen_by] = bytes(update) if update is not None else None
            body = bodies[seen_by]
            if body is None:
                continue
            packed = self._envelope(world.people.by_id[member.user], body, involved, entry.date)
            for key in keys:
                own = origin is not None and origin.key_id == key
                reach.push(key, packed, except_session=origin.session_id if own and origin else None)

    def _envelope(self, viewer: Person, body: bytes, involved: set[int], date: int) -> Any:
        view = self._desk.view
        users = _vector(view.users(viewer, involved))
        chats = _vector(view.chats(viewer, involved))
        head = struct.pack("<IIi", types.Updates.CONSTRUCTOR_ID, _VECTOR, 1)
        # seq 0: ordered by the channel's pts alone
        return _Packed(b"".join((head, body, users, chats, struct.pack("<ii", date, 0))))


def _sees_more(message: Message, user: int) -> bool:
    annex = message.annex
    return message.sender == user or (annex is not None and (user in annex.mentions or user in annex.reactions))


def _vector(objects: Iterable[Any]) -> bytes:
    made = [bytes(each) for each in objects]
    return struct.pack("<Ii", _VECTOR, len(made)) + b"".join(made)
