"""An event loop whose time is its own: when nothing is ready, it is at once as late as the next timer wants.

Sockets are real, but everything that talks over them lives in this one loop: what was written has arrived when the
writer's turn is over, so that an empty look at the sockets means that nothing more can happen before the next timer.
Threads would break that; nothing here may wait for one while `jump` is set.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_LONG_JUMP = 0.25
_GRACE = 0.001


class _Selector(selectors.DefaultSelector):
    """Turns waiting into the passing of virtual time."""

    def __init__(self) -> None:
        super().__init__()
        self.jump = False
        self.passed = 0.0
        self.turns: list[float] = []
        self._turn_began = time.thread_time()

    def select(self, timeout: float | None = None) -> Any:
        self.turns.append(time.thread_time() - self._turn_began)
        try:
            return self._select(timeout)
        finally:
            self._turn_began = time.thread_time()

    def _select(self, timeout: float | None) -> Any:
        if not self.jump or (timeout is not None and timeout <= 0):
            return super().select(timeout)
        if timeout is None:
            return super().select(0.01)
        # A long jump may cross deadlines: there the kernel gets a moment to bring what is on its way.
        ready = super().select(0) or super().select(_GRACE if timeout > _LONG_JUMP else 0)
        if not ready:
            self.passed += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """`on_connect` is called with the virtual time of each attempt to connect."""

    def __init__(self) -> None:
        self._timing = _Selector()
        super().__init__(self._timing)
        self.connects: list[float] = []

    def time(self) -> float:
        return super().time() + self._timing.passed if not self._timing.jump else self._frozen + self._timing.passed

    def begin_jumping(self) -> None:
        """From now on only timers move the time."""
        self._frozen = super().time()
        self._timing.jump = True

    @property
    def turns(self) -> list[float]:
        """CPU seconds of each turn of the loop: as long nobody else had one."""
        return self._timing.turns

    async def create_connection(self, protocol_factory: Any, *args: Any, **more: Any) -> Any:
        self.connects.append(self.time())
        return await super().create_connection(protocol_factory, *args, **more)


def run(work: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """Run `work(loop)` to its end in a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        return runner.run(work(loop))  # type: ignore[arg-type]
