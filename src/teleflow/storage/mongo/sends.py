"""Send jobs. `accept_send` and `settle_send` are the hot path: what they need is read for a whole batch at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from teleflow.errors import Invalid
from teleflow.model.jobs import SendJob, SendState, Text
from teleflow.model.messages import Message
from teleflow.storage import bindings
from teleflow.storage.base import Accepted, Settlement
from teleflow.storage.common.contents import columns_of, content_of, json_of, messages_of
from teleflow.storage.mongo import own, sendlog
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, document, key, page, require_user
from teleflow.storage.mongo.tx import Reads, Tx

_JOBS = "send_jobs"
_KEYS = "idempotency_keys"
# Every send that has not ended; said so that the index of these, and of no others, can be used.
OPEN: Doc = {"is_open": 1, "created_at": {"$gte": 0}}
KEPT_MS = 72 * 3_600_000  # so long an idempotency key is known
_LOG_SUCCESS = {SendState.SENT: 1, SendState.FAILED: 0, SendState.CANCELLED: 0}
_RENEWED_AT_ONCE = 100  # documents in one unit, so that many leases hold up nobody
_RELEASED_AT_ONCE = 1_000
_WALKED_AT_ONCE = 500
_STEPS = 20
_LAST_ID = "~"  # after every id
_SHORT = frozenset({"session_id", "state"})


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
        doc = job_document(job, username=username, from_phone=from_phone, node=node, lease_until=lease_until)
        near: list[tuple[str, Any]] = [("users", job.user_id)]
        if idempotency_key is not None:
            near.append((_KEYS, key(job.user_id, idempotency_key)))
        first = await self._db.write_near(near, accept, doc, idempotency_key, fingerprint)
        return Accepted(job, replayed=False) if first is None else Accepted(self._job(first), replayed=True)

    async def settle_send(self, job_id: str, settlement: Settlement, *, now: int) -> SendJob | None:
        result = None
        if settlement.messages:
            result = self._seal.seal(json_of(settlement.messages), *bindings.job_result(job_id))
        return self._maybe(await self._db.write_near(_near(job_id), _settle, job_id, settlement, result, now))

    async def cancel_send(self, job_id: str, *, detail: str, now: int) -> bool:
        return await self._db.write_near(_near(job_id), cancel, job_id, detail, now)

    async def mark_sending(self, job_id: str, *, attempts: int, node: str, lease_until: int) -> bool:
        return await self._db.write_near(_near(job_id), _mark_sending, job_id, attempts, node, lease_until)

    async def claim_sends(self, *, node: str, now: int, lease_until: int, limit: int) -> list[SendJob]:
        docs = await self._db.write(_claim, node, now, lease_until, page(limit))
        return [self._job(doc) for doc in docs]

    async def renew_leases(self, job_ids: Sequence[str], *, node: str, lease_until: int) -> None:
        for start in range(0, len(job_ids), _RENEWED_AT_ONCE):
            await self._db.write(_renew, job_ids[start : start + _RENEWED_AT_ONCE], node, lease_until)

    async def release_leases(self, *, except_node: str) -> int:
        freed = 0
        while some := await self._db.write_heavy(release, _JOBS, OPEN, except_node):
            freed += some
        return freed

    async def send_job(self, user_id: str, job_id: str) -> SendJob | None:
        return self._maybe(await self._db.read(_mine, user_id, job_id))

    async def send_jobs(
        self,
        user_id: str,
        *,
        limit: int,
        session_ids: frozenset[str] | None = None,
        state: SendState | None = None,
        before: str | None = None,
    ) -> tuple[list[SendJob], str | None]:
        docs, more = await self._db.read_heavy(_jobs, user_id, page(limit), session_ids, state, before or _LAST_ID)
        return [self._job(doc) for doc in docs], more

    async def send_with_key(self, user_id: str, key: str, *, fingerprint: str) -> SendJob | None:
        return self._maybe(await self._db.read(_with_key, user_id, key, fingerprint))

    async def open_sends(self, job_ids: Sequence[str]) -> set[str]:
        return await self._db.read(_open_among, list(job_ids))

    async def open_jobs(self) -> int:
        return await self._db.read_heavy(_count_open)

    def _maybe(self, doc: Doc | None) -> SendJob | None:
        return None if doc is None else self._job(doc)

    def _job(self, doc: Doc) -> SendJob:
        sealed = doc["result"]
        messages = () if sealed is None else messages_of(self._seal.open(sealed, *bindings.job_result(doc["_id"])))
        return job_of(doc, messages)


def _near(job_id: str) -> list[tuple[str, Any]]:
    return [(_JOBS, job_id)]


def job_document(job: SendJob, *, username: str, from_phone: str, node: str, lease_until: int) -> Doc:
    """A job that begins, claimed; its number in the log comes when it is stored."""
    kind, text, options = columns_of(job.content)
    return {
        "_id": job.id,
        "user_id": job.user_id,
        "session_id": job.session_id,
        "random_id": job.random_id,
        "chat": job.chat,
        "kind": kind,
        "text": text,
        "options": options,
        "state": job.state.value,
        "attempts": job.attempts,
        "created_at": job.created_at,
        "message_id": job.message_id,
        "chat_id": job.chat_id,
        "error_kind": job.error_kind,
        "error_code": job.error_code,
        "error_message": job.error_message,
        "retry_after_ms": _to_ms(job.retry_after),
        "due_at": job.due_at,
        "result": None,
        "account_id": job.account_id,
        "ended_at": None,
        "is_open": 1,
        "lease_node": node,
        "lease_until": lease_until,
        "username": username,
        "from_phone": from_phone,
    }


def job_of(doc: Doc, messages: tuple[Message, ...]) -> SendJob:
    text, options, retry_after_ms = doc["text"], doc["options"], doc["retry_after_ms"]
    return SendJob(
        id=doc["_id"],
        user_id=doc["user_id"],
        session_id=doc["session_id"],
        random_id=doc["random_id"],
        chat=doc["chat"],
        content=Text(text) if options is None else content_of(doc["kind"], text, options),
        state=SendState(doc["state"]),
        attempts=doc["attempts"],
        created_at=doc["created_at"],
        message_id=doc["message_id"],
        chat_id=doc["chat_id"],
        error_kind=doc["error_kind"],
        error_code=doc["error_code"],
        error_message=doc["error_message"],
        retry_after=None if retry_after_ms is None else retry_after_ms / 1000,
        due_at=doc["due_at"],
        messages=messages,
        account_id=doc["account_id"],
    )


async def accept(tx: Tx, doc: Doc, idempotency_key: str | None, fingerprint: str) -> Doc | None:
    """None, or the job of the first request with this key."""
    user_id = doc["user_id"]
    await require_user(tx, user_id)
    if idempotency_key is not None:
        first = await _with_key(tx, user_id, idempotency_key, fingerprint)
        if first is not None:
            return first
        claim = key_document(user_id, idempotency_key, fingerprint, doc["created_at"]) | {"job_id": doc["_id"]}
        tx.put(_KEYS, claim)
    tx.add(_JOBS, doc | {"log_id": sendlog.begin(tx, doc)})
    return None


def key_document(user_id: str, idempotency_key: str, fingerprint: str, now: int) -> Doc:
    fields = {
        "user_id": user_id,
        "key": idempotency_key,
        "fingerprint": fingerprint,
        "job_id": None,
        "answer": None,
        "lease_node": None,
        "lease_until": None,
        "created_at": now,
    }
    return document(key(user_id, idempotency_key), fields, expires_at=now + KEPT_MS)


async def _with_key(reads: Reads, user_id: str, idempotency_key: str, fingerprint: str) -> Doc | None:
    used = await reads.get(_KEYS, key(user_id, idempotency_key))
    if used is None:
        return None
    if used["fingerprint"] != fingerprint:
        raise Invalid("This idempotency key came with another request before", code="IDEMPOTENCY_KEY_REUSED")
    doc = None if used["job_id"] is None else await reads.get(_JOBS, used["job_id"])
    if doc is None:
        raise Invalid("The request that this idempotency key came with is forgotten", code="IDEMPOTENCY_KEY_REUSED")
    return doc


async def _settle(tx: Tx, job_id: str, settlement: Settlement, result: bytes | None, now: int) -> Doc | None:
    doc = await tx.get(_JOBS, job_id)
    if doc is None or not doc["is_open"]:
        return doc
    final = settlement.state.is_final
    fields = {
        "state": settlement.state.value,
        "attempts": settlement.attempts,
        "message_id": settlement.message_id,
        "chat_id": doc["chat_id"] if settlement.chat_id is None else settlement.chat_id,
        "error_kind": settlement.error_kind,
        "error_code": settlement.error_code,
        "error_message": settlement.error_message,
        "retry_after_ms": _to_ms(settlement.retry_after),
        "due_at": settlement.due_at,
        "result": result,
        "ended_at": now if final else None,
        "is_open": int(not final),
        "lease_node": None if final else doc["lease_node"],
    }
    doc |= fields
    await tx.change(_JOBS, job_id, fields)
    sendlog.settle(tx, doc, _LOG_SUCCESS.get(settlement.state), settlement.detail)
    if final:
        await own.tell(tx, doc["user_id"], [own.settled(job_of(doc, settlement.messages), now)], now, fresh=True)
    return doc


async def end(tx: Tx, job_id: str, fields: Doc, *, success: int | None, detail: str, now: int) -> SendJob | None:
    """Make an open job final, with its log entry; its event is the caller's. None when there is no such job."""
    ended = fields | {"is_open": 0, "lease_node": None, "ended_at": now}
    doc = await tx.change(_JOBS, job_id, ended)
    if doc is None:
        return None
    sendlog.settle(tx, doc, success, detail)
    return job_of(doc, ())


