"""API keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from teleflow.errors import Conflict, Internal
from teleflow.kit.seal import Seal
from teleflow.model.audit import AuditEntry
from teleflow.model.keys import ApiKey
from teleflow.model.users import Scope, User
from teleflow.storage.mongo import audit as log
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, columns, every, get, one, page, require_user
from teleflow.storage.mongo.tx import Reads, Tx
from teleflow.storage.mongo.userrows import user_of


class Keys(Part):
    async def add_key(
        self, key: ApiKey, *, most: int, now: int, replace: bool = False, audit: AuditEntry | None = None
    ) -> list[str]:
        return await self._db.write(_add, key, most, now, replace, audit)

    async def keys(self, user_id: str, *, limit: int, after: str | None = None) -> list[ApiKey]:
        where: dict[str, Any] = {"user_id": user_id}
        if after is not None:
            where["_id"] = {"$lt": after}
        return [_key(doc) for doc in await self._db.read(every, "api_keys", where, [("_id", -1)], page(limit))]

    async def key(self, user_id: str, key_id: str) -> ApiKey | None:
        doc = await self._db.read(get, "api_keys", key_id)
        return None if doc is None or doc["user_id"] != user_id else _key(doc)

    async def key_login(self, key_id: str, *, now: int) -> tuple[ApiKey, User] | None:
        return await self._db.read(_key_login, self._seal, key_id, now)

    async def key_of_hash(self, hash_: str) -> str | None:
        doc = await self._db.read(one, "api_keys", {"hash": hash_})
        return None if doc is None else str(doc["_id"])

    async def remove_key(self, user_id: str, key_id: str, *, audit: AuditEntry | None = None) -> bool:
        return await self._db.write(_remove, user_id, key_id, audit)

    async def note_key_uses(self, uses: Mapping[str, int]) -> None:
        if uses:
            await self._db.write_near([("api_keys", key_id) for key_id in uses], _note_uses, dict(uses))


def _doc(key: ApiKey) -> Doc:
    doc = {"_id": key.id, **columns(key)}
    del doc["id"]
    doc["by_login"] = int(key.by_login)
    doc["scopes"] = " ".join(scope.value for scope in Scope if scope in key.scopes)
    doc["session_ids"] = None if key.session_ids is None else json.dumps(sorted(key.session_ids))
    return doc


def _key(doc: Doc) -> ApiKey:
    values = dict(doc)
    values["id"] = values.pop("_id")
    values["by_login"] = bool(values["by_login"])
    values["scopes"] = frozenset(Scope(name) for name in values["scopes"].split())
    if values["session_ids"] is not None:
        values["session_ids"] = frozenset(json.loads(values["session_ids"]))
    return ApiKey(**values)


def _is_living(doc: Doc, now: int) -> bool:
    return doc["expires_at"] is None or doc["expires_at"] > now


def _use(doc: Doc) -> tuple[int, str]:
    """When it was used last, or made."""
    used_at = doc["last_used_at"]
    return doc["created_at"] if used_at is None else used_at, doc["_id"]


async def _add(tx: Tx, key: ApiKey, most: int, now: int, replace: bool, audit: AuditEntry | None) -> list[str]:
    await require_user(tx, key.user_id)
    # One of this id was made by the same request, whose answer nobody got: its secret is in no one's hands.
    stands = await tx.get("api_keys", key.id)
    if stands is not None and stands["user_id"] != key.user_id:
        raise Internal("The key's id is another user's")
    same_sort = {"user_id": key.user_id, "by_login": int(key.by_login), "_id": {"$ne": key.id}}
    living = [doc for doc in await tx.find("api_keys", same_sort) if _is_living(doc, now)]
    spare = most - len(living)
    if spare <= 0 and not replace:
        raise Conflict(f"A user has at most {most} API keys", code="TOO_MANY_KEYS")
    living.sort(
        key=lambda doc: (doc["last_used_at"] if doc["last_used_at"] is not None else doc["created_at"], doc["_id"])
    )
    replaced = [str(doc["_id"]) for doc in living[: max(0, 1 - spare)]]
    for key_id in replaced:
        await tx.remove("api_keys", key_id)
    tx.put("api_keys", _doc(key))
    await log.add(tx, audit)
    return replaced


async def _key_login(reads: Reads, seal: Seal, key_id: str, now: int) -> tuple[ApiKey, User] | None:
    doc = await reads.get("api_keys", key_id)
    user = await reads.get("users", doc["user_id"]) if doc is not None and _is_living(doc, now) else None
    return None if doc is None or user is None else (_key(doc), user_of(user, seal))


async def _remove(tx: Tx, user_id: str, key_id: str, audit: AuditEntry | None) -> bool:
    doc = await tx.get("api_keys", key_id)
    if doc is None or doc["user_id"] != user_id:
        return False
    await tx.remove("api_keys", key_id)
    await log.add(tx, audit)
    return True


async def _note_uses(tx: Tx, uses: dict[str, int]) -> None:
    for key_id, used_at in uses.items():
        doc = await tx.get("api_keys", key_id)
        if doc is not None and (doc["last_used_at"] is None or doc["last_used_at"] < used_at):
            await tx.change("api_keys", key_id, {"last_used_at": used_at})
