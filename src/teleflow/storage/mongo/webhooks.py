"""Webhooks as their owners keep them."""

from __future__ import annotations

import re

from teleflow.errors import Conflict
from teleflow.kit.seal import Seal
from teleflow.model.audit import AuditEntry
from teleflow.model.webhooks import Webhook
from teleflow.storage.common import webhooks as common
from teleflow.storage.mongo import audit as log
from teleflow.storage.mongo import deliveries, events
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, every, page, require_user
from teleflow.storage.mongo.tx import Reads, Tx

_WEBHOOKS = "webhooks"
_KEPT = frozenset({"_id", "user_id", "created_at", "failing_since"})  # not the owner's to change
_NAMED_AT_MOST = 10_000
_USER = frozenset({"user_id"})
_ID = frozenset({"_id"})


class Webhooks(Part):
    async def add_webhook(self, webhook: Webhook, *, most: int, audit: AuditEntry | None = None) -> None:
        await self._db.write(_add, _document(self._seal, webhook), most, audit)

    async def webhooks(self, user_id: str, *, limit: int) -> list[Webhook]:
        newest = [("created_at", -1), ("_id", -1)]
        docs = await self._db.read(every, _WEBHOOKS, {"user_id": user_id}, newest, page(limit))
        return [webhook_of(doc, self._seal) for doc in docs]

    async def webhook(self, user_id: str, webhook_id: str) -> Webhook | None:
        doc = await self._db.read(mine, user_id, webhook_id)
        return None if doc is None else webhook_of(doc, self._seal)

    async def update_webhook(self, webhook: Webhook, *, now: int, audit: AuditEntry | None = None) -> bool:
        return await self._db.write(_update, webhook, _document(self._seal, webhook), now, audit)

    async def remove_webhook(self, user_id: str, webhook_id: str, *, audit: AuditEntry | None = None) -> bool:
        if await self._db.read(mine, user_id, webhook_id) is None:
            return False
        while await self._db.write_heavy(deliveries.forget_some, webhook_id) == deliveries.FORGOTTEN_AT_ONCE:
            pass  # in pieces: nobody waits for a million documents to go
        return await self._db.write(_remove, user_id, webhook_id, audit)

    async def who_wants(self, type_: str) -> frozenset[str]:
        return await self._db.read(_who_wants, type_)

    async def webhooks_to_serve(self, *, limit: int, after: str | None = None) -> list[str]:
        return await self._db.read(_to_serve, page(limit), after or "")


def _document(seal: Seal, webhook: Webhook) -> Doc:
    row = common.row_of(seal, webhook)
    return {"_id": row.pop("id"), **row}


def webhook_of(doc: Doc, seal: Seal) -> Webhook:
    """Raises SealBroken."""
    row = dict(doc)
    return common.webhook_of({"id": row.pop("_id"), **row}, seal)


async def by_id(reads: Reads, seal: Seal, webhook_id: str) -> Webhook | None:
    doc = await reads.get(_WEBHOOKS, webhook_id)
    return None if doc is None else webhook_of(doc, seal)


async def mine(reads: Reads, user_id: str, webhook_id: str) -> Doc | None:
    doc = await reads.get(_WEBHOOKS, webhook_id)
    return doc if doc is not None and doc["user_id"] == user_id else None


async def _who_wants(reads: Reads, type_: str) -> frozenset[str]:
    where = {"active": 1, "types": {"$regex": re.escape(f'"{type_}"')}}
    return frozenset(doc["user_id"] for doc in await reads.find(_WEBHOOKS, where, limit=_NAMED_AT_MOST, fields=_USER))


async def _to_serve(reads: Reads, limit: int, after: str) -> list[str]:
    where = {"active": 1, "_id": {"$gt": after}}
    found = await reads.find(_WEBHOOKS, where, sort=[("_id", 1)], limit=limit, fields=_ID)
    return [doc["_id"] for doc in found]


async def _add(tx: Tx, doc: Doc, most: int, audit: AuditEntry | None) -> None:
    user_id = doc["user_id"]
    await require_user(tx, user_id)
    # One of this id was made by the same request, whose answer nobody got.
    if await mine(tx, user_id, doc["_id"]) is not None:
        await _take_away(tx, doc["_id"])
    if await tx.count(_WEBHOOKS, {"user_id": user_id}) >= most:
        raise Conflict(f"A user has at most {most} webhooks", code="TOO_MANY_WEBHOOKS")
    tx.put(_WEBHOOKS, doc)
    await events.count_endpoints(tx, user_id)
    await log.add(tx, audit)


async def _update(tx: Tx, webhook: Webhook, doc: Doc, now: int, audit: AuditEntry | None) -> bool:
    before = await mine(tx, webhook.user_id, webhook.id)
    if before is None:
        return False
    was_active = bool(before["active"])
    fields = {name: value for name, value in doc.items() if name not in _KEPT}
    if webhook.active and not was_active:
        fields["failing_since"] = None
    await tx.change(_WEBHOOKS, webhook.id, fields)
    if webhook.active != was_active:
        await events.count_endpoints(tx, webhook.user_id)
    if not webhook.active:
        await deliveries.cancel_some(tx, webhook.id, now)
    await log.add(tx, audit)
    tx.ring([webhook.id])
    return True


async def _remove(tx: Tx, user_id: str, webhook_id: str, audit: AuditEntry | None) -> bool:
    if await mine(tx, user_id, webhook_id) is None:
        return False
    await _take_away(tx, webhook_id)
    await events.count_endpoints(tx, user_id)
    await log.add(tx, audit)
    return True


async def _take_away(tx: Tx, webhook_id: str) -> None:
    await tx.remove(_WEBHOOKS, webhook_id)
    deliveries.forget_all(tx, webhook_id)