async def end_jobs(
    tx: Tx,
    of_it: Mapping[str, str],
    states: Sequence[SendState],
    outcome: SendState,
    code: str,
    detail: str,
    now: int,
) -> list[SendJob]:
    """End the open jobs of a user or a session that are in one of these states; their events are the caller's."""
    fields = {"state": outcome.value, "error_code": code, "error_message": detail}
    success = None if SendState.UNCERTAIN in states else 0  # what is unknown is told as unknown in the log too
    where = {**of_it, **OPEN, "state": {"$in": [state.value for state in states]}}
    found = [
        await end(tx, doc["_id"], fields, success=success, detail=detail, now=now)
        for doc in await tx.find(_JOBS, where)
    ]
    return [job for job in found if job is not None]


async def cancel(tx: Tx, job_id: str, detail: str, now: int) -> bool:
    doc = await tx.get(_JOBS, job_id)
    if doc is None or not doc["is_open"] or doc["state"] != SendState.QUEUED.value:
        return False
    job = await end(tx, job_id, {"state": SendState.CANCELLED.value}, success=0, detail=detail, now=now)
    if job is not None:
        await own.tell(tx, job.user_id, [own.settled(job, now)], now, fresh=True)
    return True


async def _mark_sending(tx: Tx, job_id: str, attempts: int, node: str, until: int) -> bool:
    doc = await tx.get(_JOBS, job_id)
    if doc is None or not doc["is_open"] or doc["lease_node"] != node:
        return False
    queued = doc["state"] == SendState.QUEUED.value
    state = SendState.SENDING.value if queued else doc["state"]
    await tx.change(_JOBS, job_id, {"state": state, "attempts": attempts, "lease_until": until})
    return True


