"""One thread that does blocking steps for an event loop, one after the other.

A thread that waits for Python's interpreter lock can starve beside a busy loop: the loop gives the lock up
many times a second, but never for as long as a thread needs to wake, and as each of its turns is short the
waiter never gets to demand it. Commits of 0.3 ms were seen to take seconds. So while a step is overdue, the
loop stands aside for an instant every now and then.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
_Then = Callable[[Any, BaseException | None], None]

OVERDUE = 0.002  # seconds; most commits are done by then
LATEST_ASIDE = 0.006  # while a step takes long, stand aside this often
ASIDE = 0.0002  # seconds: enough for a thread to wake up in


class Worker:
    """Runs steps in its thread and hands each outcome back to the loop in one wake-up."""

    def __init__(self, name: str) -> None:
        self._steps: SimpleQueue[tuple[Callable[[], Any], _Then] | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._under_way = 0
        self._timer: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def hand(self, step: Callable[[], T], then: Callable[[T | None, BaseException | None], None]) -> None:
        """Do `step` in the thread, then call `then(result, error)` on the loop."""
        self._under_way += 1
        self._steps.put((step, then))
        if self._timer is None:
            self._timer = self._loop.call_later(OVERDUE, self._stand_aside, OVERDUE)

    async def do(self, step: Callable[[], T]) -> T:
        """The same for one who waits. A waiter who is cancelled leaves the step running."""
        outcome: asyncio.Future[T] = self._loop.create_future()

        def then(result: T | None, error: BaseException | None) -> None:
            if outcome.done():
                return
            if error is not None:
                outcome.set_exception(error)
            else:
                outcome.set_result(result)  # type: ignore[arg-type]

        self.hand(step, then)
        return await outcome

    def stop(self) -> None:
        """End the thread after the steps that it has; does not wait."""
        self._steps.put(None)

    def _stand_aside(self, after: float) -> None:
        time.sleep(ASIDE)
        after = min(after * 1.5, LATEST_ASIDE)
        self._timer = self._loop.call_later(after, self._stand_aside, after)

    def _ended(self, then: _Then, result: Any, error: BaseException | None) -> None:
        self._under_way -= 1
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._under_way:
            self._timer = self._loop.call_later(OVERDUE, self._stand_aside, OVERDUE)
        then(result, error)

    def _work(self) -> None:
        while (given := self._steps.get()) is not None:
            step, then = given
            result: Any = None
            error: BaseException | None = None
            try:
                result = step()
            except BaseException as raised:  # noqa: BLE001 - handed to the loop, whatever it is
                error = raised
            try:
                self._loop.call_soon_threadsafe(self._ended, then, result, error)
            except RuntimeError:
                return  # the loop is closed: nobody is left to be told
            del given, step, then, result, error
