"""Formatting of a text: which stretch of it is what. Offsets and lengths count UTF-16 code units, as Telegram does."""

from __future__ import annotations

from dataclasses import dataclass


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
