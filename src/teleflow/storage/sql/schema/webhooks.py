"""Webhooks, and what became of what they were sent."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Index, LargeBinary, SmallInteger, Table, Text
from sqlalchemy import text as sql

from teleflow.storage.sql.schema.columns import flag, metadata, number, owned_by, sealed, text

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Text, primary_key=True),
    owned_by("users", "user_id"),
    text("url"),
    text("types"),  # JSON
    text("session_ids", null=True),  # JSON; null: all of the user's
    sealed("headers", null=True),  # JSON: they may hold a receiver's password
    sealed("secret"),
    sealed("old_secret", null=True),
    number("old_secret_until", null=True),
    text("policy"),
    text("ordering"),
    text("description"),
    flag("active"),
    number("failing_since", null=True),
    text("disabled_because", null=True),
    number("created_at"),
    number("updated_at"),
    Index("ix_webhooks_user_id_id", "user_id", "id"),
)

_OPEN: dict[str, Any] = {"sqlite_where": sql("is_open = 1"), "postgresql_where": sql("is_open = 1")}
_OPEN_IN_ORDER = "is_open = 1 AND order_key IS NOT NULL"
_ORDERED: dict[str, Any] = {"sqlite_where": sql(_OPEN_IN_ORDER), "postgresql_where": sql(_OPEN_IN_ORDER)}

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    owned_by("webhooks", "webhook_id"),
    text("user_id"),
    text("event_id"),
    text("event_type"),
    number("event_number", null=True),  # its place in the log, where its body is
    text("session_id", null=True),
    text("order_key", null=True),  # of two with one key, the later waits for the earlier
    Column("body", LargeBinary, nullable=True),  # only of what is in no log: a test
    text("state"),
    number("attempts"),
    number("earlier"),  # those before it was begun anew
    number("due_at"),  # while an attempt is under way, when to believe that it has died
    flag("is_open"),
    number("created_at"),
    number("ended_at", null=True),
    number("status", null=True),
    text("error", null=True),
    number("duration_ms", null=True),
    Column("taken", SmallInteger, nullable=False, server_default="0"),  # an attempt is under way: common.webhooks
    Index("ix_webhook_deliveries_planned", "webhook_id", "created_at", "id"),
    Index("uq_webhook_deliveries_event", "webhook_id", "event_number", unique=True),
    Index("ix_webhook_deliveries_due", "webhook_id", "due_at", "id", **_OPEN),
    Index("ix_webhook_deliveries_order", "webhook_id", "order_key", "event_number", **_ORDERED),
    Index("ix_webhook_deliveries_carried", "user_id", "event_number", **_OPEN),
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    owned_by("webhook_deliveries", "delivery_id", key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    number("at"),
    number("duration_ms"),
    number("status", null=True),
    text("error", null=True),
    text("request_headers"),  # JSON
    text("response_headers"),  # JSON
    text("response"),
    sqlite_with_rowid=False,
)

# "Send again what failed since": a job that a restart does not forget.
webhook_recoveries = Table(
    "webhook_recoveries",
    metadata,
    Column("id", Text, primary_key=True),
    owned_by("webhooks", "webhook_id"),
    text("user_id"),
    number("since"),
    number("until"),
    number("cursor"),  # the number of the last event that was looked at
    number("found"),
    text("state"),
    number("created_at"),
    number("ended_at", null=True),
    Index("ix_webhook_recoveries_webhook_id_id", "webhook_id", "id"),
)
