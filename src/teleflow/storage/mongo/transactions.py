"""A batch of writes as one transaction, on a replica set.

The transaction is short: units run before it, on what is committed, and it begins with the writer's document, which has
to be as it was then. Of two batches that ran at one time, of whichever processes, one finds it changed, and is run
again. One that has lost a few times takes the document first, before its units run, so that a process with long batches
gets its turn beside one with short ones.

A process that dies in its transaction leaves it open, and it stands in everybody's way until the server ends it, after
a minute. So each notes its session, and whoever is held up for long ends the sessions of the others: those of the dead
end for good, and one who lives runs its batch again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from pymongo import AsyncMongoClient, ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from teleflow.kit.clock import Clock, loop_time, milliseconds
from teleflow.storage.mongo.client import COMMAND_S, DUPLICATE, INTERRUPTED, LostRace, is_lost_race
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.operations import (
    SET,
    Operation,
    as_one_command,
    fits_one_command,
    in_requests,
    new_ones_apart,
)
from teleflow.storage.mongo.schema import PREFIX
from teleflow.storage.mongo.tx import Tx

_log = structlog.get_logger(__name__)
_LOCK = "writer"
_PATIENCE_S = 10.0  # for the answer to a commit
_HELD_UP_S = 1.0  # nobody commits for so long: a transaction that is in the way is taken for a dead one's
_NOTED_S = 60.0
_LOST_ENOUGH = 3
_MOST_SESSIONS = 1_000
_WRITE_CONFLICT = 112
_ENDED = frozenset({INTERRUPTED, 251})  # what an ended session's transaction gets; 251: there is none of that number


class Transactions:
    refuses_duplicates = True

    def __init__(
        self, client: AsyncMongoClient[Doc], database: AsyncDatabase[Doc], clock: Clock, *, bulk: bool = False
    ) -> None:
        """`bulk`: the server has the command `bulkWrite` (MongoDB 8), and a batch is one journey and its commit."""
        self._client = client
        self._bulk = bulk
        self._database = database
        self._lock = database[PREFIX + "writer"]
        self._sessions = database[PREFIX + "writer_sessions"]
        self._clock = clock
        self._session: AsyncClientSession | None = None
        self._noted: float | None = None
        self._held_up: tuple[float, int] | None = None  # since when this batch loses, and the fence then
        self._lost_at = 0.0
        self._last: tuple[int, dict[str, int]] | None = None  # the fence and the counters of the last commit
        self._guessed = False  # that nobody has committed since
        self._losses = 0  # one after the other
        self._holding = False  # the document, since before the units ran

    async def begin(self) -> Tx:
        if self._session is None or self._noted is None or loop_time() - self._noted >= _NOTED_S:
            await self._note()
        last, self._last = self._last, None
        if self._losses >= _LOST_ENOUGH and self._session is not None:
            try:
                return await self._begin_held(self._session)
            except PyMongoError as error:
                await self.leave()
                await self._has_lost(error)
                raise
        self._guessed = last is not None
        if last is not None:  # the commit finds out whether it is
            return Tx(self._database, last[1], last[0] + 1)
        held = await self._lock.find_one({"_id": _LOCK})
        if held is None:
            held = {"_id": _LOCK, "fence": 0, "counters": {}, "holder": None, "beat": 0}
            try:
                await self._lock.insert_one(held)
            except DuplicateKeyError as error:
                raise LostRace("another process was faster") from error
        return Tx(self._database, held.get("counters") or {}, held["fence"] + 1)

    async def _begin_held(self, session: AsyncClientSession) -> Tx:
        """What is read is of the transaction then: the one before it may not have reached the majority yet."""
        await session.start_transaction(
            read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority", j=True)
        )
        held = await self._lock.find_one_and_update(
            {"_id": _LOCK}, {"$inc": {"fence": 1}}, return_document=ReturnDocument.AFTER, session=session
        )
        if held is None:
            raise LostRace("the writer's document is gone")
        self._holding = True
        return Tx(self._database, held.get("counters") or {}, held["fence"], session)

    async def commit(self, tx: Tx, *, more: bool) -> None:  # noqa: ARG002 - nothing is held between two batches
        session = self._session
        if session is None:
            raise RuntimeError("nothing was begun")
        try:
            await self._write(tx, session)
            await _committed(session)
        except BaseException as error:
            self._losses += is_lost_race(error)
            await self.leave()
            await self._has_lost(error)
            raise
        self._held_up = None
        self._losses = 0
        self._holding = False
        self._last = (tx.fence, tx.counters or tx.counters_before)

    async def _write(self, tx: Tx, session: AsyncClientSession) -> None:
        majority = WriteConcern("majority", j=True)
        operations = tx.operations()
        if self._holding:
            if tx.counters is not None:
                await self._lock.update_one({"_id": _LOCK}, {"$set": {"counters": tx.counters}}, session=session)
            await self._write_by_collection(operations, session)
            return
        others, many = new_ones_apart(operations)
        bulk = self._bulk and fits_one_command(others)
        # One command sees one state anyway; of what it finds there the fence is all that decides.
        concern = None if bulk else ReadConcern("snapshot")
        await session.start_transaction(read_concern=concern, write_concern=majority)
        fields: dict[str, Any] = {"fence": tx.fence}
        if tx.counters is not None:
            fields["counters"] = tx.counters
        before = {"_id": _LOCK, "fence": tx.fence - 1}
        if bulk:
            await self._write_in_bulk(before, fields, others, session)
            for collection, some in many:
                await self._database[collection].insert_many([one.whole for one in some], session=session)
            return
        if not (await self._lock.update_one(before, {"$set": fields}, session=session)).matched_count:
            raise LostRace("another batch was committed meanwhile")
        await self._write_by_collection(operations, session)

    async def _write_by_collection(self, operations: Sequence[Operation], session: AsyncClientSession) -> None:
        for collection, some, ordered in in_requests(operations):
            requests = [one.request() for one in some]
            await self._database[collection].bulk_write(requests, ordered=ordered, session=session)

    async def _write_in_bulk(
        self, before: Doc, fields: Doc, operations: Sequence[Operation], session: AsyncClientSession
    ) -> None:
        """A fence that is another one now would make a second document of its `_id`: that is refused."""
        fence = {"filter": before, "updateMods": {"$set": fields}, "upsert": True}
        command = as_one_command([Operation(PREFIX + "writer", SET, _LOCK, fields), *operations], self._database.name)
        command["ops"][0] |= fence
        done = await self._client.admin.command(command, session=session)
        for failed in done["cursor"]["firstBatch"]:
            if not failed["ok"]:
                raise _refused(failed)
        if done["nErrors"]:
            raise OperationFailure("what was refused was not told")

    async def leave(self) -> None:
        self._holding = False
        session = self._session
        if session is None or not session.in_transaction:
            return
        try:
            async with asyncio.timeout(COMMAND_S):
                await session.abort_transaction()
        except (PyMongoError, TimeoutError):
            self._session = None  # the server ends a transaction that nobody goes on with

    async def holds(self, tx: Tx) -> bool:
        if self._holding:
            self._losses = 0  # it had its turn
            return True
        if not self._guessed:
            return True
        self._guessed = False
        return await self._lock.find_one({"_id": _LOCK, "fence": tx.fence - 1}) is not None

    def left_at(self, tx: Tx) -> int:
        return tx.fence - 1  # what a transaction counted went with it

    async def rest(self) -> None:
        """Nothing is held between two batches."""

    async def close(self) -> None:
        await self.leave()
        session, self._session = self._session, None
        if session is None:
            return
        try:
            async with asyncio.timeout(COMMAND_S):
                await self._sessions.delete_one({"_id": _name_of(session)})
                await session.end_session()
        except (PyMongoError, TimeoutError):
            return

    async def _note(self) -> None:
        """Say which session is ours, for those whom we may stand in the way of when we are dead."""
        if self._session is None:
            self._session = self._client.start_session(causal_consistency=False)
        mine = {"_id": _name_of(self._session), "lsid": self._session.session_id["id"]}
        now = milliseconds(self._clock.time())
        await self._sessions.replace_one({"_id": mine["_id"]}, {**mine, "noted_at": now}, upsert=True)
        self._noted = loop_time()

    async def _has_lost(self, error: BaseException) -> None:
        """What it lost to may be a transaction that nobody will ever end. Never raises for the server."""
        if not is_lost_race(error):
            return
        if isinstance(error, OperationFailure) and error.code in _ENDED:
            self._noted = None  # who ended this session has struck it out
        if isinstance(error, LostRace):  # another one committed
            self._held_up = None
            return
        try:
            if await self._is_held_up():
                await self._end_others()
        except PyMongoError as further:
            _log.warning("storage.sessions_not_ended", reason=type(further).__name__)

    async def _is_held_up(self) -> bool:
        """Whether it has lost for long, and nobody has won."""
        now, before = loop_time(), self._lost_at
        self._lost_at = now
        if self._held_up is not None and now - before < _HELD_UP_S and now - self._held_up[0] < _HELD_UP_S:
            return False
        held = await self._lock.find_one({"_id": _LOCK}, {"fence": 1})
        fence = 0 if held is None else held["fence"]
        alone = self._held_up is not None and now - before < _HELD_UP_S and self._held_up[1] == fence
        self._held_up = None if alone else (now, fence)
        return alone

    async def _end_others(self) -> None:
        mine = "" if self._session is None else _name_of(self._session)
        others = await self._sessions.find({"_id": {"$ne": mine}}).to_list(_MOST_SESSIONS)
        if not others:
            return
        await self._client.admin.command("killSessions", [{"id": one["lsid"]} for one in others])
        await self._sessions.delete_many({"_id": {"$in": [one["_id"] for one in others]}})
        _log.warning("storage.sessions_ended", sessions=len(others))


def _name_of(session: AsyncClientSession) -> str:
    return bytes(session.session_id["id"]).hex()


def _refused(failed: Doc) -> PyMongoError:
    """The error of one operation of a `bulkWrite`."""
    code, text = failed.get("code", 0), str(failed.get("errmsg", ""))
    if code == DUPLICATE:
        return (
            LostRace("another batch was committed meanwhile") if failed["idx"] == 0 else DuplicateKeyError(text, code)
        )
    labels = {"errorLabels": ["TransientTransactionError"]} if code == _WRITE_CONFLICT else {}
    return OperationFailure(text, code, {**failed, **labels})


async def _committed(session: AsyncClientSession) -> None:
    """Asked again while nobody knows whether it stands: the answer is the same then."""
    until = loop_time() + _PATIENCE_S
    while True:
        try:
            await session.commit_transaction()
        except PyMongoError as error:
            unknown = error.has_error_label("UnknownTransactionCommitResult") or (
                isinstance(error, OperationFailure) and error.code == INTERRUPTED
            )
            if not unknown or loop_time() >= until:
                raise
            continue
        return
