"""Logins that come from other programs, and go to them.

An import is checked live before it is taken: nothing is stored of a key that Telegram does not know, and a key that is
here already is never used a second time, not even to look. An export tells what opens the account: who may ask for it
is not decided here.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
from dataclasses import dataclass, replace

from teleflow.errors import Conflict, Invalid, Unavailable
from teleflow.fleet.runner import Runner
from teleflow.kit.clock import Clock, loop_time, milliseconds
from teleflow.model.audit import AuditEntry
from teleflow.model.operations.account import GetMe
from teleflow.model.session_strings import (
    SessionFormat,
    StoredLogin,
    read_session_string,
    write_session_string,
)
from teleflow.model.sessions import Credentials, Profile, Session, SessionState
from teleflow.model.updates import BoxPosition
from teleflow.storage.base import Storage
from teleflow.telegram.dc import DataCentre
from teleflow.telegram.live import LiveSession
from teleflow.telegram.proxies import resolved
from teleflow.telegram.session_files import NotASessionFile, read_session_bytes, write_session_bytes
from teleflow.telegram.standing import standing

_CHECK_WITHIN_S = 20.0
_LEARN_WITHIN_S = 15.0
_LEARN_AGAIN_S = 60.0


class _Nobody:
    """Hears of sessions that are only a look at something."""

    async def state_changed(self, session_id: str, state: SessionState, cause: str | None) -> None: ...

    async def credentials_changed(self, session_id: str, credentials: Credentials) -> None: ...

    def is_up(self, session_id: str) -> None: ...

    async def login_ended(self, session_id: str, state: SessionState, cause: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """An import that Telegram has confirmed, ready to be stored."""

    session: Session
    credentials: Credentials
    start: BoxPosition | None = None


class Transfer:
    """Import and export."""

    def __init__(self, runner: Runner, storage: Storage, clock: Clock) -> None:
        self._runner = runner
        self._storage = storage
        self._clock = clock
        self._arriving: set[str] = set()
        self._learning = asyncio.Lock()
        self._learnt_at = float("-inf")

    async def read(self, given: str | bytes) -> StoredLogin:
        """A session string, or the content of a Telethon file. Raises Invalid SESSION_STRING_INVALID."""
        if isinstance(given, str):
            return read_session_string(given)
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._runner.site.threads, read_session_bytes, given
            )
        except NotASessionFile as error:
            raise Invalid(
                f"The file can't be taken: {error}", code="SESSION_STRING_INVALID", details={"field": "file"}
            ) from error

    async def take(
        self,
        session: Session,
        login: StoredLogin,
        profile: Profile,
        *,
        api: tuple[int, str],
        audit: AuditEntry | None = None,
    ) -> Session:
        """Check the login live, then make `session` (which is not stored yet) its home here.

        Raises Conflict when the key is here already, Invalid for a data centre that is not known, what Telegram said.
        """
        print_ = hashlib.sha256(login.auth_key).hexdigest()
        if print_ in self._arriving:
            raise _taken()
        self._arriving.add(print_)  # before anything is waited for: two on one key is what ends accounts
        try:
            if await self._storage.holds_key(print_):
                raise _taken()
            centre = await self._centre_of(login, profile)
            credentials = Credentials(centre.id, centre.host, centre.port, login.auth_key, 0, *api)
            arrived = await self._checked(session, credentials, profile)
            try:
                await self._storage.add_arrival(
                    arrived.session, arrived.credentials, profile, start=arrived.start, audit=audit
                )
            except Conflict as error:
                if error.code == "AUTH_KEY_IN_USE":
                    raise _taken() from error
                raise
        finally:
            self._arriving.discard(print_)
        await self._runner.run(arrived.session)
        return arrived.session

    async def export(self, session: Session, form: SessionFormat) -> str | bytes:
        """What opens this account, in another program's words. Raises Conflict without a login."""
        credentials = await self._storage.credentials(session.id) if session.authorised else None
        if credentials is None:
            raise Conflict("This session holds no login", code="SESSION_LOGGED_OUT")
        telegram = self._runner.site.telegram
        centre = telegram.centre(credentials.dc_id)
        host, port = (centre.host, centre.port) if centre else (credentials.host, credentials.port)
        login = StoredLogin(
            form,
            credentials.dc_id,
            credentials.auth_key,
            await _numeric(host, port),
            port,
            credentials.api_id,
            session.account_id,
            telegram.is_test,
        )
        return write_session_bytes(login) if form is SessionFormat.TELETHON_FILE else write_session_string(login)

    # -- inside -------------------------------------------------------------------------------------------

    async def _checked(self, session: Session, credentials: Credentials, profile: Profile) -> Arrival:
        live = self._look(session.id, credentials, profile, authorised=True)
        try:
            me = await live.call(GetMe(), within=_CHECK_WITHIN_S)
            start = await standing(live)
        finally:
            await live.stop()
        now = milliseconds(self._clock.time())
        named = replace(
            session,
            phone=me.phone or session.phone,
            state=SessionState.CONNECTING,
            cause="IMPORTED",
            state_since=now,
            authorised=True,
            account_id=me.user_id,
            account_name=me.name,
        )
        return Arrival(named, live.credentials, start)

    def _look(self, session_id: str, credentials: Credentials, profile: Profile, *, authorised: bool) -> LiveSession:
        site = replace(self._runner.site, watcher=_Nobody())
        live = LiveSession(session_id, credentials, profile=profile, authorised=authorised, site=site, trial=True)
        live.start()
        return live

    async def _centre_of(self, login: StoredLogin, profile: Profile) -> DataCentre:
        telegram = self._runner.site.telegram
        details = {"field": "sessionString", "dcId": login.dc_id}
        if telegram.is_production and (login.is_test or telegram.is_test_address(login.host or "")):
            raise Invalid(
                "This login was made at Telegram's test data centres", code="SESSION_OF_TEST_DC", details=details
            )
        centre = telegram.centre(login.dc_id)
        if centre is None:
            await self._learn(profile)
            centre = telegram.centre(login.dc_id)
        if centre is None:
            raise Invalid(f"Data centre {login.dc_id} is not known here", code="DC_UNKNOWN", details=details)
        return centre

    async def _learn(self, profile: Profile) -> None:
        """Ask the home where the others are, by a connection of its own."""
        async with self._learning:
            if loop_time() - self._learnt_at < _LEARN_AGAIN_S:
                return
            home = self._runner.site.telegram.home
            blank = Credentials(home.id, home.host, home.port, b"", 0, 1, "")
            live = self._look("learning", blank, profile, authorised=False)
            try:
                if not await live.is_reached(within=_LEARN_WITHIN_S):
                    raise Unavailable("There is no connection to Telegram", code="TELEGRAM_UNREACHABLE")
                self._learnt_at = loop_time()
            finally:
                await live.stop()


async def _numeric(host: str, port: int) -> str:
    """Other programs' strings hold addresses, and an operator may have given a name."""
    try:
        return ipaddress.ip_address(host).compressed
    except ValueError:
        pass
    try:
        return (await resolved(host, port))[0]
    except (OSError, IndexError) as error:
        raise Unavailable("The data centre's name does not resolve now") from error


def _taken() -> Conflict:
    return Conflict("This login is in the service's care already", code="SESSION_ALREADY_HERE")
