"""Topics of forums as plain records."""

from __future__ import annotations

import msgspec

# the topic of everything that was not put into another; it cannot be deleted
GENERAL = 1


class Topic(msgspec.Struct, omit_defaults=True):
    """One topic, numbered as the message that began it. A deleted one stays, so that its number is known as gone."""

    chat: int
    id: int
    title: str
    creator: int
    date: int
    icon_color: int = 0
    icon_emoji: int = 0
    # uid of the message that began it; 0 for the general topic
    root: int = 0
    closed: bool = False
    hidden: bool = False
    deleted: bool = False
