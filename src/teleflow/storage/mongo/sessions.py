"""Sessions: documents and states. Credentials and login attempts are in their own files."""

from __future__ import annotations

from typing import Any

from teleflow.errors import Conflict
from teleflow.kit.clock import milliseconds
from teleflow.model.audit import AuditEntry
from teleflow.model.sessions import IMPAIRMENTS, Profile, Session, SessionState, may_follow
from teleflow.model.updates import BoxPosition
from teleflow.storage.mongo import audit as audit_log
from teleflow.storage.mongo import events, own, profiles, removal
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, columns, every, get, one, page, require_user
from teleflow.storage.mongo.tx import Reads, Tx

_IMPORT = "import"  # how a login came that was made elsewhere


class Sessions(Part):
    async def add_session(
        self, session: Session, profile: Profile | None = None, *, audit: AuditEntry | None = None
    ) -> None:
        dressed = profiles.doc_of(self._seal, session.id, profile) if profile is not None else None
        await self._db.write(_add_session, doc_of(session), dressed, audit)

    async def session(self, user_id: str, session_id: str) -> Session | None:
        session = await self.session_by_id(session_id)
        return session if session is not None and session.user_id == user_id else None

    async def session_by_id(self, session_id: str) -> Session | None:
        return _session_or_none(await self._db.read(get, "sessions", session_id))

    async def session_named(self, user_id: str, name: str) -> Session | None:
        return _session_or_none(await self._db.read(one, "sessions", {"user_id": user_id, "name": name}))

    async def sessions(self, user_id: str, *, limit: int, after: str | None = None) -> list[Session]:
        where: dict[str, Any] = {"user_id": user_id}
        if after is not None:
            where["_id"] = {"$lt": after}
        return [session_of(doc) for doc in await self._db.read(every, "sessions", where, [("_id", -1)], page(limit))]

    async def sessions_to_run(self, *, limit: int, after: str | None = None) -> list[Session]:
        where = {
            "authorised": 1,
            "state": {"$ne": SessionState.DISCONNECTED.value},
            "_id": {"$gt": after or ""},
        }
        return [session_of(doc) for doc in await self._db.read(every, "sessions", where, [("_id", 1)], page(limit))]

    async def count_sessions(self) -> dict[SessionState, int]:
        return await self._db.read_heavy(_counts)

    async def set_session_state(
        self, session_id: str, state: SessionState, *, cause: str | None, now: int, phone: str | None = None
    ) -> bool:
        return await self._db.write_near([("sessions", session_id)], _set_state, session_id, state, cause, phone, now)

    async def rename_session(self, user_id: str, session_id: str, name: str) -> bool:
        return await self._db.write(_rename, user_id, session_id, name)

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
        account = {"account_id": account_id, "account_name": account_name, "phone": phone}
        await self._db.write(_authorise, session_id, account, now, start, audit)

    async def forget_authorisation(
        self, session_id: str, state: SessionState, *, cause: str, now: int, audit: AuditEntry | None = None
    ) -> None:
        await self._db.write_heavy(_forget, session_id, state, cause, now, audit)

    async def delete_session(self, user_id: str, session_id: str, *, audit: AuditEntry | None = None) -> bool:
        now = milliseconds(self._clock.time())
        deleted = await self._db.write_heavy(removal.delete_session, user_id, session_id, now, audit)
        while deleted and await self._db.write_heavy(removal.bury_some, removal.AT_ONCE) > 0:
            pass
        return deleted


def session_of(doc: Doc) -> Session:
    return Session(
        id=doc["_id"],
        user_id=doc["user_id"],
        name=doc["name"],
        phone=doc["phone"],
        state=SessionState(doc["state"]),
        cause=doc["cause"],
        state_since=doc["state_since"],
        authorised=bool(doc["authorised"]),
        account_id=doc["account_id"],
        account_name=doc["account_name"],
        created_at=doc["created_at"],
        last_online_at=doc["last_online_at"],
        impaired=SessionState(doc["impaired"]) if doc["impaired"] else None,
    )


def doc_of(session: Session) -> Doc:
    doc = {"_id": session.id, **columns(session)}
    del doc["id"]
    doc["state"] = session.state.value
    doc["authorised"] = int(session.authorised)
    doc["impaired"] = session.impaired.value if session.impaired else None
    return doc


