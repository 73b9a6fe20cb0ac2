"""Where the bytes of files travel: links beside a session's own, so that they keep no message waiting.

Promises: one link for each data centre that has files, opened when it is needed and closed when it was idle for a
minute; the session's own way out, its proxy, and no other; at the session's own data centre the same key, elsewhere
a key of its own to which the login is carried over (auth.exportAuthorization), kept in memory for as long as the
session runs. What these links are told ends no login: only the session's own link decides that. Each wait ends.
https://core.telegram.org/api/files#downloading-files
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import structlog
from telethon.tl.alltlobjects import LAYER
from telethon.tl.functions import InitConnectionRequest, InvokeWithLayerRequest, InvokeWithoutUpdatesRequest
from telethon.tl.functions.auth import ExportAuthorizationRequest, ImportAuthorizationRequest
from telethon.tl.functions.help import GetConfigRequest
from telethon.tl.types import Config

from teleflow.errors import Unavailable, Uncertain
from teleflow.kit.clock import loop_time
from teleflow.model.operations.base import HOME
from teleflow.model.sessions import Credentials, Device, Profile
from teleflow.telegram import errors
from teleflow.telegram.calls import NoAnswer, ask
from teleflow.telegram.mtproto.cipher import AuthKey
from teleflow.telegram.mtproto.connect import open_link
from teleflow.telegram.mtproto.framing import TransportFault
from teleflow.telegram.mtproto.link import Link
from teleflow.telegram.mtproto.requests import LinkLost, RpcFault
from teleflow.telegram.site import Site

_log = structlog.get_logger(__name__)
IDLE_S = 60.0
MOST_CENTRES = 8
_INTRODUCE_S = 15.0
_ANSWER_S = 30.0  # a megabyte on a slow line
_TRIES = 4
_PAUSE_S = 0.3


class Owner(Protocol):
    """The session whose links they are."""

    id: str
    credentials: Credentials
    profile: Profile

    async def repeat(self, request: Any, *, within: float) -> Any: ...


@dataclass(slots=True)
class _Centre:
    """A data centre, as this session knows it. `key` is empty at the session's own."""

    id: int
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    link: Link | None = None
    key: bytes = b""
    salt: int = 0
    carried_over: bool = False  # the login is known there under this key
    under_way: int = 0
    used_at: float = 0.0
    timer: asyncio.TimerHandle | None = None


