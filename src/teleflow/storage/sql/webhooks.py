"""Webhooks as their owners keep them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from teleflow.errors import Conflict
from teleflow.kit.seal import Seal
from teleflow.model.audit import AuditEntry
from teleflow.model.webhooks import Webhook
from teleflow.storage.common import webhooks as common
from teleflow.storage.sql import audit as log
from teleflow.storage.sql import deliveries, events
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, every, one, page, require_user
from teleflow.storage.sql.statement import YES, Row, Statement, Tx, given

_w = t.webhooks.c
_COLUMNS = list(_w)
_HEALTH = {"failing_since"}  # is of the deliveries, and not of the owner
_MINE = and_(_w.id == given("this"), _w.user_id == given("of_user"))
_ADD = Statement(insert(t.webhooks).values({c.name: given(c.name) for c in _w}))
_COUNT = Statement(select(func.count()).select_from(t.webhooks).where(_w.user_id == given("of_user")))
_LIST = Statement(
    select(*_COLUMNS)
    .where(_w.user_id == given("of_user"))
    .order_by(_w.created_at.desc(), _w.id.desc())
    .limit(given("most"))
)
_ONE = Statement(select(*_COLUMNS).where(_MINE))
_BY_ID = Statement(select(*_COLUMNS).where(_w.id == given("this")))
_UPDATE = Statement(
    update(t.webhooks)
    .values({c.name: given(f"new_{c.name}") for c in _w if c.name not in {"id", "user_id", "created_at", *_HEALTH}})
    .where(_MINE)
)
_HEALTHY = Statement(update(t.webhooks).values(failing_since=None).where(_MINE))
_REMOVE = Statement(delete(t.webhooks).where(_MINE))
_NAMING = Statement(
    select(_w.user_id).distinct().where(_w.active == YES, _w.types.like(given("pattern"))).limit(10_000)
)
_TO_SERVE = Statement(
    select(_w.id).where(_w.active == YES, _w.id > given("after")).order_by(_w.id).limit(given("most"))
)


class Webhooks(Part):
    async def add_webhook(self, webhook: Webhook, *, most: int, audit: AuditEntry | None = None) -> None:
        await self._db.write(_add, common.row_of(self._seal, webhook), most, audit)

    async def webhooks(self, user_id: str, *, limit: int) -> list[Webhook]:
        rows = await self._db.read(every, _LIST, of_user=user_id, most=page(limit))
        return [webhook_of(row, self._seal) for row in rows]

    async def webhook(self, user_id: str, webhook_id: str) -> Webhook | None:
        row = await self._db.read(one, _ONE, of_user=user_id, this=webhook_id)
        return None if row is None else webhook_of(row, self._seal)

    async def update_webhook(self, webhook: Webhook, *, now: int, audit: AuditEntry | None = None) -> bool:
        row = {f"new_{name}": value for name, value in common.row_of(self._seal, webhook).items()}
        return await self._db.write(_update, webhook, row, now, audit)

    async def remove_webhook(self, user_id: str, webhook_id: str, *, audit: AuditEntry | None = None) -> bool:
        if await self.webhook(user_id, webhook_id) is None:
            return False
        while await self._db.write_heavy(deliveries.forget_some, webhook_id) == deliveries.FORGOTTEN_AT_ONCE:
            pass  # in pieces: nobody waits for a million rows to go
        return await self._db.write(_remove, user_id, webhook_id, audit)

    async def who_wants(self, type_: str) -> frozenset[str]:
        rows = await self._db.read(every, _NAMING, pattern=f'%"{type_}"%')
        return frozenset(str(row[0]) for row in rows)

    async def webhooks_to_serve(self, *, limit: int, after: str | None = None) -> list[str]:
        rows = await self._db.read(every, _TO_SERVE, after=after or "", most=page(limit))
        return [str(row[0]) for row in rows]


def webhook_of(row: Row, seal: Seal) -> Webhook:
    """Raises SealBroken."""
    return common.webhook_of(dict(zip((column.name for column in _COLUMNS), row, strict=False)), seal)


async def by_id(tx: Tx, seal: Seal, webhook_id: str) -> Webhook | None:
    row = await tx.one(_BY_ID, this=webhook_id)
    return None if row is None else webhook_of(row, seal)


async def _add(tx: Tx, row: dict[str, Any], most: int, audit: AuditEntry | None) -> None:
    await require_user(tx, row["user_id"])
    # One of this id was made by the same request, whose answer nobody got.
    await tx.run(_REMOVE, this=row["id"], of_user=row["user_id"])
    count = await tx.one(_COUNT, of_user=row["user_id"])
    if count is not None and count[0] >= most:
        raise Conflict(f"A user has at most {most} webhooks", code="TOO_MANY_WEBHOOKS")
    await tx.run(_ADD, **row)
    await events.count_endpoints(tx, row["user_id"])
    await log.add(tx, audit)


async def _update(tx: Tx, webhook: Webhook, row: dict[str, Any], now: int, audit: AuditEntry | None) -> bool:
    before = await tx.one(_ONE, this=webhook.id, of_user=webhook.user_id)
    if before is None:
        return False
    await tx.run(_UPDATE, this=webhook.id, of_user=webhook.user_id, **row)
    was_active = bool(before[_COLUMNS.index(_w.active)])
    if webhook.active and not was_active:
        await tx.run(_HEALTHY, this=webhook.id, of_user=webhook.user_id)
    if webhook.active != was_active:
        await events.count_endpoints(tx, webhook.user_id)
    if not webhook.active:
        await deliveries.cancel_some(tx, webhook.id, now)
    await log.add(tx, audit)
    tx.ring(webhook.id)
    return True


async def _remove(tx: Tx, user_id: str, webhook_id: str, audit: AuditEntry | None) -> bool:
    if not await tx.run(_REMOVE, this=webhook_id, of_user=user_id):
        return False
    await events.count_endpoints(tx, user_id)
    await log.add(tx, audit)
    return True
