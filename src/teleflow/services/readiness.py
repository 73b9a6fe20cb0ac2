"""Whether this node can do its work now, and if not, what is in the way.

Each check is made once in some seconds, however often it is asked for, and has a deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from teleflow.kit.clock import Clock
from teleflow.model.sessions import SessionState
from teleflow.services.health import Health
from teleflow.services.ports import Telegram

_FRESH_S = 5.0


@dataclass(frozen=True, slots=True)
class Check:
    """`cause` is a word for programs, None where all is well: NO_ANSWER, REFUSED …"""

    ok: bool
    cause: str | None = None


class Readiness:
    """`checks` by the name of what is needed: database, telegram."""

    def __init__(self, health: Health, telegram: Telegram, clock: Clock) -> None:
        self._health = health
        self._telegram = telegram
        self._clock = clock
        self._lock = asyncio.Lock()
        self._asked: float | None = None
        self._cause: str | None = None

    async def checks(self) -> Mapping[str, Check]:
        report = await self._health.report()
        cause = None if report.healthy and report.active_sessions else await self._unreachable()
        return {
            "database": Check(report.healthy, None if report.healthy else "NO_ANSWER"),
            "telegram": Check(cause is None, cause),
        }

    async def sessions(self) -> Mapping[SessionState, int]:
        """All sessions by state, as the last look at the database told."""
        await self._health.report()
        return self._health.states

    async def _unreachable(self) -> str | None:
        async with self._lock:
            now = self._clock.monotonic()
            if self._asked is None or now - self._asked >= _FRESH_S:
                self._cause = await self._telegram.unreachable()
                self._asked = self._clock.monotonic()
            return self._cause
