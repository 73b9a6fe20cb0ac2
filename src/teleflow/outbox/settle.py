"""Writing down how a send ended, and telling those who wait; in this order."""

from __future__ import annotations

import random
from collections import OrderedDict
from dataclasses import replace

import structlog

from teleflow.errors import Limited, StorageUnavailable, TeleFlowError
from teleflow.kit.clock import Clock, milliseconds
from teleflow.model.messages import SendJob, SendState
from teleflow.model.operations.messages import Sent
from teleflow.outbox.tickets import Ticket
from teleflow.storage.base import Settlement, Storage

_log = structlog.get_logger(__name__)

_QUICK_TRIES = 3
_RECENT = 10_000


class Settler:
    """Final states are stored however long it takes; callers are not made to wait for a sick disk."""

    def __init__(self, storage: Storage, clock: Clock, chance: random.Random) -> None:
        self._storage = storage
        self._clock = clock
        self.chance = chance
        self._recent: OrderedDict[tuple[str, int], None] = OrderedDict()

    def taken(self, job: SendJob) -> frozenset[int]:
        """Message ids that other sends of this session are known to have."""
        return frozenset(number for session_id, number in self._recent if session_id == job.session_id)

    async def sent(self, ticket: Ticket, sent: Sent) -> None:
        if sent.message_id is not None:
            self._recent[ticket.job.session_id, sent.message_id] = None
            if len(self._recent) > _RECENT:
                self._recent.popitem(last=False)
        await self._settle(ticket, Settlement(SendState.SENT, "Message sent", ticket.job.attempts, sent.message_id))

    async def fail(self, ticket: Ticket, error: TeleFlowError, *, detail: str | None = None) -> None:
        await self._settle(ticket, _failure(SendState.FAILED, ticket.job, error, detail))

    async def uncertain(self, ticket: Ticket, error: TeleFlowError) -> None:
        """Not an end: it may have gone out, and goes again."""
        if ticket.job.state is not SendState.UNCERTAIN:
            await self._settle(ticket, _failure(SendState.UNCERTAIN, ticket.job, error, None))

    async def refresh(self, ticket: Ticket) -> None:
        """Take over what somebody else wrote of this job."""
        try:
            stored = await self._storage.send_job(ticket.job.user_id, ticket.job.id)
        except StorageUnavailable:
            return
        if stored is None or stored.state.is_final:
            ticket.tell(stored or replace(ticket.job, state=SendState.CANCELLED))

    async def _settle(self, ticket: Ticket, settlement: Settlement) -> None:
        now = milliseconds(self._clock.time())
        known = _settled(ticket.job, settlement)
        attempt = 0
        while True:
            try:
                stored = await self._storage.settle_send(ticket.job.id, settlement, now=now)
            except StorageUnavailable:
                attempt += 1
                if attempt == _QUICK_TRIES:
                    # What happened has happened. A repeat after a crash carries the same random_id.
                    ticket.tell(known)
                _log.warning("send.outcome_not_stored", job=ticket.job.id, attempt=attempt)
                await self._clock.sleep(min(0.2 * 2**attempt, 10.0))
            else:
                ticket.tell(stored or replace(known, state=SendState.CANCELLED))
                return


def _settled(job: SendJob, settlement: Settlement) -> SendJob:
    return replace(
        job,
        state=settlement.state,
        message_id=settlement.message_id,
        error_code=settlement.error_code,
        error_message=settlement.error_message,
        retry_after=settlement.retry_after,
    )


def _failure(state: SendState, job: SendJob, error: TeleFlowError, detail: str | None) -> Settlement:
    text = detail or error.message
    if isinstance(error, Limited) and error.retry_after and str(int(error.retry_after)) not in text:
        text = f"{text} ({int(error.retry_after)} seconds)"
    return Settlement(
        state,
        text,
        job.attempts,
        error_code=error.code,
        error_message=text,
        retry_after=error.retry_after,
    )
