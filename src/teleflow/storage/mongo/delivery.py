"""How deliveries are carried out, as the storage sees it: claimed, settled, their endpoints' health."""

from __future__ import annotations

from collections.abc import Sequence

from teleflow.kit.seal import Seal
from teleflow.model.audit import Act, AuditEntry
from teleflow.model.webhooks import Disabled, Tried
from teleflow.storage.base.webhooks import Claim, Settled
from teleflow.storage.mongo import audit, deliveries, events, own, webhooks
from teleflow.storage.mongo.part import Part
from teleflow.storage.mongo.tx import Reads, Tx

_TAKEN_AT_ONCE = 500


class Carrying(Part):
    async def claim_deliveries(self, webhook_id: str, *, now: int, until: int, limit: int) -> Claim:
        """Asked far more often than there is something: the writer is asked only then."""
        nothing = await self._db.read(_look, self._seal, webhook_id, now)
        if nothing is not None:
            return nothing
        near = [("webhooks", webhook_id)]
        most = min(limit, _TAKEN_AT_ONCE)
        return await self._db.write_near(near, _claim, self._seal, webhook_id, now, until, most)

    async def settle_deliveries(self, tried: Sequence[Tried], *, now: int, disable_after: int) -> Settled:
        near = [("webhook_deliveries", each.delivery_id) for each in tried]
        return await self._db.write_near(near, _settle, self._seal, list(tried), now, disable_after)


async def _look(reads: Reads, seal: Seal, webhook_id: str, now: int) -> Claim | None:
    """What a claim comes to where nothing is due; None where something is."""
    webhook = await webhooks.by_id(reads, seal, webhook_id)
    if webhook is None or not webhook.active:
        return Claim()
    next_due = await deliveries.next_due(reads, webhook_id)
    return None if next_due is not None and next_due <= now else Claim(webhook, [], next_due)


async def _claim(tx: Tx, seal: Seal, webhook_id: str, now: int, until: int, limit: int) -> Claim:
    doc = await tx.get("webhooks", webhook_id)
    if doc is None or not doc["active"]:
        return Claim()
    due, next_due = await deliveries.take(tx, doc, now, until, limit)
    return Claim(webhooks.webhook_of(doc, seal), due, next_due)


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
        await _is_failing(tx, webhook_id, None)
    disabled = {}
    for webhook_id in sorted({*failed_at, *gone} - (well - gone)):
        if webhook_id in failed_at:
            await _is_failing(tx, webhook_id, failed_at[webhook_id])
        because = await _disabled(tx, seal, webhook_id, webhook_id in gone, now, disable_after)
        if because is not None:
            disabled[webhook_id] = because
    return Settled(disabled, frozenset(ready))


async def _is_failing(tx: Tx, webhook_id: str, since: int | None) -> None:
    """The first failure of a row of them stands; a success ends the row."""
    doc = await tx.get("webhooks", webhook_id)
    if doc is not None and (doc["failing_since"] is None) != (since is None):
        await tx.change("webhooks", webhook_id, {"failing_since": since})


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
    fields = {"active": 0, "disabled_because": because.value, "updated_at": now}
    await tx.change("webhooks", webhook_id, fields)
    await events.count_endpoints(tx, webhook.user_id)
    await deliveries.cancel_some(tx, webhook_id, now)
    await own.tell(tx, webhook.user_id, [own.webhook_disabled(webhook, because, now)], now)
    details = {"reason": because.value}
    entry = AuditEntry(Act.WEBHOOK_DISABLED.value, now, webhook.user_id, target=webhook_id, details=details)
    await audit.add(tx, entry)
    return because
