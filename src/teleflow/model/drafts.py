"""What was begun to be written in a chat. Ids are marked, instants Unix seconds."""

from __future__ import annotations

from dataclasses import dataclass

from teleflow.model.entities import Entity


@dataclass(frozen=True, slots=True)
class Draft:
    chat_id: int
    text: str
    at: int
    entities: tuple[Entity, ...] = ()
    reply_to: int | None = None
    topic_id: int | None = None
