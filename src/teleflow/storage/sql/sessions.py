"""Sessions: rows and states. Credentials and login attempts are in their own files."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from teleflow.errors import Conflict
from teleflow.kit.clock import milliseconds
from teleflow.model.sessions import Session, SessionState
from teleflow.storage.sql import removal
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, columns, every, one, page, require_user, run
from teleflow.storage.sql.statement import NO, YES, Row, Statement, Tx, given

_s = t.sessions.c
SESSION_COLUMNS = [
    _s.id,
    _s.user_id,
    _s.name,
    _s.phone,
    _s.state,
    _s.cause,
    _s.state_since,
    _s.authorised,
    _s.account_id,
    _s.account_name,
    _s.created_at,
    _s.last_online_at,
]

_ADD = Statement(insert(t.sessions).on_conflict_do_nothing())
_MINE = Statement(select(*SESSION_COLUMNS).where(_s.id == given("this"), _s.user_id == given("of_user")))
_NAMED = Statement(select(*SESSION_COLUMNS).where(_s.user_id == given("of_user"), _s.name == given("named")))
_PAGE = Statement(
    select(*SESSION_COLUMNS)
    .where(_s.user_id == given("of_user"), _s.id < given("after"))
    .order_by(_s.id.desc())
    .limit(given("most"))
)
_FIRST_PAGE = Statement(
    select(*SESSION_COLUMNS).where(_s.user_id == given("of_user")).order_by(_s.id.desc()).limit(given("most"))
)
_TO_RUN = Statement(
    select(*SESSION_COLUMNS)
    .where(_s.authorised == YES, _s.state != SessionState.DISCONNECTED.value, _s.id > given("after"))
    .order_by(_s.id)
    .limit(given("most"))
)
_COUNTS = Statement(select(_s.state, func.count()).group_by(_s.state))
_SET_STATE = Statement(
    update(t.sessions)
    .values(
        state=given("new_state"),
        cause=given("new_cause"),
        state_since=case((_s.state == given("new_state"), _s.state_since), else_=given("now")),
        phone=func.coalesce(given("new_phone"), _s.phone),
        last_online_at=case(
            (given("new_state") == SessionState.ONLINE.value, given("now")),
            else_=_s.last_online_at,
        ),
    )
    .where(_s.id == given("this"))
)
_AUTHORISE = Statement(
    update(t.sessions)
    .values(
        authorised=YES,
        state=SessionState.CONNECTING.value,
        cause=None,
        state_since=given("now"),
        account_id=given("new_account_id"),
        account_name=given("new_account_name"),
        phone=given("new_phone"),
    )
    .where(_s.id == given("this"))
)
_UNAUTHORISE = Statement(
    update(t.sessions)
    .values(authorised=NO, state=given("new_state"), cause=given("new_cause"), state_since=given("now"))
    .where(_s.id == given("this"))
)
_END_ATTEMPT = Statement(delete(t.login_attempts).where(t.login_attempts.c.session_id == given("this")))


class Sessions(Part):
    async def add_session(self, session: Session) -> None:
        row = columns(session)
        row["state"] = session.state.value
        row["authorised"] = int(session.authorised)
        await self._db.write(_add_session, row)

    async def session(self, user_id: str, session_id: str) -> Session | None:
        return _session_or_none(await self._db.read(one, _MINE, of_user=user_id, this=session_id))

    async def session_named(self, user_id: str, name: str) -> Session | None:
        return _session_or_none(await self._db.read(one, _NAMED, of_user=user_id, named=name))

    async def sessions(self, user_id: str, *, limit: int, after: str | None = None) -> list[Session]:
        if after is None:
            rows = await self._db.read(every, _FIRST_PAGE, of_user=user_id, most=page(limit))
        else:
            rows = await self._db.read(every, _PAGE, of_user=user_id, after=after, most=page(limit))
        return [session_of(row) for row in rows]

    async def sessions_to_run(self, *, limit: int, after: str | None = None) -> list[Session]:
        rows = await self._db.read(every, _TO_RUN, after=after or "", most=page(limit))
        return [session_of(row) for row in rows]

    async def count_sessions(self) -> dict[SessionState, int]:
        return {SessionState(state): count for state, count in await self._db.read_heavy(every, _COUNTS)}

    async def set_session_state(
        self, session_id: str, state: SessionState, *, cause: str | None, now: int, phone: str | None = None
    ) -> None:
        await self._db.write(
            run, _SET_STATE, this=session_id, new_state=state.value, new_cause=cause, new_phone=phone, now=now
        )

    async def authorise_session(
        self, session_id: str, *, account_id: int, account_name: str, phone: str, now: int
    ) -> None:
        account = {"new_account_id": account_id, "new_account_name": account_name, "new_phone": phone}
        await self._db.write(_authorise, session_id, account, now)

    async def forget_authorisation(self, session_id: str, state: SessionState, *, cause: str, now: int) -> None:
        await self._db.write_heavy(_forget, session_id, state.value, cause, now)

    async def delete_session(self, user_id: str, session_id: str) -> bool:
        return await self._db.write_heavy(removal.delete_session, user_id, session_id, milliseconds(self._clock.time()))


def session_of(row: Row) -> Session:
    """The session in a row of SESSION_COLUMNS."""
    id_, user_id, name, phone, state, cause, since, authorised, account_id, account_name, created_at, online_at = row
    return Session(
        id=id_,
        user_id=user_id,
        name=name,
        phone=phone,
        state=SessionState(state),
        cause=cause,
        state_since=since,
        authorised=bool(authorised),
        account_id=account_id,
        account_name=account_name,
        created_at=created_at,
        last_online_at=online_at,
    )


def _session_or_none(row: Row | None) -> Session | None:
    return None if row is None else session_of(row)


async def _add_session(tx: Tx, row: dict[str, Any]) -> None:
    await require_user(tx, row["user_id"])
    if not await tx.run(_ADD, **row):
        raise Conflict("There is a session of that name", code="SESSION_NAME_TAKEN", details={"field": "name"})


async def _authorise(tx: Tx, session_id: str, account: dict[str, Any], now: int) -> None:
    await tx.run(_AUTHORISE, this=session_id, now=now, **account)
    await tx.run(_END_ATTEMPT, this=session_id)


async def _forget(tx: Tx, session_id: str, state: str, cause: str, now: int) -> None:
    await removal.destroy_credentials(tx, session_id)
    await removal.fail_queued_jobs(tx, session_id, cause, now)
    await tx.run(_UNAUTHORISE, this=session_id, new_state=state, new_cause=cause, now=now)
