"""One-time tickets for streams."""

from __future__ import annotations

from teleflow.model.tickets import StreamTicket
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, columns, document, require_user
from teleflow.storage.mongo.tx import Tx


class Tickets(Part):
    async def add_ticket(self, ticket: StreamTicket, *, now: int, most: int) -> bool:
        fields = columns(ticket) | {"types": ",".join(sorted(ticket.types))}
        return await self._db.write(_add, document(ticket.hash, fields, expires_at=ticket.expires_at), now, most)

    async def take_ticket(self, hash_: str, *, now: int) -> StreamTicket | None:
        return await self._db.write(_take, hash_, now)


async def _add(tx: Tx, doc: Doc, now: int, most: int) -> bool:
    await require_user(tx, doc["user_id"])
    open_ = 0
    for other in await tx.find("stream_tickets", {"user_id": doc["user_id"]}):
        if other["expires_at"] <= now:
            await tx.remove("stream_tickets", other["_id"])
        else:
            open_ += 1
    if open_ >= most:
        return False
    tx.put("stream_tickets", doc)
    return True


async def _take(tx: Tx, hash_: str, now: int) -> StreamTicket | None:
    doc = await tx.get("stream_tickets", hash_)
    if doc is None or doc["expires_at"] <= now:
        return None
    await tx.remove("stream_tickets", hash_)
    return StreamTicket(
        hash=hash_,
        user_id=doc["user_id"],
        login_id=doc["login_id"],
        types=frozenset(doc["types"].split(",")),
        session_id=doc["session_id"],
        until=doc["until"],
        expires_at=doc["expires_at"],
    )
