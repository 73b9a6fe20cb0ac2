"""The event log, and where sessions stand in Telegram's updates."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from teleflow.storage.sql.schema.columns import flag, metadata, number, owned_by, text

# A user's log: the two ends of it. `newest` is the counter that numbers come from; it never goes back.
event_logs = Table(
    "event_logs",
    metadata,
    owned_by("users", "user_id", key=True),
    number("newest"),
    number("oldest"),
    number("endpoints"),  # active webhooks of the user: without any, nothing has to be planned
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    metadata,
    owned_by("users", "user_id", key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    text("id"),
    text("type"),
    text("session_id", null=True),
    number("chat_id", null=True),
    number("at"),
    number("logged_at"),
    Column("body", LargeBinary, nullable=False),  # the event's JSON, as everybody is sent it
    Index("uq_events_user_id_id", "user_id", "id", unique=True),
)  # with row numbers: bodies then lie in the order of their coming, and many users' share the pages that are written

update_positions = Table(
    "update_positions",
    metadata,
    owned_by("sessions", "session_id", key=True),
    Column("box", BigInteger, primary_key=True, autoincrement=False),  # 0: the account's, else a channel's bare id
    number("pts"),
    number("qts"),
    number("date"),
    number("seq"),
    number("top_message"),
    number("read_max"),
    sqlite_with_rowid=False,
)

# Chats as their session saw them last: what a change is told from.
chat_faces = Table(
    "chat_faces",
    metadata,
    owned_by("sessions", "session_id", key=True),
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    text("type"),
    text("title"),
    text("username", null=True),
    number("photo_id", null=True),
    flag("has_left"),
    flag("admin"),
    flag("forbidden"),
    sqlite_with_rowid=False,
)

# One-time tickets for streams: the hash of each, whose login or key it speaks for, and how much of that it may see.
stream_tickets = Table(
    "stream_tickets",
    metadata,
    Column("hash", Text, primary_key=True),
    owned_by("users", "user_id"),
    text("login_id"),
    text("types"),
    text("session_id", null=True),
    number("until", null=True),  # when what proved its maker ends by itself
    number("expires_at"),
    Index("ix_stream_tickets_user_id", "user_id"),
    Index("ix_stream_tickets_expires_at", "expires_at"),
    sqlite_with_rowid=False,
)
