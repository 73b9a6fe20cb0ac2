"""Telegram's peers and the world's marked ids, both ways."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.world.chat_records import CHANNEL_MARK, bare, is_channel


def peer_of(marked: int) -> Any:
    """`PeerUser`, `PeerChat` or `PeerChannel`."""
    if marked > 0:
        return types.PeerUser(marked)
    return types.PeerChannel(bare(marked)) if is_channel(marked) else types.PeerChat(-marked)


def channel_id(number: int) -> int:
    """The marked id of the channel that TL calls `number`."""
    return -CHANNEL_MARK - number
