"""An engine whose units of work are timed, from being handed in until their outcome is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Hashable
from functools import partial
from typing import TypeVar

from teleflow.kit.clock import loop_time
from teleflow.meters import Meters
from teleflow.storage.sql.engine import Engine, P, Unit

T = TypeVar("T")


class Timed:
    """An `Engine` around another one."""

    def __init__(self, engine: Engine, meters: Meters) -> None:
        self._engine = engine
        self._meters = meters
        self.start, self.hold, self.stop, self.ping = engine.start, engine.hold, engine.stop, engine.ping

    def on_append(self, ring: Callable[[Collection[str]], None]) -> None:
        self._engine.on_append(ring)

    def write(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        return self._watched(self._engine.write(unit, *args, **kwargs))

    def write_beside(
        self, kind: str, keys: Collection[Hashable], unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        return self._watched(self._engine.write_beside(kind, keys, unit, *args, **kwargs))

    def write_heavy(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        return self._watched(self._engine.write_heavy(unit, *args, **kwargs))

    async def read(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        began = loop_time()
        try:
            return await self._engine.read(unit, *args, **kwargs)
        finally:
            self._meters.database("read", loop_time() - began)

    async def read_heavy(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        began = loop_time()
        try:
            return await self._engine.read_heavy(unit, *args, **kwargs)
        finally:
            self._meters.database("read", loop_time() - began)

    def _watched(self, outcome: asyncio.Future[T]) -> asyncio.Future[T]:
        outcome.add_done_callback(partial(self._done, loop_time()))
        return outcome

    def _done(self, began: float, _outcome: asyncio.Future[T]) -> None:
        self._meters.database("write", loop_time() - began)
