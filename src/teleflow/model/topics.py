"""Topics of forums. Ids are marked, instants Unix seconds."""

from __future__ import annotations

from dataclasses import dataclass

COLOURS = (0x6FB9F0, 0xFFD67E, 0xCB86DB, 0x8EEE98, 0xFF93B2, 0xFB6F5F)
"""Telegram's own, for icons without an emoji."""


@dataclass(frozen=True, slots=True)
class Topic:
    """`id` is what messages name as `topicId`. `general` is the one that can't be deleted."""

    id: int
    title: str
    created_at: int
    by_id: int
    icon_color: int = 0
    icon_emoji_id: int | None = None
    last_message_id: int = 0
    last_at: int = 0
    unread_count: int = 0
    mine: bool = False
    closed: bool = False
    hidden: bool = False
    pinned: bool = False
    general: bool = False


@dataclass(frozen=True, slots=True)
class TopicChanges:
    """None stays as it is; the emoji 0 takes the icon away."""

    title: str | None = None
    icon_emoji_id: int | None = None
    closed: bool | None = None
    hidden: bool | None = None
    pinned: bool | None = None
