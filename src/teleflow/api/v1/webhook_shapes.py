"""Webhooks and deliveries as they are asked for and told."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from teleflow.api.v1.envelope import Body, Shape
from teleflow.model.webhooks import Attempt, Delivery, DeliveryStats, Ordering, Recovery, RetryPolicy, Webhook
from teleflow.services.deliveries import Told
from teleflow.services.webhook_rules import MOST_DESCRIPTION, MOST_HEADERS
from teleflow.services.webhooks import MOST_OVERLAP_S, MOST_SESSIONS, MOST_TYPES, OVERLAP_S, Wish
from teleflow.webhooks.attempt import HIDDEN
from teleflow.wire.instants import iso

PolicyName = Literal["default", "legacy", "none"]
OrderingName = Literal["none", "session", "chat"]
StateName = Literal["pending", "delivered", "failed", "cancelled"]
_Text = Annotated[str, StringConstraints(max_length=2048)]
_Type = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_Events = Annotated[list[_Type], Field(min_length=1, max_length=MOST_TYPES, description="Types, `message.*`, or `*`")]
_Sessions = Annotated[
    list[_Type] | None, Field(min_length=1, max_length=MOST_SESSIONS, description="Left out or null: all of mine")
]
_Secret = Annotated[
    str | None,
    Field(min_length=1, max_length=512, description="Any text; with `whsec_` and base64, Standard Webhooks' form"),
]
_Headers = Annotated[
    dict[str, _Text] | None, Field(max_length=MOST_HEADERS, description="Sent with each delivery, and kept sealed")
]


class NewWebhookBody(Body):
    """What to send where. Without a secret one is made."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": "https://example.com/telegram", "events": ["message.*"]}]}
    )

    url: _Text
    events: _Events
    secret: _Secret = None
    is_active: bool = True
    session_ids: _Sessions = None
    headers: _Headers = None
    retry_policy: PolicyName = Field("default", description="75 hours; the older service's three attempts; one")
    ordering: OrderingName = Field("none", description="Whether an event waits for the one before it")
    description: str = Field("", max_length=MOST_DESCRIPTION)

    def wish(self) -> Wish:
        return Wish(
            url=self.url,
            types=frozenset(self.events),
            session_ids=None if self.session_ids is None else frozenset(self.session_ids),
            secret=self.secret,
            headers=self.headers,
            policy=RetryPolicy(self.retry_policy),
            ordering=Ordering(self.ordering),
            description=self.description,
            active=self.is_active,
        )


