"""The tables, as data.

Only primitive column types, so that the same schema stands on SQLite and PostgreSQL: instants are Unix
milliseconds in big integers, flags are 0 or 1, secrets are sealed blobs (`kit.seal`). A change here needs a
migration beside it; a test compares both.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

# `sqlite_with_rowid=False`: small rows live in their key's own tree there, one write instead of two.
# On SQLite a row number is an INTEGER key; everywhere else it needs 64 bits.
_ROW_NUMBER = BigInteger().with_variant(Integer(), "sqlite")


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _number(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def _flag(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, SmallInteger, nullable=null)


def _sealed(name: str, *, null: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=null)


def _owned_by(parent: str, name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Text, ForeignKey(f"{parent}.id", ondelete="CASCADE"), primary_key=key, nullable=False)


facts = Table(
    "facts",
    metadata,
    Column("key", Text, primary_key=True),
    _text("value"),
    sqlite_with_rowid=False,
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    _text("username"),
    _text("role"),
    _text("password_hash"),
    _text("telegram_phone", null=True),
    _number("telegram_api_id", null=True),
    _sealed("telegram_api_hash", null=True),
    _text("description", null=True),
    _number("created_at"),
    UniqueConstraint("username"),
    Index("ix_users_created_at", "created_at"),
)

logins = Table(
    "logins",
    metadata,
    Column("id", Text, primary_key=True),
    _owned_by("users", "user_id"),
    _number("created_at"),
    _number("expires_at"),
    Index("ix_logins_user_id", "user_id"),
    Index("ix_logins_expires_at", "expires_at"),
    sqlite_with_rowid=False,
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("hash", Text, primary_key=True),
    _owned_by("logins", "login_id"),
    _text("user_id"),
    _number("created_at"),
    _number("expires_at"),
    _number("used_at", null=True),
    Index("ix_refresh_tokens_login_id", "login_id"),
    Index("ix_refresh_tokens_expires_at", "expires_at"),
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    _owned_by("users", "user_id"),
    _text("name"),
    _text("phone"),
    _text("state"),
    _text("cause", null=True),
    _number("state_since"),
    _flag("authorised"),
    _number("account_id", null=True),
    _text("account_name", null=True),
    _number("created_at"),
    _number("last_online_at", null=True),
    UniqueConstraint("user_id", "name"),
    Index("ix_sessions_user_id_id", "user_id", "id"),
)

session_credentials = Table(
    "session_credentials",
    metadata,
    _owned_by("sessions", "session_id", key=True),
    Column("dc_id", Integer, nullable=False),
    _text("host"),
    Column("port", Integer, nullable=False),
    _sealed("auth_key"),
    _text("auth_key_fingerprint"),  # SHA-256, hex: one key must not live in two sessions
    _number("salt"),
    _number("api_id"),
    _sealed("api_hash"),
    UniqueConstraint("auth_key_fingerprint"),
)

login_attempts = Table(
    "login_attempts",
    metadata,
    _owned_by("sessions", "session_id", key=True),
    _text("phone"),
    _sealed("phone_code_hash"),
    _text("code_type"),
    _text("next_type", null=True),
    _number("resend_at", null=True),
    _number("expires_at"),
    Column("tries", Integer, nullable=False),
    Column("password_tries", Integer, nullable=False),
    _number("created_at"),
    Index("ix_login_attempts_expires_at", "expires_at"),
)

code_requests = Table(
    "code_requests",
    metadata,
    Column("id", _ROW_NUMBER, primary_key=True, autoincrement=True),
    _text("phone"),
    _number("requested_at"),
    Index("ix_code_requests_phone_requested_at", "phone", "requested_at"),
    Index("ix_code_requests_requested_at", "requested_at"),
)

peers = Table(
    "peers",
    metadata,
    _owned_by("sessions", "session_id", key=True),
    Column("peer_id", BigInteger, primary_key=True, autoincrement=False),  # marked: it tells the kind too
    _sealed("access_hash"),
    _text("phone", null=True),
    _text("username", null=True),  # lower case
    _text("name", null=True),
    _number("migrated_to", null=True),
    _number("seen_at"),
    Index("ix_peers_session_id_username", "session_id", "username"),
    sqlite_with_rowid=False,
)

phone_lookups = Table(
    "phone_lookups",
    metadata,
    _owned_by("sessions", "session_id", key=True),
    Column("phone", Text, primary_key=True),
    _number("account_id", null=True),  # null: Telegram would not say who has this number
    _number("looked_up_at"),
    sqlite_with_rowid=False,
)

# Jobs and log rows outlive their session, and log rows their user too: no foreign keys here.
send_log = Table(
    "send_log",
    metadata,
    Column("id", _ROW_NUMBER, primary_key=True, autoincrement=True),
    _text("user_id"),
    _text("username"),
    _text("from_phone"),
    _text("to_phone"),
    _text("message"),
    _flag("success", null=True),
    _text("detail"),
    _number("created_at"),
    Index("ix_send_log_user_id_id", "user_id", "id"),
)

send_jobs = Table(
    "send_jobs",
    metadata,
    Column("id", Text, primary_key=True),
    _text("user_id"),
    _text("session_id"),
    _number("random_id"),
    _text("chat"),  # the peer ref, as written
    _text("kind"),
    _text("text"),
    _text("options", null=True),  # JSON: whatever makes it more than a plain text
    _text("state"),
    Column("attempts", Integer, nullable=False),
    _number("created_at"),
    _number("message_id", null=True),
    _number("chat_id", null=True),
    _text("error_kind", null=True),
    _text("error_code", null=True),
    _text("error_message", null=True),
    _number("retry_after_ms", null=True),
    _number("due_at", null=True),
    _text("result", null=True),  # JSON: the message as its caller was told it
    _number("log_id"),
    _number("ended_at", null=True),
    _flag("is_open"),
    _text("lease_node", null=True),
    _number("lease_until"),
    Index("ix_send_jobs_user_id_id", "user_id", "id"),
    Index(
        "ix_send_jobs_open",  # claims walk it from the oldest on, without touching the rows
        "created_at",
        "id",
        "lease_until",
        sqlite_where=text("is_open = 1"),
        postgresql_where=text("is_open = 1"),
    ),
    Index(
        "ix_send_jobs_open_session_id",
        "session_id",
        sqlite_where=text("is_open = 1"),
        postgresql_where=text("is_open = 1"),
    ),
)

# What Telegram told a session to wait for, or to leave alone: obeyed across restarts.
holds = Table(
    "holds",
    metadata,
    _owned_by("sessions", "session_id", key=True),
    Column("method", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    _number("until"),
    _text("kind"),
    _text("code"),
    _text("message"),
    Index("ix_holds_until", "until"),
    sqlite_with_rowid=False,
)

# People that a session has talked to. `stranger`: we wrote first, and it was counted.
acquaintances = Table(
    "acquaintances",
    metadata,
    _owned_by("sessions", "session_id", key=True),
    Column("peer_id", BigInteger, primary_key=True, autoincrement=False),
    _number("met_at"),
    _flag("stranger"),
    Index("ix_acquaintances_session_id_met_at", "session_id", "met_at"),
    sqlite_with_rowid=False,
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    _owned_by("users", "user_id", key=True),
    Column("key", Text, primary_key=True),
    _text("fingerprint"),
    _text("job_id"),
    _number("created_at"),
    Index("ix_idempotency_keys_created_at", "created_at"),
    sqlite_with_rowid=False,
)
