"""Operations on their way to a server without transactions: each may have been done before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError

from teleflow.storage.mongo.client import DUPLICATE, is_duplicate, is_lost_race
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.operations import SET, Operation, as_one_command

_log = structlog.get_logger(__name__)
_ON_DISK = {"w": "majority", "j": True}
_FEW, _TOGETHER = 4, 200  # documents that are changed in one request


async def write_as_one(database: AsyncDatabase[Doc], operations: Sequence[Operation]) -> None:
    """In their order, on disk when it returns. What a unique index refuses is dealt with as by `write`."""
    while operations:
        # A bare command has nothing of the client's own write concern.
        command = as_one_command(operations, database.name) | {"writeConcern": _ON_DISK}
        done = await database.client.admin.command(command)
        if "writeConcernError" in done:
            raise OperationFailure(str(done["writeConcernError"].get("errmsg", "")), done["writeConcernError"]["code"])
        failed = done["cursor"]["firstBatch"]
        if not failed:
            return
        place, code = failed[0]["idx"], failed[0].get("code", 0)
        if code != DUPLICATE:
            raise OperationFailure(str(failed[0].get("errmsg", "")), code, failed[0])
        one = operations[place]
        if one.fresh:  # it is there: this was begun before
            operations = [replace(one, fresh=False), *operations[place + 1 :]]
        else:
            _log.error("storage.write_refused", collection=one.collection)
            operations = operations[place + 1 :]


async def write(database: AsyncDatabase[Doc], collection: str, operations: list[Operation], ordered: bool) -> None:
    """What a unique index refuses (some other program wrote there) must not stop what is behind it."""
    if not ordered:
        operations = await _write_together(database, collection, operations)
    while operations:
        try:
            await database[collection].bulk_write([one.request() for one in operations], ordered=ordered)
        except PyMongoError as error:
            if not is_duplicate(error) or is_lost_race(error):
                raise
            failed = [operations[one["index"]] for one in error.details["writeErrors"]]  # type: ignore[attr-defined]
            again = [replace(one, fresh=False) for one in failed if one.fresh]  # it is there: this was begun before
            if len(again) < len(failed):
                _log.error("storage.write_refused", collection=collection)
            behind = error.details["writeErrors"][0]["index"] + 1  # type: ignore[attr-defined]
            operations = again + (operations[behind:] if ordered else [])
            continue
        return


async def _write_together(
    database: AsyncDatabase[Doc], collection: str, operations: list[Operation]
) -> list[Operation]:
    """Many changes of fields as one: each update of its own may wait for the disk. What is left to be written."""
    changes = [one for one in operations if one.kind == SET]
    if len(changes) < _FEW:
        return operations
    for start in range(0, len(changes), _TOGETHER):
        some = changes[start : start + _TOGETHER]
        ids = [one.id for one in some]
        place = {"$indexOfArray": [{"$literal": ids}, "$_id"]}
        fields = {"$arrayElemAt": [{"$literal": [one.doc for one in some]}, place]}
        await database[collection].update_many(
            {"_id": {"$in": ids}}, [{"$replaceWith": {"$mergeObjects": ["$$ROOT", fields]}}]
        )
    return [one for one in operations if one.kind != SET]
