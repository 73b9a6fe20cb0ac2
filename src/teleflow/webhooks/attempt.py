"""One attempt: what is sent, and what its outcome means for the delivery. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping

from teleflow.kit.clock import milliseconds
from teleflow.model.webhooks import Attempt, Due, RetryPolicy, Tried, Webhook
from teleflow.webhooks.egress import Answer
from teleflow.webhooks.schedule import next_wait, verdict
from teleflow.webhooks.signing import signatures

HIDDEN = "***"


def valid_secrets(webhook: Webhook, now: int) -> list[str]:
    """Those that sign now (Unix ms), the newest first."""
    old = webhook.old_secret
    still = old is not None and (webhook.old_secret_until or 0) > now
    return [webhook.secret, old] if still and old is not None else [webhook.secret]


def request_headers(webhook: Webhook, due: Due, *, at: float, agent: str) -> dict[str, str]:
    """All headers of an attempt at this time (Unix seconds); the owner's never stand before ours."""
    return {
        **webhook.headers,
        "Content-Type": "application/json",
        "Accept": "*/*",
        "User-Agent": agent,
        "X-TeleFlow-Event": due.event_type,
        "X-TeleFlow-Delivery-Id": due.id,
        "X-TeleFlow-Attempt": str(due.attempts + 1),
        **signatures(valid_secrets(webhook, milliseconds(at)), due.id, int(at), due.body),
    }


def broken(due: Due, *, at: float, again_in: float) -> Tried:
    """An attempt that went wrong on our side: it says nothing of the endpoint."""
    attempt = Attempt(due.attempts + 1, milliseconds(at), 0, None, "INTERNAL_ERROR", {}, {}, "")
    again_at = None if due.is_test else milliseconds(at + again_in)
    return Tried(due.id, attempt, success=False, again_at=again_at, counts=False)


def judged(
    webhook: Webhook,
    due: Due,
    sent: Mapping[str, str],
    answer: Answer,
    policy: RetryPolicy,
    *,
    at: float,
    now: float,
    chance: random.Random,
) -> tuple[Tried, float | None]:
    """What is stored of it, and for how many seconds the receiver asked to be left alone."""
    meant = verdict(answer.status, answer.headers, now)
    wait = None
    if not meant.success and not meant.gone:
        wait = next_wait(policy, due.attempts - due.earlier + 1, meant.retry_after, chance)
    own = {name.lower() for name in webhook.headers}
    attempt = Attempt(
        number=due.attempts + 1,
        at=milliseconds(at),
        duration_ms=answer.duration_ms,
        status=answer.status,
        error=answer.error,
        request_headers={name: HIDDEN if name.lower() in own else value for name, value in sent.items()},
        response_headers=answer.headers,
        response=answer.body,
    )
    tried = Tried(
        due.id,
        attempt,
        success=meant.success,
        again_at=None if wait is None else milliseconds(now + wait),
        gone=meant.gone and not due.is_test,
        counts=not due.is_test,
    )
    return tried, meant.retry_after
