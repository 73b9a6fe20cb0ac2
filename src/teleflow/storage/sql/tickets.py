"""One-time tickets for streams."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from teleflow.model.tickets import StreamTicket
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, columns, require_user
from teleflow.storage.sql.statement import Statement, Tx, given

_k = t.stream_tickets.c
_ADD = Statement(insert(t.stream_tickets))
_OPEN = Statement(
    select(func.count())
    .select_from(t.stream_tickets)
    .where(_k.user_id == given("of_user"), _k.expires_at > given("now"))
)
_EXPIRED = Statement(delete(t.stream_tickets).where(_k.user_id == given("of_user"), _k.expires_at <= given("now")))
_READ = Statement(select(*_k).where(_k.hash == given("this"), _k.expires_at > given("now")))
_REMOVE = Statement(delete(t.stream_tickets).where(_k.hash == given("this")))


class Tickets(Part):
    async def add_ticket(self, ticket: StreamTicket, *, now: int, most: int) -> bool:
        row = columns(ticket)
        row["types"] = ",".join(sorted(ticket.types))
        return await self._db.write(_add, row, now, most)

    async def take_ticket(self, hash_: str, *, now: int) -> StreamTicket | None:
        return await self._db.write(_take, hash_, now)


async def _add(tx: Tx, row: dict[str, Any], now: int, most: int) -> bool:
    await require_user(tx, row["user_id"])
    await tx.run(_EXPIRED, of_user=row["user_id"], now=now)
    counted = await tx.one(_OPEN, of_user=row["user_id"], now=now)
    if counted is not None and counted[0] >= most:
        return False
    await tx.run(_ADD, **row)
    return True


async def _take(tx: Tx, hash_: str, now: int) -> StreamTicket | None:
    row = await tx.one(_READ, this=hash_, now=now)
    if row is None or not await tx.run(_REMOVE, this=hash_):
        return None
    hash_, user_id, login_id, types, session_id, until, expires_at = row
    return StreamTicket(hash_, user_id, login_id, frozenset(types.split(",")), session_id, until, expires_at)
