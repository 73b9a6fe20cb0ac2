"""What each session knows of peers. Access hashes are sealed; they open accounts' chats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from teleflow.model.peers import Known
from teleflow.storage import bindings
from teleflow.storage.base import PhoneLookup
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, has_session, one
from teleflow.storage.sql.statement import Row, Statement, Tx, given

_p = t.peers.c
_l = t.phone_lookups.c
_AT_ONCE = 100  # rows in one unit, so that a long list holds up nobody

_insert_peer = insert(t.peers)
_REMEMBER = Statement(
    _insert_peer.on_conflict_do_update(
        index_elements=[_p.session_id, _p.peer_id],
        set_={
            "access_hash": _insert_peer.excluded.access_hash,
            "phone": func.coalesce(_insert_peer.excluded.phone, _p.phone),
            "username": _insert_peer.excluded.username,
            "name": func.coalesce(_insert_peer.excluded.name, _p.name),
            "migrated_to": func.coalesce(_insert_peer.excluded.migrated_to, _p.migrated_to),
            "seen_at": _insert_peer.excluded.seen_at,
        },
    )
)
_TAKE_NAME = Statement(
    update(t.peers)
    .where(_p.session_id == given("of_session"), _p.username == given("named"), _p.peer_id != given("but"))
    .values(username=None)
)
_insert_lookup = insert(t.phone_lookups)
_PUT_LOOKUP = Statement(
    _insert_lookup.on_conflict_do_update(
        index_elements=[_l.session_id, _l.phone],
        set_={"account_id": _insert_lookup.excluded.account_id, "looked_up_at": _insert_lookup.excluded.looked_up_at},
    )
)
_KNOWN = [_p.peer_id, _p.access_hash, _p.phone, _p.username, _p.name, _p.migrated_to]
_BY_ID = Statement(select(*_KNOWN).where(_p.session_id == given("of_session"), _p.peer_id == given("this")))
_BY_NAME = Statement(
    select(*_KNOWN).where(
        _p.session_id == given("of_session"), _p.username == given("named"), _p.seen_at >= given("since")
    )
)
_LOOKUP = Statement(
    select(_l.looked_up_at, *_KNOWN)
    .outerjoin_from(t.phone_lookups, t.peers, (_p.session_id == _l.session_id) & (_p.peer_id == _l.account_id))
    .where(_l.session_id == given("of_session"), _l.phone == given("at_phone"))
)


class Peers(Part):
    async def remember_peers(self, session_id: str, known: Sequence[Known], *, now: int) -> None:
        for start in range(0, len(known), _AT_ONCE):
            rows = [self._row(session_id, peer, now) for peer in known[start : start + _AT_ONCE]]
            await self._db.write(_remember, session_id, rows)

    async def peer(self, session_id: str, peer_id: int) -> Known | None:
        row = await self._db.read(one, _BY_ID, of_session=session_id, this=peer_id)
        return self._known(session_id, row) if row is not None else None

    async def peer_named(self, session_id: str, username: str, *, since: int) -> Known | None:
        row = await self._db.read(one, _BY_NAME, of_session=session_id, named=username.lower(), since=since)
        return self._known(session_id, row) if row is not None else None

    async def phone_lookup(self, session_id: str, phone: str) -> PhoneLookup | None:
        row = await self._db.read(one, _LOOKUP, of_session=session_id, at_phone=phone)
        if row is None:
            return None
        looked_up_at, *known = row
        return PhoneLookup(self._known(session_id, tuple(known)) if known[0] is not None else None, looked_up_at)

    async def put_phone_lookup(self, session_id: str, phone: str, known: Known | None, *, now: int) -> None:
        row = None if known is None else self._row(session_id, known, now)
        await self._db.write(_put_lookup, session_id, phone, row, now)

    def _known(self, session_id: str, row: Row) -> Known:
        peer_id, access_hash, phone, username, name, migrated_to = row
        opened = int(self._seal.open(access_hash, *bindings.access_hash(session_id, peer_id)))
        return Known(peer_id, opened, phone, username, name, migrated_to)

    def _row(self, session_id: str, known: Known, now: int) -> dict[str, Any]:
        sealed = self._seal.seal(str(known.access_hash).encode(), *bindings.access_hash(session_id, known.peer_id))
        return {
            "session_id": session_id,
            "peer_id": known.peer_id,
            "access_hash": sealed,
            "phone": known.phone,
            "username": known.username.lower() if known.username else None,
            "name": known.name,
            "migrated_to": known.migrated_to,
            "seen_at": now,
        }


async def _remember(tx: Tx, session_id: str, rows: list[dict[str, Any]]) -> None:
    if not await has_session(tx, session_id):
        return
    for row in rows:
        await _put_peer(tx, row)
        if row["phone"] is not None:  # a peer that tells its number answers whose number it is
            await tx.run(
                _PUT_LOOKUP,
                session_id=session_id,
                phone=f"+{row['phone'].removeprefix('+')}",  # Telegram writes numbers without the plus
                account_id=row["peer_id"],
                looked_up_at=row["seen_at"],
            )


async def _put_peer(tx: Tx, row: dict[str, Any]) -> None:
    if row["username"] is not None:
        await tx.run(_TAKE_NAME, of_session=row["session_id"], named=row["username"], but=row["peer_id"])
    await tx.run(_REMEMBER, **row)


async def _put_lookup(tx: Tx, session_id: str, phone: str, row: dict[str, Any] | None, now: int) -> None:
    if not await has_session(tx, session_id):
        return
    if row is not None:
        await _put_peer(tx, row)
    account_id = None if row is None else row["peer_id"]
    await tx.run(_PUT_LOOKUP, session_id=session_id, phone=phone, account_id=account_id, looked_up_at=now)
