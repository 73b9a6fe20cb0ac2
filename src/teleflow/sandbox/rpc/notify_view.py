"""An account's notification settings as TL; needs nothing but its record."""

from __future__ import annotations

from typing import Any

from telethon.extensions import BinaryReader
from telethon.tl import types

from teleflow.sandbox.world.records import Person


def settings_of(person: Person, scope: str) -> Any:
    """`peerNotifySettings` of a kind of chats, or of one chat by its marked id."""
    kept = person.account.notify.get(scope)
    if kept is None:
        return types.PeerNotifySettings()
    with BinaryReader(kept) as reader:
        return reader.tgread_object()
