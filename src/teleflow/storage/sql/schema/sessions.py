"""Sessions, and what belongs to each."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, UniqueConstraint

from teleflow.storage.sql.schema.columns import ROW_NUMBER, flag, metadata, number, owned_by, sealed, text

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    owned_by("users", "user_id"),
    text("name"),
    text("phone"),
    text("state"),
    text("cause", null=True),
    number("state_since"),
    flag("authorised"),
    number("account_id", null=True),
    text("account_name", null=True),
    number("created_at"),
    number("last_online_at", null=True),
    text("impaired", null=True),  # restricted or frozen, whatever the connection does
    UniqueConstraint("user_id", "name"),
    Index("ix_sessions_user_id_id", "user_id", "id"),
)

session_credentials = Table(
    "session_credentials",
    metadata,
    owned_by("sessions", "session_id", key=True),
    Column("dc_id", Integer, nullable=False),
    text("host"),
    Column("port", Integer, nullable=False),
    sealed("auth_key"),
    text("auth_key_fingerprint"),  # SHA-256, hex: one key must not live in two sessions
    number("salt"),
    number("api_id"),
    sealed("api_hash"),
    UniqueConstraint("auth_key_fingerprint"),
)

session_profiles = Table(
    "session_profiles",
    metadata,
    owned_by("sessions", "session_id", key=True),
    text("device"),  # JSON
    sealed("proxy", null=True),
    number("api_id", null=True),
    sealed("api_hash", null=True),
)

login_attempts = Table(
    "login_attempts",
    metadata,
    owned_by("sessions", "session_id", key=True),
    text("phone"),
    sealed("phone_code_hash"),
    text("code_type"),
    text("next_type", null=True),
    number("resend_at", null=True),
    number("expires_at"),
    Column("tries", Integer, nullable=False),
    Column("password_tries", Integer, nullable=False),
    number("created_at"),
    Column("ticket", Text, nullable=False, server_default=""),  # what callers are given in place of Telegram's hash
    Index("ix_login_attempts_expires_at", "expires_at"),
)

code_requests = Table(
    "code_requests",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True, autoincrement=True),
    text("phone"),
    number("requested_at"),
    Index("ix_code_requests_phone_requested_at", "phone", "requested_at"),
    Index("ix_code_requests_requested_at", "requested_at"),
)

peers = Table(
    "peers",
    metadata,
    owned_by("sessions", "session_id", key=True),
    Column("peer_id", BigInteger, primary_key=True, autoincrement=False),  # marked: it tells the kind too
    sealed("access_hash"),
    text("phone", null=True),
    text("username", null=True),  # lower case
    text("name", null=True),
    number("migrated_to", null=True),
    number("seen_at"),
    Index("ix_peers_session_id_username", "session_id", "username"),
    sqlite_with_rowid=False,
)

phone_lookups = Table(
    "phone_lookups",
    metadata,
    owned_by("sessions", "session_id", key=True),
    Column("phone", Text, primary_key=True),
    number("account_id", null=True),  # null: Telegram would not say who has this number
    number("looked_up_at"),
    sqlite_with_rowid=False,
)
