"""Sending again what an endpoint did not get: a walk through the log that a restart does not forget."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select, update

from teleflow.errors import Conflict, NotFound
from teleflow.kit.seal import Seal
from teleflow.model.webhooks import DeliveryState, Recovery, RecoveryState
from teleflow.storage.sql import deliveries, webhooks
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, columns, every, one, page
from teleflow.storage.sql.statement import Row, Statement, Tx, given

_r = t.webhook_recoveries.c
_d = t.webhook_deliveries.c
_e = t.events.c
_w = t.webhooks.c
_COLUMNS = list(_r)
_RUNNING = RecoveryState.RUNNING.value
_ADD = Statement(insert(t.webhook_recoveries).values({c.name: given(c.name) for c in _r}))
_OWNED = Statement(select(_w.id).where(_w.id == given("of_webhook"), _w.user_id == given("of_user")))
_ANOTHER = Statement(select(_r.id).where(_r.webhook_id == given("of_webhook"), _r.state == _RUNNING).limit(1))
_of_mine = (_r.webhook_id == given("of_webhook"), _r.user_id == given("of_user"))
_LIST = Statement(select(*_COLUMNS).where(*_of_mine).order_by(_r.created_at.desc(), _r.id.desc()).limit(given("most")))
_ONE = Statement(select(*_COLUMNS).where(*_of_mine, _r.id == given("this")))
_TO_RUN = Statement(select(_r.id).where(_r.state == _RUNNING).order_by(_r.id).limit(given("most")))
_STANDING = Statement(select(*_COLUMNS).where(_r.id == given("this"), _r.state == _RUNNING).with_for_update())
_END = Statement(
    update(t.webhook_recoveries)
    .values(state=given("new_state"), ended_at=given("now"))
    .where(_r.id == given("this"), _r.state == _RUNNING)
)
_MOVE = Statement(
    update(t.webhook_recoveries)
    .values(cursor=given("new_cursor"), found=given("new_found"))
    .where(_r.id == given("this"))
)
_EVENTS = Statement(
    select(_e.number, _e.id, _e.type, _e.session_id, _e.chat_id, _e.at)
    .where(_e.user_id == given("of_user"), _e.number > given("after"))
    .order_by(_e.number)
    .limit(given("most"))
)
_PLANNED = Statement(
    select(_d.id, _d.state).where(_d.webhook_id == given("of_webhook"), _d.event_number == given("of_event"))
)
_NOT_GOT = frozenset({DeliveryState.FAILED.value, DeliveryState.CANCELLED.value})


class Recoveries(Part):
    async def add_recovery(self, recovery: Recovery) -> None:
        await self._db.write(_add, recovery)

    async def recoveries(self, user_id: str, webhook_id: str, *, limit: int) -> list[Recovery]:
        rows = await self._db.read(every, _LIST, of_webhook=webhook_id, of_user=user_id, most=page(limit))
        return [_recovery(row) for row in rows]

    async def recovery(self, user_id: str, webhook_id: str, recovery_id: str) -> Recovery | None:
        row = await self._db.read(one, _ONE, of_webhook=webhook_id, of_user=user_id, this=recovery_id)
        return None if row is None else _recovery(row)

    async def cancel_recovery(self, user_id: str, webhook_id: str, recovery_id: str, *, now: int) -> bool:
        if await self.recovery(user_id, webhook_id, recovery_id) is None:
            return False
        await self._db.write(_end, recovery_id, RecoveryState.CANCELLED, now)
        return True

    async def recoveries_to_run(self, *, limit: int) -> list[str]:
        return [str(row[0]) for row in await self._db.read(every, _TO_RUN, most=page(limit))]

    async def recover_some(self, recovery_id: str, *, now: int, limit: int) -> bool:
        return await self._db.write(_recover_some, self._seal, recovery_id, now, page(limit))


def _recovery(row: Row) -> Recovery:
    values: dict[str, Any] = dict(zip((column.name for column in _COLUMNS), row, strict=True))
    values["state"] = RecoveryState(values["state"])
    return Recovery(**values)


async def _add(tx: Tx, recovery: Recovery) -> None:
    if await tx.one(_OWNED, of_webhook=recovery.webhook_id, of_user=recovery.user_id) is None:
        raise NotFound("There is no webhook of this id", code="WEBHOOK_NOT_FOUND")
    if await tx.one(_ANOTHER, of_webhook=recovery.webhook_id) is not None:
        raise Conflict("A recovery of this webhook is running", code="RECOVERY_RUNNING")
    await tx.run(_ADD, **{**columns(recovery), "state": recovery.state.value})
    tx.ring(recovery.id)


async def _end(tx: Tx, recovery_id: str, state: RecoveryState, now: int) -> None:
    await tx.run(_END, this=recovery_id, new_state=state.value, now=now)


async def _recover_some(tx: Tx, seal: Seal, recovery_id: str, now: int, limit: int) -> bool:
    row = await tx.one(_STANDING, this=recovery_id)
    if row is None:
        return False
    job = _recovery(row)
    webhook = await webhooks.by_id(tx, seal, job.webhook_id)
    if webhook is None or not webhook.active:  # nothing would leave
        await _end(tx, recovery_id, RecoveryState.CANCELLED, now)
        return False
    found, cursor = job.found, job.cursor
    rows = await tx.all(_EVENTS, of_user=job.user_id, after=cursor, most=limit)
    for number, id_, type_, session_id, chat_id, at in rows:
        cursor = number
        if not job.since <= at < job.until or not webhook.wanted.wants(type_, session_id):
            continue
        planned = await tx.one(_PLANNED, of_webhook=webhook.id, of_event=number)
        if planned is None:
            event = {"id": id_, "type": type_, "session_id": session_id, "chat_id": chat_id}
            await deliveries.plan_one(tx, job.user_id, webhook.id, webhook.ordering, number, event, now)
        elif planned[1] in _NOT_GOT:
            await tx.run(deliveries.BEGIN_UNLESS_DELIVERED, this=planned[0], now=now)
        else:
            continue
        found += 1
    await tx.run(_MOVE, this=recovery_id, new_cursor=cursor, new_found=found)
    tx.ring(webhook.id)
    if len(rows) < limit:
        await _end(tx, recovery_id, RecoveryState.DONE, now)
        return False
    return True
