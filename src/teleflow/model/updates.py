"""Where a session stands in Telegram's stream of updates (https://core.telegram.org/api/updates)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from teleflow.model.chats import ChatType

ACCOUNT = 0  # the box that private chats and basic groups share; every channel has its own


@dataclass(frozen=True, slots=True)
class BoxPosition:
    """One box: everything up to `pts` is in the log. `box` is ACCOUNT or a channel's bare id.

    `qts`, `seq` and `date` (Unix seconds) only mean something in the account's box. `top_message` is the highest
    message id of the box that the log has: where a backfill begins. `read_max` is up to where a channel was read, which
    no difference tells.
    """

    box: int
    pts: int
    qts: int = 0
    date: int = 0
    seq: int = 0
    top_message: int = 0
    read_max: int = 0

    def moved(self, place: BoxPosition) -> BoxPosition:
        """Where the box is when it is told to be there: it never goes back."""
        if place.pts < self.pts:
            return self
        top, read = max(self.top_message, place.top_message), max(self.read_max, place.read_max)
        return replace(place, top_message=top, read_max=read)


@dataclass(frozen=True, slots=True)
class Face:
    """A chat as its session saw it last: what a change is told from. `chat_id` is marked."""

    chat_id: int
    type: ChatType
    title: str
    username: str | None = None
    photo_id: int | None = None
    left: bool = False
    admin: bool = False
    forbidden: bool = False
