"""Webhooks: endpoints that are sent events, and what became of each delivery."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from teleflow.model.events import EventFilter


class RetryPolicy(enum.StrEnum):
    DEFAULT = "default"  # for more than 75 hours
    LEGACY = "legacy"  # the seed's three attempts
    NONE = "none"


class Ordering(enum.StrEnum):
    """What waits for what: nothing; a session's (or a chat's) next event for the one before, or for its exhaustion."""

    NONE = "none"
    SESSION = "session"
    CHAT = "chat"


class DeliveryState(enum.StrEnum):
    PENDING = "pending"  # waits for its first or its next attempt
    DELIVERED = "delivered"
    FAILED = "failed"  # attempts exhausted, or an answer that ends them
    CANCELLED = "cancelled"  # the webhook was deleted or disabled for good meanwhile


@dataclass(frozen=True, slots=True, repr=False)
class Webhook:
    """An endpoint. Secrets are sealed at rest and never printed. Instants are Unix milliseconds.

    `old_secret` signs beside `secret` until `old_secret_until`. `failing_since`: the first failure of an unbroken
    row of failures. `disabled_because`: set when the service disabled it (`FAILING`, `GONE`), None when its owner did.
    """

    id: str
    user_id: str
    url: str
    wanted: EventFilter
    secret: str
    active: bool
    created_at: int
    updated_at: int
    headers: Mapping[str, str] = field(default_factory=dict)
    policy: RetryPolicy = RetryPolicy.DEFAULT
    ordering: Ordering = Ordering.NONE
    description: str = ""
    old_secret: str | None = None
    old_secret_until: int | None = None
    failing_since: int | None = None
    disabled_because: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint. Every attempt carries the same id and the same bytes."""

    id: str
    webhook_id: str
    user_id: str
    event_id: str
    event_type: str
    session_id: str | None
    state: DeliveryState
    attempts: int
    due_at: int
    created_at: int
    ended_at: int | None = None
    status: int | None = None
    error: str | None = None
    response: str | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. `status` is None when no answer came: then `error` tells why. `response`: its first 8 KiB, as text."""

    number: int
    at: int
    duration_ms: int
    status: int | None
    error: str | None
    request_headers: Mapping[str, str]
    response_headers: Mapping[str, str]
    response: str
