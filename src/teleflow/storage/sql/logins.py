"""Logins and their refresh tokens."""

from __future__ import annotations

import asyncio

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from teleflow.errors import Conflict
from teleflow.kit.clock import Clock
from teleflow.kit.seal import Seal
from teleflow.model.audit import AuditEntry
from teleflow.model.users import Login, RefreshToken, User
from teleflow.storage.base import Rotation
from teleflow.storage.rotations import Rotations, rotated, told_of
from teleflow.storage.sql import audit as log
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.engine import Engine
from teleflow.storage.sql.part import Part, columns, require_user
from teleflow.storage.sql.statement import YES, Statement, Tx, given
from teleflow.storage.sql.userrows import USER_COLUMNS, user_of

_ADD_LOGIN = Statement(insert(t.logins))
_ADD_TOKEN = Statement(insert(t.refresh_tokens).on_conflict_do_nothing())
_USER_OF_LOGIN = Statement(
    select(*USER_COLUMNS)
    .join_from(t.logins, t.users, t.users.c.id == t.logins.c.user_id)
    .where(t.logins.c.id == given("this"), t.logins.c.expires_at > given("now"))
)
_TOKEN = Statement(
    select(t.refresh_tokens.c.login_id, t.refresh_tokens.c.expires_at, t.refresh_tokens.c.used_at, *USER_COLUMNS)
    .join_from(t.refresh_tokens, t.logins, t.logins.c.id == t.refresh_tokens.c.login_id)
    .join(t.users, t.users.c.id == t.logins.c.user_id)
    .where(t.refresh_tokens.c.hash == given("this"))
    .with_for_update(of=t.refresh_tokens)
)
_USE_TOKEN = Statement(
    update(t.refresh_tokens)
    .values(used_at=given("now"))
    .where(t.refresh_tokens.c.hash == given("this"), t.refresh_tokens.c.used_at.is_(None))
)
_PROLONG = Statement(update(t.logins).values(expires_at=given("until")).where(t.logins.c.id == given("this")))
_LOGIN_OF_TOKEN = Statement(
    select(t.refresh_tokens.c.login_id, t.users.c.id, t.users.c.username)
    .join_from(t.refresh_tokens, t.users, t.users.c.id == t.refresh_tokens.c.user_id)
    .where(t.refresh_tokens.c.hash == given("this"))
)
_LIVE_LOGIN_OF_TOKEN = Statement(
    select(t.refresh_tokens.c.login_id).where(
        t.refresh_tokens.c.hash == given("this"),
        t.refresh_tokens.c.used_at.is_(None),
        t.refresh_tokens.c.expires_at > given("now"),
    )
)
_END = Statement(delete(t.logins).where(t.logins.c.id == given("this")))  # its tokens go with it
_END_ALL = Statement(delete(t.logins).where(t.logins.c.user_id == given("of_user")).returning(t.logins.c.id))
_END_KEYS = Statement(
    delete(t.api_keys)
    .where(t.api_keys.c.user_id == given("of_user"), t.api_keys.c.by_login == YES)
    .returning(t.api_keys.c.id)
)


