"""The audit log."""

from __future__ import annotations

import json
from typing import Any

from teleflow.model.audit import AuditEntry
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, columns, every, page
from teleflow.storage.mongo.tx import Tx

PURGED_AT_ONCE = 500


async def add(tx: Tx, entry: AuditEntry | None) -> None:
    """Write an entry in the batch of the act that it tells of. None: there is nothing to tell."""
    if entry is None:
        return
    doc = columns(entry)
    del doc["id"]
    doc["action"] = str(entry.action)
    doc["details"] = json.dumps(dict(entry.details), ensure_ascii=False, sort_keys=True)
    tx.put("audit_log", {"_id": tx.next("audit_log"), **doc})


class Audit(Part):
    async def add_audit(self, entry: AuditEntry) -> None:
        await self._db.write(add, entry)

    async def audit_entries(
        self,
        *,
        limit: int,
        before: int | None = None,
        action: str | None = None,
        user_id: str | None = None,
        since: int | None = None,
    ) -> list[AuditEntry]:
        where: dict[str, Any] = {"created_at": {"$gte": since or 0}}
        if before is not None:
            where["_id"] = {"$lt": before}
        if action is not None:
            where["action"] = action
        if user_id is not None:
            where["$or"] = [{"user_id": user_id}, {"actor_id": user_id}]
        docs = await self._db.read_heavy(every, "audit_log", where, [("_id", -1)], page(limit))
        return [_entry(doc) for doc in docs]

    async def purge_audit(self, *, before: int) -> int:
        return await self._db.write_heavy(_purge, before)


async def _purge(tx: Tx, before: int) -> int:
    where = {"created_at": {"$lt": before}}
    old = await tx.find("audit_log", where, sort=[("created_at", 1)], limit=PURGED_AT_ONCE)
    for doc in old:
        await tx.remove("audit_log", doc["_id"])
    return len(old)


def _entry(doc: Doc) -> AuditEntry:
    fields = dict(doc)
    number = fields.pop("_id")
    return AuditEntry(**{**fields, "details": json.loads(fields["details"])}, id=number)
