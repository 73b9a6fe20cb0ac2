"""The collections of the multi-tenant sender, when this is its database: `users`, `tokens` and `logs`.

They are read and never written: that service goes on where it was, should somebody go back to it. What was taken is
remembered by the last `_id` of each collection, in the same batch as what was taken, so that nothing comes twice: not
after a crash, not a user who was deleted here, not a token that was used up. What that service adds later comes at the
next start.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog
from pymongo.asynchronous.database import AsyncDatabase

from teleflow.kit.clock import milliseconds
from teleflow.kit.ids import id_of
from teleflow.kit.seal import Seal
from teleflow.model.users import Login, RefreshToken, Role, User
from teleflow.storage.base.adoption import OlderReport
from teleflow.storage.mongo.logins import login_doc, token_doc
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part
from teleflow.storage.mongo.tx import Reads, Tx
from teleflow.storage.mongo.userrows import doc_of

_log = structlog.get_logger(__name__)
_AT_ONCE = 200
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - as the driver gives instants: in UTC, without saying so
_MOST_TOLD = 100


class _Left(Exception):
    """Why one of theirs is not taken."""


class _Batch(Protocol):
    """What is used of a batch, that a rehearsal has too."""

    async def get(self, collection: str, id_: Any) -> Doc | None: ...

    async def one(self, collection: str, where: Doc) -> Doc | None: ...

    def put(self, collection: str, doc: Doc) -> None: ...

    def add(self, collection: str, doc: Doc) -> None: ...

    def next(self, counter: str, /) -> int: ...


class _Names:
    """Users by name, each asked for once in a batch."""

    def __init__(self, batch: _Batch) -> None:
        self._batch = batch
        self._known: dict[str, Doc | None] = {}

    async def of(self, name: str) -> Doc | None:
        if name not in self._known:
            self._known[name] = await self._batch.one("users", {"username": name}) if name else None
        return self._known[name]


class _Rehearsal:
    """A batch that is never written: what was put is there for who comes after."""

    def __init__(self, database: AsyncDatabase[Doc]) -> None:
        self._reads = Reads(database)
        self._put: dict[tuple[str, Any], Doc] = {}

    async def get(self, collection: str, id_: Any) -> Doc | None:
        return self._put.get((collection, id_)) or await self._reads.get(collection, id_)

    async def one(self, collection: str, where: Doc) -> Doc | None:
        for (of, _), doc in self._put.items():
            if of == collection and all(doc.get(name) == value for name, value in where.items()):
                return doc
        return await self._reads.one(collection, where)

    def put(self, collection: str, doc: Doc) -> None:
        self._put[collection, doc["_id"]] = doc

    def add(self, collection: str, doc: Doc) -> None:
        self.put(collection, doc)

    def next(self, _: str, /) -> int:
        return len(self._put)


_Take = Callable[[_Batch, _Names, Seal, Doc, int], Awaitable[None]]


class Older(Part):
    async def adopt_older(self, *, dry: bool = False) -> OlderReport:
        """Take what is new there, or only tell what would be. Nothing where this is no database of that service."""
        report = OlderReport()
        batch = _Rehearsal(self._db.database)
        there = set(await self._db.database.list_collection_names())
        for kind, take in (("users", _user), ("tokens", _token), ("logs", _log_row)):
            if kind not in there:
                continue
            if not {"users", "tokens"} & there:
                break
            if dry:
                await self._rehearse(kind, take, batch, report)
            else:
                more = True
                while more:
                    took, left, more = await self._db.write_heavy(self._take_some, kind, take)
                    report.took += took
                    report.left += left[: _MOST_TOLD - len(report.left)]
        if report.took or report.left:
            _log.info("adoption.older", **report.took, left=len(report.left))
        return report

    async def _rehearse(self, kind: str, take: _Take, batch: _Rehearsal, report: OlderReport) -> None:
        taken = await self._db.read(_last, kind)
        where = {} if taken is None else {"_id": {"$gt": taken}}
        report.took[kind] = await self._db.database[kind].count_documents(where)
        report.standing[kind] = await self._db.database[kind].count_documents({}) - report.took[kind]
        if take is _log_row:
            return  # none of them is left
        now = milliseconds(self._clock.time())
        async for doc in self._db.database[kind].find(where, sort=[("_id", 1)]):
            try:
                await take(batch, _Names(batch), self._seal, doc, now)
            except _Left as why:
                report.took[kind] -= 1
                if len(report.left) < _MOST_TOLD:
                    report.left.append(f"{kind} {doc['_id']}: {why}")

    async def _take_some(self, tx: Tx, kind: str, take: _Take) -> tuple[Counter[str], list[str], bool]:
        """Some further documents: how many were taken, which were not, and whether there may be more."""
        last = await _last(tx, kind)
        where = {} if last is None else {"_id": {"$gt": last}}
        theirs = self._db.database[kind].find(where, sort=[("_id", 1)], limit=_AT_ONCE)
        took, left, now = Counter[str](), list[str](), milliseconds(self._clock.time())
        names = _Names(tx)
        for doc in (docs := await theirs.to_list(None)):
            try:
                await take(tx, names, self._seal, doc, now)
            except _Left as why:
                left.append(f"{kind} {doc['_id']}: {why}")
            else:
                took[kind] += 1
        if docs:
            tx.put("facts", {"_id": _key(kind), "value": docs[-1]["_id"]})
        return took, left, len(docs) == _AT_ONCE


def _key(kind: str) -> str:
    return f"older/{kind}"


async def _last(reads: Reads, kind: str) -> Any:
    doc = await reads.get("facts", _key(kind))
    return None if doc is None else doc["value"]


async def _user(tx: _Batch, _: _Names, seal: Seal, doc: Doc, now: int) -> None:
    name, password_hash = _text(doc, "username"), _text(doc, "password_hash")
    if not name or not password_hash:
        raise _Left("it has no name or no password")
    if await tx.one("users", {"username": name}) is not None:
        raise _Left("there is a user of that name here")
    user = User(
        id=_user_id(doc["_id"]),
        username=name,
        role=Role.ADMIN if doc.get("role") == Role.ADMIN.value else Role.USER,
        password_hash=password_hash,
        telegram_phone=_text(doc, "telegram_phone") or None,
        telegram_api_id=_number(doc.get("telegram_api_id")),
        telegram_api_hash=_text(doc, "telegram_api_hash") or None,
        description=_text(doc, "description") or None,
        created_at=_instant(doc.get("created_at"), now),
    )
    tx.put("users", doc_of(seal, user))


async def _token(tx: _Batch, names: _Names, _: Seal, doc: Doc, now: int) -> None:
    hash_, expires_at = _text(doc, "refresh_token_hash"), _instant(doc.get("expires_at"), 0)
    user = await names.of(_text(doc, "username")) or await tx.get("users", _user_id(doc.get("user_id")))
    if not hash_ or user is None:
        raise _Left("it is nobody's")
    if expires_at <= now:
        raise _Left("it has expired")
    if await tx.get("refresh_tokens", hash_) is not None:
        raise _Left("it is here already")
    created_at = _instant(doc.get("created_at"), now)
    login = Login(id_of("lgn", f"older {hash_}"), user["_id"], created_at, expires_at)
    tx.put("logins", login_doc(login))
    tx.put("refresh_tokens", token_doc(RefreshToken(hash_, login.id, user["_id"], created_at, expires_at)))


async def _log_row(tx: _Batch, names: _Names, _: Seal, doc: Doc, now: int) -> None:
    name = _text(doc, "username")
    user = await names.of(name)
    success = doc.get("success")
    tx.add(
        "send_log",
        {
            "_id": tx.next("send_log"),
            "user_id": id_of("usr", f"older, gone {name}") if user is None else user["_id"],
            "username": name,
            "from_phone": _text(doc, "from_phone"),
            "to_phone": _text(doc, "to_phone"),
            "message": _text(doc, "message"),
            "success": None if success is None else int(bool(success)),
            "detail": _text(doc, "detail"),
            "created_at": _instant(doc.get("created_at"), now),
        },
    )


def _user_id(theirs: Any) -> str:
    return id_of("usr", f"older {theirs}")


def _text(doc: Doc, name: str) -> str:
    value = doc.get(name)
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _number(value: Any) -> int | None:
    try:
        return int(value) or None
    except (TypeError, ValueError):
        return None


def _instant(value: Any, otherwise: int) -> int:
    """In Unix ms."""
    if isinstance(value, dt.datetime):
        return (value.replace(tzinfo=None) - _EPOCH) // dt.timedelta(milliseconds=1)
    if isinstance(value, str):
        try:
            return _instant(dt.datetime.fromisoformat(value), otherwise)
        except ValueError:
            return otherwise
    return int(value * 1000) if isinstance(value, int | float) else otherwise
