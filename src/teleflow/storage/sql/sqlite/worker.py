"""One thread that does blocking steps for an event loop, one after the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
_Step = tuple[Callable[[], Any], Callable[[Any, BaseException | None], None]]


class Worker:
    """Runs steps in its thread and hands each outcome back to the loop in one wake-up."""

    def __init__(self, name: str) -> None:
        self._steps: SimpleQueue[_Step | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def hand(self, step: Callable[[], T], then: Callable[[T | None, BaseException | None], None]) -> None:
        """Do `step` in the thread, then call `then(result, error)` on the loop."""
        self._steps.put((step, then))

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
                self._loop.call_soon_threadsafe(then, result, error)
            except RuntimeError:
                return  # the loop is closed: nobody is left to be told
            del given, step, then, result, error
