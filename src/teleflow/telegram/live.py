"""One session's connection, kept up for as long as it is wanted.

Promises: it reconnects for ever, the first try within a second, later ones with full jitter up to 45 s,
and never gives up by itself; only Telegram's word ends a login. What it says of its state is what it saw: it is
online when a request was answered on the link that stands. Requests wait for the link, and each ends by its
deadline (`calls`).
"""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import structlog
from telethon.tl.alltlobjects import LAYER
from telethon.tl.functions import InitConnectionRequest, InvokeWithLayerRequest
from telethon.tl.functions.help import GetConfigRequest
from telethon.tl.functions.updates import GetStateRequest

from teleflow.errors import TeleFlowError
from teleflow.kit.backoff import FullJitter
from teleflow.kit.clock import Clock, loop_time
from teleflow.kit.tasks import Tasks
from teleflow.model.operations.base import Operation
from teleflow.model.sessions import Credentials, Device, SessionState
from teleflow.telegram import errors
from teleflow.telegram.base import Watcher
from teleflow.telegram.calls import Calls, ask
from teleflow.telegram.dc import DataCentre, Telegram
from teleflow.telegram.limiter import ConnectLimiter
from teleflow.telegram.methods import METHODS
from teleflow.telegram.mtproto.cipher import AuthKey
from teleflow.telegram.mtproto.connect import Dial, dial, open_link
from teleflow.telegram.mtproto.framing import TransportFault
from teleflow.telegram.mtproto.link import Link
from teleflow.telegram.mtproto.requests import LinkLost, RpcFault, Unreadable

_log = structlog.get_logger(__name__)
R = TypeVar("R")

_INTRODUCE_WITHIN_S = 15.0
_STEADY_S = 5.0
_UNKNOWN_KEY_S = 60.0
_BACKOFF = FullJitter(first=1.0, most=45.0)  # with the wait for a turn: back within a minute
_TRANSPORT_FLOOD = FullJitter(first=120.0, most=300.0, floor=60.0)


@dataclass(frozen=True, slots=True)
class Site:
    """What all sessions of a process share."""

    telegram: Telegram
    clock: Clock
    threads: Executor
    limiter: ConnectLimiter
    watcher: Watcher
    tasks: Tasks
    chance: random.Random
    dial: Dial = dial


