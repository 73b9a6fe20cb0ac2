"""A unit of work that waits for its transaction, and the caller who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from teleflow.errors import StorageUnavailable

Work = Callable[[], Coroutine[Any, Any, Any]]


class Queued:
    """`since` by a monotonic clock, in seconds. `result` or `error` is what is told once the transaction stands."""

    __slots__ = ("error", "future", "heavy", "result", "since", "work")

    def __init__(self, work: Work, future: asyncio.Future[Any], heavy: bool, since: float) -> None:
        self.work = work
        self.future = future
        self.heavy = heavy
        self.since = since
        self.result: Any = None
        self.error: Exception | None = None

    def again(self) -> None:
        self.result = self.error = None

    def tell(self) -> None:
        if self.future.done():
            return  # cancelled, or out of patience
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)

    def refuse(self, cause: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(unavailable(cause))


def unavailable(error: BaseException) -> StorageUnavailable:
    """What a caller is told when the database failed; the cause is chained, never shown."""
    told = StorageUnavailable("The database can't take this now: try again", retry_after=1.0)
    told.__cause__ = error
    return told
