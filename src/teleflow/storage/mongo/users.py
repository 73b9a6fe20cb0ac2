"""Users."""

from __future__ import annotations

from typing import Any

from teleflow.errors import Conflict
from teleflow.kit.clock import milliseconds
from teleflow.model.audit import AuditEntry
from teleflow.model.users import Role, User
from teleflow.storage.mongo import audit as log
from teleflow.storage.mongo import logins, removal
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, get, one, page
from teleflow.storage.mongo.tx import Reads, Tx
from teleflow.storage.mongo.userrows import doc_of, sealed_api_hash, user_of


class Users(Part):
    async def add_user(self, user: User, *, audit: AuditEntry | None = None) -> None:
        await self._db.write(_add, doc_of(self._seal, user), audit)

    async def user(self, user_id: str) -> User | None:
        return self._user(await self._db.read(get, "users", user_id))

    async def user_named(self, username: str) -> User | None:
        return self._user(await self._db.read(one, "users", {"username": username}))

    async def users(self, *, limit: int, offset: int = 0) -> tuple[list[User], int]:
        docs, count = await self._db.read(_page, page(limit), max(0, offset))
        return [user_of(doc, self._seal) for doc in docs], count

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
        fields = {
            "role": None if role is None else role.value,
            "telegram_phone": telegram_phone,
            "telegram_api_id": telegram_api_id,
            "telegram_api_hash": sealed_api_hash(self._seal, user_id, telegram_api_hash),
            "description": description,
        }
        changes = {name: value for name, value in fields.items() if value is not None}
        return self._user(await self._db.write(_change, user_id, changes, audit))

    async def delete_user(self, user_id: str, *, audit: AuditEntry | None = None) -> bool:
        deleted = await self._db.write_heavy(removal.delete_user, user_id, milliseconds(self._clock.time()), audit)
        # What is left is nobody's, and is taken away in steps so that no sender waits for long.
        while deleted and await self._db.write_heavy(removal.bury_some, removal.AT_ONCE) > 0:
            pass
        return deleted

    def _user(self, doc: Doc | None) -> User | None:
        return None if doc is None else user_of(doc, self._seal)


async def _add(tx: Tx, doc: Doc, audit: AuditEntry | None) -> None:
    if await tx.get("users", doc["_id"]) is not None or await tx.one("users", {"username": doc["username"]}):
        raise Conflict("That username is taken", code="USERNAME_TAKEN", details={"field": "username"})
    tx.put("users", doc)
    await log.add(tx, audit)


async def _change(tx: Tx, user_id: str, changes: dict[str, Any], audit: AuditEntry | None) -> Doc | None:
    if changes.get("role") == Role.USER.value:
        await removal.refuse_last_admin(tx, user_id)
    doc = await tx.change("users", user_id, changes)
    if doc is not None:
        await log.add(tx, audit)
    return doc


async def _page(reads: Reads, limit: int, offset: int) -> tuple[list[Doc], int]:
    count = await reads.count("users", {})
    return await reads.find("users", {}, sort=[("created_at", -1), ("_id", -1)], limit=limit, skip=offset), count


async def _set_password(tx: Tx, user_id: str, password_hash: str, end_logins: bool, audit: AuditEntry | None) -> bool:
    if await tx.change("users", user_id, {"password_hash": password_hash}) is None:
        return False
    if end_logins:
        await logins.end_all(tx, user_id)
    await log.add(tx, audit)
    return True
