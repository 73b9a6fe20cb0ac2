"""All broadcasts that are at work, each carried by a task of its own; of one session, one after the other."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import structlog

from teleflow.broadcasts.carrier import LOOK_S, Carrier
from teleflow.broadcasts.ports import FileOf, Outbox, Peers, Store, Strangers
from teleflow.errors import TeleFlowError
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.tasks import Tasks
from teleflow.model.broadcasts import Broadcast, BroadcastState

_log = structlog.get_logger(__name__)
_AT_ONCE = 500
_LOOK_S = 3.0


class Worker:
    """`rung`: something was started, or changed."""

    def __init__(
        self,
        storage: Store,
        outbox: Outbox,
        peers: Peers,
        strangers: Strangers,
        clock: Clock,
        chance: random.Random,
        file_of: FileOf,
    ) -> None:
        self._file_of = file_of
        self._storage = storage
        self._outbox = outbox
        self._peers = peers
        self._strangers = strangers
        self._clock = clock
        self._chance = chance
        self._carried: dict[str, asyncio.Event] = {}
        self._first: dict[str, str] = {}  # session → the broadcast whose turn it is
        self._bell = asyncio.Event()
        self._tasks = Tasks("broadcasts")

    async def start(self) -> None:
        self._tasks.start(self._oversee(), "broadcasts")

    async def stop(self) -> None:
        """What is under way goes on at the next start."""
        await self._tasks.close()

    def rung(self, broadcast_id: str) -> None:
        self._bell.set()
        bell = self._carried.get(broadcast_id)
        if bell is not None:
            bell.set()

    async def _oversee(self) -> None:
        while True:
            try:
                await self._look()
            except TeleFlowError as error:
                _log.warning("broadcasts.not_seen", cause=error.code)
            self._bell.clear()
            await _rung(self._bell, _LOOK_S)

    async def _look(self) -> None:
        first: dict[str, str] = {}
        now = milliseconds(self._clock.time())
        after: str | None = None
        while True:
            found = await self._storage.broadcasts_at_work(limit=_AT_ONCE, after=after)
            for broadcast in found[:_AT_ONCE]:
                if broadcast.state is BroadcastState.RUNNING and (broadcast.plan.start_at or 0) <= now:
                    first.setdefault(broadcast.session_id, broadcast.id)
                if broadcast.id not in self._carried:
                    self._carry(broadcast)
            if len(found) < _AT_ONCE:
                break
            after = found[_AT_ONCE - 1].id
        self._first = first

    def _carry(self, broadcast: Broadcast) -> None:
        bell = self._carried[broadcast.id] = asyncio.Event()
        self._tasks.start(
            self._work(broadcast, bell),
            f"broadcast:{broadcast.id}",
            on_failure=lambda _: self._drop(broadcast.id),
        )

    async def _work(self, broadcast: Broadcast, bell: asyncio.Event) -> None:
        carrier = Carrier(
            broadcast,
            self._storage,
            self._outbox,
            self._peers,
            self._strangers,
            self._clock,
            self._chance,
            self._file_of,
        )
        begun = False
        while True:
            try:
                if not begun:
                    await carrier.begin()
                    begun = True
                seconds = await carrier.step(others=self._first.get(broadcast.session_id) != broadcast.id)
            except TeleFlowError as error:
                _log.warning("broadcast.not_carried", id=broadcast.id, cause=error.code)
                seconds = LOOK_S
            if seconds is None:
                break
            if seconds > 0:
                bell.clear()
                await _rung(bell, seconds)
        self._drop(broadcast.id)

    def _drop(self, broadcast_id: str) -> None:
        self._carried.pop(broadcast_id, None)


async def _rung(bell: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await bell.wait()
