"""How deliveries are carried out, as the storage sees it: claimed, settled, their endpoints' health."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import update

from teleflow.kit.seal import Seal
from teleflow.model.audit import Act, AuditEntry
from teleflow.model.webhooks import Disabled, Tried
from teleflow.storage import told
from teleflow.storage.base.webhooks import Claim, Settled
from teleflow.storage.sql import audit, deliveries, events, webhooks
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part
from teleflow.storage.sql.statement import Statement, Tx, given

_w = t.webhooks.c
_FAILING = Statement(
    update(t.webhooks).values(failing_since=given("since")).where(_w.id == given("this"), _w.failing_since.is_(None))
)
_HEALTHY = Statement(
    update(t.webhooks).values(failing_since=None).where(_w.id == given("this"), _w.failing_since.is_not(None))
)
_DISABLE = Statement(
    update(t.webhooks)
    .values(active=0, disabled_because=given("because"), updated_at=given("now"))
    .where(_w.id == given("this"))
)
_TAKEN_AT_ONCE = 500


class Carrying(Part):
    async def claim_deliveries(self, webhook_id: str, *, now: int, until: int, limit: int) -> Claim:
        return await self._db.write(_claim, self._seal, webhook_id, now, until, min(limit, _TAKEN_AT_ONCE))

    async def settle_deliveries(self, tried: Sequence[Tried], *, now: int, disable_after: int) -> Settled:
        return await self._db.write(_settle, self._seal, list(tried), now, disable_after)


async def _claim(tx: Tx, seal: Seal, webhook_id: str, now: int, until: int, limit: int) -> Claim:
    webhook = await webhooks.by_id(tx, seal, webhook_id)
    if webhook is None or not webhook.active:
        return Claim()
    due, next_due = await deliveries.take(tx, webhook_id, now, until, limit)
    return Claim(webhook, due, next_due)


async def _settle(tx: Tx, seal: Seal, tried: list[Tried], now: int, disable_after: int) -> Settled:
    failed_at: dict[str, int] = {}
    well: set[str] = set()
    gone: set[str] = set()
    ready: set[str] = set()
    for each in tried:
        webhook_id = await deliveries.settle(
            tx, each.delivery_id, each.attempt, success=each.success, again_at=each.again_at, now=now
        )
        if webhook_id is None:
            continue
        ready.add(webhook_id)
        if each.gone:
            gone.add(webhook_id)
        if not each.counts:
            continue
        if each.success:
            well.add(webhook_id)
        else:
            failed_at[webhook_id] = min(each.attempt.at, failed_at.get(webhook_id, each.attempt.at))
    for webhook_id in sorted(well):
        await tx.run(_HEALTHY, this=webhook_id)
    disabled = {}
    for webhook_id in sorted({*failed_at, *gone} - (well - gone)):
        if webhook_id in failed_at:
            await tx.run(_FAILING, this=webhook_id, since=failed_at[webhook_id])
        because = await _disabled(tx, seal, webhook_id, webhook_id in gone, now, disable_after)
        if because is not None:
            disabled[webhook_id] = because
    return Settled(disabled, frozenset(ready))


async def _disabled(
    tx: Tx, seal: Seal, webhook_id: str, is_gone: bool, now: int, disable_after: int
) -> Disabled | None:
    webhook = await webhooks.by_id(tx, seal, webhook_id)
    if webhook is None or not webhook.active:
        return None
    failing = webhook.failing_since is not None and now - webhook.failing_since >= disable_after
    if not (is_gone or failing):
        return None
    because = Disabled.GONE if is_gone else Disabled.FAILING
    await tx.run(_DISABLE, this=webhook_id, because=because.value, now=now)
    await events.count_endpoints(tx, webhook.user_id)
    await deliveries.cancel_some(tx, webhook_id, now)
    await events.append(tx, webhook.user_id, [told.row_of(told.webhook_disabled(webhook, because, now))], now)
    await audit.add(
        tx,
        AuditEntry(
            Act.WEBHOOK_DISABLED.value, now, webhook.user_id, target=webhook_id, details={"reason": because.value}
        ),
    )
    return because
