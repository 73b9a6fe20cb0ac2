"""What is read of a session's updates while what came before it is being stored.

On a database across a network a commit takes longer than it costs, and reading goes on meanwhile. Promises: batches
are stored in the order in which they were put, one commit at a time; those that wait are one batch, and no more of them
wait than `_AHEAD` events; nothing is stored after one that failed. What comes singly is stored at once; where much
comes, a commit takes what the next `_GATHERED_S` bring along.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from teleflow.kit.clock import Clock
from teleflow.kit.tasks import Tasks
from teleflow.telegram.updates.gaps import Batch

_AHEAD = 512
_MUCH = 8  # events in one batch
_GATHERED_S = 0.01


class Ahead:
    """`store` says whether there is anybody left to keep it for; `end` is called as soon as nothing more is stored."""

    def __init__(
        self, store: Callable[[Batch], Awaitable[bool]], end: Callable[[], None], tasks: Tasks, clock: Clock
    ) -> None:
        self._store = store
        self._end = end
        self._tasks = tasks
        self._clock = clock
        self._waiting: Batch | None = None
        self._storing: asyncio.Task[None] | None = None
        self._error: Exception | None = None
        self._ended = False
        self._room = asyncio.Event()

    async def put(self, batch: Batch) -> None:
        """Store it, soon. Returns at once while there is room."""
        if self._ended:
            return
        self._waiting = batch if self._waiting is None else self._waiting.joined(batch)
        if self._storing is None or self._storing.done():
            self._storing = self._tasks.start(self._work(), "events:store")
        if not self._is_full():
            await asyncio.sleep(0)  # whoever reads what is there already waits for nothing: others have their turn
            return
        self._room.clear()
        await self._room.wait()

    def _is_full(self) -> bool:
        return self._waiting is not None and len(self._waiting.events) >= _AHEAD

    async def close(self) -> None:
        """Stop storing. Raises what storing failed with, but not to who is being cancelled."""
        self._ended = True
        if self._storing is not None and not self._storing.done():
            self._storing.cancel()
            await asyncio.wait([self._storing], timeout=5)
        task = asyncio.current_task()
        if self._error is not None and not (task is not None and task.cancelling()):
            raise self._error

    async def _work(self) -> None:
        try:
            while self._waiting is not None:
                batch, self._waiting = self._waiting, None
                self._room.set()
                if not await self._store(batch):
                    break
                if len(batch.events) >= _MUCH and not self._is_full():
                    await self._clock.sleep(_GATHERED_S)
            else:
                return
        except Exception as error:  # noqa: BLE001 - raised where batches are put
            self._error = error
        self._ended = True
        self._room.set()
        self._end()
