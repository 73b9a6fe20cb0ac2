"""The collections of the multi-tenant sender, when this is its database: `users`, `tokens` and `logs`.

They are read and never written: that service goes on where it was, should somebody go back to it. What was taken is
remembered by the last `_id` of each kind in each collection, in the same batch as what was taken, so that nothing comes
twice: not after a crash, not a user who was deleted here, not a token that was used up. What that service adds later
comes at the next start.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import structlog
from bson import Binary, DatetimeMS, ObjectId
from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo.asynchronous.collection import AsyncCollection
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
_MOST_TOLD = 100
_LAST_S = 253_402_300_799  # of the year 9999
_SECONDS = 10**11  # a number below it tells seconds, one above it milliseconds
# The least `_id` of each kind that there is: values of two kinds are in no relation, so each has an end of its own.
_KINDS: Mapping[str, Any] = {"": ObjectId(bytes(12)), "/number": float("-inf"), "/string": "", "/binary": Binary(b"")}
# What one odd value costs is that value: dates that no calendar has, text that is none.
_AS_IT_IS: CodecOptions[Doc] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
)


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

    def __init__(self, batch: _Batch, database: AsyncDatabase[Doc]) -> None:
        self._batch = batch
        self._theirs = _collection(database, "users")
        self._known: dict[str, Doc | None] = {}

    async def of(self, name: str) -> Doc | None:
        if name not in self._known:
            self._known[name] = await self._batch.one("users", {"username": name}) if name else None
        return self._known[name]

    async def owner(self, token: Doc) -> Doc | None:
        """Whose it is: somebody who came from them. A user of ours who only has that name is somebody else."""
        user = await self._batch.get("users", _user_id(token.get("user_id")))
        if user is not None:
            return user
        theirs = await self._theirs.find_one({"username": _text(token, "username")}, {"_id": 1})
        return None if theirs is None else await self._batch.get("users", _user_id(theirs["_id"]))


class _Rehearsal:
    """A batch that is never written: what was put is there for who comes after."""

    def __init__(self, database: AsyncDatabase[Doc]) -> None:
        self._reads = Reads(database)
        self._put: dict[tuple[str, Any], Doc] = {}
        self._users: dict[str, Doc] = {}

    async def get(self, collection: str, id_: Any) -> Doc | None:
        return self._put.get((collection, id_)) or await self._reads.get(collection, id_)

    async def one(self, collection: str, where: Doc) -> Doc | None:
        """Of users by their name: nothing else is asked for so."""
        return self._users.get(where["username"]) or await self._reads.one(collection, where)

    def put(self, collection: str, doc: Doc) -> None:
        self._put[collection, doc["_id"]] = doc
        if collection == "users":
            self._users[doc["username"]] = doc

    def add(self, collection: str, doc: Doc) -> None:
        self.put(collection, doc)

    def next(self, _: str, /) -> int:
        return len(self._put)


_BY_ID = [("_id", 1)]
_Take = Callable[[_Batch, _Names, Seal, Doc, int], Awaitable[None]]


class Older(Part):
    async def adopt_older(self) -> OlderReport:
        report = OlderReport()
        for kind, take in await _theirs(self._db.database):
            for of in _KINDS:
                more = True
                while more:
                    took, left, more = await self._db.write_heavy(self._take_some, kind, of, take)
                    report.took += took
                    report.left += left[: _MOST_TOLD - len(report.left)]
        if report.took or report.left:
            counts = {"users": report.took["users"], "logins": report.took["tokens"], "log_rows": report.took["logs"]}
            _log.info("adoption.older", **counts, left=len(report.left))
        for line in report.left:  # once: they are not looked at again
            _log.info("adoption.older_left", cause=line)
        return report

    async def _take_some(self, tx: Tx, kind: str, of: str, take: _Take) -> tuple[Counter[str], list[str], bool]:
        """Some further documents: how many were taken, which were not, and whether there may be more."""
        theirs = _collection(self._db.database, kind).find(await _further(tx, kind, of), sort=_BY_ID, limit=_AT_ONCE)
        took, left, now = Counter[str](), list[str](), milliseconds(self._clock.time())
        names = _Names(tx, self._db.database)
        for doc in (docs := await theirs.to_list(None)):
            try:
                await take(tx, names, self._seal, doc, now)
            except _Left as why:
                left.append(f"{kind} {doc['_id']}: {why}")
            else:
                took[kind] += 1
        if docs:
            tx.put("facts", {"_id": _key(kind, of), "value": docs[-1]["_id"]})
        return took, left, len(docs) == _AT_ONCE


async def rehearsed(database: AsyncDatabase[Doc], now: int) -> OlderReport:
    """What would be taken. Writes nothing: not even the collections that we need."""
    report = OlderReport()
    batch = _Rehearsal(database)
    reads = Reads(database)
    names = _Names(batch, database)
    seal = Seal(secrets.token_urlsafe(32))  # what it seals is thrown away
    for kind, take in await _theirs(database):
        theirs = _collection(database, kind)
        for of in _KINDS:
            report.took[kind] += await theirs.count_documents(await _further(reads, kind, of))
        report.standing[kind] = await theirs.count_documents({}) - report.took[kind]
        if take is _log_row:
            continue  # none of them is left
        for of in _KINDS:
            async for doc in theirs.find(await _further(reads, kind, of), sort=_BY_ID):
                try:
                    await take(batch, names, seal, doc, now)
                except _Left as why:
                    report.took[kind] -= 1
                    if len(report.left) < _MOST_TOLD:
                        report.left.append(f"{kind} {doc['_id']}: {why}")
    return report


async def _theirs(database: AsyncDatabase[Doc]) -> list[tuple[str, _Take]]:
    """Their collections that are there. None, where this is no database of that service."""
    there = set(await database.list_collection_names())
    if not {"users", "tokens"} & there:
        return []
    takes: dict[str, _Take] = {"users": _user, "tokens": _token, "logs": _log_row}
    return [(kind, take) for kind, take in takes.items() if kind in there]


def _collection(database: AsyncDatabase[Doc], kind: str) -> AsyncCollection[Doc]:
    return database[kind].with_options(_AS_IT_IS)


async def _further(reads: Reads, kind: str, of: str) -> Doc:
    """The filter for what was not looked at yet."""
    doc = await reads.get("facts", _key(kind, of))
    return {"_id": {"$gte": _KINDS[of]} if doc is None else {"$gt": doc["value"]}}


def _key(kind: str, of: str) -> str:
    return f"older/{kind}{of}"


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
    user = await names.owner(doc)
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
    except (TypeError, ValueError, OverflowError):
        return None


def _instant(value: Any, otherwise: int) -> int:
    """In Unix ms; a date that does not say where it was meant is one in UTC."""
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value.strip())
        except ValueError:
            return otherwise
    if isinstance(value, dt.datetime):
        value = (value if value.tzinfo else value.replace(tzinfo=dt.UTC)).timestamp() * 1000
    elif isinstance(value, int | float) and abs(value) < _SECONDS:
        value = value * 1000
    elif isinstance(value, DatetimeMS):
        value = int(value)
    if isinstance(value, int | float) and 0 <= value <= _LAST_S * 1000:
        return round(value)
    return otherwise
