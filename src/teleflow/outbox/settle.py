"""Telling those who wait how a send ended, and writing it down.

In this order: an outcome is Telegram's word and is true before our disk has it. What a crash can lose is the row's
last state, and the next start finds that out again with the same random_id. `written` is the fence for readers who
must see what has been told.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from dataclasses import replace

import structlog

from teleflow.errors import Limited, StorageUnavailable, TeleFlowError
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.tasks import Tasks
from teleflow.meters import Meters
from teleflow.model.jobs import SendJob, SendState
from teleflow.model.operations.sending import Sent
from teleflow.outbox.tickets import Ticket
from teleflow.storage.base import Settlement, Storage

_log = structlog.get_logger(__name__)

_RECENT = 10_000


class Settler:
    """Outcomes are stored however long it takes; callers are not made to wait for a sick disk."""

    def __init__(self, storage: Storage, clock: Clock, chance: random.Random, meters: Meters | None = None) -> None:
        self._storage = storage
        self._clock = clock
        self.chance = chance
        self._meters = meters
        self._recent: OrderedDict[tuple[str, int], None] = OrderedDict()
        self.storing: dict[str, asyncio.Task[None]] = {}
        self._known: dict[str, SendJob] = {}
        self._tasks = Tasks("settler")

    def taken(self, job: SendJob) -> frozenset[int]:
        """Message ids that other sends of this session are known to have."""
        return frozenset(number for session_id, number in self._recent if session_id == job.session_id)

    def sent(self, ticket: Ticket, sent: Sent) -> None:
        if sent.message_id is not None:
            self._recent[ticket.job.session_id, sent.message_id] = None
            if len(self._recent) > _RECENT:
                self._recent.popitem(last=False)
        job = ticket.job
        self._settle(
            ticket,
            Settlement(
                SendState.SENT,
                "Message scheduled" if job.content.schedule is not None else "Message sent",
                job.attempts,
                message_id=sent.message_id,
                chat_id=job.chat_id,
                messages=sent.messages,
            ),
        )

    def fail(self, ticket: Ticket, error: TeleFlowError, *, detail: str | None = None) -> None:
        self._settle(ticket, _failure(SendState.FAILED, ticket.job, error, detail))

    def wait(self, ticket: Ticket, error: TeleFlowError, seconds: float) -> None:
        """Not an end: it has not left, and goes on when it is due."""
        due_at = milliseconds(self._clock.time() + seconds)
        self._settle(ticket, replace(_failure(SendState.QUEUED, ticket.job, error, None), due_at=due_at))

    def uncertain(self, ticket: Ticket, error: TeleFlowError) -> None:
        """Not an end: it may have gone out, and goes again."""
        if ticket.job.state is not SendState.UNCERTAIN:
            self._settle(ticket, _failure(SendState.UNCERTAIN, ticket.job, error, None))

    async def refresh(self, ticket: Ticket) -> None:
        """Take over what somebody else wrote of this job."""
        try:
            stored = await self._storage.send_job(ticket.job.user_id, ticket.job.id)
        except StorageUnavailable:
            return
        if stored is None or stored.state.is_final:
            ticket.tell(stored or replace(ticket.job, state=SendState.CANCELLED))

    async def written(self, *, within: float = 5.0) -> None:
        """Wait until every outcome that was told by now is on disk, at most so many seconds."""
        if self.storing:
            await asyncio.wait(list(self.storing.values()), timeout=within)

    async def stored(self, job_id: str) -> None:
        """Wait until what was told of this job is on disk."""
        task = self.storing.get(job_id)
        if task is not None:
            await asyncio.wait([task])

    async def stop(self) -> None:
        await self.written()
        await self._tasks.close()

    def known(self, job_id: str) -> SendJob | None:
        """An outcome that was told and is not on disk yet."""
        task = self.storing.get(job_id)
        return self._known.get(job_id) if task is not None else None

    def _settle(self, ticket: Ticket, settlement: Settlement) -> None:
        job = _settled(ticket.job, settlement)
        if self._meters is not None and job.state.is_final:
            self._meters.send(job.state.value, self._clock.time() - job.created_at / 1000)
        earlier = self.storing.get(job.id)
        self._known[job.id] = job
        self.storing[job.id] = self._tasks.start(self._store(job, settlement, earlier), f"settle:{job.id}")
        ticket.tell(job)

    async def _store(self, job: SendJob, settlement: Settlement, earlier: asyncio.Task[None] | None) -> None:
        if earlier is not None:
            await asyncio.wait([earlier])
        now = milliseconds(self._clock.time())
        attempt = 0
        try:
            while True:
                try:
                    await self._storage.settle_send(job.id, settlement, now=now)
                except StorageUnavailable:
                    attempt += 1
                    _log.warning("send.outcome_not_stored", job=job.id, attempt=attempt)
                    await self._clock.sleep(min(0.1 * 2.0 ** min(attempt, 10), 10.0))
                else:
                    return
        finally:
            if self.storing.get(job.id) is asyncio.current_task():
                del self.storing[job.id]
                del self._known[job.id]


def _settled(job: SendJob, settlement: Settlement) -> SendJob:
    return replace(
        job,
        state=settlement.state,
        message_id=settlement.message_id,
        chat_id=settlement.chat_id if settlement.chat_id is not None else job.chat_id,
        error_kind=settlement.error_kind,
        error_code=settlement.error_code,
        error_message=settlement.error_message,
        retry_after=settlement.retry_after,
        due_at=settlement.due_at,
        messages=settlement.messages,
    )


def _failure(state: SendState, job: SendJob, error: TeleFlowError, detail: str | None) -> Settlement:
    text = detail or error.message
    if isinstance(error, Limited) and error.retry_after and str(int(error.retry_after)) not in text:
        text = f"{text} ({int(error.retry_after)} seconds)"
    return Settlement(
        state,
        text,
        job.attempts,
        chat_id=job.chat_id,
        error_kind=error.kind.value,
        error_code=error.code,
        error_message=text,
        retry_after=error.retry_after,
    )
