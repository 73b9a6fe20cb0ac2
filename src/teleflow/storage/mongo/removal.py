"""Taking away: what goes with a user, a session, an authorisation.

Jobs that have not ended are ended first, in the same batch, so that the message log tells what became of each. One
that may have left already is not told as cancelled: whether it arrived is unknown. What else hung on a user or a
session is nobody's from then on; a mark (`graves`) says so, and it is removed in steps: by whoever deleted, and, should
that one die, by the sweep.
"""

from __future__ import annotations

from collections.abc import Sequence

from teleflow.errors import Conflict
from teleflow.model.audit import AuditEntry
from teleflow.model.jobs import SendJob, SendState
from teleflow.model.users import Role
from teleflow.storage.mongo import audit as log
from teleflow.storage.mongo import own, sends
from teleflow.storage.mongo.schema import OF_SESSION, OF_USER
from teleflow.storage.mongo.tx import Tx

AT_ONCE = 2_000  # documents in one step

SESSION_GONE = "SESSION_DELETED"
OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
LOGGED_OUT = "SESSION_LOGGED_OUT"
_QUEUED = (SendState.QUEUED,)
_IN_FLIGHT = (SendState.SENDING, SendState.UNCERTAIN)
# What opens something, or works by itself, goes at once; the rest, which may be much, in steps.
_OPENS_AS_USER = ("logins", "refresh_tokens", "api_keys", "stream_tickets", "webhooks", "idempotency_keys")
_OPENS_AS_SESSION = ("session_credentials", "session_profiles", "login_attempts")
_OF_AUTHORISATION = (
    "session_credentials",
    "peers",
    "phone_lookups",
    "holds",
    "update_positions",
    "chat_faces",
)


def destroy_credentials(tx: Tx, session_id: str) -> None:
    """The auth key, and what is good for that authorisation only: access hashes, and the place in its updates."""
    for collection in _OF_AUTHORISATION:
        tx.clear(collection, {"session_id": session_id})


async def fail_queued_jobs(tx: Tx, session_id: str, cause: str, now: int) -> None:
    """Those that never left. One under way is its sender's to settle: Telegram may have taken it."""
    detail = f"Not sent: the session is logged out ({cause})"
    of_it = {"session_id": session_id}
    jobs = await sends.end_jobs(tx, of_it, _QUEUED, SendState.FAILED, LOGGED_OUT, detail, now)
    await _tell_settled(tx, jobs, now)


async def _tell_settled(tx: Tx, jobs: Sequence[SendJob], now: int) -> None:
    if jobs:
        await own.tell(tx, jobs[0].user_id, [own.settled(job, now) for job in jobs], now, fresh=True)


async def delete_session(tx: Tx, user_id: str, session_id: str, now: int, entry: AuditEntry | None = None) -> bool:
    doc = await tx.get("sessions", session_id)
    if doc is None or doc["user_id"] != user_id:
        return False
    jobs = await _end_open_jobs(tx, {"session_id": session_id}, "session", now)
    _bury_session(tx, session_id)
    await tx.remove("sessions", session_id)
    await _tell_settled(tx, jobs, now)
    await own.tell(tx, user_id, [own.deleted(session_id, now)], now)
    await log.add(tx, entry)
    return True


async def refuse_last_admin(tx: Tx, user_id: str) -> None:
    """Raises Conflict when this user is the only admin."""
    doc = await tx.get("users", user_id)
    if doc is None or doc["role"] != Role.ADMIN.value:
        return
    if await tx.one("users", {"role": Role.ADMIN.value, "_id": {"$ne": user_id}}) is None:
        raise Conflict("Somebody must stay who is an admin", code="LAST_ADMIN")


async def delete_user(tx: Tx, user_id: str, now: int, audit: AuditEntry | None) -> bool:
    await refuse_last_admin(tx, user_id)
    if not await tx.remove("users", user_id):
        return False
    await _end_open_jobs(tx, {"user_id": user_id}, "user", now)
    for session in await tx.find("sessions", {"user_id": user_id}):
        _bury_session(tx, session["_id"])
        await tx.remove("sessions", session["_id"])
    for collection in _OPENS_AS_USER:
        tx.clear(collection, {OF_USER[collection]: user_id})
    tx.put("graves", {"_id": user_id, "of": "user"})
    await log.add(tx, audit)
    return True


async def bury_some(tx: Tx, most: int) -> int:
    """Remove some of what hung on those who are gone: how many documents. Called until it is none."""
    grave = await tx.one("graves", {})
    if grave is None:
        return 0
    id_, left = grave["_id"], most
    fields = {**OF_USER, "send_jobs": "user_id"} if grave["of"] == "user" else OF_SESSION
    for collection, field in fields.items():  # every open job has ended
        left -= await _remove_some(tx, collection, {field: id_}, left)
        if left <= 0:
            return most
    await tx.remove("graves", id_)
    return most - left + 1


async def exhume(tx: Tx, session_id: str) -> None:
    """One of this id is made anew: nothing of the old one may come with it."""
    if await tx.remove("graves", session_id):
        for collection, field in OF_SESSION.items():
            tx.clear(collection, {field: session_id})


async def _remove_some(tx: Tx, collection: str, where: dict[str, object], most: int) -> int:
    found = await tx.find(collection, where, limit=most)
    for doc in found:
        await tx.remove(collection, doc["_id"])
    return len(found)


def _bury_session(tx: Tx, session_id: str) -> None:
    for collection in _OPENS_AS_SESSION:
        tx.clear(collection, {"session_id": session_id})
    tx.put("graves", {"_id": session_id, "of": "session"})


async def _end_open_jobs(tx: Tx, of_it: dict[str, str], what: str, now: int) -> list[SendJob]:
    gone = f"Not sent: the {what} was deleted"
    jobs = await sends.end_jobs(tx, of_it, _QUEUED, SendState.CANCELLED, SESSION_GONE, gone, now)
    unknown = f"The {what} was deleted while this was on its way: it may have arrived"
    jobs += await sends.end_jobs(tx, of_it, _IN_FLIGHT, SendState.FAILED, OUTCOME_UNKNOWN, unknown, now)
    return jobs
