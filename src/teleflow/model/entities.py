"""Formatting of a text: which stretch of it is what. Offsets and lengths count UTF-16 code units, as Telegram does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from teleflow.errors import NotFound

_LONGEST_URL = 2_048
_MENTION = re.compile(r"tg://user\?id=([0-9]{1,16})", re.IGNORECASE)
_URL = re.compile(
    r"(?:https?://|tg://|ton://|mailto:|tel:)\S+|[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:[:/?#]\S*)?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Entity:
    """One stretch (https://core.telegram.org/api/entities).

    `type` is Telegram's name in snake case: bold, italic, underline, strikethrough, spoiler, code, pre, blockquote,
    text_link, mention_name, custom_emoji, url, email, phone, hashtag, cashtag, mention, bot_command, bank_card.
    `url` belongs to text_link, `language` to pre, `user_id` to mention_name, `document_id` to custom_emoji,
    `collapsed` to blockquote.
    """

    type: str
    offset: int
    length: int
    url: str | None = None
    language: str | None = None
    user_id: int | None = None
    document_id: int | None = None
    collapsed: bool = False


def link(target: str) -> Entity | None:
    """The entity of a link with this target, its place to be filled in.

    None for what is no link that Telegram opens (``javascript:`` …).
    """
    target = target.strip()
    mention = _MENTION.fullmatch(target)
    if mention is not None:
        return Entity("mention_name", 0, 0, user_id=int(mention.group(1)))
    if len(target) > _LONGEST_URL or not _URL.fullmatch(target):
        return None
    return Entity("text_link", 0, 0, url=target)


def mentioned_in(entities: Iterable[Entity]) -> list[int]:
    """Whom they mention by id, each once: Telegram wants these addressed."""
    return list(dict.fromkeys(one.user_id for one in entities if one.type == "mention_name" and one.user_id))


def not_mentionable(user_id: int, error: NotFound) -> NotFound:
    """The error that names the entity, from the one that says why this user can't be addressed."""
    told = {**error.details, "field": "entities", "userId": str(user_id)}
    return NotFound(f"Mentioned in the text: {error.message}", code=error.code, details=told)


def units(text: str) -> int:
    """UTF-16 code units."""
    return len(text) + sum(1 for letter in text if letter > "\uffff") if not text.isascii() else len(text)
