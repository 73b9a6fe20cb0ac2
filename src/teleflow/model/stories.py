"""Stories: photos and videos that are shown for a time (https://core.telegram.org/api/stories)."""

from __future__ import annotations

from dataclasses import dataclass

from teleflow.model.entities import Entity
from teleflow.model.media import Media


@dataclass(frozen=True, slots=True)
class Story:
    """As one session sees it. `chat_id` is marked, instants are Unix seconds. `pinned`: shown beside the profile.

    `audience` is public, contacts, close_friends or selected_contacts, as far as Telegram tells.
    """

    id: int
    chat_id: int
    date: int
    expires_at: int
    text: str = ""
    entities: tuple[Entity, ...] = ()
    media: Media | None = None
    pinned: bool = False
    edited: bool = False
    protected: bool = False
    outgoing: bool = False
    audience: str | None = None
    views: int | None = None
    reactions: int | None = None


@dataclass(frozen=True, slots=True)
class StoriesOfChat:
    """What a chat tells now, the oldest first. `read_up_to`: the newest that the account has seen."""

    chat_id: int
    stories: tuple[Story, ...]
    read_up_to: int | None = None
