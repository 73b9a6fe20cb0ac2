"""Several data centres over one world: each with its own address, keys and sessions, one ledger and one set of faults.

Promises that a person can be reached at whichever data centre the person's keys live. Knows nothing of methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from teleflow.kit.clock import Clock
from teleflow.sandbox.rpc.base import Push, Rpc
from teleflow.sandbox.server import Backend, DataCentre, Options

MakeBackend = Callable[[DataCentre, Rpc | None], Backend]


class Everywhere:
    """The sessions of all data centres as one `Push`. A key lives at one of them only."""

    def __init__(self) -> None:
        self._places: list[Push] = []

    def add(self, place: Push) -> Push:
        """The way to all places so far; with one of them, that one itself."""
        self._places.append(place)
        return place if len(self._places) == 1 else self

    def push(self, key_id: int, updates: Any, *, except_session: int | None = None) -> None:
        for place in self._places:
            place.push(key_id, updates, except_session=except_session)

    def revoke(self, key_id: int) -> None:
        for place in self._places:
            place.revoke(key_id)

    def live(self, key_id: int) -> bool:
        return any(place.live(key_id) for place in self._places)


class Cluster:
    """The main data centre and `Options.dcs` beside it."""

    def __init__(self, options: Options, backend: MakeBackend, *, clock: Clock) -> None:
        self._options = options
        self._make_backend = backend
        self._clock = clock
        self.everywhere = Everywhere()
        self.main = DataCentre(options, lambda dc: backend(dc, None), clock=clock)

    def __iter__(self) -> Iterator[DataCentre]:
        return iter((self.main, *self.main.siblings))

    def addresses(self) -> dict[int, tuple[str, int]]:
        """Where each listens."""
        return {dc.dc_id: (dc.host, dc.port) for dc in self}

    async def start(self) -> None:
        """Start all of them; what `DataCentre.start` raises."""
        await self.main.start()
        for index, number in enumerate(self._options.dcs, 1):
            sibling = self._sibling(number, index)
            self.main.siblings.append(sibling)
            await sibling.start()

    def _sibling(self, number: int, index: int) -> DataCentre:
        home = self._options
        options = replace(
            home,
            dc_id=number,
            dcs=(),
            port=home.port + index if home.port else 0,
            key=self.main.key,
            key_file=None,
            state_dir=home.state_dir / f"dc{number}" if home.state_dir is not None else None,
        )
        return DataCentre(
            options,
            lambda dc: self._make_backend(dc, self.main.rpc),
            clock=self._clock,
            faults=self.main.faults,
            ledger=self.main.ledger,
        )

    async def stop(self) -> None:
        for dc in self:
            await dc.stop()
