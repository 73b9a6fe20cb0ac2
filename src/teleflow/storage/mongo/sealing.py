"""Everything that is sealed in a database, by place: counted, opened, sealed anew.

Pages go by `_id` through one place after the other. A value is read, opened, sealed and written back by one unit of
work, which is alone: a service that writes beside it is never undone.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from teleflow.kit.seal import Seal, SealBroken
from teleflow.storage import bindings
from teleflow.storage.base.sealing import SealedPage
from teleflow.storage.bindings import Binding
from teleflow.storage.common import sealing as common
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, every, page
from teleflow.storage.mongo.tx import Reads, Tx

_AT_ONCE = 50  # values that one unit seals anew: a few milliseconds in which a service waits
_HEAD = 5  # bytes: version and key id
_CHECK = "seal_check"
_ALSO = "seal_also/"
CHECKS = {"$or": [{"_id": _CHECK}, {"_id": {"$gt": _ALSO, "$lt": _ALSO + "~"}}]}


@dataclass(frozen=True)
class Place:
    """A field with sealed values. `names`: what tells a person which document it is."""

    collection: str
    field: str
    binding: Callable[[Doc], Binding]
    names: tuple[str, ...] = ("_id",)

    @property
    def name(self) -> str:
        return f"{self.collection}.{self.field}"

    def sealed(self, stored: Any) -> bytes | None:
        """None: nothing is."""
        return bytes(stored)

    def anew(self, stored: Any, seal: Seal, binding: Binding) -> Any:
        return seal.seal_anew(bytes(stored), *binding)

    def told(self, doc: Doc) -> str:
        return f"{self.name} of {'/'.join(str(doc[name]) for name in self.names)}"


class _FileOfPlan(Place):
    def sealed(self, stored: Any) -> bytes | None:
        return common.file_of_plan(stored)

    def anew(self, stored: Any, seal: Seal, binding: Binding) -> Any:
        return common.plan_anew(stored, seal, binding)


def _places() -> Iterator[Place]:
    for field in ("auth_key", "api_hash"):
        yield Place("session_credentials", field, _named(bindings.credentials, field))
    for field in ("proxy", "api_hash"):
        yield Place("session_profiles", field, _named(bindings.profile, field))
    yield Place("login_attempts", "phone_code_hash", lambda doc: bindings.code_hash(doc["_id"]))
    yield Place("users", "telegram_api_hash", lambda doc: bindings.api_hash(doc["_id"]))
    for field in ("headers", "secret", "old_secret"):
        yield Place("webhooks", field, _named(bindings.webhook, field))
    yield _FileOfPlan("broadcasts", "plan", lambda doc: bindings.file_id(doc["session_id"]))
    yield Place(
        "idempotency_keys", "answer", lambda doc: bindings.answer(doc["user_id"], doc["key"]), ("user_id", "key")
    )
    yield Place("send_jobs", "result", lambda doc: bindings.job_result(doc["_id"]))
    yield Place(
        "peers",
        "access_hash",
        lambda doc: bindings.access_hash(doc["session_id"], doc["peer_id"]),
        ("session_id", "peer_id"),
    )


def _named(of: Callable[[str, str], Binding], field: str) -> Callable[[Doc], Binding]:
    return lambda doc: of(doc["_id"], field)


PLACES = tuple(_places())


class Sealing(Part):
    async def check_seal(self) -> None:
        """Raises SettingsError when secrets in here were sealed with a key that is not here."""
        common.refuse_strange_keys(await self._db.write(_known_checks, self._seal.check), self._seal)

    async def seal_checks(self) -> frozenset[str]:
        return await self._db.read(_checks)

    async def admit_seal_key(self, check: str) -> None:
        if check not in await self.seal_checks():
            await self._db.write(_admit, check)

    async def settle_seal_keys(self, check: str) -> None:
        await self._db.write(_settle, check)

    async def look_at_sealed(self, cursor: str | None, *, opening: bool, limit: int) -> SealedPage:
        place, docs, further = await self._page(cursor, limit)
        under: Counter[tuple[str, str]] = Counter()
        broken: list[str] = []
        for doc in docs:
            try:
                sealed = place.sealed(doc[place.field])
                if sealed is None:
                    continue
                under[place.name, sealed[1:_HEAD].hex()] += 1
                if opening:
                    self._seal.open(sealed, *place.binding(doc))
            except SealBroken:
                broken.append(place.told(doc))
        return SealedPage(further, len(docs), under=under, broken=broken)

    async def seal_anew(self, cursor: str | None, *, limit: int) -> SealedPage:
        place, docs, further = await self._page(cursor, limit)
        ids = [doc["_id"] for doc in docs if _is_old(place, self._seal, doc)]
        changed, broken = 0, list[str]()
        for start in range(0, len(ids), _AT_ONCE):
            done, failed = await self._db.write_heavy(_anew, place, self._seal, ids[start : start + _AT_ONCE])
            changed += done
            broken += failed
        return SealedPage(further, len(docs), changed, broken=broken)

    async def _page(self, cursor: str | None, limit: int) -> tuple[Place, list[Doc], str | None]:
        """A page of a place, and where to go on."""
        number, after = (0, None) if cursor is None else json.loads(cursor)
        place, most = PLACES[number], page(limit)
        where: Doc = {place.field: {"$ne": None}}
        if after is not None:
            where["_id"] = {"$gt": after}
        docs = await self._db.read_heavy(every, place.collection, where, [("_id", 1)], most)
        if len(docs) == most:
            return place, docs, json.dumps([number, docs[-1]["_id"]])
        return place, docs, json.dumps([number + 1, None]) if number + 1 < len(PLACES) else None


def _is_old(place: Place, seal: Seal, doc: Doc) -> bool:
    """Also what is broken: whoever seals it anew tells so."""
    try:
        sealed = place.sealed(doc[place.field])
    except SealBroken:
        return True
    return sealed is not None and not seal.is_current(sealed)


async def _anew(tx: Tx, place: Place, seal: Seal, ids: list[Any]) -> tuple[int, list[str]]:
    changed, broken = 0, list[str]()
    for id_ in ids:
        doc = await tx.get(place.collection, id_)
        if doc is None or doc[place.field] is None:
            continue
        try:
            if _is_old(place, seal, doc):
                fresh = place.anew(doc[place.field], seal, place.binding(doc))
                await tx.change(place.collection, id_, {place.field: fresh})
                changed += 1
        except SealBroken:
            broken.append(place.told(doc))
    return changed, broken


async def _checks(reads: Reads) -> frozenset[str]:
    return frozenset(str(doc["value"]) for doc in await reads.find("facts", CHECKS))


async def _known_checks(tx: Tx, first: str) -> frozenset[str]:
    if await tx.get("facts", _CHECK) is None:
        tx.put("facts", {"_id": _CHECK, "value": first})
    return await _checks(tx)


async def _admit(tx: Tx, check: str) -> None:
    tx.put("facts", {"_id": _ALSO + check, "value": check})


async def _settle(tx: Tx, check: str) -> None:
    for doc in await tx.find("facts", CHECKS):
        await tx.remove("facts", doc["_id"])
    tx.put("facts", {"_id": _CHECK, "value": check})
