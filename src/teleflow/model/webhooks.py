"""Webhooks: endpoints that are sent events, and what became of each delivery."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from teleflow.model.events import EventFilter

BEHIND = 2**62  # the `due_at` of what waits for another delivery to end


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


class Disabled(enum.StrEnum):
    """Why the service disabled an endpoint."""

    FAILING = "FAILING"  # nothing but failures for days
    GONE = "GONE"  # it answered 410


class RecoveryState(enum.StrEnum):
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint. Every attempt carries the same id and the same bytes.

    `attempts` counts all, `earlier` those before it was begun anew: the retry policy begins anew too. `status`, `error`
    and `duration_ms` are of the last attempt, `response` too where it was asked for.
    """

    id: str
    webhook_id: str
    user_id: str
    event_id: str
    event_type: str
    session_id: str | None
    state: DeliveryState
    attempts: int
    earlier: int
    due_at: int
    created_at: int
    ended_at: int | None = None
    status: int | None = None
    error: str | None = None
    duration_ms: int | None = None
    response: str | None = None

    @property
    def waits_until_due(self) -> bool:
        """Waits for its hour, and not for the end of another delivery."""
        return self.state is DeliveryState.PENDING and self.due_at < BEHIND


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose turn it is. `is_test`: there is one attempt and no more. `planned_at`: Unix milliseconds."""

    id: str
    event_type: str
    session_id: str | None
    attempts: int
    earlier: int
    body: bytes
    is_test: bool
    planned_at: int | None = None


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


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of an attempt at a delivery.

    `again_at`: when the next one is due (Unix ms); None when there is none: then `success` tells how it ended. `gone`:
    the endpoint wants no more of anything. `counts`: whether it tells of the endpoint's health, as a test's does not.
    """

    delivery_id: str
    attempt: Attempt
    success: bool
    again_at: int | None = None
    gone: bool = False
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Recovery:
    """A job: send again what an endpoint did not get of the events from `since` to `until` (Unix ms).

    `cursor` is the number of the last event that was looked at, `found` how many deliveries were begun (anew).
    """

    id: str
    webhook_id: str
    user_id: str
    since: int
    until: int
    cursor: int
    found: int
    state: RecoveryState
    created_at: int
    ended_at: int | None = None


@dataclass(frozen=True, slots=True)
class DeliveryStats:
    """Of the deliveries of one endpoint that were planned since an instant. Durations in ms, of last attempts."""

    pending: int = 0
    delivered: int = 0
    failed: int = 0
    cancelled: int = 0
    attempts: int = 0
    mean_ms: int | None = None
    slowest_ms: int | None = None
    last_success_at: int | None = None
    last_failure_at: int | None = None
