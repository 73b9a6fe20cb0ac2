"""Broadcasts: the rows, their states, and those that are at work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from teleflow.errors import Conflict, NotFound
from teleflow.model.audit import AuditEntry
from teleflow.model.broadcasts import FROM, Broadcast, BroadcastState, Recipient, RecipientState
from teleflow.storage.common import broadcasts as common
from teleflow.storage.sql import audit as log
from teleflow.storage.sql import own
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, every, one, page, require_user
from teleflow.storage.sql.statement import Row, Statement, Tx, given

_b = t.broadcasts.c
_r = t.broadcast_recipients.c
COLUMNS = list(_b)
_MINE = (_b.id == given("this"), _b.user_id == given("of_user"))
_ADD = Statement(insert(t.broadcasts).values({c.name: given(c.name) for c in _b}))
_REMOVE_DRAFT = Statement(delete(t.broadcasts).where(*_MINE, _b.state == BroadcastState.DRAFT.value))
_ONE = Statement(select(*COLUMNS).where(*_MINE))
_MINE_LOCKED = Statement(select(*COLUMNS).where(*_MINE).with_for_update())
LOCKED = Statement(select(*COLUMNS).where(_b.id == given("this")).with_for_update())
_LIST = Statement(
    select(*COLUMNS)
    .where(_b.user_id == given("of_user"), _b.id < given("before"))
    .order_by(_b.id.desc())
    .limit(given("most"))
)
_RUNNING = Statement(
    select(*COLUMNS)
    .where(_b.state == BroadcastState.RUNNING.value, _b.id > given("after"))
    .order_by(_b.id)
    .limit(given("most"))
)
_OTHERS_AT_WORK = Statement(
    select(*COLUMNS)
    .where(
        _b.id.in_(select(_r.broadcast_id).where(_r.state == "queued").distinct()),
        _b.state != BroadcastState.RUNNING.value,
        _b.id > given("after"),
    )
    .order_by(_b.id)
    .limit(given("most"))
)
MOVE = Statement(
    update(t.broadcasts)
    .values(
        state=given("new_state"),
        cause=given("new_cause"),
        updated_at=given("now"),
        started_at=given("new_started_at"),
        ended_at=given("new_ended_at"),
        waiting_for=None,
        waiting_until=None,
        failed_in_a_row=given("new_failed"),
    )
    .where(_b.id == given("this"))
)
_REST = Statement(
    update(t.broadcasts)
    .values(waiting_for=given("why"), waiting_until=given("until"), updated_at=given("now"))
    .where(_b.id == given("this"), _b.state == BroadcastState.RUNNING.value)
)
_ADD_RECIPIENT = Statement(insert(t.broadcast_recipients).values({c.name: given(c.name) for c in _r}))
_LAST = Statement(select(func.max(_r.number)).where(_r.broadcast_id == given("this")))
_END_WAITING = Statement(
    update(t.broadcast_recipients)
    .values(state=RecipientState.CANCELLED.value, ended_at=given("now"))
    .where(_r.broadcast_id == given("this"), _r.state == RecipientState.PENDING.value)
)
_LAST_ID = "~"
_STEPS = 20
_AT_ONCE = 200
ENDS = frozenset({BroadcastState.CANCELLED, BroadcastState.FINISHED})


class Broadcasts(Part):
    async def add_broadcast(
        self, broadcast: Broadcast, recipients: Sequence[Recipient], *, audit: AuditEntry | None = None
    ) -> None:
        rows = [common.recipient_row(broadcast.id, one) for one in recipients]
        await self._db.write_heavy(_add, common.broadcast_row(broadcast), rows, audit)

    async def add_recipients(
        self, user_id: str, broadcast_id: str, recipients: Sequence[Recipient], *, most: int
    ) -> int:
        rows = [common.recipient_row(broadcast_id, one) for one in recipients]
        return await self._db.write_heavy(_append, user_id, broadcast_id, rows, most)

    async def broadcast(self, user_id: str, broadcast_id: str) -> Broadcast | None:
        row = await self._db.read(one, _ONE, this=broadcast_id, of_user=user_id)
        return None if row is None else broadcast_of(row)

    async def broadcasts(
        self,
        user_id: str,
        *,
        limit: int,
        session_ids: frozenset[str] | None = None,
        state: BroadcastState | None = None,
        before: str | None = None,
    ) -> list[Broadcast]:
        rows = await self._db.read_heavy(_list, user_id, page(limit), session_ids, state, before or _LAST_ID)
        return [broadcast_of(row) for row in rows]

    async def move_broadcast(
        self,
        user_id: str,
        broadcast_id: str,
        state: BroadcastState,
        *,
        now: int,
        cause: str | None = None,
        audit: AuditEntry | None = None,
    ) -> bool:
        return await self._db.write_heavy(_move, user_id, broadcast_id, state, now, cause, audit)

    async def rest_broadcast(self, broadcast_id: str, waiting_for: str | None, until: int | None, *, now: int) -> None:
        await self._db.write(_rest, broadcast_id, waiting_for, until, now)

    async def broadcasts_at_work(self, *, limit: int, after: str | None = None) -> list[Broadcast]:
        rows = await self._db.read(every, _RUNNING, after=after or "", most=page(limit))
        rows += await self._db.read(every, _OTHERS_AT_WORK, after=after or "", most=page(limit))
        return sorted((broadcast_of(row) for row in rows), key=lambda broadcast: broadcast.id)


def broadcast_of(row: Row) -> Broadcast:
    """The broadcast in a row of COLUMNS."""
    return common.broadcast_of(dict(zip((column.name for column in COLUMNS), row, strict=True)))


async def _add(tx: Tx, row: dict[str, Any], recipients: list[dict[str, Any]], audit: AuditEntry | None) -> None:
    await require_user(tx, row["user_id"])
    await tx.run(_REMOVE_DRAFT, this=row["id"], of_user=row["user_id"])
    await tx.run(_ADD, **row)
    for each in recipients:
        await tx.run(_ADD_RECIPIENT, **each)
    await log.add(tx, audit)


async def _append(tx: Tx, user_id: str, broadcast_id: str, rows: list[dict[str, Any]], most: int) -> int:
    held = await tx.one(_MINE_LOCKED, this=broadcast_id, of_user=user_id)
    if held is None:
        raise NotFound("There is no broadcast of this id", code="BROADCAST_NOT_FOUND")
    if broadcast_of(held).state is not BroadcastState.DRAFT:
        raise Conflict("Recipients are added to a draft only", code="BROADCAST_NOT_DRAFT")
    last = await tx.one(_LAST, this=broadcast_id)
    count = (last[0] or 0) if last is not None else 0
    if count + len(rows) > most:
        raise Conflict(f"A broadcast has at most {most} recipients", code="TOO_MANY_RECIPIENTS")
    for number, row in enumerate(rows, count + 1):
        await tx.run(_ADD_RECIPIENT, **(row | {"number": number}))
    return count + len(rows)


async def _list(
    tx: Tx, user_id: str, limit: int, allowed: frozenset[str] | None, state: BroadcastState | None, before: str
) -> list[Row]:
    found: list[Row] = []
    for _ in range(_STEPS):
        rows = await tx.all(_LIST, of_user=user_id, before=before, most=_AT_ONCE)
        for row in rows:
            if (allowed is None or row[2] in allowed) and (state is None or row[5] == state.value):
                found.append(row)
                if len(found) == limit:
                    return found
        if len(rows) < _AT_ONCE:
            break
        before = rows[-1][0]
    return found


async def _move(
    tx: Tx,
    user_id: str,
    broadcast_id: str,
    state: BroadcastState,
    now: int,
    cause: str | None,
    audit: AuditEntry | None,
) -> bool:
    row = await tx.one(_MINE_LOCKED, this=broadcast_id, of_user=user_id)
    if row is None:
        return False
    if not await move(tx, broadcast_of(row), state, now, cause):
        return False
    await log.add(tx, audit)
    return True


async def move(tx: Tx, broadcast: Broadcast, state: BroadcastState, now: int, cause: str | None) -> bool:
    """Into this state, if that may follow the one it is in."""
    if broadcast.state not in FROM[state]:
        return False
    running = state is BroadcastState.RUNNING
    await tx.run(
        MOVE,
        this=broadcast.id,
        new_state=state.value,
        new_cause=cause,
        now=now,
        new_started_at=now if running and broadcast.started_at is None else broadcast.started_at,
        new_ended_at=now if state in ENDS else None,
        new_failed=0 if running else broadcast.failed_in_a_row,
    )
    if state is BroadcastState.CANCELLED:
        await tx.run(_END_WAITING, this=broadcast.id, now=now)
    await own.tell(tx, broadcast.user_id, [own.broadcast_changed(broadcast, state, cause, now)], now)
    return True


async def _rest(tx: Tx, broadcast_id: str, why: str | None, until: int | None, now: int) -> None:
    await tx.run(_REST, this=broadcast_id, why=why, until=until, now=now)
