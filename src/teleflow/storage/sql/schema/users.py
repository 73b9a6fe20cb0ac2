"""Users, and what proves that somebody is one."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text, UniqueConstraint

from teleflow.storage.sql.schema.columns import flag, metadata, number, owned_by, sealed, text

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    text("username"),
    text("role"),
    text("password_hash"),
    text("telegram_phone", null=True),
    number("telegram_api_id", null=True),
    sealed("telegram_api_hash", null=True),
    text("description", null=True),
    number("created_at"),
    UniqueConstraint("username"),
    Index("ix_users_created_at", "created_at"),
)

logins = Table(
    "logins",
    metadata,
    Column("id", Text, primary_key=True),
    owned_by("users", "user_id"),
    number("created_at"),
    number("expires_at"),
    Index("ix_logins_user_id", "user_id"),
    Index("ix_logins_expires_at", "expires_at"),
    sqlite_with_rowid=False,
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("hash", Text, primary_key=True),
    owned_by("logins", "login_id"),
    text("user_id"),
    number("created_at"),
    number("expires_at"),
    number("used_at", null=True),
    Index("ix_refresh_tokens_login_id", "login_id"),
    Index("ix_refresh_tokens_expires_at", "expires_at"),
    sqlite_with_rowid=False,
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    owned_by("users", "user_id"),
    text("name"),
    text("hash"),  # SHA-256 of the key, hex
    text("prefix"),
    text("scopes"),  # separated by blanks
    text("session_ids", null=True),  # JSON; null: all of the user's
    number("rate_limit", null=True),
    flag("by_login"),
    number("created_at"),
    number("expires_at", null=True),
    number("last_used_at", null=True),
    UniqueConstraint("hash"),
    Index("ix_api_keys_user_id_id", "user_id", "id"),
    Index("ix_api_keys_expires_at", "expires_at"),
)