async def _claim(tx: Tx, node: str, now: int, until: int, limit: int) -> list[Doc]:
    where = {**OPEN, "lease_until": {"$lte": now}}
    docs = await tx.find(_JOBS, where, sort=[("created_at", 1), ("_id", 1)], limit=limit)
    lease = {"lease_node": node, "lease_until": until}
    for doc in docs:
        await tx.change(_JOBS, doc["_id"], lease)
    return [doc | lease for doc in docs]


async def _renew(tx: Tx, job_ids: Sequence[str], node: str, until: int) -> None:
    where = {"_id": {"$in": list(job_ids)}, "is_open": 1, "lease_node": node}
    for doc in await tx.find(_JOBS, where):
        await tx.change(_JOBS, doc["_id"], {"lease_until": until})


async def release(tx: Tx, collection: str, where: Doc, node: str) -> int:
    """Some of what other nodes hold here; how many. Called until it is none."""
    held = await tx.find(collection, where | {"lease_node": {"$nin": [None, node]}}, limit=_RELEASED_AT_ONCE)
    for doc in held:
        await tx.change(collection, doc["_id"], {"lease_node": None, "lease_until": 0})
    return len(held)


async def _mine(reads: Reads, user_id: str, job_id: str) -> Doc | None:
    doc = await reads.get(_JOBS, job_id)
    return doc if doc is not None and doc["user_id"] == user_id else None


async def _jobs(
    reads: Reads,
    user_id: str,
    limit: int,
    allowed: frozenset[str] | None,
    state: SendState | None,
    before: str,
) -> tuple[list[Doc], str | None]:
    """Walks the user's jobs from the newest on until a page is full, or long enough for one request."""
    wanted: list[str] = []
    ended = False
    for _ in range(_STEPS):
        where = {"user_id": user_id, "_id": {"$lt": before}}
        docs = await reads.find(_JOBS, where, sort=[("_id", -1)], limit=_WALKED_AT_ONCE, fields=_SHORT)
        fitting = [
            doc["_id"]
            for doc in docs
            if (allowed is None or doc["session_id"] in allowed) and (state is None or doc["state"] == state.value)
        ]
        wanted += fitting
        if len(wanted) >= limit:
            wanted = wanted[:limit]
            before = wanted[-1]
            break
        if len(docs) < _WALKED_AT_ONCE:
            ended = True
            break
        before = docs[-1]["_id"]
    found = await reads.find(_JOBS, {"_id": {"$in": wanted}}, sort=[("_id", -1)]) if wanted else []
    return found, None if ended else before


async def _open_among(reads: Reads, job_ids: list[str]) -> set[str]:
    found = await reads.find(_JOBS, {"_id": {"$in": job_ids}, "is_open": 1}, fields=_SHORT)
    return {doc["_id"] for doc in found}


async def _count_open(reads: Reads) -> int:
    return await reads.count(_JOBS, OPEN)


def _to_ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
