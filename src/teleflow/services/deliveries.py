"""The delivery console: what became of each delivery, and sending again what did not arrive."""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from teleflow.errors import Conflict, Invalid, Limited, NotFound
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.ids import id_of, new_id
from teleflow.model.events import check_types
from teleflow.model.users import Principal
from teleflow.model.webhooks import (
    Attempt,
    Delivery,
    DeliveryState,
    DeliveryStats,
    Due,
    Recovery,
    RecoveryState,
    Webhook,
)
from teleflow.services.webhooks import Webhooks
from teleflow.storage.base import WebhookStore
from teleflow.webhooks.worker import RECOVERY, TAKEN_MS
from teleflow.wire.events import event_body

TEST = "webhook.test"
DAY_MS = 86_400_000
_CURSOR = re.compile(r"dlv_[0-9a-z]{26}")
_TESTS_A_MINUTE = 30  # of a user: endpoints are others', and a test is asked for by hand
_TESTERS = 10_000
_TEST_WITHIN_S = 15.0


class Carrier(Protocol):
    """See `webhooks.worker.Worker`."""

    async def try_now(self, webhook: Webhook, due: Due, *, within: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deliveries. `since` in Unix milliseconds."""

    states: frozenset[DeliveryState] | None = None
    event_type: str | None = None
    session_id: str | None = None
    since: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A delivery with its body (None: the log no longer has it) and its last attempts, oldest first."""

    delivery: Delivery
    body: bytes | None
    attempts: list[Attempt]


class Deliveries:
    """All raise what `Webhooks.get` raises."""

    def __init__(self, storage: WebhookStore, webhooks: Webhooks, carrier: Carrier, clock: Clock) -> None:
        self._storage = storage
        self._webhooks = webhooks
        self._carrier = carrier
        self._clock = clock
        self._tests: OrderedDict[str, deque[float]] = OrderedDict()

    async def page(
        self, principal: Principal, webhook_id: str, wanted: Wanted, *, limit: int, before: str | None
    ) -> list[Delivery]:
        """Newest first. Raises Invalid for an unknown type or CURSOR_INVALID, NotFound SESSION_NOT_FOUND."""
        await self._webhooks.get(principal, webhook_id)
        if before is not None and not _CURSOR.fullmatch(before):
            raise Invalid("This is no cursor of ours", code="CURSOR_INVALID", details={"field": "cursor"})
        if wanted.session_id is not None:
            await self._webhooks.check_session(principal, wanted.session_id)
        if wanted.event_type is not None and wanted.event_type != TEST:
            check_types([wanted.event_type], field="event")
        return await self._storage.deliveries(
            principal.user_id,
            webhook_id,
            limit=limit,
            before=before,
            states=wanted.states,
            event_type=wanted.event_type,
            session_id=wanted.session_id,
            since=wanted.since,
        )

    async def get(self, principal: Principal, webhook_id: str, delivery_id: str) -> Told:
        """Raises NotFound DELIVERY_NOT_FOUND."""
        await self._webhooks.get(principal, webhook_id)
        found = await self._storage.delivery(principal.user_id, webhook_id, delivery_id)
        if found is None:
            raise _no_delivery()
        return Told(*found)

    async def resend(self, principal: Principal, webhook_id: str, delivery_id: str) -> Told:
        """Under the same id, with the same bytes. Raises NotFound, Conflict EVENT_GONE, WEBHOOK_INACTIVE."""
        _refuse_inactive(await self._webhooks.get(principal, webhook_id))
        again = await self._storage.begin_again(principal.user_id, webhook_id, delivery_id, now=self._now())
        if again is None:
            raise _no_delivery()
        return await self.get(principal, webhook_id, delivery_id)

    async def test(self, principal: Principal, webhook_id: str) -> Told:
        """One attempt with a body of type webhook.test, which is in no log; waits for its end. Raises Limited."""
        webhook = await self._webhooks.get(principal, webhook_id)
        _refuse_inactive(webhook)
        self._count_test(principal.user_id)
        now = self._now()
        delivery = Delivery(
            id=id_of("dlv", principal.act),
            webhook_id=webhook_id,
            user_id=principal.user_id,
            event_id=new_id("evt"),
            event_type=TEST,
            session_id=None,
            state=DeliveryState.PENDING,
            attempts=0,
            earlier=0,
            due_at=now + TAKEN_MS,
            created_at=now,
        )
        body = event_body(delivery.event_id, TEST, None, now, {"webhookId": webhook_id, "text": "This is a test"})
        await self._storage.add_test(delivery, body)
        due = Due(delivery.id, TEST, None, 0, 0, body, is_test=True)
        with suppress(TimeoutError):
            await self._carrier.try_now(webhook, due, within=_TEST_WITHIN_S)
        return await self.get(principal, webhook_id, delivery.id)

    async def stats(self, principal: Principal, webhook_id: str, *, since: int) -> DeliveryStats:
        """Of those planned since an instant (Unix ms)."""
        await self._webhooks.get(principal, webhook_id)
        return await self._storage.delivery_stats(principal.user_id, webhook_id, since=since)

    async def recover(self, principal: Principal, webhook_id: str, *, since: int, until: int | None) -> Recovery:
        """Send again what failed, was cancelled or never planned of the events in between (Unix ms). A job.

        Raises Invalid, Conflict RECOVERY_RUNNING, WEBHOOK_INACTIVE.
        """
        _refuse_inactive(await self._webhooks.get(principal, webhook_id))
        now = self._now()
        until = now if until is None else until
        if not 0 <= since < until:
            raise Invalid("since lies before until", details={"field": "since"})
        recovery = Recovery(
            id=id_of(RECOVERY, principal.act),
            webhook_id=webhook_id,
            user_id=principal.user_id,
            since=since,
            until=until,
            cursor=0,
            found=0,
            state=RecoveryState.RUNNING,
            created_at=now,
        )
        await self._storage.add_recovery(recovery)
        return recovery

    async def recoveries(self, principal: Principal, webhook_id: str) -> list[Recovery]:
        """The last hundred, newest first."""
        await self._webhooks.get(principal, webhook_id)
        return await self._storage.recoveries(principal.user_id, webhook_id, limit=100)

    async def recovery(self, principal: Principal, webhook_id: str, recovery_id: str) -> Recovery:
        """Raises NotFound RECOVERY_NOT_FOUND."""
        await self._webhooks.get(principal, webhook_id)
        found = await self._storage.recovery(principal.user_id, webhook_id, recovery_id)
        if found is None:
            raise NotFound("There is no recovery of this id", code="RECOVERY_NOT_FOUND")
        return found

    async def cancel(self, principal: Principal, webhook_id: str, recovery_id: str) -> Recovery:
        """What it has begun goes on. Raises NotFound RECOVERY_NOT_FOUND."""
        await self.recovery(principal, webhook_id, recovery_id)
        await self._storage.cancel_recovery(principal.user_id, webhook_id, recovery_id, now=self._now())
        return await self.recovery(principal, webhook_id, recovery_id)

    def _count_test(self, user_id: str) -> None:
        now = self._clock.monotonic()
        made = self._tests.setdefault(user_id, deque())
        self._tests.move_to_end(user_id)
        while made and made[0] <= now - 60:
            made.popleft()
        if len(made) >= _TESTS_A_MINUTE:
            raise Limited(f"At most {_TESTS_A_MINUTE} tests a minute", retry_after=max(1.0, 60 - (now - made[0])))
        made.append(now)
        if len(self._tests) > _TESTERS:
            self._tests.popitem(last=False)

    def _now(self) -> int:
        return milliseconds(self._clock.time())


def _refuse_inactive(webhook: Webhook) -> None:
    if not webhook.active:
        raise Conflict("The webhook is not active: enable it first", code="WEBHOOK_INACTIVE")


def _no_delivery() -> NotFound:
    return NotFound("There is no delivery of this id", code="DELIVERY_NOT_FOUND")
