"""Taking away: what goes with a user, a session, an authorisation.

Rows that hang on a user or a session go by foreign key. Jobs that have not ended are ended first, in the same
transaction, so that the message log tells what became of each. One that may have left already is not told
as cancelled: whether it arrived is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Delete, Update, delete, or_, select, update

from teleflow.errors import Conflict
from teleflow.model.audit import AuditEntry
from teleflow.model.jobs import SendJob, SendState
from teleflow.model.users import Role
from teleflow.storage.sql import audit as log
from teleflow.storage.sql import own
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.sends import JOB_COLUMNS, job_of
from teleflow.storage.sql.statement import NO, YES, Statement, Tx, given

_j = t.send_jobs.c
_g = t.send_log.c
_ENDED_AT_ONCE = 2_000

SESSION_GONE = "SESSION_DELETED"
OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
LOGGED_OUT = "SESSION_LOGGED_OUT"


class _Ending:
    """Ends the open jobs in a scope that match: the log row first, since the job tells which are open."""

    def __init__(self, scope: ColumnElement[bool], states: tuple[SendState, ...], outcome: SendState) -> None:
        matching = (_j.is_open == YES, scope, or_(*(_j.state == state.value for state in states)))
        # What is unknown is told as unknown in the log too.
        success = None if SendState.UNCERTAIN in states else 0
        log: Update = update(t.send_log).values(success=success, detail=given("new_detail"))
        self._log = Statement(log.where(_g.id.in_(select(_j.log_id).where(*matching))))
        self._jobs = Statement(
            update(t.send_jobs)
            .values(
                state=outcome.value,
                is_open=NO,
                lease_node=None,
                ended_at=given("now"),
                error_code=given("new_code"),
                error_message=given("new_detail"),
            )
            .where(*matching)
            .returning(*JOB_COLUMNS)
        )

    async def __call__(self, tx: Tx, scope: str, code: str, detail: str, now: int) -> list[SendJob]:
        await tx.run(self._log, of_scope=scope, new_detail=detail)
        rows = await tx.all(self._jobs, of_scope=scope, new_detail=detail, new_code=code, now=now)
        return [job_of(row, ()) for row in rows]


_OF_SESSION = _j.session_id == given("of_scope")
_OF_USER = _j.user_id == given("of_scope")
_IN_FLIGHT = (SendState.SENDING, SendState.UNCERTAIN)
_cancel_of_session = _Ending(_OF_SESSION, (SendState.QUEUED,), SendState.CANCELLED)
_give_up_of_session = _Ending(_OF_SESSION, _IN_FLIGHT, SendState.FAILED)
_cancel_of_user = _Ending(_OF_USER, (SendState.QUEUED,), SendState.CANCELLED)
_give_up_of_user = _Ending(_OF_USER, _IN_FLIGHT, SendState.FAILED)
_fail_queued = _Ending(_OF_SESSION, (SendState.QUEUED,), SendState.FAILED)


def _by_session(table: Delete) -> Statement:
    return Statement(table.where(table.table.c.session_id == given("of_session")))


_CREDENTIALS = _by_session(delete(t.session_credentials))
_PEERS = _by_session(delete(t.peers))
_LOOKUPS = _by_session(delete(t.phone_lookups))
_HOLDS = _by_session(delete(t.holds))
_POSITIONS = _by_session(delete(t.update_positions))
_FACES = _by_session(delete(t.chat_faces))
_MY_SESSION = Statement(
    select(t.sessions.c.id).where(t.sessions.c.id == given("this"), t.sessions.c.user_id == given("of_user"))
)
_SESSION = Statement(delete(t.sessions).where(t.sessions.c.id == given("this")))
_ROLE = Statement(select(t.users.c.role).where(t.users.c.id == given("this")))
# All of them, locked in one order: of two who remove each other, one waits and then sees what the other did.
_ADMINS = Statement(
    select(t.users.c.id).where(t.users.c.role == Role.ADMIN.value).order_by(t.users.c.id).with_for_update()
)
_USER = Statement(delete(t.users).where(t.users.c.id == given("this")))
_ENDED_JOBS = Statement(
    delete(t.send_jobs).where(
        _j.id.in_(select(_j.id).where(_j.user_id == given("of_user"), _j.is_open == NO).limit(given("most")))
    )
)


async def destroy_credentials(tx: Tx, session_id: str) -> None:
    """The auth key, and what is good for that authorisation only: access hashes, and the place in its updates."""
    for statement in (_CREDENTIALS, _PEERS, _LOOKUPS, _HOLDS, _POSITIONS, _FACES):
        await tx.run(statement, of_session=session_id)


async def fail_queued_jobs(tx: Tx, session_id: str, cause: str, now: int) -> None:
    """Those that never left. One under way is its sender's to settle: Telegram may have taken it."""
    jobs = await _fail_queued(tx, session_id, LOGGED_OUT, f"Not sent: the session is logged out ({cause})", now)
    await _tell_settled(tx, jobs, now)


async def _tell_settled(tx: Tx, jobs: Sequence[SendJob], now: int) -> None:
    if jobs:
        await own.tell(tx, jobs[0].user_id, [own.settled(job, now) for job in jobs], now)


async def delete_session(tx: Tx, user_id: str, session_id: str, now: int, entry: AuditEntry | None = None) -> bool:
    if await tx.one(_MY_SESSION, this=session_id, of_user=user_id) is None:
        return False
    jobs = await _cancel_of_session(tx, session_id, SESSION_GONE, "Not sent: the session was deleted", now)
    jobs += await _give_up_of_session(
        tx, session_id, OUTCOME_UNKNOWN, "The session was deleted while this was on its way: it may have arrived", now
    )
    await tx.run(_SESSION, this=session_id)
    await _tell_settled(tx, jobs, now)
    await own.tell(tx, user_id, [own.deleted(session_id, now)], now)
    await log.add(tx, entry)
    return True


async def refuse_last_admin(tx: Tx, user_id: str) -> None:
    """Raises Conflict when this user is the only admin."""
    row = await tx.one(_ROLE, this=user_id)
    if row is None or row[0] != Role.ADMIN.value:
        return
    admins = {admin for (admin,) in await tx.all(_ADMINS)}
    if admins == {user_id}:
        raise Conflict("Somebody must stay who is an admin", code="LAST_ADMIN")


async def delete_user(tx: Tx, user_id: str, now: int, audit: AuditEntry | None) -> bool:
    await refuse_last_admin(tx, user_id)
    if not await tx.run(_USER, this=user_id):
        return False
    await _cancel_of_user(tx, user_id, SESSION_GONE, "Not sent: the user was deleted", now)
    await _give_up_of_user(
        tx, user_id, OUTCOME_UNKNOWN, "The user was deleted while this was on its way: it may have arrived", now
    )
    await log.add(tx, audit)
    return True


async def delete_ended_jobs(tx: Tx, user_id: str) -> int:
    """Some of a user's ended jobs; how many. Called until it is none."""
    return await tx.run(_ENDED_JOBS, of_user=user_id, most=_ENDED_AT_ONCE)
