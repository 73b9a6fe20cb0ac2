"""Chats that were asked for, from before Telegram was asked until nobody repeats the request."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text

from teleflow.storage.sql.schema.columns import metadata, number, owned_by, text

chat_creations = Table(
    "chat_creations",
    metadata,
    Column("id", Text, primary_key=True),
    owned_by("users", "user_id"),
    text("session_id"),
    text("kind"),
    text("title"),
    number("began_at"),
    number("chat_id", null=True),  # once it is known
    Index("ix_chat_creations_user_id_session_id", "user_id", "session_id"),
    Index("ix_chat_creations_began_at", "began_at"),
)
