"""Logins and their refresh tokens."""

from __future__ import annotations

import asyncio

from teleflow.errors import Conflict
from teleflow.kit.clock import Clock
from teleflow.kit.seal import Seal
from teleflow.model.audit import AuditEntry
from teleflow.model.users import Login, RefreshToken, User
from teleflow.storage.base import Rotation
from teleflow.storage.mongo import audit as log
from teleflow.storage.mongo.engine import MongoEngine
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, columns, document, gone_at, require_user
from teleflow.storage.mongo.schema import TTL_FIELD
from teleflow.storage.mongo.tx import Reads, Tx
from teleflow.storage.mongo.userrows import user_of
from teleflow.storage.rotations import Rotations, rotated, told_of


class Logins(Part):
    def __init__(self, engine: MongoEngine, seal: Seal, clock: Clock) -> None:
        super().__init__(engine, seal, clock)
        self._rotations = Rotations(clock)

    async def add_login(self, login: Login, token: RefreshToken, *, audit: AuditEntry | None = None) -> None:
        await self._db.write(_add, login, token, audit)

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
        token = await tx.get("refresh_tokens", old_hash)
        login = await tx.get("logins", token["login_id"]) if token is not None else None
        owner = await tx.get("users", login["user_id"]) if login is not None else None
        if token is None or login is None or owner is None or token["expires_at"] <= now:
            return Rotation.UNKNOWN, None, None
        login_id, user = login["_id"], user_of(owner, self._seal)
        if token["used_at"] is not None:
            if raced or arrived_at <= max(token["used_at"], self._rotations.decided_at(old_hash)):
                return Rotation.LOST_RACE, user, login_id
            await _end(tx, login_id)
            await log.add(tx, told_of(reuse, user.id, ""))
            return Rotation.REUSED, user, login_id
        if await tx.get("refresh_tokens", successor_hash) is not None:
            raise Conflict("The successor is a token already", code="TOKEN_IN_USE")
        tx.put("refresh_tokens", token_doc(RefreshToken(successor_hash, login_id, user.id, now, expires_at)))
        await tx.change("refresh_tokens", old_hash, {"used_at": now})
        await tx.change("logins", login_id, {"expires_at": expires_at, TTL_FIELD: gone_at(expires_at)})
        return Rotation.ROTATED, user, login_id

    async def end_login(self, refresh_hash: str, *, audit: AuditEntry | None = None) -> str | None:
        return await self._db.write(_end_login, refresh_hash, audit)

    async def end_login_id(self, login_id: str, *, audit: AuditEntry | None = None) -> bool:
        return await self._db.write(_end_login_id, login_id, audit)

    async def end_logins(self, user_id: str, *, audit: AuditEntry | None = None) -> list[str]:
        return await self._db.write(_end_logins, user_id, audit)


def login_doc(login: Login) -> Doc:
    doc = document(login.id, columns(login), expires_at=login.expires_at)
    del doc["id"]
    return doc


def token_doc(token: RefreshToken) -> Doc:
    """An unused one."""
    doc = document(token.hash, columns(token) | {"used_at": None}, expires_at=token.expires_at)
    del doc["hash"]
    return doc


async def end_all(tx: Tx, user_id: str) -> list[str]:
    """Every login of the user, and the keys that logins made; their ids."""
    ended = []
    for login in await tx.find("logins", {"user_id": user_id}):
        await tx.remove("logins", login["_id"])
        ended.append(login["_id"])
    for token in await tx.find("refresh_tokens", {"user_id": user_id}):
        await tx.remove("refresh_tokens", token["_id"])
    for made in await tx.find("api_keys", {"user_id": user_id, "by_login": 1}):
        await tx.remove("api_keys", made["_id"])
        ended.append(made["_id"])
    return ended


async def _end(tx: Tx, login_id: str) -> bool:
    """With its tokens."""
    if not await tx.remove("logins", login_id):
        return False
    for token in await tx.find("refresh_tokens", {"login_id": login_id}):
        await tx.remove("refresh_tokens", token["_id"])
    return True


async def _end_logins(tx: Tx, user_id: str, audit: AuditEntry | None) -> list[str]:
    ended = await end_all(tx, user_id)
    await log.add(tx, audit)
    return ended


async def _end_login_id(tx: Tx, login_id: str, audit: AuditEntry | None) -> bool:
    if not await _end(tx, login_id):
        return False
    await log.add(tx, audit)
    return True


async def _add(tx: Tx, login: Login, token: RefreshToken, audit: AuditEntry | None) -> None:
    await require_user(tx, login.user_id)
    tx.put("logins", login_doc(login))
    if await tx.get("refresh_tokens", token.hash) is None:
        tx.put("refresh_tokens", token_doc(token))
    await log.add(tx, audit)


async def _login_user(reads: Reads, seal: Seal, login_id: str, now: int) -> User | None:
    login = await reads.get("logins", login_id)
    if login is None or login["expires_at"] <= now:
        return None
    user = await reads.get("users", login["user_id"])
    return None if user is None else user_of(user, seal)


async def _login_of_token(reads: Reads, token_hash: str, now: int) -> str | None:
    token = await reads.get("refresh_tokens", token_hash)
    if token is None or token["used_at"] is not None or token["expires_at"] <= now:
        return None
    return str(token["login_id"])


async def _end_login(tx: Tx, refresh_hash: str, audit: AuditEntry | None) -> str | None:
    token = await tx.get("refresh_tokens", refresh_hash)
    user = await tx.get("users", token["user_id"]) if token is not None else None
    if token is None or user is None:
        return None
    await _end(tx, token["login_id"])
    await log.add(tx, told_of(audit, user["_id"], user["username"]))
    return str(token["login_id"])
