"""Send jobs. `accept_send` and `settle_send` are the hot path: few statements, each indexed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, case, func, select, update
from sqlalchemy.dialects.postgresql import insert

from teleflow.errors import Invalid
from teleflow.model.jobs import SendJob, SendState, Text
from teleflow.model.messages import Message
from teleflow.storage import bindings
from teleflow.storage.base import Accepted, Settlement
from teleflow.storage.common.contents import columns_of, content_of, json_of, messages_of
from teleflow.storage.sql import own
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, one, page, require_user
from teleflow.storage.sql.sendlog import ADD_LOG, SETTLE_LOG
from teleflow.storage.sql.statement import NO, YES, Row, Statement, Tx, given

_j = t.send_jobs.c
_k = t.idempotency_keys.c
JOB_COLUMNS = [
    _j.id,
    _j.user_id,
    _j.session_id,
    _j.random_id,
    _j.chat,
    _j.kind,
    _j.text,
    _j.options,
    _j.state,
    _j.attempts,
    _j.created_at,
    _j.message_id,
    _j.chat_id,
    _j.error_kind,
    _j.error_code,
    _j.error_message,
    _j.retry_after_ms,
    _j.due_at,
    _j.account_id,
    _j.result,
]

_ADD_JOB = Statement(
    insert(t.send_jobs).values({c.name: given(c.name) for c in _j if c.name != "is_open"} | {"is_open": YES})
)
_CLAIM_KEY = Statement(
    insert(t.idempotency_keys)
    .values({name: given(name) for name in ("user_id", "key", "fingerprint", "job_id", "created_at")})
    .on_conflict_do_nothing()
)
_USED_KEY = Statement(select(_k.fingerprint, _k.job_id).where(_k.user_id == given("of_user"), _k.key == given("this")))
_JOB = Statement(select(*JOB_COLUMNS).where(_j.id == given("this")))
_MY_JOB = Statement(select(*JOB_COLUMNS).where(_j.id == given("this"), _j.user_id == given("of_user")))
_MY_JOBS = Statement(
    select(*JOB_COLUMNS)
    .where(_j.user_id == given("of_user"), _j.id < given("before"))
    .order_by(_j.id.desc())
    .limit(given("most"))
)
# Of a job that is named by its id. Written so that no index of open jobs fits: PostgreSQL would walk one of those, with
# all the rows in it that have ended since its last vacuum, where the primary key has exactly one.
_it_is_open = _j.is_open + NO == YES
_LAST_ID = "~"  # after every id
_WALKED_AT_ONCE = 500
_STEPS = 20
_SETTLE = Statement(
    update(t.send_jobs)
    .values(
        state=given("new_state"),
        attempts=given("new_attempts"),
        message_id=given("new_message_id"),
        chat_id=func.coalesce(given("new_chat_id"), _j.chat_id),
        error_kind=given("new_error_kind"),
        error_code=given("new_error_code"),
        error_message=given("new_error_message"),
        retry_after_ms=given("new_retry_after_ms"),
        due_at=given("new_due_at"),
        result=given("new_result"),
        ended_at=given("new_ended_at"),
        is_open=given("still_open"),
        lease_node=case((given("still_open") == 1, _j.lease_node), else_=None),
    )
    .where(_j.id == given("this"), _it_is_open)
    .returning(*JOB_COLUMNS, _j.log_id)
)
_CANCEL = Statement(
    update(t.send_jobs)
    .values(state=SendState.CANCELLED.value, is_open=NO, ended_at=given("now"), lease_node=None)
    .where(_j.id == given("this"), _it_is_open, _j.state == SendState.QUEUED.value)
    .returning(*JOB_COLUMNS, _j.log_id)
)
_MARK_SENDING = Statement(
    update(t.send_jobs)
    .values(
        state=case((_j.state == SendState.QUEUED.value, SendState.SENDING.value), else_=_j.state),
        attempts=given("new_attempts"),
        lease_until=given("until"),
    )
    .where(_j.id == given("this"), _it_is_open, _j.lease_node == given("of_node"))
)
_CLAIM = Statement(
    update(t.send_jobs)
    .values(lease_node=given("of_node"), lease_until=given("until"))
    .where(
        _j.id.in_(
            select(_j.id)
            .where(_j.is_open == YES, _j.lease_until <= given("now"))
            .order_by(_j.created_at, _j.id)
            .limit(given("most"))
            .with_for_update(skip_locked=True)
        )
    )
    .returning(*JOB_COLUMNS)
)
_RENEW = Statement(
    update(t.send_jobs)
    .values(lease_until=given("until"))
    .where(_j.id == given("this"), _it_is_open, _j.lease_node == given("of_node"))
)
_RELEASE = Statement(
    update(t.send_jobs)
    .values(lease_node=None, lease_until=0)
    .where(and_(_j.is_open == YES, _j.lease_node.is_not(None), _j.lease_node != given("of_node")))
)
_IS_OPEN = Statement(select(_j.id).where(_j.id == given("this"), _it_is_open))
_COUNT_OPEN = Statement(select(func.count()).select_from(t.send_jobs).where(_j.is_open == YES))
_LOG_SUCCESS = {SendState.SENT: 1, SendState.FAILED: 0, SendState.CANCELLED: 0}


class Sends(Part):
    async def accept_send(
        self,
        job: SendJob,
        *,
        username: str,
        from_phone: str,
        idempotency_key: str | None,
        fingerprint: str,
        node: str,
        lease_until: int,
    ) -> Accepted:
        log = log_row(job, username=username, from_phone=from_phone)
        lease = {"lease_node": node, "lease_until": lease_until}
        keys = [job.id] if idempotency_key is None else [job.id, (job.user_id, idempotency_key)]
        first = await self._db.write_beside("accept", keys, accept, job, log, lease, idempotency_key, fingerprint)
        return Accepted(job, replayed=False) if first is None else Accepted(self._job(first), replayed=True)

    async def settle_send(self, job_id: str, settlement: Settlement, *, now: int) -> SendJob | None:
        result = None
        if settlement.messages:
            result = self._seal.seal(json_of(settlement.messages), *bindings.job_result(job_id))
        return self._maybe(await self._db.write_beside("settle", [job_id], _settle, job_id, settlement, result, now))

    async def cancel_send(self, job_id: str, *, detail: str, now: int) -> bool:
        return await self._db.write(cancel, job_id, detail, now)

    async def mark_sending(self, job_id: str, *, attempts: int, node: str, lease_until: int) -> bool:
        return await self._db.write_beside("mark", [job_id], _mark_sending, job_id, attempts, node, lease_until)

    async def claim_sends(self, *, node: str, now: int, lease_until: int, limit: int) -> list[SendJob]:
        rows = await self._db.write(_claim, node, now, lease_until, page(limit))
        return sorted((self._job(row) for row in rows), key=lambda job: (job.created_at, job.id))

    async def renew_leases(self, job_ids: Sequence[str], *, node: str, lease_until: int) -> None:
        for start in range(0, len(job_ids), _RENEWED_AT_ONCE):
            await self._db.write(_renew, job_ids[start : start + _RENEWED_AT_ONCE], node, lease_until)

    async def release_leases(self, *, except_node: str) -> int:
        return await self._db.write_heavy(_release, except_node)

    async def send_job(self, user_id: str, job_id: str) -> SendJob | None:
        return self._maybe(await self._db.read(one, _MY_JOB, this=job_id, of_user=user_id))

    async def send_jobs(
        self,
        user_id: str,
        *,
        limit: int,
        session_ids: frozenset[str] | None = None,
        state: SendState | None = None,
        before: str | None = None,
    ) -> tuple[list[SendJob], str | None]:
        allowed = None if session_ids is None else sorted(session_ids)
        rows, more = await self._db.read_heavy(_jobs, user_id, page(limit), allowed, state, before or _LAST_ID)
        return [self._job(row) for row in rows], more

    async def send_with_key(self, user_id: str, key: str, *, fingerprint: str) -> SendJob | None:
        return self._maybe(await self._db.read(_with_key, user_id, key, fingerprint))

    async def open_sends(self, job_ids: Sequence[str]) -> set[str]:
        found = [await self._db.read(one, _IS_OPEN, this=job_id) for job_id in job_ids]
        return {row[0] for row in found if row is not None}

    async def open_jobs(self) -> int:
        return await self._db.read_heavy(_count_open)

    def _maybe(self, row: Row | None) -> SendJob | None:
        return None if row is None else self._job(row)

    def _job(self, row: Row) -> SendJob:
        sealed = row[19]
        messages = () if sealed is None else messages_of(self._seal.open(sealed, *bindings.job_result(row[0])))
        return job_of(row, messages)


_RENEWED_AT_ONCE = 100  # rows in one unit, so that many leases hold up nobody


def log_row(job: SendJob, *, username: str, from_phone: str) -> dict[str, Any]:
    return {
        "user_id": job.user_id,
        "username": username,
        "from_phone": from_phone,
        "to_phone": job.chat,
        "message": job.text,
        "created_at": job.created_at,
        "success": None,
        "detail": "Accepted",
    }


def job_of(row: Row, messages: tuple[Message, ...]) -> SendJob:
    """The job in a row of JOB_COLUMNS."""
    id_, user_id, session_id, random_id, chat, kind, text, options, state, attempts, created_at = row[:11]
    message_id, chat_id, error_kind, error_code, error_message, retry_after_ms, due_at, account_id = row[11:19]
    return SendJob(
        id=id_,
        user_id=user_id,
        session_id=session_id,
        random_id=random_id,
        chat=chat,
        content=Text(text) if options is None else content_of(kind, text, options),
        state=SendState(state),
        attempts=attempts,
        created_at=created_at,
        message_id=message_id,
        chat_id=chat_id,
        error_kind=error_kind,
        error_code=error_code,
        error_message=error_message,
        retry_after=None if retry_after_ms is None else retry_after_ms / 1000,
        due_at=due_at,
        messages=messages,
        account_id=account_id,
    )


async def accept(
    tx: Tx, job: SendJob, log: dict[str, Any], lease: dict[str, Any], key: str | None, fingerprint: str
) -> Row | None:
    """None, or the job of the first request with this key."""
    await require_user(tx, job.user_id)
    if key is not None:
        claim = {"user_id": job.user_id, "key": key, "fingerprint": fingerprint}
        if not await tx.run(_CLAIM_KEY, **claim, job_id=job.id, created_at=job.created_at):
            return await _replay(tx, job.user_id, key, fingerprint)
    row = await tx.one(ADD_LOG, **log)
    kind, text, options = columns_of(job.content)
    await tx.run(
        _ADD_JOB,
        id=job.id,
        user_id=job.user_id,
        session_id=job.session_id,
        random_id=job.random_id,
        chat=job.chat,
        kind=kind,
        text=text,
        options=options,
        state=job.state.value,
        attempts=job.attempts,
        created_at=job.created_at,
        message_id=job.message_id,
        chat_id=job.chat_id,
        error_kind=job.error_kind,
        error_code=job.error_code,
        error_message=job.error_message,
        retry_after_ms=_to_ms(job.retry_after),
        due_at=job.due_at,
        result=None,
        account_id=job.account_id,
        ended_at=None,
        log_id=row[0] if row else None,
        **lease,
    )
    return None


async def _replay(tx: Tx, user_id: str, key: str, fingerprint: str) -> Row:
    used = await tx.one(_USED_KEY, of_user=user_id, this=key)
    if used is None or used[0] != fingerprint:
        raise Invalid("This idempotency key came with another request before", code="IDEMPOTENCY_KEY_REUSED")
    row = await tx.one(_JOB, this=used[1])
    if row is None:
        raise Invalid("The request that this idempotency key came with is forgotten", code="IDEMPOTENCY_KEY_REUSED")
    return row


async def _settle(tx: Tx, job_id: str, settlement: Settlement, result: bytes | None, now: int) -> Row | None:
    row = await tx.one(
        _SETTLE,
        this=job_id,
        new_state=settlement.state.value,
        new_attempts=settlement.attempts,
        new_message_id=settlement.message_id,
        new_chat_id=settlement.chat_id,
        new_error_kind=settlement.error_kind,
        new_error_code=settlement.error_code,
        new_error_message=settlement.error_message,
        new_retry_after_ms=_to_ms(settlement.retry_after),
        new_due_at=settlement.due_at,
        new_result=result,
        new_ended_at=now if settlement.state.is_final else None,
        still_open=int(not settlement.state.is_final),
    )
    if row is None:
        return await tx.one(_JOB, this=job_id)
    success = _LOG_SUCCESS.get(settlement.state)
    await tx.run(SETTLE_LOG, this=row[-1], new_success=success, new_detail=settlement.detail)
    if settlement.state.is_final:
        await _tell_settled(tx, job_of(row[:-1], settlement.messages), now)
    return row[:-1]


async def _tell_settled(tx: Tx, job: SendJob, now: int) -> None:
    await own.tell(tx, job.user_id, [own.settled(job, now)], now)


async def cancel(tx: Tx, job_id: str, detail: str, now: int) -> bool:
    row = await tx.one(_CANCEL, this=job_id, now=now)
    if row is None:
        return False
    await tx.run(SETTLE_LOG, this=row[-1], new_success=0, new_detail=detail)
    await _tell_settled(tx, job_of(row[:-1], ()), now)
    return True


async def _mark_sending(tx: Tx, job_id: str, attempts: int, node: str, until: int) -> bool:
    return bool(await tx.run(_MARK_SENDING, this=job_id, new_attempts=attempts, of_node=node, until=until))


async def _claim(tx: Tx, node: str, now: int, until: int, limit: int) -> list[Row]:
    return await tx.all(_CLAIM, of_node=node, now=now, until=until, most=limit)


async def _renew(tx: Tx, job_ids: Sequence[str], node: str, until: int) -> None:
    for job_id in job_ids:
        await tx.run(_RENEW, this=job_id, of_node=node, until=until)


async def _release(tx: Tx, node: str) -> int:
    return await tx.run(_RELEASE, of_node=node)


async def _jobs(
    tx: Tx, user_id: str, limit: int, allowed: list[str] | None, state: SendState | None, before: str
) -> tuple[list[Row], str | None]:
    """Walks the user's jobs from the newest on until a page is full, or long enough for one request."""
    found: list[Row] = []
    for _ in range(_STEPS):
        rows = await tx.all(_MY_JOBS, of_user=user_id, before=before, most=_WALKED_AT_ONCE)
        for row in rows:
            if (allowed is None or row[2] in allowed) and state in {None, row[8]}:
                found.append(row)
                if len(found) == limit:
                    return found, row[0]
        if len(rows) < _WALKED_AT_ONCE:
            return found, None
        before = rows[-1][0]
    return found, before


async def _with_key(tx: Tx, user_id: str, key: str, fingerprint: str) -> Row | None:
    if await tx.one(_USED_KEY, of_user=user_id, this=key) is None:
        return None
    return await _replay(tx, user_id, key, fingerprint)


async def _count_open(tx: Tx) -> int:
    row = await tx.one(_COUNT_OPEN)
    return int(row[0]) if row else 0


def _to_ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