class Logins(Part):
    def __init__(self, engine: Engine, seal: Seal, clock: Clock) -> None:
        super().__init__(engine, seal, clock)
        self._rotations = Rotations(clock)

    async def add_login(self, login: Login, token: RefreshToken, *, audit: AuditEntry | None = None) -> None:
        await self._db.write(_add_login, login, token, audit)

    async def login_user(self, login_id: str, *, now: int) -> User | None:
        return await self._db.read(_login_user, self._seal, login_id, now)

    async def login_of_token(self, token_hash: str, *, now: int) -> str | None:
        return await self._db.read(_login_of_token, token_hash, now)

    async def rotate_refresh(
        self,
        old_hash: str,
        successor_hash: str,
        *,
        arrived_at: int,
        now: int,
        expires_at: int,
        reuse: AuditEntry | None = None,
    ) -> tuple[Rotation, User | None, str | None]:
        raced = self._rotations.begin(old_hash)
        try:
            writing = self._db.write(self._rotate, old_hash, successor_hash, arrived_at, raced, now, expires_at, reuse)
        except BaseException:
            self._rotations.end(old_hash, rotated=False)
            raise
        # A caller who hangs up must not make a parallel use look like a theft: the end is noted all the same.
        writing.add_done_callback(lambda done: self._rotations.end(old_hash, rotated=rotated(done)))
        return await asyncio.shield(writing)

    async def _rotate(
        self,
        tx: Tx,
        old_hash: str,
        successor_hash: str,
        arrived_at: int,
        raced: bool,
        now: int,
        expires_at: int,
        reuse: AuditEntry | None,
    ) -> tuple[Rotation, User | None, str | None]:
        row = await tx.one(_TOKEN, this=old_hash)
        if row is None or row[1] <= now:
            return Rotation.UNKNOWN, None, None
        login_id, _, used_at = row[:3]
        user = user_of(row[3:], self._seal)
        if used_at is not None:
            if raced or arrived_at <= max(used_at, self._rotations.decided_at(old_hash)):
                return Rotation.LOST_RACE, user, login_id
            await tx.run(_END, this=login_id)
            await log.add(tx, told_of(reuse, user.id, ""))
            return Rotation.REUSED, user, login_id
        successor = RefreshToken(successor_hash, login_id, user.id, now, expires_at)
        if not await tx.run(_ADD_TOKEN, **columns(successor)):
            raise Conflict("The successor is a token already", code="TOKEN_IN_USE")
        await tx.run(_USE_TOKEN, this=old_hash, now=now)
        await tx.run(_PROLONG, this=login_id, until=expires_at)
        return Rotation.ROTATED, user, login_id

    async def end_login(self, refresh_hash: str, *, audit: AuditEntry | None = None) -> str | None:
        return await self._db.write(_end_login, refresh_hash, audit)

    async def end_login_id(self, login_id: str, *, audit: AuditEntry | None = None) -> bool:
        return await self._db.write(_end_login_id, login_id, audit)

    async def end_logins(self, user_id: str, *, audit: AuditEntry | None = None) -> list[str]:
        return await self._db.write(_end_logins, user_id, audit)


async def end_all(tx: Tx, user_id: str) -> list[str]:
    """Every login of the user, and the keys that logins made; their ids."""
    ended = [*await tx.all(_END_ALL, of_user=user_id), *await tx.all(_END_KEYS, of_user=user_id)]
    return [row[0] for row in ended]


async def _end_logins(tx: Tx, user_id: str, audit: AuditEntry | None) -> list[str]:
    ended = await end_all(tx, user_id)
    await log.add(tx, audit)
    return ended


async def _end_login_id(tx: Tx, login_id: str, audit: AuditEntry | None) -> bool:
    if not await tx.run(_END, this=login_id):
        return False
    await log.add(tx, audit)
    return True


async def _add_login(tx: Tx, login: Login, token: RefreshToken, audit: AuditEntry | None) -> None:
    await require_user(tx, login.user_id)
    await tx.run(_ADD_LOGIN, **columns(login))
    await tx.run(_ADD_TOKEN, **columns(token))
    await log.add(tx, audit)


async def _login_user(tx: Tx, seal: Seal, login_id: str, now: int) -> User | None:
    row = await tx.one(_USER_OF_LOGIN, this=login_id, now=now)
    return None if row is None else user_of(row, seal)


async def _login_of_token(tx: Tx, token_hash: str, now: int) -> str | None:
    row = await tx.one(_LIVE_LOGIN_OF_TOKEN, this=token_hash, now=now)
    return None if row is None else str(row[0])


async def _end_login(tx: Tx, refresh_hash: str, audit: AuditEntry | None) -> str | None:
    row = await tx.one(_LOGIN_OF_TOKEN, this=refresh_hash)
    if row is None:
        return None
    await tx.run(_END, this=row[0])
    await log.add(tx, told_of(audit, row[1], row[2]))
    return str(row[0])