class LiveSession:
    """A session on this node. `authorised` is False while its login is under way."""

    __slots__ = (
        "_calls",
        "_device",
        "_impaired",
        "_link",
        "_over",
        "_site",
        "_stopped",
        "_task",
        "_unknown_key_since",
        "authorised",
        "cause",
        "credentials",
        "id",
        "state",
    )

    def __init__(
        self, session_id: str, credentials: Credentials, *, device: Device, authorised: bool, site: Site
    ) -> None:
        self.id = session_id
        self.credentials = credentials
        self.authorised = authorised
        self.state = SessionState.CONNECTING
        self.cause: str | None = None
        self._device = device
        self._site = site
        self._link: Link | None = None
        self._over: asyncio.Future[BaseException] | None = None
        self._calls = Calls(self._heed, site.chance)
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self._impaired: SessionState | None = None
        self._unknown_key_since: float | None = None

    # -- life ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._task = self._site.tasks.start(self._keep_up(), f"session:{self.id}", on_failure=self._failed)

    async def stop(self) -> None:
        """Disconnect and stay so. What waits for an answer hears that it may or may not have been done."""
        self._stopped = True
        self._calls.close("the session was disconnected")
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait([task], timeout=5)
        self._drop_link()

    @property
    def is_connected(self) -> bool:
        return self._calls.is_up

    def _failed(self, error: BaseException) -> None:
        # A supervisor that dies leaves its callers waiting for nothing: tell them, and the log has the cause.
        self._calls.close(f"internal error: {type(error).__name__}")

    async def _keep_up(self) -> None:
        attempt = 0
        await self._tell(SessionState.CONNECTING, None)
        while not self._stopped:
            await self._site.limiter.turn()
            began = loop_time()  # waiting for one's turn is no steady connection
            try:
                cause = await self._one_connection()
            except _LoginOver as over:
                await self._finish(over.state, over.cause)
                return
            except (OSError, RpcFault, TeleFlowError, Unreadable) as error:
                cause = error
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
            if self._was_online() or self.state is SessionState.CONNECTING:
                await self._tell(SessionState.RECONNECTING, _describe(cause))
            await asyncio.sleep(self._pause(cause, attempt))
            attempt += 1

    async def _one_connection(self) -> BaseException:
        """Connect, introduce ourselves, stay until the link ends; the cause of its end."""
        over: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self._over = over
        link = await self._open(over)
        await self._introduce(link)
        self._unknown_key_since = None
        self._calls.up(link)
        await self._tell(self._impaired or (SessionState.ONLINE if self.authorised else self.state), None)
        cause = await over
        if isinstance(cause, _LoginOver):
            raise cause
        return cause

    async def _open(self, over: asyncio.Future[BaseException]) -> Link:
        site, credentials = self._site, self.credentials
        # Addresses change, and a key belongs to a data centre and not to its address: what is known now counts.
        centre = site.telegram.centre(credentials.dc_id)
        opened = await open_link(
            host=centre.host if centre else credentials.host,
            port=centre.port if centre else credentials.port,
            key=AuthKey(credentials.auth_key) if credentials.auth_key else None,
            salt=credentials.salt,
            keys=site.telegram.keys,
            clock=site.clock.time,
            on_update=_ignore,
            on_lost=partial(_resolve, over),
            threads=site.threads,
            dial=site.dial,
        )
        self._link = opened.link
        if opened.is_new:
            self.credentials = replace(credentials, auth_key=opened.key.bytes, salt=opened.link.salt)
            await site.watcher.credentials_changed(self.id, self.credentials)
        return opened.link

    async def _introduce(self, link: Link) -> None:
        """initConnection; for an account that is logged in, around a request that only such a one may make."""
        query = GetStateRequest() if self.authorised else GetConfigRequest()
        device = self._device
        request = InvokeWithLayerRequest(
            LAYER,
            InitConnectionRequest(
                api_id=self.credentials.api_id,
                device_model=device.model,
                system_version=device.system,
                app_version=device.app_version,
                system_lang_code=device.system_lang_code,
                lang_pack="",
                lang_code=device.lang_code,
                query=query,
            ),
        )
        try:
            await ask(link, request, within=_INTRODUCE_WITHIN_S)
        except RpcFault as fault:
            ended = errors.ends_login(fault) if self.authorised else None
            if ended is not None:
                raise _LoginOver(ended, errors.name_of(fault)) from fault
            if errors.is_passing(fault) or fault.code == 420:
                raise
            # Any other refusal is an answer to that one request: the link and the login stand.
            _log.warning("session.introduction_refused", session=self.id, error=fault.message[:80])

    # -- requests -----------------------------------------------------------------------------------------

    async def call(self, operation: Operation[R], *, within: float) -> R:
        """See `telegram.base.Call`."""
        invoke = partial(self._calls.repeat, until=loop_time() + within)
        try:
            result: R = await METHODS[type(operation)](invoke, operation)
        except RpcFault as fault:
            error = errors.translate(fault)
            error.may_have_left = fault.after_lost_try
            raise error from fault
        except Unreadable as unreadable:
            raise errors.unreadable() from unreadable
        return result

    async def once(self, request: Any, *, within: float) -> Any:
        """Send a request that must not be repeated: what happens when it was lost is the caller's affair.

        Raises RpcFault (as Telegram said it), Unavailable, Uncertain.
        """
        return await self._calls.once(request, until=loop_time() + within)

    async def repeat(self, request: Any, *, within: float) -> Any:
        """Send a request that may safely arrive twice. Raises as `once`."""
        return await self._calls.repeat(request, until=loop_time() + within)

    async def move(self, centre: DataCentre) -> None:
        """Go on with the login at another data centre, with a key of its own."""
        self.credentials = replace(
            self.credentials, dc_id=centre.id, host=centre.host, port=centre.port, auth_key=b"", salt=0
        )
        self._end_link(ConnectionAbortedError(f"moving to DC {centre.id}"))

    async def now_authorised(self) -> None:
        """The login is done, on this very link."""
        self.authorised = True
        await self._tell(SessionState.ONLINE, None)

    def _heed(self, fault: RpcFault) -> None:
        """An error may say more than that its request failed."""
        if not self.authorised:
            return
        ended = errors.ends_login(fault)
        if ended is not None:
            self._end_link(_LoginOver(ended, errors.name_of(fault)))
            return
        impaired = errors.impairs(fault)
        if impaired is not None and impaired is not self._impaired:
            self._impaired = impaired
            self._site.tasks.start(self._tell(impaired, errors.name_of(fault)), f"tell:{self.id}")

    # -- inside -------------------------------------------------------------------------------------------

    def _end_link(self, cause: BaseException) -> None:
        if self._over is not None:
            _resolve(self._over, cause)
        self._drop_link()

    def _drop_link(self) -> None:
        self._calls.down()
        link, self._link = self._link, None
        if link is not None:
            link.close()

    async def _finish(self, state: SessionState, cause: str) -> None:
        self.authorised = False
        self.state, self.cause = state, cause
        self._stopped = True
        self._calls.close(cause, ended=state)
        await self._site.watcher.login_ended(self.id, state, cause)

    async def _tell(self, state: SessionState, cause: str | None) -> None:
        if not self.authorised or (
            state is self.state and cause == self.cause and state is not SessionState.CONNECTING
        ):
            return
        self.state, self.cause = state, cause
        await self._site.watcher.state_changed(self.id, state, cause)

    def _was_online(self) -> bool:
        return self.state in {SessionState.ONLINE, SessionState.RESTRICTED, SessionState.FROZEN}

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
        return now - self._unknown_key_since >= _UNKNOWN_KEY_S

    def _pause(self, cause: BaseException, attempt: int) -> float:
        if isinstance(cause, TransportFault) and cause.code == -429:
            return _TRANSPORT_FLOOD.delay(attempt, self._site.chance)
        if isinstance(cause, RpcFault) and cause.code == 420:
            return float(min(errors.number_of(cause) or 1, 3600))
        return _BACKOFF.delay(attempt, self._site.chance)


class _LoginOver(Exception):
    def __init__(self, state: SessionState, cause: str) -> None:
        super().__init__(cause)
        self.state = state
        self.cause = cause


def _ignore(_body: memoryview) -> None:
    """Updates are acknowledged by the link; nothing here reads them yet."""


def _resolve(over: asyncio.Future[BaseException], cause: BaseException) -> None:
    if not over.done():
        over.set_result(cause)


def _describe(cause: BaseException) -> str:
    """For a person, without addresses or secrets."""
    if isinstance(cause, TransportFault | LinkLost | RpcFault):
        return str(cause)
    if isinstance(cause, TimeoutError):
        return str(cause) or "the data centre does not answer"
    if isinstance(cause, ConnectionRefusedError):
        return "the data centre refuses the connection"
    if isinstance(cause, ConnectionError):
        return str(cause) or type(cause).__name__
    return type(cause).__name__
