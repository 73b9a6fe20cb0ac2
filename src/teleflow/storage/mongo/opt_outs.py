"""Who wants no broadcasts."""

from __future__ import annotations

from collections.abc import Collection

from teleflow.errors import Conflict
from teleflow.model.broadcasts import OptOut
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, every, page, require_user
from teleflow.storage.mongo.tx import Reads, Tx

_OPT_OUTS = "opt_outs"
_LAST_ID = "~"
_AT_ONCE = 1_000


class OptOuts(Part):
    async def add_opt_out(self, opt_out: OptOut, *, most: int) -> OptOut:
        return _opt_out(await self._db.write(_add, opt_out, most))

    async def opt_outs(self, user_id: str, *, limit: int, before: str | None = None) -> list[OptOut]:
        where = {"user_id": user_id, "_id": {"$lt": before or _LAST_ID}}
        return [_opt_out(doc) for doc in await self._db.read(every, _OPT_OUTS, where, [("_id", -1)], page(limit))]

    async def remove_opt_out(self, user_id: str, opt_out_id: str) -> bool:
        return await self._db.write(_remove, user_id, opt_out_id)

    async def opted_out(self, user_id: str, peers: Collection[str]) -> frozenset[str]:
        return await self._db.read_heavy(among, user_id, peers)


async def among(reads: Reads, user_id: str, peers: Collection[str]) -> frozenset[str]:
    """Which of these are on the list."""
    found: set[str] = set()
    asked = sorted(peers)
    for start in range(0, len(asked), _AT_ONCE):
        where = {"user_id": user_id, "peer": {"$in": asked[start : start + _AT_ONCE]}}
        found.update(doc["peer"] for doc in await reads.find(_OPT_OUTS, where))
    return frozenset(found)


async def _add(tx: Tx, opt_out: OptOut, most: int) -> Doc:
    user_id = opt_out.user_id
    await require_user(tx, user_id)
    stands = await tx.one(_OPT_OUTS, {"user_id": user_id, "peer": opt_out.peer})
    if stands is not None:
        return stands
    if await tx.count(_OPT_OUTS, {"user_id": user_id}) >= most:
        raise Conflict(f"A user has at most {most} opt-outs", code="TOO_MANY_OPT_OUTS")
    doc = {
        "_id": opt_out.id,
        "user_id": user_id,
        "peer": opt_out.peer,
        "note": opt_out.note,
        "created_at": opt_out.created_at,
    }
    tx.put(_OPT_OUTS, doc)
    return doc


async def _remove(tx: Tx, user_id: str, opt_out_id: str) -> bool:
    doc = await tx.get(_OPT_OUTS, opt_out_id)
    if doc is None or doc["user_id"] != user_id:
        return False
    return await tx.remove(_OPT_OUTS, opt_out_id)


def _opt_out(doc: Doc) -> OptOut:
    return OptOut(doc["_id"], doc["user_id"], doc["peer"], doc["note"], doc["created_at"])
