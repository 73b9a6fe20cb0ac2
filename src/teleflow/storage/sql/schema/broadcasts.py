"""Broadcasts, their recipients, and who wants none."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text
from sqlalchemy import text as sql

from teleflow.storage.sql.schema.columns import flag, metadata, number, owned_by, text

# They outlive their session: the report stays.
broadcasts = Table(
    "broadcasts",
    metadata,
    Column("id", Text, primary_key=True),
    owned_by("users", "user_id"),
    text("session_id"),
    text("name"),
    text("plan"),  # JSON: what is to be sent, and how
    text("state"),
    number("created_at"),
    number("updated_at"),
    number("started_at", null=True),
    number("ended_at", null=True),
    text("cause", null=True),
    text("waiting_for", null=True),
    number("waiting_until", null=True),
    number("next_at"),
    number("failed_in_a_row"),
    number("strangers_met"),
    Index("ix_broadcasts_user_id_id", "user_id", "id"),
    Index(
        "ix_broadcasts_running",
        "id",
        sqlite_where=sql("state = 'running'"),
        postgresql_where=sql("state = 'running'"),
    ),
)

broadcast_recipients = Table(
    "broadcast_recipients",
    metadata,
    owned_by("broadcasts", "broadcast_id", key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    text("peer"),  # the peer ref, in canonical form
    text("variables", null=True),  # JSON
    text("state"),
    number("chat_id", null=True),
    text("job_id", null=True),
    number("message_id", null=True),
    text("code", null=True),
    text("reason", null=True),
    flag("stranger"),
    number("queued_at", null=True),
    number("ended_at", null=True),
    Index("ix_broadcast_recipients_broadcast_id_state_number", "broadcast_id", "state", "number"),
    Index("ix_broadcast_recipients_broadcast_id_chat_id", "broadcast_id", "chat_id"),
    Index(
        "ix_broadcast_recipients_queued",
        "broadcast_id",
        sqlite_where=sql("state = 'queued'"),
        postgresql_where=sql("state = 'queued'"),
    ),
    sqlite_with_rowid=False,
)

opt_outs = Table(
    "opt_outs",
    metadata,
    Column("id", Text, primary_key=True),
    owned_by("users", "user_id"),
    text("peer"),  # a peer ref in canonical form, or a marked id
    text("note"),
    number("created_at"),
    Index("uq_opt_outs_user_id_peer", "user_id", "peer", unique=True),
    Index("ix_opt_outs_user_id_id", "user_id", "id"),
)
