"""Chats that were asked for."""

from __future__ import annotations

from teleflow.model.chats import ChatType
from teleflow.model.groups import ChatCreation
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, columns, every, page, require_user
from teleflow.storage.mongo.tx import Tx


class Creations(Part):
    async def begin_creation(self, creation: ChatCreation) -> ChatCreation | None:
        stands = await self._db.write(_begin, creation)
        return None if stands is None else _creation(stands)

    async def settle_creation(self, user_id: str, creation_id: str, chat_id: int) -> None:
        await self._db.write(_settle, user_id, creation_id, chat_id)

    async def drop_creation(self, user_id: str, creation_id: str) -> None:
        await self._db.write(_drop, user_id, creation_id)

    async def creations(self, user_id: str, session_id: str, *, limit: int) -> list[ChatCreation]:
        where = {"user_id": user_id, "session_id": session_id}
        docs = await self._db.read(every, "chat_creations", where, [("began_at", -1), ("_id", 1)], page(limit))
        return [_creation(doc) for doc in docs]


async def _begin(tx: Tx, creation: ChatCreation) -> Doc | None:
    await require_user(tx, creation.user_id)
    stands = await tx.get("chat_creations", creation.id)
    if stands is None:
        doc = {"_id": creation.id, **columns(creation), "kind": creation.kind.value}
        del doc["id"]
        tx.put("chat_creations", doc)
        return None
    return stands if stands["user_id"] == creation.user_id else None


async def _mine(tx: Tx, user_id: str, creation_id: str) -> bool:
    doc = await tx.get("chat_creations", creation_id)
    return doc is not None and doc["user_id"] == user_id


async def _settle(tx: Tx, user_id: str, creation_id: str, chat_id: int) -> None:
    if await _mine(tx, user_id, creation_id):
        await tx.change("chat_creations", creation_id, {"chat_id": chat_id})


async def _drop(tx: Tx, user_id: str, creation_id: str) -> None:
    if await _mine(tx, user_id, creation_id):
        await tx.remove("chat_creations", creation_id)


def _creation(doc: Doc) -> ChatCreation:
    return ChatCreation(
        doc["_id"],
        doc["user_id"],
        doc["session_id"],
        ChatType(doc["kind"]),
        doc["title"],
        doc["began_at"],
        doc["chat_id"],
    )
