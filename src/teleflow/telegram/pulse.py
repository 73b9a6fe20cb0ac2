"""The heartbeat of a session: a request that Telegram must answer, whenever nothing else was answered for a while.

A transport that answers pings does not prove that the account is served. So an idle session asks updates.getState,
often enough that "online" means: a request was answered within the last minute. No task of its own, only timers.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from telethon.tl.functions.updates import GetStateRequest

from teleflow.kit.clock import loop_time
from teleflow.telegram.calls import Calls, NoAnswer
from teleflow.telegram.mtproto.link import Link
from teleflow.telegram.mtproto.requests import LinkLost, Request, RpcFault, fail

IDLE_S = 46.0  # with the time for an answer: never a minute
ANSWER_WITHIN_S = 10.0
_JITTER = 0.15


class Pulse:
    """Beats on one link.

    `told(fault)` hears of each answer, None for a good one, and `state` of what that said; `dead()` of a missing one.
    """

    __slots__ = ("_calls", "_chance", "_dead", "_held_until", "_link", "_request", "_state", "_timer", "_told")

    def __init__(
        self,
        link: Link,
        calls: Calls,
        chance: random.Random,
        *,
        told: Callable[[RpcFault | None], None],
        state: Callable[[Any], None],
        dead: Callable[[], None],
    ) -> None:
        self._link = link
        self._calls = calls
        self._chance = chance
        self._told = told
        self._state = state
        self._dead = dead
        self._request: Request | None = None
        self._held_until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._again(self._gap())

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        request, self._request = self._request, None
        if request is not None:
            self._link.forget(request)

    def hold(self, seconds: float) -> None:
        """Telegram wants no such request for so long."""
        self._held_until = loop_time() + seconds
        self._again(seconds)

    def _gap(self) -> float:
        return IDLE_S * self._chance.uniform(1 - _JITTER, 1)

    def _again(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._beat)

    def _beat(self) -> None:
        quiet = loop_time() - self._calls.answered_at
        gap = self._gap()
        if quiet < gap - 1.0 and loop_time() > self._held_until + 1.0:
            self._again(gap - quiet)
            return
        request = self._request = self._link.request(GetStateRequest())
        request.future.add_done_callback(self._ended)
        self._timer = asyncio.get_running_loop().call_later(ANSWER_WITHIN_S, self._expire, request)

    def _expire(self, request: Request) -> None:
        fail(request.future, NoAnswer("no answer"))
        self._link.forget(request)

    def _ended(self, future: asyncio.Future[Any]) -> None:
        if self._request is None or future is not self._request.future or future.cancelled():
            return
        self._request = None
        error = future.exception()
        if isinstance(error, LinkLost):
            return  # the link tells its end itself
        if isinstance(error, NoAnswer):
            self._dead()
            return
        self._calls.answered_at = loop_time()
        self._again(self._gap())
        self._told(error if isinstance(error, RpcFault) else None)
        if error is None:
            self._state(future.result())
