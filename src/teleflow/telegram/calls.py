"""Requests on a link that comes and goes.

Promises: a request that may safely be repeated is repeated until it is answered or its deadline comes; one
during which the peer hung up three times is given up, and others do not suffer with it: after a hang-up, those
that were on their way go again one at a time, so that the poison is alone when it strikes. Every wait ends.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from teleflow.errors import Conflict, Forbidden, Invalid, TeleFlowError, Unavailable, Uncertain
from teleflow.kit.clock import loop_time
from teleflow.model.sessions import SessionState
from teleflow.telegram import errors
from teleflow.telegram.mtproto.link import Link
from teleflow.telegram.mtproto.requests import LinkLost, Request, RpcFault, fail

_FIRST_ANSWER_S = 3.0
_LONGEST_ANSWER_S = 20.0
_HANG_UPS = 3
_SERVER_TROUBLE_S = 0.5


class NoAnswer(TimeoutError):
    """The link stands, and this request was not answered in its time."""


async def ask(link: Link, tl: Any, *, within: float) -> Any:
    """One request, one try. Raises RpcFault, LinkLost, NoAnswer."""
    request = link.request(tl)
    timer = asyncio.get_running_loop().call_later(within, _expire, link, request)
    try:
        return await request.future
    except asyncio.CancelledError:
        link.forget(request)
        raise
    finally:
        timer.cancel()


def _expire(link: Link, request: Request) -> None:
    fail(request.future, NoAnswer("no answer"))
    link.forget(request)


class Calls:
    """The requests of one session.

    `answered` counts answers since it was last set to 0; `answered_at` is when the last one came (loop time).
    """

    __slots__ = ("_chance", "_ended", "_heed", "_link", "_probation", "_waiting", "answered", "answered_at")

    def __init__(self, heed: Callable[[RpcFault], None], chance: random.Random) -> None:
        self._heed = heed
        self._chance = chance
        self._link: Link | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._probation: asyncio.Lock | None = None
        self._ended: TeleFlowError | None = None
        self.answered = 0
        self.answered_at = 0.0

    @property
    def is_up(self) -> bool:
        return self._link is not None

    def up(self, link: Link) -> None:
        self._link = link
        self.answered_at = loop_time()
        self._wake()

    def down(self) -> None:
        self._link = None

    def close(self, cause: str, *, ended: SessionState | None = None, by_owner: bool = False) -> None:
        """No more requests: those that wait for a link hear it now. `by_owner`: they wanted it so."""
        self._link = None
        if ended is SessionState.BANNED:
            self._ended = Forbidden("Telegram has banned or deleted this account", code="ACCOUNT_BANNED")
        elif ended is not None:
            self._ended = Conflict("Telegram has ended this login: log in again", code="SESSION_LOGGED_OUT")
        elif by_owner:
            self._ended = Invalid("The session is disconnected: connect it first", code="SESSION_NOT_CONNECTED")
        else:
            self._ended = Unavailable(f"The session is not connected: {cause}", code="TELEGRAM_UNREACHABLE")
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, set()
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def ready(self, until: float) -> None:
        """Wait for the link. Raises Unavailable, or why there will be none."""
        await self._ready(until, left=False)

    async def once(self, tl: Any, *, until: float) -> Any:
        """One try that may have been acted on. Raises RpcFault, Unavailable, Uncertain."""
        link = await self._ready(until, left=False)
        try:
            return await self._try(link, tl, max(0.0, until - loop_time()))
        except LinkLost as lost:
            if lost.sent:
                raise Uncertain("The connection broke before Telegram answered") from lost
            raise Unavailable("The connection to Telegram broke", code="TELEGRAM_UNREACHABLE") from lost
        except NoAnswer as error:
            raise Uncertain("Telegram did not answer in time") from error
        except RpcFault as fault:
            if errors.may_have_acted(fault):
                raise Uncertain("Telegram had trouble of its own before it could answer") from fault
            raise

    async def act(self, tl: Any, *, until: float) -> Any:
        """`once`, of what must not be done twice: trouble of Telegram's own leaves open whether it was done."""
        try:
            return await self.once(tl, until=until)
        except RpcFault as fault:
            if not errors.is_passing(fault):
                raise
            raise Uncertain(f"Telegram failed while it was at it: {fault.message[:100]}") from fault

    async def repeat(self, tl: Any, *, until: float) -> Any:
        """As often as it takes, until `until` (loop time). Raises RpcFault, Unavailable, Uncertain."""
        left = False
        hang_ups = 0
        # Many answers lost at one instant are not asked for again at one instant.
        patience = _FIRST_ANSWER_S * self._chance.uniform(1.0, 1.3)
        while True:
            link = await self._ready(until, left=left)
            try:
                if hang_ups:
                    return await self._alone(link, tl, until, patience)
                return await self._try(link, tl, min(patience, until - loop_time()))
            except LinkLost as lost:
                if lost.sent:
                    left = True
                    hang_ups += 1
                    if hang_ups >= _HANG_UPS:
                        raise Uncertain("Telegram hung up on this request three times", code="PEER_HUNG_UP") from lost
                else:
                    await asyncio.sleep(0)
            except NoAnswer as error:
                left = True
                patience = min(patience * 2, _LONGEST_ANSWER_S)
                if loop_time() >= until:
                    raise Uncertain("Telegram did not answer in time") from error
            except RpcFault as fault:
                left = left or errors.may_have_acted(fault)
                fault.after_lost_try = left
                if not errors.is_passing(fault) or loop_time() + _SERVER_TROUBLE_S >= until:
                    raise
                left = True  # a server that fails may have acted before
                await asyncio.sleep(_SERVER_TROUBLE_S)

    async def _alone(self, link: Link, tl: Any, until: float, patience: float) -> Any:
        """Among those that were there when the peer hung up, this one goes by itself."""
        if self._probation is None:
            self._probation = asyncio.Lock()
        async with self._probation:
            current = await self._ready(until, left=True) if self._link is not link else link
            return await self._try(current, tl, min(patience, max(0.0, until - loop_time())))

    async def _try(self, link: Link, tl: Any, within: float) -> Any:
        try:
            answer = await ask(link, tl, within=within)
        except RpcFault as fault:
            self._note_answer()
            self._heed(fault)
            raise
        self._note_answer()
        return answer

    def _note_answer(self) -> None:
        self.answered += 1
        self.answered_at = loop_time()

    async def _ready(self, until: float, *, left: bool) -> Link:
        """The link, once there is one. `left`: an earlier try may have been acted on."""
        while self._link is None or not self._link.is_open:
            if self._ended is not None:
                if left:
                    raise Uncertain("The session ended before Telegram answered") from self._ended
                raise self._ended
            loop = asyncio.get_running_loop()
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiting.add(waiter)
            timer = loop.call_at(until, _give_up, waiter)
            try:
                await waiter
            except TimeoutError:
                if left:
                    raise Uncertain("The connection to Telegram broke before it answered") from None
                raise Unavailable("There is no connection to Telegram", code="TELEGRAM_UNREACHABLE") from None
            finally:
                timer.cancel()
                self._waiting.discard(waiter)
        return self._link


def _give_up(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())
