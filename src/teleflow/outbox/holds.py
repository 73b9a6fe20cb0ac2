"""Waits that Telegram asked for, on disk: a restart obeys them too.

Keeping one costs its caller no wait; one that a crash loses is asked for again by Telegram.
"""

from __future__ import annotations

import structlog

from teleflow.errors import TeleFlowError
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.tasks import Tasks
from teleflow.model.pacing import Hold
from teleflow.storage.base import PacingStore

_log = structlog.get_logger(__name__)
_PAGE = 500
_SHORTEST_MS = 1000  # shorter ones are over before a restart could ask
_UNWRITTEN = 1000


class HoldsOnDisk:
    """`keep` is for `telegram.pacing`."""

    def __init__(self, storage: PacingStore, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._tasks = Tasks("holds")

    async def standing(self) -> list[Hold]:
        """Those of an earlier process that are not over."""
        found: list[Hold] = []
        now = milliseconds(self._clock.time())
        while True:
            page = await self._storage.holds(now=now, limit=_PAGE, after=found[-1] if found else None)
            found.extend(page)
            if len(page) < _PAGE:
                return found

    def keep(self, hold: Hold) -> None:
        if hold.until - milliseconds(self._clock.time()) > _SHORTEST_MS and len(self._tasks) < _UNWRITTEN:
            self._tasks.start(self._put(hold), f"hold:{hold.session_id}")

    async def stop(self) -> None:
        await self._tasks.close()

    async def _put(self, hold: Hold) -> None:
        try:
            await self._storage.put_hold(hold)
        except TeleFlowError as error:
            _log.warning("hold.not_stored", session=hold.session_id, cause=error.code)
