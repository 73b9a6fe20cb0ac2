"""How a session names its channels when it asks about them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from telethon.tl import types as tl

from teleflow.model.peers import Known, PeerKind, marked_id


class Channels:
    """`recall` finds a peer that was learnt before, by marked id."""

    def __init__(self, recall: Callable[[int], Awaitable[Known | None]]) -> None:
        self._recall = recall
        self._hashes: dict[int, int] = {}

    def see(self, chats: Iterable[Any]) -> None:
        """Chats as the data centre showed them; a `min` one has no hash that can be used."""
        for chat in chats:
            if isinstance(chat, tl.Channel) and not chat.min and chat.access_hash is not None:
                self._hashes[chat.id] = chat.access_hash

    async def named(self, channel_id: int) -> tl.InputChannel | None:
        access_hash = self._hashes.get(channel_id)
        if access_hash is None:
            known = await self._recall(marked_id(PeerKind.CHANNEL, channel_id))
            if known is None:
                return None
            access_hash = self._hashes[channel_id] = known.access_hash
        return tl.InputChannel(channel_id, access_hash)
