"""What each session knows of peers. Access hashes are sealed; they open accounts' chats."""

from __future__ import annotations

from collections.abc import Sequence

from teleflow.model.peers import Known
from teleflow.storage.base import PhoneLookup
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, get, has_session, key, one
from teleflow.storage.mongo.tx import Reads, Tx

_AT_ONCE = 100  # documents in one unit, so that a long list holds up nobody
_KEPT = ("phone", "name", "migrated_to")  # what is not told again stays


class Peers(Part):
    async def remember_peers(self, session_id: str, known: Sequence[Known], *, now: int) -> None:
        for start in range(0, len(known), _AT_ONCE):
            docs = [self._doc(session_id, peer, now) for peer in known[start : start + _AT_ONCE]]
            near = [("sessions", session_id), *(("peers", doc["_id"]) for doc in docs)]
            await self._db.write_near(near, _remember, session_id, docs)

    async def peer(self, session_id: str, peer_id: int) -> Known | None:
        return self._known(await self._db.read(get, "peers", key(session_id, peer_id)))

    async def peer_named(self, session_id: str, username: str, *, since: int) -> Known | None:
        where = {"session_id": session_id, "username": username.lower(), "seen_at": {"$gte": since}}
        return self._known(await self._db.read(one, "peers", where))

    async def phone_lookup(self, session_id: str, phone: str) -> PhoneLookup | None:
        found = await self._db.read(_lookup, session_id, phone)
        return None if found is None else PhoneLookup(self._known(found[1]), found[0])

    async def put_phone_lookup(self, session_id: str, phone: str, known: Known | None, *, now: int) -> None:
        doc = None if known is None else self._doc(session_id, known, now)
        await self._db.write(_put_lookup, session_id, phone, doc, now)

    def _known(self, doc: Doc | None) -> Known | None:
        if doc is None:
            return None
        opened = int(self._seal.open(doc["access_hash"], *_access_hash_of(doc["session_id"], doc["peer_id"])))
        return Known(doc["peer_id"], opened, doc["phone"], doc["username"], doc["name"], doc["migrated_to"])

    def _doc(self, session_id: str, known: Known, now: int) -> Doc:
        sealed = self._seal.seal(str(known.access_hash).encode(), *_access_hash_of(session_id, known.peer_id))
        return {
            "_id": key(session_id, known.peer_id),
            "session_id": session_id,
            "peer_id": known.peer_id,
            "access_hash": sealed,
            "phone": known.phone,
            "username": known.username.lower() if known.username else None,
            "name": known.name,
            "migrated_to": known.migrated_to,
            "seen_at": now,
        }


def _access_hash_of(session_id: str, peer_id: int) -> tuple[str, str, str]:
    return "peers", f"{session_id}/{peer_id}", "access_hash"


async def _remember(tx: Tx, session_id: str, docs: list[Doc]) -> None:
    if not await has_session(tx, session_id):
        return
    named = [doc["username"] for doc in docs if doc["username"] is not None]
    if named:
        await _take_names(tx, session_id, docs, named)
    for doc in docs:
        await _put_peer(tx, doc)
        if doc["phone"] is not None:  # a peer that tells its number answers whose number it is
            phone = f"+{doc['phone'].removeprefix('+')}"  # Telegram writes numbers without the plus
            _put_answer(tx, session_id, phone, doc["peer_id"], doc["seen_at"])


async def _take_names(tx: Tx, session_id: str, docs: list[Doc], named: list[str]) -> None:
    """A username belongs to one peer: of these the last one that has it, and no one who had it before."""
    owner = {doc["username"]: doc["_id"] for doc in docs if doc["username"] is not None}
    for other in await tx.find("peers", {"session_id": session_id, "username": {"$in": named}}):
        if owner[other["username"]] != other["_id"]:
            await tx.change("peers", other["_id"], {"username": None})
    for doc in docs:
        if doc["username"] is not None and owner[doc["username"]] != doc["_id"]:
            doc["username"] = None


async def _put_peer(tx: Tx, doc: Doc) -> None:
    before = await tx.get("peers", doc["_id"])
    if before is not None:
        doc = doc | {name: before[name] for name in _KEPT if doc[name] is None}
    tx.put("peers", doc)


def _put_answer(tx: Tx, session_id: str, phone: str, account_id: int | None, now: int) -> None:
    fields = {"session_id": session_id, "phone": phone, "account_id": account_id, "looked_up_at": now}
    tx.put("phone_lookups", {"_id": key(session_id, phone), **fields})


async def _lookup(reads: Reads, session_id: str, phone: str) -> tuple[int, Doc | None] | None:
    answer = await reads.get("phone_lookups", key(session_id, phone))
    if answer is None:
        return None
    account_id = answer["account_id"]
    peer = None if account_id is None else await reads.get("peers", key(session_id, account_id))
    return answer["looked_up_at"], peer


async def _put_lookup(tx: Tx, session_id: str, phone: str, doc: Doc | None, now: int) -> None:
    if not await has_session(tx, session_id):
        return
    if doc is not None:
        if doc["username"] is not None:
            await _take_names(tx, session_id, [doc], [doc["username"]])
        await _put_peer(tx, doc)
    _put_answer(tx, session_id, phone, None if doc is None else doc["peer_id"], now)