class WebhookBody(Body):
    """What is to be otherwise. A field that is left out stays as it is, and so does a secret that reads ``***``."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"isActive": False}]})

    url: _Text | None = None
    events: _Events | None = None
    secret: _Secret = None
    is_active: bool | None = None
    session_ids: _Sessions = None
    headers: _Headers = None
    retry_policy: PolicyName | None = None
    ordering: OrderingName | None = None
    description: str | None = Field(None, max_length=MOST_DESCRIPTION)

    def wish(self) -> Wish:
        return Wish(
            url=self.url,
            types=None if self.events is None else frozenset(self.events),
            session_ids=None if self.session_ids is None else frozenset(self.session_ids),
            all_sessions="session_ids" in self.model_fields_set and self.session_ids is None,
            secret=None if self.secret == HIDDEN else self.secret,
            headers=self.headers,
            policy=None if self.retry_policy is None else RetryPolicy(self.retry_policy),
            ordering=None if self.ordering is None else Ordering(self.ordering),
            description=self.description,
            active=self.is_active,
        )


class RotateBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"overlapSeconds": 3600}]})

    secret: _Secret = None
    overlap_seconds: int = Field(
        OVERLAP_S, ge=0, le=MOST_OVERLAP_S, description="How long the old secret signs beside the new one"
    )


class RecoverBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"since": "2026-11-26T08:00:00Z"}]})

    since: str = Field(max_length=40, json_schema_extra={"format": "date-time"})
    until: str | None = Field(None, max_length=40, json_schema_extra={"format": "date-time"})


class WebhookShape(Shape):
    """`secret` is ``***`` but in the answer that makes or rotates it; so are the values of headers."""

    id: str
    url: str
    secret: str
    events: list[str]
    is_active: bool
    session_ids: list[str] | None
    headers: dict[str, str]
    retry_policy: PolicyName
    ordering: OrderingName
    description: str
    old_secret_until: str | None
    failing_since: str | None
    disabled_because: Literal["FAILING", "GONE"] | None
    created_at: str
    updated_at: str


class DeliveryShape(Shape):
    """`status`, `response`, `error` and `duration` (ms) are of the last attempt."""

    id: str
    event_id: str
    event: str
    session_id: str | None
    state: StateName
    success: bool
    status: int | None
    error: str | None
    response: str | None
    duration: int | None
    attempts: int
    next_attempt_at: str | None
    created_at: str
    ended_at: str | None


class AttemptShape(Shape):
    """`status` is null where no answer came: then `error` tells why. `duration` in milliseconds."""

    number: int
    at: str
    duration: int
    status: int | None
    error: str | None
    request_headers: dict[str, str]
    response_headers: dict[str, str]
    response: str


class DeliveryDetailShape(DeliveryShape):
    """`payload` is what is sent, null where the log no longer has it."""

    payload: dict[str, Any] | None
    tries: list[AttemptShape]


class DeliveryPage(Shape):
    items: list[DeliveryShape]
    next_cursor: str | None
    has_more: bool


class RecoveryShape(Shape):
    """`found`: deliveries that it has begun."""

    id: str
    state: Literal["running", "done", "cancelled"]
    since: str
    until: str
    found: int
    created_at: str
    ended_at: str | None


class StatsShape(Shape):
    """`successRate` is of those that ended, null where none did. Durations in milliseconds, of last attempts."""

    since: str
    pending: int
    delivered: int
    failed: int
    cancelled: int
    attempts: int
    success_rate: float | None
    mean_duration: int | None
    slowest_duration: int | None
    last_success_at: str | None
    last_failure_at: str | None


class GoneShape(Shape):
    deleted: Literal[True] = True
    id: str


def webhook_shape(webhook: Webhook, *, shown: bool = False) -> WebhookShape:
    """`shown`: with its secret."""
    wanted = webhook.wanted
    return WebhookShape(
        id=webhook.id,
        url=webhook.url,
        secret=webhook.secret if shown else HIDDEN,
        events=sorted(wanted.types),
        is_active=webhook.active,
        session_ids=None if wanted.session_ids is None else sorted(wanted.session_ids),
        headers=dict.fromkeys(webhook.headers, HIDDEN),
        retry_policy=webhook.policy.value,
        ordering=webhook.ordering.value,
        description=webhook.description,
        old_secret_until=_iso(webhook.old_secret_until),
        failing_since=_iso(webhook.failing_since),
        disabled_because=webhook.disabled_because,  # type: ignore[arg-type]
        created_at=iso(webhook.created_at),
        updated_at=iso(webhook.updated_at),
    )


def delivery_shape(delivery: Delivery) -> DeliveryShape:
    return DeliveryShape(**_fields(delivery))


def detail_shape(told: Told) -> DeliveryDetailShape:
    last = told.attempts[-1].response if told.attempts else None
    return DeliveryDetailShape(
        **{**_fields(told.delivery), "response": last},
        payload=None if told.body is None else json.loads(told.body),
        tries=[_attempt(one) for one in told.attempts],
    )


def recovery_shape(recovery: Recovery) -> RecoveryShape:
    return RecoveryShape(
        id=recovery.id,
        state=recovery.state.value,
        since=iso(recovery.since),
        until=iso(recovery.until),
        found=recovery.found,
        created_at=iso(recovery.created_at),
        ended_at=_iso(recovery.ended_at),
    )


def stats_shape(stats: DeliveryStats, since: int) -> StatsShape:
    ended = stats.delivered + stats.failed
    return StatsShape(
        since=iso(since),
        pending=stats.pending,
        delivered=stats.delivered,
        failed=stats.failed,
        cancelled=stats.cancelled,
        attempts=stats.attempts,
        success_rate=round(stats.delivered / ended, 4) if ended else None,
        mean_duration=stats.mean_ms,
        slowest_duration=stats.slowest_ms,
        last_success_at=_iso(stats.last_success_at),
        last_failure_at=_iso(stats.last_failure_at),
    )


def _fields(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "event_id": delivery.event_id,
        "event": delivery.event_type,
        "session_id": delivery.session_id,
        "state": delivery.state.value,
        "success": delivery.state.value == "delivered",
        "status": delivery.status,
        "error": delivery.error,
        "response": delivery.response,
        "duration": delivery.duration_ms,
        "attempts": delivery.attempts,
        "next_attempt_at": iso(delivery.due_at) if delivery.waits_until_due else None,
        "created_at": iso(delivery.created_at),
        "ended_at": _iso(delivery.ended_at),
    }


def _attempt(attempt: Attempt) -> AttemptShape:
    return AttemptShape(
        number=attempt.number,
        at=iso(attempt.at),
        duration=attempt.duration_ms,
        status=attempt.status,
        error=attempt.error,
        request_headers=dict(attempt.request_headers),
        response_headers=dict(attempt.response_headers),
        response=attempt.response,
    )


def _iso(at: int | None) -> str | None:
    return None if at is None else iso(at)
