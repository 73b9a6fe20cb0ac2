"""What goes by itself: events, logs and files past their time, once a minute."""

from __future__ import annotations

from contextlib import suppress

from teleflow.config import Settings
from teleflow.errors import StorageUnavailable
from teleflow.kit.clock import Clock, milliseconds
from teleflow.services.everything import Services
from teleflow.storage.base import Storage
from teleflow.storage.spool import Spool

_EVERY_S = 60.0
_SPOOLED_FOR_S = 3600.0
_PURGES_AT_ONCE = 100  # of some hundred rows each
_JOBS_STAY_S = 4 * 86400.0  # longer than the Idempotency-Key that may bring the same send again


class Sweep:
    """`run` is the background work."""

    def __init__(self, storage: Storage, services: Services, spool: Spool, settings: Settings, clock: Clock) -> None:
        self._storage = storage
        self._services = services
        self._spool = spool
        self._settings = settings
        self._clock = clock

    async def run(self) -> None:
        while True:
            with suppress(StorageUnavailable):
                await self._services.keys.write_uses()
                await self._services.audit.purge()
                await self._purge_events()
                await self._purge_log()
                await self._sweep_expired()
                await self._spool.sweep(self._storage.open_sends, before=self._clock.time() - _SPOOLED_FOR_S)
            await self._clock.sleep(_EVERY_S)

    async def _sweep_expired(self) -> None:
        for _ in range(_PURGES_AT_ONCE):
            if not await self._storage.sweep(now=milliseconds(self._clock.time())):
                break

    async def write_uses(self) -> None:
        """When keys were last used: what is in memory only."""
        with suppress(StorageUnavailable):
            await self._services.keys.write_uses()

    async def _purge_log(self) -> None:
        days = self._settings.log_retention_days
        if not days:
            return
        now = self._clock.time()
        before, jobs_before = milliseconds(now - days * 86400), milliseconds(now - max(days * 86400, _JOBS_STAY_S))
        for _ in range(_PURGES_AT_ONCE):
            if not await self._storage.purge_log(before=before, jobs_before=jobs_before):
                break

    async def _purge_events(self) -> None:
        days = self._settings.event_retention_days
        before = milliseconds(self._clock.time() - days * 86400) if days else 0
        most = self._settings.event_retention_most
        for _ in range(_PURGES_AT_ONCE):
            if not await self._storage.purge_events(before=before, most=most):
                break
        now = milliseconds(self._clock.time())
        for _ in range(_PURGES_AT_ONCE):
            if not await self._storage.purge_deliveries(before=before, now=now):
                break
