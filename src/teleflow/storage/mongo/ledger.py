"""How a batch of writes becomes one: by a transaction (`transactions`), or, where the server has none, by an intent.

One document (`tf_writer`) lets one batch in at a time, whichever process it is of, so that what a unit has read is
still so when it writes. On a stand-alone server it is a lock that also holds the intent:

1. take it; whatever intent stands in it is carried out first (its maker died);
2. run the units;
3. write all operations into it as the intent: from here on the batch stands, whoever carries it out;
4. carry it out; every operation is absolute, so that doing one twice does no harm;
5. let go, and take the intent away, in one write; or, while more units wait and no other process does, keep the lock:
   the next intent takes the place of this one.

Whoever holds it beats. A lock without a beat for some seconds, by the watch of the one who waits, is taken over.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

import structlog
from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConnectionFailure, DuplicateKeyError, PyMongoError

from teleflow.kit.clock import Clock, loop_time
from teleflow.kit.tasks import Tasks
from teleflow.storage.mongo.client import COMMAND_S, is_trouble
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.operations import (
    CLEAR,
    Operation,
    decoded,
    encoded,
    in_requests,
    new_ones_apart,
)
from teleflow.storage.mongo.schema import PREFIX
from teleflow.storage.mongo.tx import Tx
from teleflow.storage.mongo.writes import write, write_as_one

_log = structlog.get_logger(__name__)
_LOCK = "writer"
_BEAT_S = 1.0
_SURE_S = 3.0  # without a beat that was answered for so long, the lock may be another one's soon
DEAD_S = 5.0  # so long without a beat: nobody holds it
_AGAIN_S = (0.002, 0.1)  # between looks at a lock that another one holds: the first pause, and the longest
_NO_INTENT = {"intent": 1, "pieces": 1, "intent_fence": 1}
# Whoever reads one of these before another misses nothing by it: what makes events visible comes after them.
_AT_ONCE = frozenset(PREFIX + name for name in ("send_log", "send_jobs", "update_positions", "chat_faces", "events"))
_FEW_AT_ALL = 8  # so few are one command
_PATIENCE_S = 10.0  # for an intent that stands and can't be carried out yet


class LostLock(ConnectionFailure):
    """It was another one's before anything was written."""


class Ledger(Protocol):
    """Used by one task: begin, then commit or leave.

    `refuses_duplicates`: a commit that has a document whose `_id` is there already raises, and nothing of it stands.
    """

    refuses_duplicates: bool

    async def begin(self) -> Tx: ...

    async def commit(self, tx: Tx, *, more: bool) -> None:
        """On disk when it returns. `more`: another batch may come at once. Raises what `client.is_trouble` knows."""

    async def leave(self) -> None:
        """Nothing is to be written. Never raises for a server that does not answer."""

    async def holds(self, tx: Tx) -> bool:
        """Whether what the batch has read is still so, where it writes nothing that would tell."""

    def left_at(self, tx: Tx) -> int:
        """The database's fence after a batch that wrote nothing and was left."""

    async def rest(self) -> None:
        """No batch comes for now. Never raises."""

    async def close(self) -> None: ...


