"""Webhooks and their deliveries, as they are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from teleflow.model.audit import AuditEntry
from teleflow.model.webhooks import (
    Attempt,
    Delivery,
    DeliveryState,
    DeliveryStats,
    Disabled,
    Due,
    Recovery,
    Tried,
    Webhook,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What an endpoint is to be sent now. `webhook` is None when it is gone or inactive.

    `next_due` is when there will be more (Unix ms), None when nothing waits.
    """

    webhook: Webhook | None = None
    due: Sequence[Due] = ()
    next_due: int | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What settling did besides: which endpoints were disabled, and which have more that is due now."""

    disabled: Mapping[str, Disabled] = field(default_factory=dict)
    ready: frozenset[str] = frozenset()


class WebhookStore(Protocol):
    """Deliveries are planned by `append_events`. Whoever waits for them is rung by the webhook's id (`on_append`)."""

    async def add_webhook(self, webhook: Webhook, *, most: int, audit: AuditEntry | None = None) -> None:
        """One of the same id is replaced. Raises NotFound (user), Conflict TOO_MANY_WEBHOOKS past `most`."""

    async def webhooks(self, user_id: str, *, limit: int) -> list[Webhook]:
        """Newest first."""

    async def webhook(self, user_id: str, webhook_id: str) -> Webhook | None: ...

    async def update_webhook(self, webhook: Webhook, *, now: int, audit: AuditEntry | None = None) -> bool:
        """Write all but its health. Where it is inactive now, what it waits for is cancelled; False when it is gone."""

    async def remove_webhook(self, user_id: str, webhook_id: str, *, audit: AuditEntry | None = None) -> bool:
        """With its deliveries."""

    async def who_wants(self, type_: str) -> frozenset[str]:
        """Users with an active endpoint that names this very type."""

    async def webhooks_to_serve(self, *, limit: int, after: str | None = None) -> list[str]:
        """The ids of active endpoints of all users, in the order of ids."""

    async def claim_deliveries(self, webhook_id: str, *, now: int, until: int, limit: int) -> Claim:
        """Take what is due. What is not settled by `until` is due again: whoever took it has died."""

    async def settle_deliveries(self, tried: Sequence[Tried], *, now: int, disable_after: int) -> Settled:
        """Attempts, what became of their deliveries, and of the endpoints' health, at once.

        An attempt that is known already is left out. An endpoint that has failed and failed for `disable_after` ms, or
        is gone, is disabled: its deliveries are cancelled, its owner told (`webhook.disabled`), the audit log too.
        """

    async def deliveries(
        self,
        user_id: str,
        webhook_id: str,
        *,
        limit: int,
        before: str | None = None,
        states: frozenset[DeliveryState] | None = None,
        event_type: str | None = None,
        session_id: str | None = None,
        since: int | None = None,
    ) -> list[Delivery]:
        """Newest first; `before` is the id of the last one that was seen."""

    async def delivery(
        self, user_id: str, webhook_id: str, delivery_id: str
    ) -> tuple[Delivery, bytes | None, list[Attempt]] | None:
        """With its body, where the log still has it, and its last attempts (50 at most), oldest first."""

    async def begin_again(self, user_id: str, webhook_id: str, delivery_id: str, *, now: int) -> Delivery | None:
        """Deliver once more, with the policy from its beginning: now, or once an attempt that is under way has ended.

        Raises Conflict EVENT_GONE when the log no longer has the event; None when there is no such delivery.
        """

    async def add_test(self, delivery: Delivery, body: bytes) -> None:
        """A delivery of something that is in no log. Raises NotFound when the webhook is gone."""

    async def delivery_stats(self, user_id: str, webhook_id: str, *, since: int) -> DeliveryStats: ...

    async def purge_deliveries(self, *, before: int, now: int) -> int:
        """Remove what ended and was planned before this instant: some hundred in a call; how many went.

        What waits for endpoints that are inactive is cancelled.
        """

    async def add_recovery(self, recovery: Recovery) -> None:
        """Raises NotFound when the webhook is gone, Conflict RECOVERY_RUNNING while another one runs."""

    async def recoveries(self, user_id: str, webhook_id: str, *, limit: int) -> list[Recovery]:
        """Newest first."""

    async def recovery(self, user_id: str, webhook_id: str, recovery_id: str) -> Recovery | None: ...

    async def cancel_recovery(self, user_id: str, webhook_id: str, recovery_id: str, *, now: int) -> bool: ...

    async def recoveries_to_run(self, *, limit: int) -> list[str]:
        """The ids of those that run."""

    async def recover_some(self, recovery_id: str, *, now: int, limit: int) -> bool:
        """Look at so many further events, and begin the deliveries that are missing or failed. False at the end."""
