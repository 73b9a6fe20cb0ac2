"""What a request has caused, as its answer: exactly the updates that the asking session is not pushed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.world.records import Entry, Origin, Person


class Gathered:
    """The entries of one request, and the answer made of them."""

    def __init__(self, desk: Desk, me: Person, origin: Origin) -> None:
        self._desk = desk
        self._me = me
        self.origin = origin
        self.entries: list[Entry] = []

    def heard(self, entry: Entry, origin: Origin | None) -> None:
        if origin is self.origin and (entry.owner == self._me.id or entry.owner < 0):
            self.entries.append(entry)

    def updates(self, *more: int, first: Iterable[Any] = ()) -> Any:
        """`updates` with whoever is in them, and with the chats and people of `more` (marked ids)."""
        desk, me = self._desk, self._me
        involved = {me.id, *more}
        told = list(first)
        for entry in self.entries:
            chat = desk.world.chats.by_id.get(entry.owner)
            if chat is not None and not desk.world.chats.visible(chat, me.id):
                continue
            box = desk.world.messages.box(entry.owner)
            update = desk.view.update(box, entry, me.id)
            if update is None:
                continue
            told.append(update)
            involved |= {entry.peer, entry.chat}
            if entry.kind in {"message", "edit"}:
                involved |= desk.view.involved(box, entry.ids)
            elif entry.kind == "poll":
                involved |= desk.view.beside(entry)
            elif entry.kind == "participants":
                involved.update(desk.view.rooms.people_of(entry.chat))
        users, chats = desk.view.users(me, involved), desk.view.chats(me, involved)
        return types.Updates(updates=told, users=users, chats=chats, date=desk.now(), seq=0)


@contextmanager
def gathering(desk: Desk, caller: Caller, me: Person) -> Iterator[Gathered]:
    """Listen while the world does what is asked; pass `origin` on."""
    gathered = Gathered(desk, me, desk.origin(caller))
    observers = desk.world.observers
    observers.append(gathered.heard)
    try:
        yield gathered
    finally:
        observers.remove(gathered.heard)
