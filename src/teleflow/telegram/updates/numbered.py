"""Which box an update is of, and its place in that box."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from telethon.tl import types as tl

from teleflow.model.updates import ACCOUNT

OF_CHANNEL = (
    tl.UpdateNewChannelMessage,
    tl.UpdateEditChannelMessage,
    tl.UpdateDeleteChannelMessages,
    tl.UpdateChannelWebPage,
    tl.UpdatePinnedChannelMessages,
)


@dataclass(slots=True)
class Moved:
    """A box went on by something that there is nothing to tell of. Not Telegram's: made of what requests answer."""

    pts: int
    pts_count: int
    channel_id: int = ACCOUNT


def numbered(update: Any) -> tuple[int, int | None, int]:
    """(box, pts, pts_count); pts is None for what has no place in a box."""
    pts = getattr(update, "pts", None)
    count = getattr(update, "pts_count", None)
    if pts is None or count is None:
        return ACCOUNT, None, 0
    if isinstance(update, Moved):
        return update.channel_id, pts, count
    if isinstance(update, tl.UpdateNewChannelMessage | tl.UpdateEditChannelMessage):
        peer = update.message.peer_id
        return (peer.channel_id if isinstance(peer, tl.PeerChannel) else ACCOUNT), pts, count
    if isinstance(update, OF_CHANNEL):
        return update.channel_id, pts, count
    return ACCOUNT, pts, count


def unread_from(update: Any) -> int:
    """Up to where a channel was read at least before its first message that we hear of; 0: unknown."""
    return max(1, update.message.id - 1) if isinstance(update, tl.UpdateNewChannelMessage) else 0


def new(message: Any, *, channel: bool = False) -> Any:
    """A message of a difference as the update that it stands for; its own number is not told."""
    if channel:
        return tl.UpdateNewChannelMessage(message, 0, 0)
    return tl.UpdateNewMessage(message, 0, 0)


def shown_in(update: Any) -> Iterator[tuple[int, int]]:
    """(box, number) of a new message."""
    if isinstance(update, tl.UpdateNewMessage | tl.UpdateNewChannelMessage):
        yield numbered(update)[0], update.message.id