class Intents:
    """On a server without transactions."""

    refuses_duplicates = False

    def __init__(self, database: AsyncDatabase[Doc], clock: Clock, *, bulk: bool = False) -> None:
        """`bulk`: the server has the command `bulkWrite` (MongoDB 8), and few operations are one journey."""
        self._bulk = bulk
        self._database = database
        self._lock = database[PREFIX + "writer"]
        self._pieces = database[PREFIX + "writer_pieces"]
        self._clock = clock
        self._me = secrets.token_hex(12)
        self._fence = 0
        self._counters: dict[str, int] = {}
        self._kept = False  # from the last batch
        self._left_over = False  # an intent that was carried out is in the document still
        self._wanted = False  # another process waits
        self._beaten = 0.0  # when the last beat that was answered was sent
        self._unsure = 0  # the fence of an intent that may have been written, and whose callers were refused
        self._tasks = Tasks("storage-lock")
        self._beating: asyncio.Task[Any] | None = None
        self._beats_for: object = None  # the driver may swallow a cancellation: what is asked is whether to go on

    async def begin(self) -> Tx:
        if self._kept:
            return Tx(self._database, self._counters, self._fence + 1)
        if self._wanted:  # it was let go for others
            self._wanted = False
            await self._clock.sleep(_AGAIN_S[1])
        sent = loop_time()
        held = await self._taken()
        self._fence = held["fence"]
        self._counters = held.get("counters") or {}
        self._beaten = sent
        mark = self._beats_for = object()
        self._beating = self._tasks.start(self._beat(mark), "storage:beat")
        try:
            pieces = await self._intent_of(held)
            if pieces:
                refused = held.get("was") == self._me and held.get("intent_fence") == self._unsure
                if refused:
                    _log.info("storage.intent_dropped")
                else:
                    operations = decoded(pieces)
                    _log.warning("storage.intent_redone", operations=len(operations))
                    await self._carry_out(operations)
                await self._mine({"$unset": _NO_INTENT})
        except BaseException:
            await self._stop_beating()
            raise
        self._unsure = 0
        return Tx(self._database, self._counters, self._fence)

    async def commit(self, tx: Tx, *, more: bool) -> None:
        operations, counters = tx.operations(), tx.counters
        if len(operations) == 1 and counters is None and not self._kept:  # one write is whole by itself
            await self._carry_out(operations)
            await self.leave()
            return
        was_kept, self._kept = self._kept, False
        pieces = encoded(operations)
        fields: dict[str, Any] = {"fence": tx.fence, "intent_fence": tx.fence}
        if counters is not None:
            self._counters = fields["counters"] = counters
        if len(pieces) == 1:
            fields["intent"] = pieces[0]
        elif pieces:
            # Those of an intent that is there stay; without one, some of a commit that failed may have this fence.
            await self._pieces.delete_many({"fence": {"$ne": self._fence}} if was_kept else {})
            for number, piece in enumerate(pieces):
                await self._pieces.insert_one({"_id": f"{tx.fence}/{number}", "fence": tx.fence, "piece": piece})
            fields["pieces"] = len(pieces)
        self._unsure = tx.fence
        self._wanted = await self._intend(fields, tx.fence)
        self._unsure = 0
        self._left_over = False  # what is there now has to be carried out
        await self._finish(operations, keep=more and not self._wanted)

    async def leave(self) -> None:
        self._kept = False
        await self._stop_beating()
        update: dict[str, Any] = {"$set": {"holder": None}}
        if self._left_over:
            update["$unset"] = _NO_INTENT
        try:
            await self._lock.update_one({"_id": _LOCK, "holder": self._me, "fence": self._fence}, update)
        except PyMongoError:
            return  # whoever wants it next finds it without a beat; we know our own name
        finally:
            self._left_over = False

    async def holds(self, tx: Tx) -> bool:  # noqa: ARG002
        """Nobody else writes while the lock is ours."""
        return True

    def left_at(self, tx: Tx) -> int:  # noqa: ARG002
        return self._fence  # taking the lock counts, going on with it does not

    async def rest(self) -> None:
        if self._kept:
            await self.leave()

    async def close(self) -> None:
        await self.rest()
        await self._tasks.close()

    # --- the lock ---

    async def _taken(self) -> Doc:
        """The lock as it is once it is ours. `was`: whose it was."""
        pause, watched, since = _AGAIN_S[0], None, loop_time()
        while True:
            held = await self._take({"holder": None})
            if held is not None:
                return held | {"was": None}
            seen = await self._lock.find_one({"_id": _LOCK})
            if seen is None:
                await self._make()
                continue
            if not seen.get("wanted"):  # its holder is not to keep it for a further batch
                await self._lock.update_one({"_id": _LOCK}, {"$set": {"wanted": True}})
            beat = (seen["holder"], seen["fence"], seen["beat"])
            if beat != watched:
                watched, since = beat, loop_time()
            if seen["holder"] is not None and (seen["holder"] == self._me or loop_time() - since >= DEAD_S):
                held = await self._take({"holder": seen["holder"], "fence": seen["fence"], "beat": seen["beat"]})
                if held is not None:
                    return held | {"was": seen["holder"]}
            await self._clock.sleep(pause)
            pause = min(pause * 2, _AGAIN_S[1])

    async def _take(self, where: dict[str, Any]) -> Doc | None:
        held: Doc | None = await self._lock.find_one_and_update(
            {"_id": _LOCK, **where},
            {"$set": {"holder": self._me}, "$inc": {"fence": 1, "beat": 1}, "$unset": {"wanted": 1}},
            return_document=ReturnDocument.AFTER,
        )
        return held

    async def _make(self) -> None:
        try:
            await self._lock.insert_one({"_id": _LOCK, "holder": None, "fence": 0, "beat": 0, "counters": {}})
        except DuplicateKeyError:
            return  # another process was faster

    async def _mine(self, update: dict[str, Any]) -> None:
        """Raises LostLock, and does nothing, when it is another one's."""
        done = await self._lock.update_one({"_id": _LOCK, "holder": self._me, "fence": self._fence}, update)
        if not done.matched_count:
            raise LostLock("another process took the lock")

    async def _beat(self, mark: object) -> None:
        while True:
            await self._clock.sleep(_BEAT_S)
            if self._beats_for is not mark:
                return
            sent = loop_time()
            try:
                done = await self._lock.update_one({"_id": _LOCK, "holder": self._me}, {"$inc": {"beat": 1}})
                if not done.matched_count:
                    return
            except Exception as error:
                if not is_trouble(error):
                    raise
                continue
            self._beaten = sent

    async def _stop_beating(self) -> None:
        beating, self._beating, self._beats_for = self._beating, None, None
        if beating is not None:
            beating.cancel()
            await asyncio.wait([beating], timeout=COMMAND_S)

    # --- the intent ---

    async def _intent_of(self, held: Doc) -> list[bytes]:
        if held.get("pieces"):
            names = [f"{held['intent_fence']}/{number}" for number in range(held["pieces"])]
            found = {one["_id"]: one["piece"] async for one in self._pieces.find({"_id": {"$in": names}})}
            return [found[name] for name in names]
        return [held["intent"]] if held.get("intent") else []

    async def _intend(self, fields: dict[str, Any], fence: int) -> bool:
        """Write the intent, in place of the one before: from here on it stands. Whether another process waits."""
        update: dict[str, Any] = {"$set": fields}
        if gone := [name for name in ("intent", "pieces") if name not in fields]:
            update["$unset"] = dict.fromkeys(gone, 1)
        before = await self._lock.find_one_and_update(
            {"_id": _LOCK, "holder": self._me, "fence": self._fence}, update, {"wanted": 1}
        )
        if before is None:
            raise LostLock("another process took the lock")
        self._fence = fence
        return bool(before.get("wanted"))

    async def _finish(self, operations: Sequence[Operation], *, keep: bool) -> None:
        """The intent stands: it is carried out now, or by whoever takes the lock next."""
        until = loop_time() + _PATIENCE_S
        while True:
            try:
                await self._carry_out(operations)
                if keep:
                    self._kept = self._left_over = True
                    return
                await self._stop_beating()
                await self._mine({"$set": {"holder": None}, "$unset": _NO_INTENT})
            except LostLock:
                await self._stop_beating()
                return  # who took it has done it
            except Exception as error:
                if not is_trouble(error) or loop_time() >= until:
                    await self._stop_beating()
                    raise
                await self._clock.sleep(_AGAIN_S[1])
                continue
            return

    async def _carry_out(self, operations: Sequence[Operation]) -> None:
        at_once: list[Coroutine[Any, Any, None]] = []
        others, many = new_ones_apart(operations) if self._bulk else (operations, [])
        cleared = {one.collection for one in others if one.kind == CLEAR}
        if (
            self._bulk
            and len(others) <= _FEW_AT_ALL
            and all(collection in _AT_ONCE and collection not in cleared for collection, _ in many)
        ):
            at_once = [write(self._database, collection, some, False) for collection, some in many]
            await self._all_of(at_once)
            await self._all_of([write_as_one(self._database, others)])
            return
        try:
            for collection, some, ordered in in_requests(operations):
                if collection not in _AT_ONCE:
                    await self._all_of(at_once)
                at_once.append(write(self._database, collection, some, ordered))
                if collection not in _AT_ONCE:
                    await self._all_of(at_once)
            await self._all_of(at_once)
        finally:
            for left in at_once:
                left.close()

    async def _all_of(self, writes: list[Coroutine[Any, Any, None]]) -> None:
        """Beside each other, so that they wait for the disk together."""
        if loop_time() - self._beaten > _SURE_S:
            sent = loop_time()
            await self._mine({"$inc": {"beat": 1}})
            self._beaten = sent
        if len(writes) == 1:
            await writes.pop()
            return
        going = writes.copy()
        writes.clear()
        ended = await asyncio.gather(*going, return_exceptions=True)
        for one in ended:
            if isinstance(one, BaseException):
                raise one
