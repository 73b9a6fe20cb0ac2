"""What opens a Telegram account, and logins under way: sealed at rest."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from teleflow.errors import Conflict
from teleflow.kit.seal import Seal
from teleflow.model.sessions import Credentials, LoginAttempt, SessionState
from teleflow.storage import bindings
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, columns, every, has_session, one, page, run
from teleflow.storage.sql.statement import NO, Statement, Tx, given

_c = t.session_credentials.c
_a = t.login_attempts.c

_insert_credentials = insert(t.session_credentials)
_SAVE = Statement(
    _insert_credentials.on_conflict_do_update(
        index_elements=[_c.session_id],
        set_={column.name: _insert_credentials.excluded[column.name] for column in _c if not column.primary_key},
    )
)
_HOLDER = Statement(select(_c.session_id).where(_c.auth_key_fingerprint == given("this")))
_LOAD = Statement(
    select(_c.dc_id, _c.host, _c.port, _c.auth_key, _c.salt, _c.api_id, _c.api_hash).where(
        _c.session_id == given("this")
    )
)
_insert_attempt = insert(t.login_attempts)
_PUT_ATTEMPT = Statement(
    _insert_attempt.on_conflict_do_update(
        index_elements=[_a.session_id],
        set_={column.name: _insert_attempt.excluded[column.name] for column in _a if not column.primary_key},
    )
)
_ATTEMPT = Statement(
    select(
        _a.session_id,
        _a.phone,
        _a.phone_code_hash,
        _a.code_type,
        _a.next_type,
        _a.resend_at,
        _a.expires_at,
        _a.tries,
        _a.password_tries,
        _a.created_at,
        _a.ticket,
    ).where(_a.session_id == given("this"))
)
_s = t.sessions.c
_UNDER_WAY = Statement(
    select(_s.id, _a.expires_at)
    .join_from(t.sessions, t.login_attempts, _a.session_id == _s.id, isouter=True)
    .where(
        _s.authorised == NO,
        or_(_s.state == SessionState.CODE_SENT.value, _s.state == SessionState.PASSWORD_NEEDED.value),
        _s.id > given("after"),
    )
    .order_by(_s.id)
    .limit(given("most"))
)
_END_ATTEMPT = Statement(delete(t.login_attempts).where(_a.session_id == given("this")))
_r = t.code_requests.c
_CODES_SINCE = Statement(
    select(func.count())
    .select_from(t.code_requests)
    .where(_r.phone == given("to_phone"), _r.requested_at >= given("since"))
)
_NOTE_CODE = Statement(insert(t.code_requests).values(phone=given("to_phone"), requested_at=given("now")))


class SessionSecrets(Part):
    async def save_credentials(self, session_id: str, credentials: Credentials) -> None:
        await self._db.write(save_credentials, sealed_row(self._seal, session_id, credentials))

    async def holds_key(self, fingerprint: str) -> bool:
        return await self._db.read(one, _HOLDER, this=fingerprint) is not None

    async def credentials(self, session_id: str) -> Credentials | None:
        row = await self._db.read(one, _LOAD, this=session_id)
        if row is None:
            return None
        dc_id, host, port, auth_key, salt, api_id, api_hash = row
        return Credentials(
            dc_id=dc_id,
            host=host,
            port=port,
            auth_key=self._seal.open(auth_key, *bindings.credentials(session_id, "auth_key")),
            salt=salt,
            api_id=api_id,
            api_hash=self._seal.open(api_hash, *bindings.credentials(session_id, "api_hash")).decode(),
        )

    async def put_attempt(self, attempt: LoginAttempt) -> None:
        row = columns(attempt)
        row["phone_code_hash"] = self._seal.seal(
            attempt.phone_code_hash.encode(), *bindings.code_hash(attempt.session_id)
        )
        await self._db.write(_put_attempt, row)

    async def attempt(self, session_id: str) -> LoginAttempt | None:
        row = await self._db.read(one, _ATTEMPT, this=session_id)
        if row is None:
            return None
        code_hash = self._seal.open(row[2], *bindings.code_hash(session_id)).decode()
        return LoginAttempt(row[0], row[1], code_hash, *row[3:])

    async def attempts_under_way(self, *, limit: int, after: str | None = None) -> list[tuple[str, int | None]]:
        rows = await self._db.read_heavy(every, _UNDER_WAY, after=after or "", most=page(limit))
        return [(row[0], row[1]) for row in rows]

    async def end_attempt(self, session_id: str) -> None:
        await self._db.write(run, _END_ATTEMPT, this=session_id)

    async def codes_requested(self, phone: str, *, since: int) -> int:
        return await self._db.read(_codes_requested, phone, since)

    async def note_code_request(self, phone: str, *, now: int) -> None:
        await self._db.write(run, _NOTE_CODE, to_phone=phone, now=now)


def sealed_row(seal: Seal, session_id: str, credentials: Credentials) -> dict[str, Any]:
    row = columns(credentials)
    row["session_id"] = session_id
    row["auth_key"] = seal.seal(credentials.auth_key, *bindings.credentials(session_id, "auth_key"))
    row["auth_key_fingerprint"] = hashlib.sha256(credentials.auth_key).hexdigest()
    row["api_hash"] = seal.seal(credentials.api_hash.encode(), *bindings.credentials(session_id, "api_hash"))
    return row


async def save_credentials(tx: Tx, row: dict[str, Any]) -> None:
    """Raises Conflict when another session holds this key. No effect when the session is gone."""
    if not await has_session(tx, row["session_id"]):
        return
    holder = await tx.one(_HOLDER, this=row["auth_key_fingerprint"])
    if holder is not None and holder[0] != row["session_id"]:
        raise Conflict("Another session holds this very login", code="AUTH_KEY_IN_USE")
    await tx.run(_SAVE, **row)


async def _put_attempt(tx: Tx, row: dict[str, Any]) -> None:
    if await has_session(tx, row["session_id"]):
        await tx.run(_PUT_ATTEMPT, **row)


async def _codes_requested(tx: Tx, phone: str, since: int) -> int:
    row = await tx.one(_CODES_SINCE, to_phone=phone, since=since)
    return int(row[0]) if row else 0
