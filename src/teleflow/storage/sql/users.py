"""Users."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT compiles for SQLite too

from teleflow.errors import Conflict
from teleflow.kit.clock import milliseconds
from teleflow.model.audit import AuditEntry
from teleflow.model.users import Role, User
from teleflow.storage.sql import audit as log
from teleflow.storage.sql import logins, removal
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, columns, one, page
from teleflow.storage.sql.statement import Row, Statement, Tx, given
from teleflow.storage.sql.userrows import USER_COLUMNS, sealed_api_hash, user_of

_ADD = Statement(insert(t.users).on_conflict_do_nothing())
_BY_ID = Statement(select(*USER_COLUMNS).where(t.users.c.id == given("this")))
_BY_NAME = Statement(select(*USER_COLUMNS).where(t.users.c.username == given("this")))
_PAGE = Statement(
    select(*USER_COLUMNS)
    .order_by(t.users.c.created_at.desc(), t.users.c.id.desc())
    .limit(given("most"))
    .offset(given("skip"))
)
_COUNT = Statement(select(func.count()).select_from(t.users))
_SET_PASSWORD = Statement(update(t.users).values(password_hash=given("hash")).where(t.users.c.id == given("this")))
_CHANGEABLE = ("role", "telegram_phone", "telegram_api_id", "telegram_api_hash", "description")
_CHANGE = Statement(
    update(t.users)
    .values({name: func.coalesce(given(f"new_{name}"), t.users.c[name]) for name in _CHANGEABLE})
    .where(t.users.c.id == given("this"))
    .returning(*USER_COLUMNS)
)


class Users(Part):
    async def add_user(self, user: User, *, audit: AuditEntry | None = None) -> None:
        row = columns(user)
        row["role"] = user.role.value
        row["telegram_api_hash"] = sealed_api_hash(self._seal, user.id, user.telegram_api_hash)
        await self._db.write(_add_user, row, audit)

    async def user(self, user_id: str) -> User | None:
        row = await self._db.read(one, _BY_ID, this=user_id)
        return None if row is None else user_of(row, self._seal)

    async def user_named(self, username: str) -> User | None:
        row = await self._db.read(one, _BY_NAME, this=username)
        return None if row is None else user_of(row, self._seal)

    async def users(self, *, limit: int, offset: int = 0) -> tuple[list[User], int]:
        rows, count = await self._db.read(_user_page, page(limit), max(0, offset))
        return [user_of(row, self._seal) for row in rows], count

    async def set_password(
        self, user_id: str, password_hash: str, *, end_logins: bool, audit: AuditEntry | None = None
    ) -> bool:
        return await self._db.write(_set_password, user_id, password_hash, end_logins, audit)

    async def update_user(
        self,
        user_id: str,
        *,
        role: Role | None = None,
        telegram_phone: str | None = None,
        telegram_api_id: int | None = None,
        telegram_api_hash: str | None = None,
        description: str | None = None,
        audit: AuditEntry | None = None,
    ) -> User | None:
        changes = {
            "new_role": None if role is None else role.value,
            "new_telegram_phone": telegram_phone,
            "new_telegram_api_id": telegram_api_id,
            "new_telegram_api_hash": sealed_api_hash(self._seal, user_id, telegram_api_hash),
            "new_description": description,
        }
        row = await self._db.write(_change, user_id, changes, audit)
        return None if row is None else user_of(row, self._seal)

    async def delete_user(self, user_id: str, *, audit: AuditEntry | None = None) -> bool:
        deleted = await self._db.write_heavy(removal.delete_user, user_id, milliseconds(self._clock.time()), audit)
        # What is left is nobody's: ended jobs, taken away in steps so that no sender waits for long.
        while deleted and await self._db.write_heavy(removal.delete_ended_jobs, user_id) > 0:
            pass
        return deleted


async def _add_user(tx: Tx, row: dict[str, Any], audit: AuditEntry | None) -> None:
    if not await tx.run(_ADD, **row):
        raise Conflict("That username is taken", code="USERNAME_TAKEN", details={"field": "username"})
    await log.add(tx, audit)


async def _change(tx: Tx, user_id: str, changes: dict[str, Any], audit: AuditEntry | None) -> Row | None:
    if changes["new_role"] == Role.USER.value:
        await removal.refuse_last_admin(tx, user_id)
    row = await tx.one(_CHANGE, this=user_id, **changes)
    if row is not None:
        await log.add(tx, audit)
    return row


async def _user_page(tx: Tx, limit: int, offset: int) -> tuple[list[Row], int]:
    count = await tx.one(_COUNT)
    return await tx.all(_PAGE, most=limit, skip=offset), count[0] if count else 0


async def _set_password(tx: Tx, user_id: str, password_hash: str, end_logins: bool, audit: AuditEntry | None) -> bool:
    if not await tx.run(_SET_PASSWORD, this=user_id, hash=password_hash):
        return False
    if end_logins:
        await logins.end_all(tx, user_id)
    await log.add(tx, audit)
    return True
