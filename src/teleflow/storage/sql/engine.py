"""What the units of work need of a database: run me, atomically."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Hashable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from teleflow.storage.sql.statement import Tx

P = ParamSpec("P")
T = TypeVar("T")
Unit = Callable[Concatenate[Tx, P], Coroutine[Any, Any, T]]


class Engine(Protocol):
    """One database. `heavy` units may touch many rows; they must not hold up the event loop."""

    async def start(self) -> None: ...

    async def hold(self, lost: Callable[[], None]) -> None: ...

    async def stop(self) -> None: ...

    async def ping(self) -> None: ...

    def on_append(self, ring: Callable[[Collection[str]], None]) -> None:
        """`ring` is told, on the loop and after each commit, whose event logs it made longer."""

    def write(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Run the unit in a transaction; return once it is on disk. Raises StorageUnavailable, or what it raised."""

    def write_beside(
        self, kind: str, keys: Collection[Hashable], unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        """As `write`. It may change places with other units of kinds, and go beside those of its own.

        Not with and beside those that have one of its keys.
        """

    def write_heavy(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]: ...

    def read(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run the unit on committed data. Raises StorageUnavailable."""

    def read_heavy(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]: ...
