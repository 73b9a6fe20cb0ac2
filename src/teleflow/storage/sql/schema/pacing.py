"""What sessions were told to wait for, and whom they have met."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from teleflow.storage.sql.schema.columns import flag, metadata, number, owned_by, text

# What Telegram told a session to wait for, or to leave alone: obeyed across restarts.
holds = Table(
    "holds",
    metadata,
    owned_by("sessions", "session_id", key=True),
    Column("method", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    number("until"),
    text("kind"),
    text("code"),
    text("message"),
    Index("ix_holds_until", "until"),
    sqlite_with_rowid=False,
)

# People that a session has talked to. `stranger`: we wrote first, and it was counted.
acquaintances = Table(
    "acquaintances",
    metadata,
    owned_by("sessions", "session_id", key=True),
    Column("peer_id", BigInteger, primary_key=True, autoincrement=False),
    number("met_at"),
    flag("stranger"),
    Index("ix_acquaintances_session_id_met_at", "session_id", "met_at"),
    sqlite_with_rowid=False,
)
