"""One holder at a time of something in this database, wherever its process is.

A document says who holds it, and its holder beats. One that beats no more, by the watch of whoever waits, is dead:
no clocks are compared.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

import structlog
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from teleflow.kit.clock import Clock, loop_time
from teleflow.kit.tasks import Tasks
from teleflow.storage.mongo.client import COMMAND_S, is_trouble
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.schema import PREFIX

_log = structlog.get_logger(__name__)
BEAT_S = 1.0
DEAD_S = 5.0
_AGAIN_S = 0.1


class Lease:
    """Taken by `take`, given up by `release`."""

    def __init__(self, database: AsyncDatabase[Doc], name: str, clock: Clock) -> None:
        self._leases = database[PREFIX + "leases"]
        self._name = name
        self._clock = clock
        self._me = secrets.token_hex(12)
        self._tasks = Tasks(f"storage-{name}")
        self._held = False

    async def take(self, lost: Callable[[], None], *, patience: float | None) -> bool:
        """False when somebody who is alive has it, for `patience` seconds (None: for ever) since he was seen to be.

        `lost` is called when it is another one's later. Raises what `client.is_trouble` knows.
        """
        started = since = loop_time()
        watched: Any = None
        while True:
            if await self._inserted():
                break
            seen = await self._leases.find_one({"_id": self._name})
            if seen is None:
                continue
            mark = (seen["holder"], seen["beat"])
            if mark != watched:
                alive = watched is not None
                watched, since = mark, loop_time()
                if alive and patience is not None and loop_time() - started >= patience:
                    return False
            elif loop_time() - since >= DEAD_S and await self._takes_over(seen):
                break
            await self._clock.sleep(_AGAIN_S)
        self._held = True
        self._tasks.start(self._keep(lost), f"storage:{self._name}")
        return True

    async def is_held(self) -> bool:
        """Whether somebody who is alive has it: that is seen within a beat or two. Takes nothing."""
        first, since = await self._mark(), loop_time()
        while first is not None and loop_time() - since < DEAD_S:
            await self._clock.sleep(_AGAIN_S)
            mark = await self._mark()
            if mark != first:
                return mark is not None
        return False

    async def _mark(self) -> tuple[Any, Any] | None:
        seen = await self._leases.find_one({"_id": self._name})
        return None if seen is None else (seen["holder"], seen["beat"])

    async def release(self) -> None:
        await self._tasks.close()
        if not self._held:
            return
        self._held = False
        try:
            async with asyncio.timeout(COMMAND_S):
                await self._leases.delete_one({"_id": self._name, "holder": self._me})
        except Exception as error:
            if not is_trouble(error):
                raise

    async def _inserted(self) -> bool:
        try:
            await self._leases.insert_one({"_id": self._name, "holder": self._me, "beat": 0})
        except DuplicateKeyError:
            return False
        return True

    async def _takes_over(self, seen: Doc) -> bool:
        done = await self._leases.update_one(
            {"_id": self._name, "holder": seen["holder"], "beat": seen["beat"]},
            {"$set": {"holder": self._me, "beat": 0}},
        )
        return done.matched_count > 0

    async def _keep(self, lost: Callable[[], None]) -> None:
        while True:
            await self._clock.sleep(BEAT_S)
            try:
                done = await self._leases.update_one({"_id": self._name, "holder": self._me}, {"$inc": {"beat": 1}})
                if done.matched_count or await self._inserted():
                    continue
            except Exception as error:
                if not is_trouble(error):
                    raise
                continue  # while there is no server nobody else has it either
            self._held = False
            _log.critical("storage.taken_by_another", lease=self._name)
            lost()
            return
