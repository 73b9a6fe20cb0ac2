"""How the service is, for anybody who asks: answered from memory, the database asked once a second at most."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from teleflow.errors import StorageUnavailable
from teleflow.kit.clock import Clock
from teleflow.model.sessions import SessionState
from teleflow.storage.base import Storage

FRESH = 1.0
DEADLINE = 5.0


@dataclass(frozen=True, slots=True)
class Report:
    """`uptime` in seconds, `timestamp` in Unix seconds."""

    healthy: bool
    uptime: float
    timestamp: float
    active_sessions: int


class Health:
    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._started = clock.monotonic()
        self._asked: float | None = None
        self._healthy = True
        self._active = 0
        self.states: Mapping[SessionState, int] = {}
        self._lock = asyncio.Lock()

    async def report(self) -> Report:
        async with self._lock:
            now = self._clock.monotonic()
            if self._asked is None or now - self._asked >= FRESH:
                await self._ask()
                self._asked = self._clock.monotonic()
        return Report(self._healthy, self._clock.monotonic() - self._started, self._clock.time(), self._active)

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(DEADLINE):
                await self._storage.ping()
                counts = await self._storage.count_sessions()
        except (StorageUnavailable, TimeoutError):
            self._healthy = False
            return
        self._healthy = True
        self.states = counts
        self._active = counts.get(SessionState.ONLINE, 0)
