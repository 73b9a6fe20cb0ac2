"""Sessions: rows and states. Credentials and login attempts are in their own files."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from teleflow.errors import Conflict
from teleflow.kit.clock import milliseconds
from teleflow.model.audit import AuditEntry
from teleflow.model.sessions import IMPAIRMENTS, Profile, Session, SessionState, may_follow
from teleflow.model.updates import BoxPosition
from teleflow.storage.sql import audit as audit_log
from teleflow.storage.sql import events, own, profiles, removal
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, columns, every, one, page, require_user
from teleflow.storage.sql.statement import NO, YES, Row, Statement, Tx, given

_s = t.sessions.c
_IMPORT = "import"  # how a login came that was made elsewhere
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
    _s.impaired,
]

_ADD = Statement(insert(t.sessions).on_conflict_do_nothing())
_MINE = Statement(select(*SESSION_COLUMNS).where(_s.id == given("this"), _s.user_id == given("of_user")))
_NAMED = Statement(select(*SESSION_COLUMNS).where(_s.user_id == given("of_user"), _s.name == given("named")))
_ANY = Statement(select(*SESSION_COLUMNS).where(_s.id == given("this")))
_RENAME = Statement(
    update(t.sessions).values(name=given("new_name")).where(_s.id == given("this"), _s.user_id == given("of_user"))
)
_NAMESAKE = Statement(
    select(_s.id).where(_s.user_id == given("of_user"), _s.name == given("new_name"), _s.id != given("this"))
)
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
        impaired=given("new_impaired"),
    )
    .where(_s.id == given("this"))
)
_STATE = Statement(select(_s.state, _s.impaired, _s.user_id).where(_s.id == given("this")).with_for_update())
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
        impaired=None,
    )
    .where(_s.id == given("this"))
)
_UNAUTHORISE = Statement(
    update(t.sessions)
    .values(authorised=NO, state=given("new_state"), cause=given("new_cause"), state_since=given("now"), impaired=None)
    .where(_s.id == given("this"))
)
_END_ATTEMPT = Statement(delete(t.login_attempts).where(t.login_attempts.c.session_id == given("this")))


class Sessions(Part):
    async def add_session(
        self, session: Session, profile: Profile | None = None, *, audit: AuditEntry | None = None
    ) -> None:
        dressed = profiles.row_of(self._seal, session.id, profile) if profile is not None else None
        await self._db.write(_add_session, row_of(session), dressed, audit)

    async def session(self, user_id: str, session_id: str) -> Session | None:
        return _session_or_none(await self._db.read(one, _MINE, of_user=user_id, this=session_id))

    async def session_by_id(self, session_id: str) -> Session | None:
        return _session_or_none(await self._db.read(one, _ANY, this=session_id))

    async def rename_session(self, user_id: str, session_id: str, name: str) -> bool:
        return await self._db.write(_rename, user_id, session_id, name)

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
    ) -> bool:
        return await self._db.write(_set_state, session_id, state, cause, phone, now)

    async def authorise_session(
        self,
        session_id: str,
        *,
        account_id: int,
        account_name: str,
        phone: str,
        now: int,
        start: BoxPosition | None = None,
        audit: AuditEntry | None = None,
    ) -> None:
        account = {"new_account_id": account_id, "new_account_name": account_name, "new_phone": phone}
        await self._db.write(_authorise, session_id, account, now, start, audit)

    async def forget_authorisation(
        self, session_id: str, state: SessionState, *, cause: str, now: int, audit: AuditEntry | None = None
    ) -> None:
        await self._db.write_heavy(_forget, session_id, state.value, cause, now, audit)

    async def delete_session(self, user_id: str, session_id: str, *, audit: AuditEntry | None = None) -> bool:
        now = milliseconds(self._clock.time())
        return await self._db.write_heavy(removal.delete_session, user_id, session_id, now, audit)


def session_of(row: Row) -> Session:
    """The session in a row of SESSION_COLUMNS."""
    id_, user_id, name, phone, state, cause, since, authorised, account_id, account_name, created_at, *rest = row
    online_at, impaired = rest
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
        impaired=SessionState(impaired) if impaired else None,
    )


def row_of(session: Session) -> dict[str, Any]:
    row = columns(session)
    row["state"] = session.state.value
    row["authorised"] = int(session.authorised)
    row["impaired"] = session.impaired.value if session.impaired else None
    return row


def _session_or_none(row: Row | None) -> Session | None:
    return None if row is None else session_of(row)


async def _set_state(
    tx: Tx, session_id: str, state: SessionState, cause: str | None, phone: str | None, now: int
) -> bool:
    row = await tx.one(_STATE, this=session_id)
    if row is None or not may_follow(SessionState(row[0]), state):
        return False
    impaired = state.value if state in IMPAIRMENTS else None if state is SessionState.ONLINE else row[1]
    values = {"new_state": state.value, "new_cause": cause, "new_phone": phone, "new_impaired": impaired}
    await tx.run(_SET_STATE, this=session_id, now=now, **values)
    await own.tell(tx, row[2], own.state_changed(session_id, SessionState(row[0]), state, cause, now), now)
    return True


async def _rename(tx: Tx, user_id: str, session_id: str, name: str) -> bool:
    if await tx.one(_NAMESAKE, this=session_id, of_user=user_id, new_name=name) is not None:
        raise _name_taken()
    return await tx.run(_RENAME, this=session_id, of_user=user_id, new_name=name) > 0


def _name_taken() -> Conflict:
    return Conflict("There is a session of that name", code="SESSION_NAME_TAKEN", details={"field": "name"})


async def add_session(tx: Tx, row: dict[str, Any]) -> None:
    """Raises NotFound without the user, Conflict when the name is taken."""
    await require_user(tx, row["user_id"])
    if not await tx.run(_ADD, **row):
        raise _name_taken()
    now = row["created_at"]
    told = [own.created(row["id"], row["phone"], now)]
    if row["authorised"]:
        told.append(own.authorized(row["id"], _IMPORT, now))
    await own.tell(tx, row["user_id"], told, now)


async def _add_session(tx: Tx, row: dict[str, Any], profile: dict[str, Any] | None, entry: AuditEntry | None) -> None:
    await add_session(tx, row)
    if profile is not None:
        await profiles.save(tx, profile)
    await audit_log.add(tx, entry)


async def _authorise(
    tx: Tx,
    session_id: str,
    account: dict[str, Any],
    now: int,
    start: BoxPosition | None,
    entry: AuditEntry | None,
) -> None:
    row = await tx.one(_STATE, this=session_id)
    await tx.run(_AUTHORISE, this=session_id, now=now, **account)
    if row is not None:
        method = str(entry.details.get("method", _IMPORT)) if entry is not None and entry.details else _IMPORT
        told = own.state_changed(session_id, SessionState(row[0]), SessionState.CONNECTING, None, now)
        await own.tell(tx, row[2], [own.authorized(session_id, method, now), *told], now)
        await events.begin_at(tx, session_id, start)
    await tx.run(_END_ATTEMPT, this=session_id)
    await audit_log.add(tx, entry)


async def _forget(tx: Tx, session_id: str, state: str, cause: str, now: int, entry: AuditEntry | None) -> None:
    await removal.destroy_credentials(tx, session_id)
    await removal.fail_queued_jobs(tx, session_id, cause, now)
    row = await tx.one(_STATE, this=session_id)
    await tx.run(_UNAUTHORISE, this=session_id, new_state=state, new_cause=cause, now=now)
    if row is not None:
        told = own.state_changed(session_id, SessionState(row[0]), SessionState(state), cause, now)
        await own.tell(tx, row[2], told, now)
    await audit_log.add(tx, entry)
