"""One session's connection, kept up for as long as it is wanted.

Promises: it reconnects for ever, the first try within a second, later ones with full jitter up to 45 s,
and never gives up by itself; only Telegram's word ends a login. What it says of its state is what it saw: it is
online when a request was answered on the link that stands. Requests wait for the link, and each ends by its
deadline (`calls`).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import structlog
from telethon.tl.types import Config

from teleflow.errors import TeleFlowError
from teleflow.kit.clock import loop_time
from teleflow.model.operations.base import Operation
from teleflow.model.sessions import Credentials, Profile, SessionState
from teleflow.telegram import errors
from teleflow.telegram.calls import Calls, NoAnswer
from teleflow.telegram.condition import Condition
from teleflow.telegram.dc import DataCentre
from teleflow.telegram.ending import Ending, LoginOver, resolve, told_by
from teleflow.telegram.files.links import FileLinks
from teleflow.telegram.freeze import has_thawed
from teleflow.telegram.introduction import introduce
from teleflow.telegram.methods import METHODS
from teleflow.telegram.mtproto.cipher import AuthKey
from teleflow.telegram.mtproto.connect import open_link
from teleflow.telegram.mtproto.framing import TransportFault
from teleflow.telegram.mtproto.link import Link
from teleflow.telegram.mtproto.requests import RpcFault, Unreadable
from teleflow.telegram.pauses import pause_after
from teleflow.telegram.pulse import Pulse
from teleflow.telegram.site import Site
from teleflow.telegram.tap import Tap

_log = structlog.get_logger(__name__)
R = TypeVar("R")

_STEADY_S = 5.0
_LAST_ANSWERS_S = 0.5
_UNKNOWN_KEY_S = 60.0
_THAW_CHECK_S = 600.0


class LiveSession:
    """A session on this node. `authorised` is False while its login is under way."""

    __slots__ = (
        "_calls",
        "_condition",
        "_held_until",
        "_link",
        "_over",
        "_pulse",
        "_site",
        "_stopped",
        "_task",
        "_thaw_checked",
        "_trial",
        "_unknown_key_since",
        "authorised",
        "credentials",
        "files",
        "id",
        "profile",
        "tap",
    )

    def __init__(
        self,
        session_id: str,
        credentials: Credentials,
        *,
        profile: Profile,
        authorised: bool,
        site: Site,
        impaired: SessionState | None = None,
        trial: bool = False,
    ) -> None:
        self.id = session_id
        self.credentials = credentials
        self.authorised = authorised
        self.tap = Tap()
        self.profile = profile
        self._site = site
        self._link: Link | None = None
        self._over: Ending | None = None
        self._calls = Calls(self._heed, site.chance)
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self._condition = Condition(session_id, site.watcher, site.tasks, silent=not authorised, impaired=impaired)
        self._pulse: Pulse | None = None
        self.files = FileLinks(self, site)
        self._held_until = 0.0
        self._thaw_checked = 0.0
        self._trial = trial  # only a look at a key that somebody else keeps
        self._unknown_key_since: float | None = None

    # -- life ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._task = self._site.tasks.start(self._keep_up(), f"session:{self.id}", on_failure=self._failed)

    async def stop(self, *, by_owner: bool = False, ended: SessionState | None = None) -> None:
        """Disconnect and stay so. What waits hears that its outcome is unknown, who asks later what `ended`."""
        self._stopped = self._condition.silent = True
        self._calls.close("the session was disconnected", ended=ended, by_owner=by_owner)
        self.files.end()
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait([task], timeout=5)
        self._drop_link()

    @property
    def state(self) -> SessionState:
        return self._condition.state

    @property
    def cause(self) -> str | None:
        return self._condition.cause

    @property
    def is_connected(self) -> bool:
        return self._calls.is_up

    def _failed(self, error: BaseException) -> None:
        # A supervisor that dies leaves its callers waiting for nothing: tell them, and the log has the cause.
        self._calls.close(f"internal error: {type(error).__name__}")

    async def _keep_up(self) -> None:
        attempt = 0
        await self._condition.tell(SessionState.CONNECTING, None)
        while not self._stopped:
            await self._site.limiter.turn()
            began = loop_time()  # waiting for one's turn is no steady connection
            try:
                cause = await self._one_connection()
            except LoginOver as over:
                await self._finish(over.state, over.cause)
                return
            except (OSError, RpcFault, TeleFlowError, Unreadable) as error:
                cause = told_by(self._over, error)
            except Exception as error:  # noqa: BLE001 - a bug is a bug of this try; the session must come back
                _log.exception("session.connection_failed", session=self.id)
                cause = error
            finally:
                self._drop_link()
            if loop_time() - began > _STEADY_S or self._calls.answered:
                attempt = 0
            self._calls.answered = 0
            if self._key_is_unknown(cause):
                await self._finish(SessionState.LOGGED_OUT, "AUTH_KEY_UNREGISTERED")
                return
            await self._tell_why(cause)
            await asyncio.sleep(pause_after(cause, attempt, self._held_until, self._site.chance))
            attempt += 1

    async def _one_connection(self) -> BaseException:
        """Connect, introduce ourselves, stay until the link ends; the cause of its end."""
        over: Ending = asyncio.get_running_loop().create_future()
        self._over = over
        link = await self._open(over)
        await self._introduce(link)
        self._unknown_key_since = None
        self._calls.up(link)
        if self.authorised:
            await self.now_authorised()
        cause = await over
        if isinstance(cause, LoginOver):
            # What else is under way has an answer of its own: no outcome is left open for want of patience.
            if under_way := link.under_way:
                await asyncio.wait(under_way, timeout=_LAST_ANSWERS_S)
            raise cause
        return cause

    async def _open(self, over: Ending) -> Link:
        site, credentials = self._site, self.credentials
        # Addresses change, and a key belongs to a data centre and not to its address: what is known now counts.
        centre = site.telegram.centre(credentials.dc_id)
        route = site.proxies.route(self.profile.proxy, credentials.dc_id)
        opened = await open_link(
            host=centre.host if centre else credentials.host,
            port=centre.port if centre else credentials.port,
            key=AuthKey(credentials.auth_key) if credentials.auth_key else None,
            salt=credentials.salt,
            keys=site.telegram.keys,
            clock=site.clock.time,
            on_update=self.tap.push,
            on_lost=partial(resolve, over),
            threads=site.threads,
            dial=route.dial,
            framing=route.framing,
        )
        self._link = opened.link
        self.tap.listen(opened.link)
        if opened.is_new:
            self.credentials = replace(credentials, auth_key=opened.key.bytes, salt=opened.link.salt)
            await site.watcher.credentials_changed(self.id, self.credentials)
        return opened.link

    async def _introduce(self, link: Link) -> None:
        try:
            answer = await introduce(
                link, api_id=self.credentials.api_id, device=self.profile.device, authorised=self.authorised
            )
        except RpcFault as fault:
            ended = errors.ends_login(fault) if self.authorised else None
            if ended is not None:
                raise LoginOver(ended, errors.name_of(fault)) from fault
            if errors.is_passing(fault) or errors.wait_of(fault) is not None:
                raise
            # Any other refusal is an answer to that one request: the link and the login stand.
            _log.warning("session.introduction_refused", session=self.id, error=fault.message[:80])
            self._heed(fault)
        else:
            if isinstance(answer, Config):
                self._site.telegram.learn(answer)

    # -- requests -----------------------------------------------------------------------------------------

    async def call(self, operation: Operation[R], *, within: float) -> R:
        """See `telegram.base.Call`."""
        self._refuse_while_held()
        until = loop_time() + within
        invoke = partial(self._calls.repeat if operation.repeatable else self._calls.act, until=until)
        if operation.dc_id:
            await self._calls.ready(until)  # a session that is down, or ended, says so itself
            invoke = partial(self.files.invoke, operation.dc_id, until=until)
        try:
            result: R = await METHODS[type(operation)](invoke, operation)
        except TeleFlowError:
            raise
        except Exception as error:
            raise errors.of_call(error, type(operation).__name__) from error
        if operation.to_stranger and self._condition.impaired is SessionState.RESTRICTED:
            self.relieve()
        return result

    async def once(self, request: Any, *, within: float) -> Any:
        """Send a request that must not be repeated: what happens when it was lost is the caller's affair.

        Raises RpcFault (as Telegram said it), Unavailable, Uncertain.
        """
        return await self._calls.once(request, until=loop_time() + within)

    async def repeat(self, request: Any, *, within: float) -> Any:
        """Send a request that may safely arrive twice. Raises as `once`."""
        return await self._calls.repeat(request, until=loop_time() + within)

    async def is_reached(self, *, within: float) -> bool:
        """Whether the link stands, or will within so many seconds."""
        try:
            await self._calls.ready(loop_time() + within)
        except TeleFlowError:
            return False
        return True

    async def move(self, centre: DataCentre) -> None:
        """Go on with the login at another data centre, with a key of its own."""
        self.credentials = replace(
            self.credentials, dc_id=centre.id, host=centre.host, port=centre.port, auth_key=b"", salt=0
        )
        self.files.close()
        self._end_link(ConnectionAbortedError(f"moving to DC {centre.id}"))

    def reroute(self, profile: Profile) -> None:
        """Take another way from now on: the connection that stands is given up."""
        self.profile = profile
        self.files.close()
        self._end_link(ConnectionAbortedError("the session's proxy was changed"))

    async def now_authorised(self) -> None:
        """The login is done, on this very link, and somebody has just been answered on it."""
        self.authorised = True
        self._condition.silent = self._stopped
        self._beat_on()
        await self._condition.tell_up()
        if not self._trial:
            self._site.watcher.is_up(self.id)
        if self._condition.impaired is SessionState.FROZEN:
            self._check_thaw()

    def relieve(self) -> None:
        """See `Condition.relieve`."""
        self._condition.relieve()

    @property
    def server_time(self) -> float:
        """The data centre's clock, as far as we know it, in Unix seconds."""
        return self._site.clock.time() + (self._link.time_offset if self._link is not None else 0.0)

    def _heed(self, fault: RpcFault) -> None:
        """An error may say more than that its request failed."""
        if errors.wants_introduction(fault):
            self._end_link(fault)
        if not self.authorised:
            return
        ended = errors.ends_login(fault)
        if ended is not None:
            self._calls.close(errors.name_of(fault), ended=ended)
            if self._over is not None:
                resolve(self._over, LoginOver(ended, errors.name_of(fault)))
            return
        impaired = errors.impairs(fault)
        if impaired is not None:
            self._condition.impair(impaired, errors.name_of(fault))

    def _refuse_while_held(self) -> None:
        """Telegram wants nothing of this account for a while: whoever asks is told at once."""
        left = self._held_until - loop_time()
        if left > 0:
            raise errors.held(int(left) + 1)

    # -- the heart ----------------------------------------------------------------------------------------

    def _beat_on(self) -> None:
        if self._link is not None and self._pulse is None:
            self._pulse = Pulse(
                self._link,
                self._calls,
                self._site.chance,
                told=self._pulse_told,
                state=self.tap.state,
                dead=partial(self._end_link, NoAnswer("the data centre answers no request")),
            )
            self._pulse.start()

    def _pulse_told(self, fault: RpcFault | None) -> None:
        wait = errors.wait_of(fault) if fault is not None else None
        if fault is not None:
            self._heed(fault)
        if wait is not None and self._pulse is not None and fault is not None:
            self._pulse.hold(wait)
            self._condition.tell_soon(SessionState.FLOOD_HELD, str(fault))
        elif self.state is SessionState.FLOOD_HELD:
            self._condition.is_up_again()
        if self._condition.impaired is SessionState.FROZEN and loop_time() - self._thaw_checked > _THAW_CHECK_S:
            self._check_thaw()

    def _check_thaw(self) -> None:
        self._thaw_checked = loop_time()
        self._site.tasks.start(self._ask_thaw(), f"thaw:{self.id}")

    async def _ask_thaw(self) -> None:
        if await has_thawed(self.repeat) and self._condition.impaired is SessionState.FROZEN:
            self.relieve()

    # -- inside -------------------------------------------------------------------------------------------

    def _end_link(self, cause: BaseException) -> None:
        if self._over is not None:
            resolve(self._over, cause)
        self._drop_link()

    def _drop_link(self) -> None:
        self._calls.down()
        self.tap.down()
        pulse, self._pulse = self._pulse, None
        if pulse is not None:
            pulse.stop()
        link, self._link = self._link, None
        if link is not None:
            link.close()

    async def _finish(self, state: SessionState, cause: str) -> None:
        self.authorised = False
        self._condition.state, self._condition.cause = state, cause
        self._stopped = self._condition.silent = True
        self.files.end()
        self._calls.close(cause, ended=state)
        await self._site.watcher.login_ended(self.id, state, cause)

    async def _tell_why(self, cause: BaseException) -> None:
        """The connection is over, or was none."""
        wait = errors.wait_of(cause) if isinstance(cause, RpcFault) else None
        if wait is not None:
            self._held_until = loop_time() + wait
            await self._condition.tell(SessionState.FLOOD_HELD, str(cause))
        else:
            await self._condition.tell_down(cause)

    def _key_is_unknown(self, cause: BaseException) -> bool:
        """-404 twice over a minute: once can be a data centre's hiccup, and keys are not thrown away for that."""
        if not (isinstance(cause, TransportFault) and cause.code == -404) or not self.credentials.auth_key:
            return False
        now = loop_time()
        if self._unknown_key_since is None:
            self._unknown_key_since = now
        if not self.authorised:
            # No login hangs on this key yet: a new one is made at the next try.
            self.credentials = replace(self.credentials, auth_key=b"", salt=0)
            return False
        return self._trial or now - self._unknown_key_since >= _UNKNOWN_KEY_S
