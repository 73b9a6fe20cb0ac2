"""API keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from teleflow.errors import Conflict
from teleflow.kit.seal import Seal
from teleflow.model.audit import AuditEntry
from teleflow.model.keys import ApiKey
from teleflow.model.users import Scope, User
from teleflow.storage.sql import audit as log
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, columns, every, one, page, require_user
from teleflow.storage.sql.statement import Row, Statement, Tx, given
from teleflow.storage.sql.userrows import USER_COLUMNS, user_of

_k = t.api_keys.c
_COLUMNS = list(_k)
_LIVING = or_(_k.expires_at.is_(None), _k.expires_at > given("now"))
_ADD = Statement(insert(t.api_keys))
_SAME_SORT = and_(_k.user_id == given("of_user"), _k.by_login == given("of_sort"), _LIVING)
_COUNT = Statement(select(func.count()).select_from(t.api_keys).where(_SAME_SORT))
_LEAST_USED = Statement(
    select(_k.id).where(_SAME_SORT).order_by(func.coalesce(_k.last_used_at, _k.created_at), _k.id).limit(given("most"))
)
_MINE = select(*_COLUMNS).where(_k.user_id == given("of_user")).order_by(_k.id.desc()).limit(given("most"))
_FIRST_PAGE = Statement(_MINE)
_PAGE = Statement(_MINE.where(_k.id < given("after")))
_MY_KEY = Statement(select(*_COLUMNS).where(_k.id == given("this"), _k.user_id == given("of_user")))
_LOGIN = Statement(
    select(*_COLUMNS, *USER_COLUMNS)
    .join_from(t.api_keys, t.users, t.users.c.id == _k.user_id)
    .where(_k.id == given("this"), _LIVING)
)
_OF_HASH = Statement(select(_k.id).where(_k.hash == given("this")))
_REMOVE = Statement(delete(t.api_keys).where(_k.id == given("this"), _k.user_id == given("of_user")))
_NOTE_USE = Statement(
    update(t.api_keys)
    .values(last_used_at=given("used_at"))
    .where(_k.id == given("this"), or_(_k.last_used_at.is_(None), _k.last_used_at < given("used_at")))
)


class Keys(Part):
    async def add_key(
        self, key: ApiKey, *, most: int, now: int, replace: bool = False, audit: AuditEntry | None = None
    ) -> list[str]:
        return await self._db.write(_add, key, most, now, replace, audit)

    async def keys(self, user_id: str, *, limit: int, after: str | None = None) -> list[ApiKey]:
        if after is None:
            rows = await self._db.read(every, _FIRST_PAGE, of_user=user_id, most=page(limit))
        else:
            rows = await self._db.read(every, _PAGE, of_user=user_id, after=after, most=page(limit))
        return [_key(row) for row in rows]

    async def key(self, user_id: str, key_id: str) -> ApiKey | None:
        row = await self._db.read(one, _MY_KEY, this=key_id, of_user=user_id)
        return None if row is None else _key(row)

    async def key_login(self, key_id: str, *, now: int) -> tuple[ApiKey, User] | None:
        return await self._db.read(_key_login, self._seal, key_id, now)

    async def key_of_hash(self, hash_: str) -> str | None:
        row = await self._db.read(one, _OF_HASH, this=hash_)
        return None if row is None else str(row[0])

    async def remove_key(self, user_id: str, key_id: str, *, audit: AuditEntry | None = None) -> bool:
        return await self._db.write(_remove, user_id, key_id, audit)

    async def note_key_uses(self, uses: Mapping[str, int]) -> None:
        if uses:
            await self._db.write(_note_uses, dict(uses))


def _row(key: ApiKey) -> dict[str, Any]:
    row = columns(key)
    row["by_login"] = int(key.by_login)
    row["scopes"] = " ".join(scope.value for scope in Scope if scope in key.scopes)
    row["session_ids"] = None if key.session_ids is None else json.dumps(sorted(key.session_ids))
    return row


def _key(row: Row) -> ApiKey:
    values = dict(zip((column.name for column in _COLUMNS), row, strict=False))
    values["by_login"] = bool(values["by_login"])
    values["scopes"] = frozenset(Scope(name) for name in values["scopes"].split())
    if values["session_ids"] is not None:
        values["session_ids"] = frozenset(json.loads(values["session_ids"]))
    return ApiKey(**values)


async def _add(tx: Tx, key: ApiKey, most: int, now: int, replace: bool, audit: AuditEntry | None) -> list[str]:
    await require_user(tx, key.user_id)
    # One of this id was made by the same request, whose answer nobody got: its secret is in no one's hands.
    await tx.run(_REMOVE, this=key.id, of_user=key.user_id)
    sort = {"of_user": key.user_id, "of_sort": int(key.by_login), "now": now}
    count = await tx.one(_COUNT, **sort)
    spare = most - (count[0] if count else 0)
    if spare <= 0 and not replace:
        raise Conflict(f"A user has at most {most} API keys", code="TOO_MANY_KEYS")
    replaced = [str(row[0]) for row in await tx.all(_LEAST_USED, **sort, most=1 - spare)] if spare <= 0 else []
    for key_id in replaced:
        await tx.run(_REMOVE, this=key_id, of_user=key.user_id)
    await tx.run(_ADD, **_row(key))
    await log.add(tx, audit)
    return replaced


async def _key_login(tx: Tx, seal: Seal, key_id: str, now: int) -> tuple[ApiKey, User] | None:
    row = await tx.one(_LOGIN, this=key_id, now=now)
    if row is None:
        return None
    return _key(row[: len(_COLUMNS)]), user_of(row[len(_COLUMNS) :], seal)


async def _remove(tx: Tx, user_id: str, key_id: str, audit: AuditEntry | None) -> bool:
    if not await tx.run(_REMOVE, this=key_id, of_user=user_id):
        return False
    await log.add(tx, audit)
    return True


async def _note_uses(tx: Tx, uses: dict[str, int]) -> None:
    for key_id, used_at in uses.items():
        await tx.run(_NOTE_USE, this=key_id, used_at=used_at)
