"""Who wants no broadcasts."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from teleflow.errors import Conflict
from teleflow.model.broadcasts import OptOut
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, columns, every, page, require_user, run
from teleflow.storage.sql.statement import Row, Statement, Tx, given

_o = t.opt_outs.c
_COLUMNS = [_o.id, _o.user_id, _o.peer, _o.note, _o.created_at]
_ADD = Statement(insert(t.opt_outs).values({c.name: given(c.name) for c in _COLUMNS}).on_conflict_do_nothing())
_OF_PEER = Statement(select(*_COLUMNS).where(_o.user_id == given("of_user"), _o.peer == given("of_peer")))
_COUNT = Statement(select(func.count()).select_from(t.opt_outs).where(_o.user_id == given("of_user")))
_LIST = Statement(
    select(*_COLUMNS)
    .where(_o.user_id == given("of_user"), _o.id < given("before"))
    .order_by(_o.id.desc())
    .limit(given("most"))
)
_REMOVE = Statement(delete(t.opt_outs).where(_o.user_id == given("of_user"), _o.id == given("this")))
_LAST_ID = "~"


class OptOuts(Part):
    async def add_opt_out(self, opt_out: OptOut, *, most: int) -> OptOut:
        return OptOut(*await self._db.write(_add, opt_out, most))

    async def opt_outs(self, user_id: str, *, limit: int, before: str | None = None) -> list[OptOut]:
        rows = await self._db.read(every, _LIST, of_user=user_id, before=before or _LAST_ID, most=page(limit))
        return [OptOut(*row) for row in rows]

    async def remove_opt_out(self, user_id: str, opt_out_id: str) -> bool:
        return bool(await self._db.write(run, _REMOVE, of_user=user_id, this=opt_out_id))

    async def opted_out(self, user_id: str, peers: Collection[str]) -> frozenset[str]:
        return await self._db.read_heavy(among, user_id, peers)


async def among(tx: Tx, user_id: str, peers: Collection[str]) -> frozenset[str]:
    """Which of these are on the list."""
    found = set()
    for peer in peers:
        if await tx.one(_OF_PEER, of_user=user_id, of_peer=peer) is not None:
            found.add(peer)
    return frozenset(found)


async def _add(tx: Tx, opt_out: OptOut, most: int) -> Row:
    await require_user(tx, opt_out.user_id)
    stands = await tx.one(_OF_PEER, of_user=opt_out.user_id, of_peer=opt_out.peer)
    if stands is not None:
        return stands
    count = await tx.one(_COUNT, of_user=opt_out.user_id)
    if count is not None and count[0] >= most:
        raise Conflict(f"A user has at most {most} opt-outs", code="TOO_MANY_OPT_OUTS")
    row = columns(opt_out)
    await tx.run(_ADD, **row)
    return await tx.one(_OF_PEER, of_user=opt_out.user_id, of_peer=opt_out.peer) or tuple(row.values())
