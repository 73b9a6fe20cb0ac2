"""A story as it is told to callers."""

from __future__ import annotations

from typing import Any

from teleflow.model.stories import Story
from teleflow.wire.messages import FileId, told_entity, told_media

_PLAIN = (
    ("pinned", "pinned"),
    ("edited", "edited"),
    ("protected", "protected"),
    ("outgoing", "isOutgoing"),
    ("audience", "audience"),
    ("views", "views"),
    ("reactions", "reactions"),
)


def told_story(story: Story, file_id: FileId) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": story.id,
        "chatId": str(story.chat_id),
        "date": story.date,
        "expiresAt": story.expires_at,
        "text": story.text,
    }
    if story.entities:
        told["entities"] = [told_entity(one) for one in story.entities]
    if story.media is not None:
        told["media"] = told_media(story.media, file_id)
    for name, key in _PLAIN:  # flags are told when they are set, numbers when they are known
        held = getattr(story, name)
        if held is not None and held is not False:
            told[key] = held
    return told
