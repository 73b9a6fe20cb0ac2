"""The audit log."""

from __future__ import annotations

import json

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects.postgresql import insert

from teleflow.model.audit import AuditEntry
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, columns, every, page, run
from teleflow.storage.sql.statement import Row, Statement, Tx, given

PURGED_AT_ONCE = 500
_a = t.audit_log.c
_ADD = Statement(insert(t.audit_log).values({column.name: given(column.name) for column in _a if column.name != "id"}))
_COLUMNS = [column for column in _a if column.name != "id"]
_PAGE = select(*_COLUMNS, _a.id).where(_a.id < given("before"), _a.created_at >= given("since"))
_NEWEST = _PAGE.order_by(_a.id.desc()).limit(given("most"))
_ALL = Statement(_NEWEST)
_OF_ACTION = Statement(_NEWEST.where(_a.action == given("of_action")))
_OF_USER = Statement(_NEWEST.where(or_(_a.user_id == given("of_user"), _a.actor_id == given("of_user"))))
_OF_BOTH = Statement(
    _NEWEST.where(_a.action == given("of_action"), or_(_a.user_id == given("of_user"), _a.actor_id == given("of_user")))
)
_PURGE = Statement(
    delete(t.audit_log).where(
        _a.id.in_(select(_a.id).where(_a.created_at < given("until")).order_by(_a.created_at).limit(given("most")))
    )
)


async def add(tx: Tx, entry: AuditEntry | None) -> None:
    """Write an entry in the transaction of the act that it tells of. None: there is nothing to tell."""
    if entry is None:
        return
    row = columns(entry)
    del row["id"]
    row["action"] = str(entry.action)
    row["details"] = json.dumps(dict(entry.details), ensure_ascii=False, sort_keys=True)
    await tx.run(_ADD, **row)


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
        values: dict[str, object] = {
            "before": before if before is not None else 2**62,
            "since": since or 0,
            "most": page(limit),
        }
        if action is not None:
            values["of_action"] = action
        if user_id is not None:
            values["of_user"] = user_id
        statement = {
            (False, False): _ALL,
            (True, False): _OF_ACTION,
            (False, True): _OF_USER,
            (True, True): _OF_BOTH,
        }[action is not None, user_id is not None]
        return [_entry(row) for row in await self._db.read_heavy(every, statement, **values)]

    async def purge_audit(self, *, before: int) -> int:
        return await self._db.write_heavy(run, _PURGE, until=before, most=PURGED_AT_ONCE)


def _entry(row: Row) -> AuditEntry:
    values = dict(zip((column.name for column in _COLUMNS), row, strict=False))
    return AuditEntry(**{**values, "details": json.loads(values["details"])}, id=row[-1])
