"""The message log: a row for each attempt to send, written before anything leaves."""

from __future__ import annotations

from sqlalchemy import delete, insert, select, update

from teleflow.model.messages import LogEntry
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, one, page, run
from teleflow.storage.sql.statement import NO, YES, Row, Statement, Tx, given

_g = t.send_log.c
_GIVEN = ("user_id", "username", "from_phone", "to_phone", "message", "success", "detail", "created_at")
ADD_LOG = Statement(insert(t.send_log).values({name: given(name) for name in _GIVEN}).returning(_g.id))
SETTLE_LOG = Statement(
    update(t.send_log).values(success=given("new_success"), detail=given("new_detail")).where(_g.id == given("this"))
)
_LOG_COLUMNS = [
    _g.username,
    _g.from_phone,
    _g.to_phone,
    _g.message,
    _g.success,
    _g.detail,
    _g.created_at,
    _g.id,
]
_LOG = Statement(select(*_LOG_COLUMNS).where(_g.id < given("before")).order_by(_g.id.desc()).limit(given("most")))
_MY_LOG = Statement(
    select(*_LOG_COLUMNS)
    .where(_g.user_id == given("of_user"), _g.id < given("before"))
    .order_by(_g.id.desc())
    .limit(given("most"))
)
_LAST_ROW = 2**62
_PURGED_AT_ONCE = 500

# By number, not by time: no index of times has to be kept for it, and numbers rise with the time.
_j = t.send_jobs.c
_PURGE_LOG = Statement(
    delete(t.send_log).where(
        _g.created_at < given("until"),
        _g.id.in_(select(_g.id).order_by(_g.id).limit(given("most"))),
        _g.id.not_in(select(_j.log_id).where(_j.is_open == YES, _j.created_at > 0)),  # by the index of open ones
    )
)
_PURGE_JOBS = Statement(
    delete(t.send_jobs).where(
        _j.is_open == NO,
        _j.ended_at < given("until"),
        _j.id.in_(select(_j.id).order_by(_j.id).limit(given("most"))),
    )
)


class SendLog(Part):
    async def log_entries(self, user_id: str | None, *, limit: int, before: int | None = None) -> list[LogEntry]:
        last = _LAST_ROW if before is None else before
        return [_entry_of(row) for row in await self._db.read(_log_page, user_id, page(limit), last)]

    async def purge_log(self, *, before: int, jobs_before: int) -> int:
        gone = await self._db.write_heavy(run, _PURGE_LOG, until=before, most=_PURGED_AT_ONCE)
        return gone + await self._db.write_heavy(run, _PURGE_JOBS, until=jobs_before, most=_PURGED_AT_ONCE)

    async def log_rejected(
        self,
        *,
        user_id: str,
        username: str,
        from_phone: str,
        to_phone: str,
        message: str,
        detail: str,
        now: int,
    ) -> None:
        await self._db.write(
            one,
            ADD_LOG,
            user_id=user_id,
            username=username,
            from_phone=from_phone,
            to_phone=to_phone,
            message=message,
            success=0,
            detail=detail,
            created_at=now,
        )


def _entry_of(row: Row) -> LogEntry:
    username, from_phone, to_phone, message, success, detail, created_at, number = row
    return LogEntry(
        username=username,
        from_phone=from_phone,
        to_phone=to_phone,
        message=message,
        success=None if success is None else bool(success),
        detail=detail,
        created_at=created_at,
        number=number,
    )


async def _log_page(tx: Tx, user_id: str | None, limit: int, before: int) -> list[Row]:
    if user_id is None:
        return await tx.all(_LOG, before=before, most=limit)
    return await tx.all(_MY_LOG, of_user=user_id, before=before, most=limit)
