"""The message log: a document for each attempt to send, written before anything leaves."""

from __future__ import annotations

from typing import Any

from teleflow.model.messages import LogEntry
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, every, page
from teleflow.storage.mongo.tx import Tx

_PURGED_AT_ONCE = 500


class SendLog(Part):
    async def log_entries(self, user_id: str | None, *, limit: int, before: int | None = None) -> list[LogEntry]:
        where: dict[str, Any] = {} if user_id is None else {"user_id": user_id}
        if before is not None:
            where["_id"] = {"$lt": before}
        docs = await self._db.read(every, "send_log", where, [("_id", -1)], page(limit))
        return [_entry_of(doc) for doc in docs]

    async def purge_log(self, *, before: int, jobs_before: int) -> int:
        gone = await self._db.write_heavy(_purge_log, before)
        return gone + await self._db.write_heavy(_purge_jobs, jobs_before)

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
        row = {
            "user_id": user_id,
            "username": username,
            "from_phone": from_phone,
            "to_phone": to_phone,
            "message": message,
            "success": 0,
            "detail": detail,
            "created_at": now,
        }
        await self._db.write(_add, row)


async def _purge_log(tx: Tx, before: int) -> int:
    """By number, not by time: no index of times has to be kept for it, and numbers rise with the time."""
    oldest = await tx.find("send_log", {}, sort=[("_id", 1)], limit=_PURGED_AT_ONCE, fields=("created_at",))
    old = {doc["_id"] for doc in oldest if doc["created_at"] < before}
    if not old:
        return 0
    under_way = {"is_open": 1, "created_at": {"$gte": 0}, "log_id": {"$lte": max(old)}}
    old -= {job["log_id"] for job in await tx.find("send_jobs", under_way, limit=len(oldest), fields=("log_id",))}
    for number in old:
        await tx.remove("send_log", number)
    return len(old)


async def _purge_jobs(tx: Tx, before: int) -> int:
    fields = ("is_open", "ended_at")
    oldest = await tx.find("send_jobs", {}, sort=[("_id", 1)], limit=_PURGED_AT_ONCE, fields=fields)
    old = [job["_id"] for job in oldest if not job["is_open"] and (job["ended_at"] or before) < before]
    for id_ in old:
        await tx.remove("send_jobs", id_)
    return len(old)


async def _add(tx: Tx, row: Doc) -> None:
    tx.add("send_log", {"_id": tx.next("send_log"), **row})


def begin(tx: Tx, job: Doc) -> int:
    """The entry of a job that is stored in this batch; its number, which the job keeps."""
    number = tx.next("send_log")
    tx.add("send_log", _entry(number, job, None, "Accepted"))
    return number


def settle(tx: Tx, job: Doc, success: int | None, detail: str) -> None:
    """What became of a job. It holds all that its entry does, so that nothing has to be read for it."""
    tx.amend("send_log", _entry(job["log_id"], job, success, detail), ("success", "detail"))


def _entry(number: int, job: Doc, success: int | None, detail: str) -> Doc:
    return {
        "_id": number,
        "user_id": job["user_id"],
        "username": job["username"],
        "from_phone": job["from_phone"],
        "to_phone": job["chat"],
        "message": job["text"],
        "success": success,
        "detail": detail,
        "created_at": job["created_at"],
    }


def _entry_of(doc: Doc) -> LogEntry:
    return LogEntry(
        username=doc["username"],
        from_phone=doc["from_phone"],
        to_phone=doc["to_phone"],
        message=doc["message"],
        success=None if doc["success"] is None else bool(doc["success"]),
        detail=doc["detail"],
        created_at=doc["created_at"],
        number=doc["_id"],
    )
