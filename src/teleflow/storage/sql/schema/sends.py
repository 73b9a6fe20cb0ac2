"""Send jobs, their log, and requests that must not happen twice."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text
from sqlalchemy import text as sql

from teleflow.storage.sql.schema.columns import ROW_NUMBER, flag, metadata, number, owned_by, sealed, text

# Jobs and log rows outlive their session, and log rows their user too: no foreign keys here.
send_log = Table(
    "send_log",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True, autoincrement=True),
    text("user_id"),
    text("username"),
    text("from_phone"),
    text("to_phone"),
    text("message"),
    flag("success", null=True),
    text("detail"),
    number("created_at"),
    Index("ix_send_log_user_id_id", "user_id", "id"),
)

send_jobs = Table(
    "send_jobs",
    metadata,
    Column("id", Text, primary_key=True),
    text("user_id"),
    text("session_id"),
    number("random_id"),
    text("chat"),  # the peer ref, as written
    text("kind"),
    text("text"),
    text("options", null=True),  # JSON: whatever makes it more than a plain text
    text("state"),
    Column("attempts", Integer, nullable=False),
    number("created_at"),
    number("message_id", null=True),
    number("chat_id", null=True),
    text("error_kind", null=True),
    text("error_code", null=True),
    text("error_message", null=True),
    number("retry_after_ms", null=True),
    number("due_at", null=True),
    sealed("result", null=True),  # what it became, as its caller was told
    number("account_id", null=True),
    number("log_id"),
    number("ended_at", null=True),
    flag("is_open"),
    text("lease_node", null=True),
    number("lease_until"),
    Index("ix_send_jobs_user_id_id", "user_id", "id"),
    Index(
        "ix_send_jobs_open",  # claims walk it from the oldest on, without touching the rows
        "created_at",
        "id",
        "lease_until",
        sqlite_where=sql("is_open = 1"),
        postgresql_where=sql("is_open = 1"),
    ),
    Index(
        "ix_send_jobs_open_session_id",
        "session_id",
        sqlite_where=sql("is_open = 1"),
        postgresql_where=sql("is_open = 1"),
    ),
)

send_jobs.add_is_dependent_on(send_log)  # by `log_id`: whoever goes through all tables meets the log first

# What came with an Idempotency-Key: a send, which is its job, or any other request, with its answer once there is one.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    owned_by("users", "user_id", key=True),
    Column("key", Text, primary_key=True),
    text("fingerprint"),
    text("job_id", null=True),
    sealed("answer", null=True),
    text("lease_node", null=True),
    number("lease_until", null=True),
    number("created_at"),
    Index("ix_idempotency_keys_created_at", "created_at"),
    sqlite_with_rowid=False,
)
