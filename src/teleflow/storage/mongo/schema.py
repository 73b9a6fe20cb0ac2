"""The collections, as data: their names, their indexes, what goes with whom.

They are called as the tables of SQL are, behind a prefix: a database of the multi-tenant sender has collections
`users`, `tokens` and `logs` of its own, which stay as they are. Documents hold the fields of the model; `_id` is the
id, or what identifies it put together (`part.key`). An index of TTL is a second broom: the sweep removes what has
expired, and queries never see it; the server takes what no service swept for a day.
"""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "tf_"

# The order in which a commit writes, for readers in between where the server has no transactions: what refers to
# something comes after it, and what makes it visible comes last.
COLLECTIONS = (
    "users",
    "logins",
    "refresh_tokens",
    "api_keys",
    "sessions",
    "session_credentials",
    "session_profiles",
    "login_attempts",
    "code_requests",
    "peers",
    "phone_lookups",
    "holds",
    "acquaintances",
    "stream_tickets",
    "chat_creations",
    "send_log",
    "send_jobs",
    "idempotency_keys",
    "opt_outs",
    "broadcasts",
    "broadcast_recipients",
    "webhooks",
    "update_positions",
    "chat_faces",
    "events",
    "webhook_deliveries",
    "webhook_attempts",
    "webhook_recoveries",
    "event_logs",
    "facts",
    "audit_log",
    "graves",
)
RANK = {name: place for place, name in enumerate(COLLECTIONS)}

# What goes with a user, and with a session: the field that names whose it is.
OF_USER = {
    "logins": "user_id",
    "refresh_tokens": "user_id",
    "api_keys": "user_id",
    "stream_tickets": "user_id",
    "chat_creations": "user_id",
    "idempotency_keys": "user_id",
    "events": "user_id",
    "event_logs": "user_id",
    "opt_outs": "user_id",
    "broadcasts": "user_id",
    "broadcast_recipients": "user_id",
    "webhooks": "user_id",
    "webhook_deliveries": "user_id",
    "webhook_attempts": "user_id",
    "webhook_recoveries": "user_id",
}
OF_SESSION = {
    "session_credentials": "session_id",
    "session_profiles": "session_id",
    "login_attempts": "session_id",
    "peers": "session_id",
    "phone_lookups": "session_id",
    "holds": "session_id",
    "acquaintances": "session_id",
    "update_positions": "session_id",
    "chat_faces": "session_id",
}


@dataclass(frozen=True, slots=True)
class Index:
    """`keys` as in a sort. `partial`: only documents that match this."""

    collection: str
    keys: tuple[tuple[str, int], ...]
    unique: bool = False
    partial: tuple[tuple[str, object], ...] = ()


def _i(collection: str, *fields: str, unique: bool = False, partial: tuple[tuple[str, object], ...] = ()) -> Index:
    """A field's name with a minus before it is indexed downwards."""
    return Index(
        collection,
        tuple((name.removeprefix("-"), -1 if name.startswith("-") else 1) for name in fields),
        unique,
        partial,
    )


_OPEN: tuple[tuple[str, object], ...] = (("is_open", 1),)
INDEXES: tuple[Index, ...] = (
    _i("users", "username", unique=True),
    _i("users", "-created_at", "-_id"),
    _i("users", "role"),
    _i("logins", "user_id"),
    _i("logins", "expires_at"),
    _i("refresh_tokens", "login_id"),
    _i("refresh_tokens", "user_id"),
    _i("refresh_tokens", "expires_at"),
    _i("api_keys", "hash", unique=True),
    _i("api_keys", "user_id", "_id"),
    _i("api_keys", "expires_at"),
    _i("sessions", "user_id", "name", unique=True),
    _i("sessions", "user_id", "_id"),
    _i("sessions", "authorised", "_id"),
    _i("sessions", "state"),
    _i("session_credentials", "auth_key_fingerprint", unique=True),
    _i("login_attempts", "expires_at"),
    _i("code_requests", "phone", "requested_at"),
    _i("code_requests", "requested_at"),
    _i("peers", "session_id", "username"),
    _i("phone_lookups", "session_id"),
    _i("holds", "session_id"),
    _i("holds", "until"),
    _i("acquaintances", "session_id", "met_at"),
    _i("stream_tickets", "user_id"),
    _i("stream_tickets", "expires_at"),
    _i("chat_creations", "user_id", "session_id"),
    _i("chat_creations", "began_at"),
    _i("send_log", "user_id", "-_id"),
    _i("send_jobs", "user_id", "-_id"),
    # Whoever looks for open ones walks them from the oldest on (`sends.OPEN`).
    _i("send_jobs", "created_at", "_id", "lease_until", partial=_OPEN),
    _i("idempotency_keys", "user_id"),
    _i("idempotency_keys", "created_at"),
    _i("events", "user_id", "number"),
    _i("update_positions", "session_id"),
    _i("chat_faces", "session_id"),
    _i("webhooks", "user_id", "-created_at", "-_id"),
    _i("webhooks", "active", "_id"),
    _i("webhook_deliveries", "user_id"),
    _i("webhook_deliveries", "webhook_id", "-created_at", "-_id"),
    _i("webhook_deliveries", "webhook_id", "event_number"),
    _i("webhook_deliveries", "webhook_id", "due_at", "_id", partial=_OPEN),
    _i("webhook_deliveries", "webhook_id", "order_key", "event_number", partial=_OPEN),
    _i("webhook_deliveries", "user_id", "event_number", partial=_OPEN),
    _i("webhook_attempts", "delivery_id", "number"),
    _i("webhook_attempts", "webhook_id"),
    _i("webhook_attempts", "user_id"),
    _i("webhook_recoveries", "webhook_id", "-created_at", "-_id"),
    _i("webhook_recoveries", "user_id"),
    _i("webhook_recoveries", "state", "_id"),
    _i("broadcasts", "user_id", "-_id"),
    _i("broadcasts", "state", "_id"),
    _i("broadcast_recipients", "broadcast_id", "number"),
    _i("broadcast_recipients", "broadcast_id", "state", "number"),
    _i("broadcast_recipients", "broadcast_id", "chat_id"),
    _i("broadcast_recipients", "broadcast_id", partial=(("state", "queued"),)),
    _i("broadcast_recipients", "user_id"),
    _i("opt_outs", "user_id", "peer", unique=True),
    _i("opt_outs", "user_id", "-_id"),
    _i("audit_log", "created_at"),
    _i("audit_log", "user_id", "_id"),
    _i("audit_log", "actor_id", "_id"),
    _i("audit_log", "action", "_id"),
)
# Collections whose documents may carry `gone_at`, a date: the server's TTL removes them a day after it.
WITH_TTL = (
    "logins",
    "refresh_tokens",
    "login_attempts",
    "stream_tickets",
    "code_requests",
    "idempotency_keys",
    "holds",
)
TTL_FIELD = "gone_at"
TTL_S = 86_400
