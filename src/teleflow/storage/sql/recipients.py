"""Recipients of broadcasts: whose turn it is, what became of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, update

from teleflow.model.broadcasts import Broadcast, BroadcastState, Outcome, Recipient, RecipientState
from teleflow.model.jobs import SendJob
from teleflow.storage.base import Placed
from teleflow.storage.common.broadcasts import TOO_MANY_FAILURES, WHY_SKIPPED, names_of, recipient_of
from teleflow.storage.sql import broadcasts as rows
from teleflow.storage.sql import opt_outs, sends
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, every, page
from teleflow.storage.sql.statement import Row, Statement, Tx, given

_S = RecipientState
_b = t.broadcasts.c
_r = t.broadcast_recipients.c
_p = t.peers.c
_COLUMNS = [c for c in _r if c.name != "broadcast_id"]
_OF = _r.broadcast_id == given("of_broadcast")
_THIS = (_OF, _r.number == given("this"))
_COUNTS = Statement(select(_r.state, func.count()).where(_OF).group_by(_r.state))
_ALL = Statement(select(*_COLUMNS).where(_OF, _r.number > given("after")).order_by(_r.number).limit(given("most")))
_IN_STATE = Statement(
    select(*_COLUMNS)
    .where(_OF, _r.state == given("in_state"), _r.number > given("after"))
    .order_by(_r.number)
    .limit(given("most"))
)
_STATE = Statement(select(_r.state, _r.peer, _r.stranger).where(*_THIS))
_SAME_CHAT = Statement(
    select(_r.number)
    .where(_OF, _r.chat_id == given("in_chat"), _r.number != given("this"), _r.state != _S.PENDING.value)
    .limit(1)
)
_NAMES = Statement(
    select(_p.username, _p.phone).where(_p.session_id == given("of_session"), _p.peer_id == given("this"))
)
_QUEUE = Statement(
    update(t.broadcast_recipients)
    .values(
        state=_S.QUEUED.value,
        job_id=given("new_job"),
        chat_id=given("new_chat"),
        stranger=given("new_stranger"),
        queued_at=given("now"),
        code=None,
        reason=None,
    )
    .where(*_THIS)
)
_PACED = Statement(
    update(t.broadcasts)
    .values(next_at=given("new_next"), strangers_met=_b.strangers_met + given("more"))
    .where(_b.id == given("of_broadcast"))
)
_END = Statement(
    update(t.broadcast_recipients)
    .values(
        state=given("new_state"),
        code=given("new_code"),
        reason=given("new_reason"),
        chat_id=func.coalesce(given("new_chat"), _r.chat_id),
        ended_at=given("now"),
    )
    .where(*_THIS, _r.state == _S.PENDING.value)
)
_SETTLE = Statement(
    update(t.broadcast_recipients)
    .values(
        state=given("new_state"),
        job_id=given("new_job"),
        code=given("new_code"),
        reason=given("new_reason"),
        message_id=given("new_message"),
        chat_id=func.coalesce(given("new_chat"), _r.chat_id),
        ended_at=given("new_ended"),
    )
    .where(*_THIS, _r.state == _S.QUEUED.value, _r.job_id == given("of_job"))
)
_COUNT_FAILED = Statement(
    update(t.broadcasts).values(failed_in_a_row=given("new_failed")).where(_b.id == given("of_broadcast"))
)
_QUEUED = Statement(
    select(_r.number, *sends.JOB_COLUMNS)
    .join_from(t.broadcast_recipients, t.send_jobs, t.send_jobs.c.id == _r.job_id)
    .where(_OF, _r.state == _S.QUEUED.value)
    .order_by(_r.number)
    .limit(given("most"))
)


class Recipients(Part):
    async def recipient_counts(self, broadcast_id: str) -> Mapping[RecipientState, int]:
        found = await self._db.read_heavy(every, _COUNTS, of_broadcast=broadcast_id)
        return {_S(state): count for state, count in found}

    async def broadcast_recipients(
        self, broadcast_id: str, *, limit: int, state: RecipientState | None = None, after: int = 0
    ) -> list[Recipient]:
        values: dict[str, Any] = {"of_broadcast": broadcast_id, "after": after, "most": page(limit)}
        if state is None:
            found = await self._db.read(every, _ALL, **values)
        else:
            found = await self._db.read(every, _IN_STATE, in_state=state.value, **values)
        return [_recipient(row) for row in found]

    async def place_recipient(
        self,
        broadcast: Broadcast,
        number: int,
        job: SendJob,
        *,
        username: str,
        from_phone: str,
        stranger: bool,
        next_at: int,
        node: str,
        lease_until: int,
    ) -> Placed:
        log = sends.log_row(job, username=username, from_phone=from_phone)
        lease = {"lease_node": node, "lease_until": lease_until}
        return await self._db.write(_place, broadcast, number, job, log, lease, stranger, next_at)

    async def end_recipient(
        self, broadcast_id: str, number: int, state: RecipientState, *, code: str, reason: str, now: int
    ) -> None:
        await self._db.write(_end, broadcast_id, number, state, code, reason, now)

    async def withdraw_recipient(
        self,
        broadcast_id: str,
        number: int,
        job_id: str,
        *,
        detail: str,
        now: int,
        skipped: str | None = None,
    ) -> bool:
        return await self._db.write(_withdraw, broadcast_id, number, job_id, detail, now, skipped)

    async def queued_recipients(self, broadcast_id: str, *, limit: int) -> list[tuple[int, SendJob]]:
        found = await self._db.read(every, _QUEUED, of_broadcast=broadcast_id, most=page(limit))
        return [(row[0], sends.job_of(row[1:], ())) for row in found]

    async def settle_recipients(self, broadcast: Broadcast, outcomes: Sequence[Outcome], *, now: int) -> None:
        await self._db.write(_settle, broadcast.id, outcomes, now)


def _recipient(row: Row) -> Recipient:
    return recipient_of(dict(zip((column.name for column in _COLUMNS), row, strict=True)))


async def _place(
    tx: Tx,
    broadcast: Broadcast,
    number: int,
    job: SendJob,
    log: dict[str, Any],
    lease: dict[str, Any],
    stranger: bool,
    next_at: int,
) -> Placed:
    held = await tx.one(rows.LOCKED, this=broadcast.id)
    row = await tx.one(_STATE, of_broadcast=broadcast.id, this=number)
    if held is None or row is None or row[0] != _S.PENDING.value:
        return Placed.NOT_NOW
    stands = rows.broadcast_of(held)
    if stands.state is not BroadcastState.RUNNING:
        return Placed.NOT_NOW
    counted = bool(row[2])  # whose job was withdrawn: they were counted then
    refused = await _refused(tx, stands, number, job, row[1], stranger and not counted)
    if refused is not None:
        await _end(
            tx, broadcast.id, number, _S.SKIPPED, refused.value, WHY_SKIPPED[refused], job.created_at, job.chat_id
        )
        return refused
    await sends.accept(tx, job, log, lease, None, "")
    await tx.run(
        _QUEUE,
        of_broadcast=broadcast.id,
        this=number,
        new_job=job.id,
        new_chat=job.chat_id,
        new_stranger=int(stranger or counted),
        now=job.created_at,
    )
    await tx.run(_PACED, of_broadcast=broadcast.id, new_next=next_at, more=int(stranger and not counted))
    return Placed.QUEUED


async def _refused(tx: Tx, broadcast: Broadcast, number: int, job: SendJob, peer: str, stranger: bool) -> Placed | None:
    if await tx.one(_SAME_CHAT, of_broadcast=broadcast.id, in_chat=job.chat_id, this=number) is not None:
        return Placed.DUPLICATE
    known = await tx.one(_NAMES, of_session=broadcast.session_id, this=job.chat_id)
    names = names_of(peer, job.chat_id, *(known or (None, None)))
    if await opt_outs.among(tx, broadcast.user_id, names):
        return Placed.OPTED_OUT
    if stranger and broadcast.strangers_met >= broadcast.plan.strangers:
        return Placed.STRANGERS_CAP
    return None


async def _end(
    tx: Tx,
    broadcast_id: str,
    number: int,
    state: RecipientState,
    code: str,
    reason: str,
    now: int,
    chat_id: int | None = None,
) -> None:
    touched = await tx.run(
        _END,
        of_broadcast=broadcast_id,
        this=number,
        new_state=state.value,
        new_code=code,
        new_reason=reason,
        new_chat=chat_id,
        now=now,
    )
    if touched and state is _S.FAILED:
        await _count(tx, broadcast_id, [Outcome(number, "", state)], now)


async def _withdraw(
    tx: Tx, broadcast_id: str, number: int, job_id: str, detail: str, now: int, skipped: str | None
) -> bool:
    held = await tx.one(rows.LOCKED, this=broadcast_id)
    if held is None or not await sends.cancel(tx, job_id, detail, now):
        return False
    cancelled = rows.broadcast_of(held).state is BroadcastState.CANCELLED
    state = _S.CANCELLED if cancelled else _S.PENDING if skipped is None else _S.SKIPPED
    stays = state is not _S.PENDING
    await tx.run(
        _SETTLE,
        of_broadcast=broadcast_id,
        this=number,
        of_job=job_id,
        new_state=state.value,
        new_job=job_id if stays else None,
        new_code=skipped if state is _S.SKIPPED else None,
        new_reason=detail if state is _S.SKIPPED else None,
        new_message=None,
        new_chat=None,
        new_ended=now if stays else None,
    )
    return True


async def _settle(tx: Tx, broadcast_id: str, outcomes: Sequence[Outcome], now: int) -> None:
    held = await tx.one(rows.LOCKED, this=broadcast_id)
    if held is None:
        return
    cancelled = rows.broadcast_of(held).state is BroadcastState.CANCELLED
    told = []
    for one in outcomes:
        if cancelled and one.state is _S.PENDING:
            one = dataclasses.replace(one, state=_S.CANCELLED)
        waits = one.state is _S.PENDING
        touched = await tx.run(
            _SETTLE,
            of_broadcast=broadcast_id,
            this=one.number,
            of_job=one.job_id,
            new_state=one.state.value,
            new_job=None if waits else one.job_id,
            new_code=one.code,
            new_reason=one.reason,
            new_message=one.message_id,
            new_chat=one.chat_id,
            new_ended=None if waits else now,
        )
        if touched:
            told.append(one)
    await _count(tx, broadcast_id, told, now)


async def _count(tx: Tx, broadcast_id: str, outcomes: Sequence[Outcome], now: int) -> None:
    """Failures in a row, and whether that, or one of these ends, stops the broadcast. A cancelled one ends all."""
    row = await tx.one(rows.LOCKED, this=broadcast_id)
    if row is None or not outcomes:
        return
    broadcast = rows.broadcast_of(row)
    failed, most = broadcast.failed_in_a_row, broadcast.plan.failures
    cause = None
    for one in outcomes:
        if one.stop is not None:
            cause = cause or one.stop
        elif one.state is _S.SENT:
            failed = 0
        elif one.state is _S.FAILED:
            failed += 1
            cause = cause or (TOO_MANY_FAILURES if failed >= most else None)
    await tx.run(_COUNT_FAILED, of_broadcast=broadcast_id, new_failed=failed)
    if cause is not None:
        await rows.move(tx, broadcast, BroadcastState.STOPPED, now, cause)
