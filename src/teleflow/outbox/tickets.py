"""A send that is under way in this process, and those who wait for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from teleflow.model.jobs import SendJob
from teleflow.tracing import Trace


class Ticket:
    """`deadline`: loop time at which a caller must have an answer, None when nobody waits.

    `may_have_left` is the one fact on which honesty hangs: only while it is False may the send be told as
    "not sent". `trace`: what its sending is traced under.
    """

    __slots__ = ("_pause", "_waiters", "deadline", "job", "may_have_left", "trace")

    def __init__(self, job: SendJob, *, deadline: float | None, may_have_left: bool) -> None:
        self.job = job
        self.deadline = deadline
        self.may_have_left = may_have_left
        self.trace: Trace | None = None
        self._waiters: list[asyncio.Future[SendJob]] = []
        self._pause: asyncio.Future[None] | None = None

    async def outcome(self, until: float) -> SendJob:
        """The job once it is final or uncertain; as it stands at `until` (loop time) otherwise."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[SendJob] = loop.create_future()
        self._waiters.append(waiter)
        timer = loop.call_at(until, self._time_is_up, waiter)
        try:
            return await waiter
        finally:
            timer.cancel()

    def tell(self, job: SendJob) -> None:
        """The job has a new state that waiting callers are to hear of."""
        self.job = job
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(job)
        if self._pause is not None:
            _over(self._pause)

    def update(self, **changes: object) -> SendJob:
        self.job = replace(self.job, **changes)  # type: ignore[arg-type]
        return self.job

    async def pause(self, seconds: float) -> None:
        """Wait so long, or until the job is told to be something else."""
        loop = asyncio.get_running_loop()
        pause = self._pause = loop.create_future()
        timer = loop.call_later(seconds, _over, pause)
        try:
            await pause
        finally:
            timer.cancel()
            self._pause = None

    def _time_is_up(self, waiter: asyncio.Future[SendJob]) -> None:
        if not waiter.done():
            waiter.set_result(self.job)


def _over(pause: asyncio.Future[None]) -> None:
    if not pause.done():
        pause.set_result(None)
