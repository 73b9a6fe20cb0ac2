"""The tables, as data: one file a noun.

Only primitive column types, so that the same schema stands on SQLite and PostgreSQL: instants are Unix
milliseconds in big integers, flags are 0 or 1, secrets are sealed blobs (`kit.seal`). A change here needs a
migration beside it; a test compares both.
"""

from __future__ import annotations

from teleflow.storage.sql.schema.audit import audit_log
from teleflow.storage.sql.schema.broadcasts import broadcast_recipients, broadcasts, opt_outs
from teleflow.storage.sql.schema.columns import metadata
from teleflow.storage.sql.schema.creations import chat_creations
from teleflow.storage.sql.schema.events import chat_faces, event_logs, events, stream_tickets, update_positions
from teleflow.storage.sql.schema.facts import facts
from teleflow.storage.sql.schema.pacing import acquaintances, holds
from teleflow.storage.sql.schema.sends import idempotency_keys, send_jobs, send_log
from teleflow.storage.sql.schema.sessions import (
    code_requests,
    login_attempts,
    peers,
    phone_lookups,
    session_credentials,
    session_profiles,
    sessions,
)
from teleflow.storage.sql.schema.users import api_keys, logins, refresh_tokens, users
from teleflow.storage.sql.schema.webhooks import webhook_attempts, webhook_deliveries, webhook_recoveries, webhooks

__all__ = [
    "acquaintances",
    "api_keys",
    "audit_log",
    "broadcast_recipients",
    "broadcasts",
    "chat_creations",
    "chat_faces",
    "code_requests",
    "event_logs",
    "events",
    "facts",
    "holds",
    "idempotency_keys",
    "login_attempts",
    "logins",
    "metadata",
    "opt_outs",
    "peers",
    "phone_lookups",
    "refresh_tokens",
    "send_jobs",
    "send_log",
    "session_credentials",
    "session_profiles",
    "sessions",
    "stream_tickets",
    "update_positions",
    "users",
    "webhook_attempts",
    "webhook_deliveries",
    "webhook_recoveries",
    "webhooks",
]
