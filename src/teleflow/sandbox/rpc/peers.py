"""Telegram's peers and the world's marked ids, both ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from telethon.tl import TLObject, types

from teleflow.sandbox.world.chat_records import CHANNEL_MARK, bare, is_channel


def peer_of(marked: int) -> Any:
    """`PeerUser`, `PeerChat` or `PeerChannel`."""
    if marked > 0:
        return types.PeerUser(marked)
    return types.PeerChannel(bare(marked)) if is_channel(marked) else types.PeerChat(-marked)


def channel_id(number: int) -> int:
    """The marked id of the channel that TL calls `number`."""
    return -CHANNEL_MARK - number


def spoken_of(thing: Any) -> Iterator[int]:
    """The marked ids of every peer inside a TL object."""
    if isinstance(thing, types.PeerUser):
        yield thing.user_id
    elif isinstance(thing, types.PeerChat):
        yield -thing.chat_id
    elif isinstance(thing, types.PeerChannel):
        yield channel_id(thing.channel_id)
    elif isinstance(thing, TLObject):
        for each in vars(thing).values():
            yield from spoken_of(each)
    elif isinstance(thing, list):
        for each in thing:
            yield from spoken_of(each)