class FileLinks:
    """See the module."""

    __slots__ = ("_centres", "_closed", "_owner", "_site")

    def __init__(self, owner: Owner, site: Site) -> None:
        self._owner = owner
        self._site = site
        self._centres: dict[int, _Centre] = {}
        self._closed = False

    async def invoke(self, dc_id: int, request: Any, *, until: float) -> Any:
        """Ask a data centre (or HOME) for what may safely be asked twice, until `until` (loop time).

        Raises RpcFault (as Telegram said it), Unavailable(TELEGRAM_UNREACHABLE).
        """
        home = self._owner.credentials.dc_id
        if dc_id not in {HOME, home} and self._site.telegram.centre(dc_id) is None:
            await self._ask_where(until)
        centre = self._centre(home if dc_id == HOME else dc_id)
        centre.under_way += 1
        try:
            return await self._tried(centre, InvokeWithoutUpdatesRequest(request), until)
        finally:
            centre.under_way -= 1
            centre.used_at = loop_time()
            self._watch(centre)

    def close(self) -> None:
        """Every link ends now; the next request opens another, on whatever way is the session's then."""
        for centre in self._centres.values():
            self._drop(centre, ConnectionAbortedError("the session's way was given up"))

    def end(self) -> None:
        """As `close`, for good."""
        self._closed = True
        self.close()

    @property
    def open_count(self) -> int:
        return sum(1 for centre in self._centres.values() if centre.link is not None)

    # -- one data centre ----------------------------------------------------------------------------------

    def _centre(self, dc_id: int) -> _Centre:
        found = self._centres.get(dc_id)
        if found is None:
            if self._site.telegram.centre(dc_id) is None and dc_id != self._owner.credentials.dc_id:
                raise Unavailable(f"Telegram has not told where its DC {dc_id} is", code="TELEGRAM_UNREACHABLE")
            if len(self._centres) >= MOST_CENTRES:
                raise Unavailable("The account's files lie in too many places", code="TELEGRAM_UNREACHABLE")
            found = self._centres[dc_id] = _Centre(dc_id)
        return found

    async def _ask_where(self, until: float) -> None:
        """What other data centres there are is told at a login only; a process that has seen none asks."""
        within = max(0.1, min(_INTRODUCE_S, until - loop_time()))
        try:
            told = await self._owner.repeat(GetConfigRequest(), within=within)
        except Uncertain as error:
            raise Unavailable(
                "Telegram did not tell where its data centres are", code="TELEGRAM_UNREACHABLE"
            ) from error
        if isinstance(told, Config):
            self._site.telegram.learn(told)

    async def _tried(self, centre: _Centre, request: Any, until: float) -> Any:
        cause: BaseException | None = None
        for attempt in range(_TRIES):
            left = until - loop_time()
            if left <= 0:
                break
            try:
                async with asyncio.timeout_at(until):
                    link = await self._ready(centre, until)
                return await ask(link, request, within=min(_ANSWER_S, max(0.1, until - loop_time())))
            except RpcFault as fault:
                cause = fault
                if errors.ends_login(fault) is not None and centre.id != self._owner.credentials.dc_id:
                    # This key's word is not the session's: it is made anew, once.
                    self._forget(centre)
                    if attempt == 0:
                        continue
                    raise Unavailable(f"DC {centre.id} does not take the login", code="TELEGRAM_UNREACHABLE") from fault
                if not errors.is_passing(fault):
                    raise
            except NoAnswer as error:
                cause = error
                self._drop(centre, error)  # a link that answers nothing for so long is none
            except OSError as error:  # LinkLost and TimeoutError among them
                cause = error
            await asyncio.sleep(min(_PAUSE_S * attempt, max(0.0, until - loop_time())))
        raise Unavailable(
            f"DC {centre.id} can't be reached for files: {type(cause).__name__}", code="TELEGRAM_UNREACHABLE"
        ) from cause

    async def _ready(self, centre: _Centre, until: float) -> Link:
        """The link, opened by the first who asks."""
        async with centre.opening:
            if self._closed:
                raise Unavailable("The session was disconnected", code="TELEGRAM_UNREACHABLE")
            link = centre.link
            if link is not None and link.is_open:
                return link
            return await self._open(centre, until)

    async def _open(self, centre: _Centre, until: float) -> Link:
        site, credentials, profile = self._site, self._owner.credentials, self._owner.profile
        at_home = centre.id == credentials.dc_id
        place = site.telegram.centre(centre.id)
        key = credentials.auth_key if at_home else centre.key
        if at_home and not key:
            raise Unavailable("The session has no key yet", code="TELEGRAM_UNREACHABLE")
        await site.limiter.turn()
        route = site.proxies.route(profile.proxy, centre.id)
        ended: list[BaseException] = []
        opened = await open_link(
            host=place.host if place else credentials.host,
            port=place.port if place else credentials.port,
            key=AuthKey(key) if key else None,
            salt=credentials.salt if at_home else centre.salt,
            keys=site.telegram.keys,
            clock=site.clock.time,
            on_update=_unheard,
            on_lost=ended.append,
            threads=site.threads,
            dial=route.dial,
            framing=route.framing,
        )
        link = opened.link
        try:
            if opened.is_new:
                centre.key, centre.carried_over = opened.key.bytes, False
            await self._introduce(centre, link, credentials, profile.device, at_home=at_home, until=until)
        except BaseException as error:
            link.close()
            lost = ended[0] if ended else error
            if isinstance(lost, TransportFault) and lost.code == -404:
                self._forget(centre)
            raise
        if self._closed or profile is not self._owner.profile:  # given up, or rerouted meanwhile
            link.close()
            raise LinkLost("the session's way has changed", sent=False)
        centre.link, centre.salt = link, link.salt
        _log.info("files.link_opened", session=self._owner.id, dc=centre.id)
        return link

    async def _introduce(
        self, centre: _Centre, link: Link, credentials: Credentials, device: Device, *, at_home: bool, until: float
    ) -> None:
        """Say who we are; elsewhere than at home, under a key that is not known there, bring the login along."""
        query: Any = InvokeWithoutUpdatesRequest(GetConfigRequest())
        carries = not at_home and not centre.carried_over
        if carries:
            within = max(0.1, min(_INTRODUCE_S, until - loop_time()))
            exported = await self._owner.repeat(ExportAuthorizationRequest(centre.id), within=within)
            query = ImportAuthorizationRequest(exported.id, exported.bytes)
        request = InvokeWithLayerRequest(
            LAYER,
            InitConnectionRequest(
                api_id=credentials.api_id,
                device_model=device.model,
                system_version=device.system,
                app_version=device.app_version,
                system_lang_code=device.system_lang_code,
                lang_pack="",
                lang_code=device.lang_code,
                query=query,
            ),
        )
        await ask(link, request, within=_INTRODUCE_S)
        centre.carried_over = not at_home

    # -- ends ---------------------------------------------------------------------------------------------

    def _watch(self, centre: _Centre) -> None:
        if centre.timer is None and centre.link is not None:
            centre.timer = asyncio.get_running_loop().call_later(IDLE_S, partial(self._maybe_idle, centre))

    def _maybe_idle(self, centre: _Centre) -> None:
        centre.timer = None
        if centre.under_way == 0 and loop_time() - centre.used_at >= IDLE_S - 0.5:
            self._drop(centre, ConnectionAbortedError("idle"))
        else:
            self._watch(centre)

    def _drop(self, centre: _Centre, cause: BaseException) -> None:
        timer, centre.timer = centre.timer, None
        if timer is not None:
            timer.cancel()
        link, centre.link = centre.link, None
        if link is not None:
            centre.salt = link.salt
            link.close(cause)

    def _forget(self, centre: _Centre) -> None:
        """The key is not known there any more."""
        self._drop(centre, ConnectionAbortedError("the key is not known there"))
        centre.key, centre.salt, centre.carried_over = b"", 0, False


def _unheard(_body: memoryview) -> None:
    """Updates are the session's own link's affair."""
