"""One reader of a user's events, over whichever protocol: what is passed on, and what ends it.

Promises: from where the reader begins each event of their filter comes once and in order, or `reset` says that some are
gone; what they have not taken waits in the log and not in memory; one who takes nothing for ten seconds is cut off;
the stream ends within five seconds of the end of what proved its reader, and within thirty when that can't be
asked. Events are committed before anybody hears of them, so they are passed on while the database is away too.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import structlog
from starlette.types import Scope

from teleflow.errors import Forbidden, StorageUnavailable, TeleFlowError, Unauthenticated
from teleflow.events.hub import Reader
from teleflow.kit.clock import Clock
from teleflow.kit.tasks import Tasks
from teleflow.model.events import LoggedEvent
from teleflow.model.users import Principal
from teleflow.services.events import CursorExpired, Events, cursor_of

_log = structlog.get_logger(__name__)
HEARTBEAT_S = 30.0
CHECK_S = 3.0  # how often it is asked whether the reader may still read
UNSURE_S = 30.0  # how long one reads on though it can't be asked
TAKE_S = 10.0
LAST_S = 1.0  # for the last words
_POLL_S = 4.0
_AGAIN_S = 0.5
_SKIPPED = 1_000  # events that a filter may skip before the reader is told where they are


class Ended(enum.StrEnum):
    """Why a stream is over; what `stream.closed` tells."""

    GONE = "gone"  # the reader left
    CREDENTIALS = "credentials_ended"
    UNVERIFIED = "unverified"
    SLOW = "slow"
    SHUTDOWN = "shutdown"
    FAILED = "failed"


class Sink(Protocol):
    """The reader's side. Each raises TimeoutError for one who takes nothing, OSError for one who is gone."""

    async def connected(self, cursor: str) -> None: ...

    async def reset(self, oldest: str) -> None:
        """What was before is gone: said, and not left to be noticed."""

    async def events(self, place: Place, found: Sequence[LoggedEvent]) -> int | None:
        """Pass on what is wanted of them; the number of the last one that was."""

    async def beat(self, cursor: str | None) -> None:
        """A sign of life; with where the reader is, when what they got last does not tell."""

    async def told_place(self, cursor: str) -> None: ...


class Place:
    """Where a reader is. `turn` changes when they go somewhere else themselves."""

    def __init__(self, start: int | CursorExpired) -> None:
        self.number = start.oldest - 1 if isinstance(start, CursorExpired) else start
        self.lost = isinstance(start, CursorExpired)  # some of what they asked for is gone, and they were not told yet
        self.turn = 0
        self.ended = False

    def move(self, start: int | CursorExpired) -> None:
        self.turn += 1
        self.lost = isinstance(start, CursorExpired)
        self.number = start.oldest - 1 if isinstance(start, CursorExpired) else start


class Streaming:
    """What the streams of this process share."""

    def __init__(self, events: Events, clock: Clock) -> None:
        self.events = events
        self.clock = clock

    async def run(
        self,
        principal: Principal,
        reader: Reader,
        place: Place,
        sink: Sink,
        *,
        still: Callable[[], Awaitable[Principal]],
        gone: Awaitable[Ended],
        scope: Scope,
    ) -> Ended:
        """Until it is over. `still` tells what the reader may see now, or raises; `gone` is the reader's own side."""
        tasks = Tasks("stream")
        ends = [
            tasks.start(_until(gone), "stream.reader"),
            tasks.start(_stopping(scope), "stream.stop"),
            tasks.start(self._guard(principal, still), "stream.guard"),
            tasks.start(self._tell(principal.user_id, reader, place, sink), "stream.tell"),
        ]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            return next(_outcome(task) for task in ends if task.done())
        finally:
            place.ended = True  # a database's driver may swallow the cancellation
            await tasks.close()

    async def _guard(self, principal: Principal, still: Callable[[], Awaitable[Principal]]) -> Ended:
        """Until the reader may not read on."""
        sure = self.clock.monotonic()
        while True:
            await self.clock.sleep(CHECK_S)
            try:
                async with asyncio.timeout(CHECK_S / 2):
                    now = await still()
            except (Unauthenticated, Forbidden):
                return Ended.CREDENTIALS
            except (TeleFlowError, TimeoutError):
                if self.clock.monotonic() - sure >= UNSURE_S:
                    return Ended.UNVERIFIED
            else:
                if now.user_id != principal.user_id or now.session_ids != principal.session_ids:
                    return Ended.CREDENTIALS
                sure = self.clock.monotonic()

    async def _tell(self, user_id: str, reader: Reader, place: Place, sink: Sink) -> Ended:
        try:
            await self._follow(user_id, reader, place, sink)
        except TimeoutError:
            _log.info("stream.cut", reason="slow", user=user_id)
            return Ended.SLOW
        except OSError:  # what a server says of a reader who is not there any more
            return Ended.GONE
        return Ended.FAILED

    async def _follow(self, user_id: str, reader: Reader, place: Place, sink: Sink) -> None:
        now = self.clock.monotonic
        told = place.number
        await sink.connected(cursor_of(told))
        spoken, turn = now(), place.turn
        while not place.ended:
            if place.lost:
                place.lost = False
                await sink.reset(cursor_of(place.number))
                spoken = now()
            if turn != place.turn:
                turn, told = place.turn, place.number
            found = await self._after(user_id, place.number)
            if found:
                await self.events.turn()
            if turn != place.turn:  # they went somewhere else meanwhile
                continue
            if found and found[0].number != place.number + 1:  # the log was cut under a reader who was far behind
                place.number = told = found[0].number - 1
                place.lost = True
                continue
            if found:
                last = await sink.events(place, found)
                if turn != place.turn:
                    continue
                place.number = found[-1].number
                if last is not None:
                    told, spoken = last, now()
                if place.number - told >= _SKIPPED:
                    told, spoken = place.number, now()
                    await sink.told_place(cursor_of(told))
            else:
                await reader.wait(max(0.01, min(_POLL_S, HEARTBEAT_S - (now() - spoken))))
            if now() - spoken >= HEARTBEAT_S:
                spoken = now()
                await sink.beat(cursor_of(place.number) if told != place.number else None)
                told = place.number

    async def _after(self, user_id: str, number: int) -> list[LoggedEvent]:
        while True:
            try:
                return await self.events.after(user_id, number)
            except StorageUnavailable:
                await self.clock.sleep(_AGAIN_S)


async def in_time(work: Awaitable[None], seconds: float | None = None) -> None:
    """Raises TimeoutError for a reader who takes nothing."""
    async with asyncio.timeout(TAKE_S if seconds is None else seconds):
        await work


def _outcome(task: asyncio.Task[Ended]) -> Ended:
    if task.cancelled() or task.exception() is not None:  # it is logged by its keeper
        return Ended.FAILED
    return task.result()


async def _until(gone: Awaitable[Ended]) -> Ended:
    return await gone


async def _stopping(scope: Scope) -> Ended:
    """Until the server says that it stops, where it says so."""
    stopping: Any = scope.get("state", {}).get("stopping")
    await (stopping.wait() if stopping is not None else asyncio.Future())
    return Ended.SHUTDOWN
