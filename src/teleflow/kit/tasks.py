"""Background work that is owned: every task has a keeper that knows how it ended.

The only place that starts bare tasks. A task that fails is logged under its name, and told to `on_failure`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog

from teleflow.kit.log import apart

_log = structlog.get_logger(__name__)
T = TypeVar("T")


_left: set[asyncio.Task[Any]] = set()


async def unbroken(work: Coroutine[Any, Any, T], unwanted: Callable[[T], object]) -> T:
    """The result of what must not be broken off, and ends by itself.

    Whoever is cancelled meanwhile goes, and its result is given to `unwanted`; how it failed is nobody's then.
    """
    task = asyncio.get_running_loop().create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        _left.add(task)
        task.add_done_callback(lambda done: _end(done, unwanted))
        raise


def _end(done: asyncio.Task[T], unwanted: Callable[[T], object]) -> None:
    _left.discard(done)
    if not done.cancelled() and done.exception() is None:
        unwanted(done.result())


class Tasks:
    """A set of running tasks, stopped together."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._running)

    def start(
        self,
        work: Coroutine[Any, Any, T],
        name: str,
        *,
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> asyncio.Task[T]:
        """Run `work` in the background. Raises RuntimeError after `close`."""
        if self._closed:
            work.close()
            raise RuntimeError(f"{self._name} is closed")
        task = asyncio.get_running_loop().create_task(work, name=name, context=apart())
        self._running.add(task)

        def ended(done: asyncio.Task[T]) -> None:
            self._running.discard(done)
            if done.cancelled():
                return
            error = done.exception()
            if error is None:
                return
            _log.error("task.failed", task=name, keeper=self._name, exc_info=error)
            if on_failure is not None:
                on_failure(error)

        task.add_done_callback(ended)
        return task

    async def close(self, *, timeout: float = 10.0) -> None:
        """Cancel what runs and wait for it, at most `timeout` seconds."""
        self._closed = True
        running = [task for task in self._running if task is not asyncio.current_task()]
        for task in running:
            task.cancel()
        if running:
            _, stuck = await asyncio.wait(running, timeout=timeout)
            for task in stuck:
                _log.error("task.stuck", task=task.get_name(), keeper=self._name)
