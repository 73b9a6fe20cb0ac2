"""`updateShortMessage` and `updateShortChatMessage` as bytes, straight from what the world keeps.

They go out for nearly every message, to each device of each member: a member costs a few packed numbers, and the text
is made into bytes once for all. Promises what the codec would write for the same update.
"""

from __future__ import annotations

import struct
from typing import Any

from telethon.tl import types
from telethon.tl.tlobject import TLObject

from teleflow.sandbox.world.records import Entry, Message

_OUT, _REPLY, _ENTITIES, _SILENT = 1 << 1, 1 << 3, 1 << 7, 1 << 13
_PRIVATE = struct.Struct("<IIiq")
_GROUP = struct.Struct("<IIiqq")
_COUNTS = struct.Struct("<iii")
_VECTOR = struct.Struct("<Ii")


class ShortForms:
    """Remembers the text of the message that is being told."""

    def __init__(self) -> None:
        self._text = ""
        self._packed = bytes(4)

    def of(self, entry: Entry, message: Message, reply: Any) -> bytes:
        """The update of the entry's owner; `reply` is the header of an answer as TL, or None."""
        peer = message.peer_for(entry.owner)
        flags = _OUT if message.sender == entry.owner else 0
        if message.silent:
            flags |= _SILENT
        if reply is not None:
            flags |= _REPLY
        if message.entities:
            flags |= _ENTITIES
        if peer < 0:
            constructor = types.UpdateShortChatMessage.CONSTRUCTOR_ID
            head = _GROUP.pack(constructor, flags, entry.ids[0], message.sender, -peer)
        else:
            head = _PRIVATE.pack(types.UpdateShortMessage.CONSTRUCTOR_ID, flags, entry.ids[0], peer)
        parts = [head, self._bytes_of(message.text), _COUNTS.pack(entry.pts, entry.count, message.date)]
        if reply is not None:
            parts.append(bytes(reply))
        if message.entities:
            parts += _VECTOR.pack(0x1CB5C415, len(message.entities)), *message.entities
        return b"".join(parts)

    def _bytes_of(self, text: str) -> bytes:
        if text is not self._text:
            self._text, self._packed = text, bytes(TLObject.serialize_bytes(text))
        return self._packed
