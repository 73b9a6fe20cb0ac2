"""Chats that were asked for."""

from __future__ import annotations

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from teleflow.model.chats import ChatType
from teleflow.model.groups import ChatCreation
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, columns, every, page, require_user, run
from teleflow.storage.sql.statement import Row, Statement, Tx, given

_c = t.chat_creations.c
_COLUMNS = [_c.id, _c.user_id, _c.session_id, _c.kind, _c.title, _c.began_at, _c.chat_id]
_MINE = (_c.user_id == given("of_user"), _c.id == given("this"))
_ADD = Statement(insert(t.chat_creations).values({c.name: given(c.name) for c in _COLUMNS}).on_conflict_do_nothing())
_FOUND = Statement(select(*_COLUMNS).where(*_MINE))
_SETTLE = Statement(update(t.chat_creations).values(chat_id=given("of_chat")).where(*_MINE))
_DROP = Statement(delete(t.chat_creations).where(*_MINE))
_LIST = Statement(
    select(*_COLUMNS)
    .where(_c.user_id == given("of_user"), _c.session_id == given("of_session"))
    .order_by(_c.began_at.desc(), _c.id)
    .limit(given("most"))
)


class Creations(Part):
    async def begin_creation(self, creation: ChatCreation) -> ChatCreation | None:
        stands = await self._db.write(_begin, creation)
        return None if stands is None else _creation(stands)

    async def settle_creation(self, user_id: str, creation_id: str, chat_id: int) -> None:
        await self._db.write(run, _SETTLE, of_user=user_id, this=creation_id, of_chat=chat_id)

    async def drop_creation(self, user_id: str, creation_id: str) -> None:
        await self._db.write(run, _DROP, of_user=user_id, this=creation_id)

    async def creations(self, user_id: str, session_id: str, *, limit: int) -> list[ChatCreation]:
        rows = await self._db.read(every, _LIST, of_user=user_id, of_session=session_id, most=page(limit))
        return [_creation(row) for row in rows]


async def _begin(tx: Tx, creation: ChatCreation) -> Row | None:
    await require_user(tx, creation.user_id)
    row = columns(creation) | {"kind": creation.kind.value}
    if await tx.run(_ADD, **row):
        return None
    return await tx.one(_FOUND, of_user=creation.user_id, this=creation.id)


def _creation(row: Row) -> ChatCreation:
    id_, user_id, session_id, kind, title, began_at, chat_id = row
    return ChatCreation(id_, user_id, session_id, ChatType(kind), title, began_at, chat_id)