def _session_or_none(doc: Doc | None) -> Session | None:
    return None if doc is None else session_of(doc)


async def _counts(reads: Reads) -> dict[SessionState, int]:
    counts = {state: await reads.count("sessions", {"state": state.value}) for state in SessionState}
    return {state: count for state, count in counts.items() if count}


async def _set_state(
    tx: Tx, session_id: str, state: SessionState, cause: str | None, phone: str | None, now: int
) -> bool:
    doc = await tx.get("sessions", session_id)
    if doc is None or not may_follow(SessionState(doc["state"]), state):
        return False
    before = SessionState(doc["state"])
    impaired = state.value if state in IMPAIRMENTS else None if state is SessionState.ONLINE else doc["impaired"]
    changes = {"state": state.value, "cause": cause, "impaired": impaired}
    if before is not state:
        changes["state_since"] = now
    if phone is not None:
        changes["phone"] = phone
    if state is SessionState.ONLINE:
        changes["last_online_at"] = now
    await tx.change("sessions", session_id, changes)
    await own.tell(tx, doc["user_id"], own.state_changed(session_id, before, state, cause, now), now)
    return True


async def _rename(tx: Tx, user_id: str, session_id: str, name: str) -> bool:
    doc = await tx.get("sessions", session_id)
    namesake = await tx.one("sessions", {"user_id": user_id, "name": name, "_id": {"$ne": session_id}})
    if namesake is not None:
        raise _name_taken()
    if doc is None or doc["user_id"] != user_id:
        return False
    await tx.change("sessions", session_id, {"name": name})
    return True


def _name_taken() -> Conflict:
    return Conflict("There is a session of that name", code="SESSION_NAME_TAKEN", details={"field": "name"})


async def add_session(tx: Tx, doc: Doc) -> None:
    """Raises NotFound without the user, Conflict when the name is taken."""
    await require_user(tx, doc["user_id"])
    namesake = {"user_id": doc["user_id"], "name": doc["name"]}
    if await tx.get("sessions", doc["_id"]) is not None or await tx.one("sessions", namesake) is not None:
        raise _name_taken()
    await removal.exhume(tx, doc["_id"])
    tx.put("sessions", doc)
    now = doc["created_at"]
    told = [own.created(doc["_id"], doc["phone"], now)]
    if doc["authorised"]:
        told.append(own.authorized(doc["_id"], _IMPORT, now))
    await own.tell(tx, doc["user_id"], told, now)


async def _add_session(tx: Tx, doc: Doc, profile: Doc | None, entry: AuditEntry | None) -> None:
    await add_session(tx, doc)
    if profile is not None:
        tx.put("session_profiles", profile)
    await audit_log.add(tx, entry)


async def _authorise(
    tx: Tx,
    session_id: str,
    account: dict[str, Any],
    now: int,
    start: BoxPosition | None,
    entry: AuditEntry | None,
) -> None:
    doc = await tx.get("sessions", session_id)
    if doc is not None:
        state = {"authorised": 1, "state": SessionState.CONNECTING.value, "cause": None, "impaired": None}
        await tx.change("sessions", session_id, {**state, "state_since": now, **account})
        method = str(entry.details.get("method", _IMPORT)) if entry is not None and entry.details else _IMPORT
        told = own.state_changed(session_id, SessionState(doc["state"]), SessionState.CONNECTING, None, now)
        await own.tell(tx, doc["user_id"], [own.authorized(session_id, method, now), *told], now)
        await events.begin_at(tx, session_id, start)
    await tx.remove("login_attempts", session_id)
    await audit_log.add(tx, entry)


async def _forget(tx: Tx, session_id: str, state: SessionState, cause: str, now: int, entry: AuditEntry | None) -> None:
    removal.destroy_credentials(tx, session_id)
    await removal.fail_queued_jobs(tx, session_id, cause, now)
    doc = await tx.get("sessions", session_id)
    if doc is not None:
        changes = {"authorised": 0, "state": state.value, "cause": cause, "state_since": now, "impaired": None}
        await tx.change("sessions", session_id, changes)
        told = own.state_changed(session_id, SessionState(doc["state"]), state, cause, now)
        await own.tell(tx, doc["user_id"], told, now)
    await audit_log.add(tx, entry)
