"""How this node's work goes: for Prometheus, and as a short history for charts.

The history is a few numbers each ten seconds, of the last six hours, in memory: what is to be kept longer, Prometheus
keeps.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from teleflow.errors import Forbidden, StorageUnavailable
from teleflow.kit.clock import Clock, milliseconds
from teleflow.meters import Meters
from teleflow.model.users import Principal, Scope
from teleflow.services.readiness import Readiness
from teleflow.storage.base import EventStore

EVERY_S = 10.0
KEPT = 2160  # six hours
_LOOP_EVERY_S = 1.0
_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One interval, up to `at` (Unix ms): how much there was of each in it. `delivery_lag` and `loop_lag` in
    milliseconds: the mean of its deliveries, None without one, and the worst.
    """

    at: int
    sends: int
    sends_failed: int
    flood_waits: int
    requests: int
    requests_failed: int
    events: int
    delivered: int
    delivery_failed: int
    delivery_lag: float | None
    loop_lag: float
    sessions: Mapping[str, int]


class Metrics:
    """`gauges` tells what stands now, by name. `run` is the background work."""

    def __init__(
        self,
        meters: Meters,
        readiness: Readiness,
        storage: EventStore,
        gauges: Callable[[], Mapping[str, float]],
        clock: Clock,
    ) -> None:
        self._meters = meters
        self._readiness = readiness
        self._storage = storage
        self._gauges = gauges
        self._clock = clock
        self._samples: deque[Sample] = deque(maxlen=KEPT)
        self._before: dict[str, int] = {}
        self._events_before: int | None = None

    async def exposed(self, accept: str) -> tuple[bytes, str]:
        """All metrics and their media type."""
        checks = await self._readiness.checks()
        up = all(check.ok for check in checks.values())
        return self._meters.exposed(
            accept,
            sessions=await self._sessions(),
            events=await self._events(),
            gauges={"up": float(up), **self._gauges()},
        )

    def history(self, principal: Principal, *, since: int) -> list[Sample]:
        """The intervals that ended after this instant, oldest first. Raises Forbidden."""
        if not principal.may(Scope.ADMIN):
            raise Forbidden("Only an admin may do this")
        return [sample for sample in self._samples if sample.at > since]

    async def run(self) -> None:
        """Look at the loop each second, and take a sample every ten."""
        self._before = self._meters.totals()
        self._events_before = await self._events()
        next_at = self._clock.monotonic() + EVERY_S
        while True:
            before = self._clock.monotonic()
            await self._clock.sleep(_LOOP_EVERY_S)
            now = self._clock.monotonic()
            self._meters.loop_late(max(0.0, now - before - _LOOP_EVERY_S))
            if now >= next_at:
                next_at = now + EVERY_S
                await self.sample()

    async def sample(self) -> None:
        """The interval since the last one has ended."""
        totals, events = self._meters.totals(), await self._events()
        more = {name: number - self._before.get(name, 0) for name, number in totals.items()}
        logged = 0 if events is None or self._events_before is None else max(0, events - self._events_before)
        self._before, self._events_before = totals, events
        lags = more.get("lags", 0)
        self._samples.append(
            Sample(
                at=milliseconds(self._clock.time()),
                sends=more.get("sends", 0),
                sends_failed=more.get("sends_failed", 0),
                flood_waits=more.get("flood_waits", 0),
                requests=more.get("requests", 0),
                requests_failed=more.get("requests_failed", 0),
                events=logged,
                delivered=more.get("delivered", 0),
                delivery_failed=more.get("delivery_failed", 0),
                delivery_lag=round(more.get("lag_ms", 0) / lags, 1) if lags else None,
                loop_lag=round(self._meters.worst_loop_lag() * 1000, 3),
                sessions=await self._sessions(),
            )
        )

    async def _sessions(self) -> dict[str, int]:
        return {state.value: number for state, number in (await self._readiness.sessions()).items()}

    async def _events(self) -> int | None:
        with suppress(StorageUnavailable, TimeoutError):
            async with asyncio.timeout(_WITHIN_S):
                return await self._storage.count_events()
        return None
