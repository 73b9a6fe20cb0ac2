"""Taking over logins that an older deployment left in SESSIONS_DIR: `<username>.session`, made by Telethon.

At start, each user's file becomes that user's session: its key is sealed in the database, the session connects, and
once Telegram has said whose account it is the login counts. The file stays where it is; a mark beside it
(`….session.adopted`) says that it was dealt with, and the database whose login it became: it is never taken by a later
user of that name, not even where no mark could be written.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import structlog

from teleflow.errors import Conflict, StorageUnavailable, TeleFlowError, Unavailable, Uncertain
from teleflow.fleet.runner import Runner
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.ids import new_id
from teleflow.kit.tasks import Tasks
from teleflow.model.operations.account import GetMe
from teleflow.model.sessions import Credentials, Session, SessionState
from teleflow.model.users import User
from teleflow.storage.base import Storage
from teleflow.telegram.live import LiveSession
from teleflow.telegram.session_files import NotASessionFile, read_session_file
from teleflow.telegram.standing import standing

_log = structlog.get_logger(__name__)

_PAGE = 500
_MOST_TOLD = 100
_AGAIN_S = 1.0
_ASK_WITHIN_S = 60.0


class Adoption:
    """`api` are the service's own api_id and api_hash, for users who have none."""

    def __init__(
        self, folder: Path, runner: Runner, storage: Storage, clock: Clock, *, api: tuple[int, str] | None
    ) -> None:
        self._folder = folder
        self._runner = runner
        self._storage = storage
        self._clock = clock
        self._api = api
        self._tasks = Tasks("adoption")

    async def start(self) -> None:
        """Look for files, and for logins of which nobody asked yet whose they are; the rest is done meanwhile."""
        self._tasks.start(self._learn_all(), "learn")
        try:
            files = await asyncio.to_thread(self._unmarked)
        except OSError as error:
            _log.warning("adoption.waits", folder=str(self._folder), cause=error.strerror or str(error))
            return
        if not files:
            return
        async for user in self._users():
            path = files.pop(f"{user.username}.session", None)
            if path is not None:
                self._tasks.start(self._adopt(user, path), f"adopt:{user.id}")
        for name in sorted(files)[:_MOST_TOLD]:
            told = os.fsencode(name).decode("utf-8", "replace")
            _log.warning("adoption.left", file=told, cause="there is no user of this name")

    def _unmarked(self) -> dict[str, Path]:
        """Files that were not dealt with, by their names."""
        return {
            path.name: path for path in self._folder.glob("*.session") if path.is_file() and not _mark(path).exists()
        }

    async def stop(self) -> None:
        await self._tasks.close()

    async def _learn_all(self) -> None:
        while True:
            try:
                found = [session async for session in self._nameless()]
            except StorageUnavailable:
                await self._clock.sleep(_AGAIN_S)
                continue
            break
        for session in found:
            self._tasks.start(self._learn(session), f"learn:{session.id}")

    async def _nameless(self) -> AsyncIterator[Session]:
        """What `teleflow adopt` put here: it has asked Telegram nothing."""
        after = None
        while True:
            page = await self._storage.sessions_to_run(limit=_PAGE, after=after)
            for session in page:
                if session.account_id is None:
                    yield session
            if len(page) < _PAGE:
                return
            after = page[-1].id

    async def _learn(self, session: Session) -> None:
        """Whose account it is, and where it stands in its updates."""
        while True:
            try:
                me = await self._runner.call(session.id, GetMe(), within=_ASK_WITHIN_S)
            except (Unavailable, Uncertain):
                await self._clock.sleep(_AGAIN_S)
                continue
            except TeleFlowError as error:
                _log.info("adoption.not_confirmed", session=session.id, cause=error.code)
                return
            live = self._runner.live(session.id)
            start = None if live is None else await standing(live)
            await self._storage.authorise_session(
                session.id,
                account_id=me.user_id,
                account_name=me.name,
                phone=me.phone or session.phone,
                now=milliseconds(self._clock.time()),
                start=start,
            )
            if live is not None:
                await self._runner.state_changed(session.id, live.state, None)
            _log.info("adoption.confirmed", session=session.id)
            return

    async def _users(self) -> AsyncIterator[User]:
        seen = 0
        while True:
            page, _ = await self._storage.users(limit=_PAGE, offset=seen)
            for user in page:
                yield user
            seen += len(page)
            if len(page) < _PAGE:
                return

    async def _adopt(self, user: User, path: Path) -> None:
        session = await self._storage.session_named(user.id, user.username)
        if session is not None and session.authorised:
            self._deal_with(path, user, "the user has a login here already")
            return
        api_id = user.telegram_api_id or (self._api[0] if self._api else None)
        api_hash = user.telegram_api_hash or (self._api[1] if self._api else None)
        if api_id is None or api_hash is None:
            _log.warning("adoption.waits", user=user.id, cause="neither the user nor the service has an api_id")
            return
        try:
            login = await asyncio.to_thread(read_session_file, path)
        except OSError as error:  # of now, not of the file: the next start sees again
            _log.warning("adoption.waits", user=user.id, file=path.name, cause=error.strerror or str(error))
            return
        except NotASessionFile as error:
            self._deal_with(path, user, str(error))
            return
        # Where the data centre is, we know better than a file of unknown age does.
        centre = self._runner.site.telegram.centre(login.dc_id)
        if centre is None:
            self._deal_with(path, user, f"DC {login.dc_id} is not known here")
            return
        if await self._storage.remember(_fact(login.auth_key), user.id) != user.id:
            self._deal_with(path, user, "it became another user's session before")
            return
        credentials = Credentials(centre.id, centre.host, centre.port, login.auth_key, 0, api_id, api_hash)
        session = session or await self._new_session(user)
        try:
            await self._storage.save_credentials(session.id, credentials)
        except Conflict:
            self._deal_with(path, user, "another session here has the same key")
            return
        live = await self._runner.adopt(session.id, credentials, authorised=True)
        await self._confirm(user, session, live, path)

    async def _confirm(self, user: User, session: Session, live: LiveSession, path: Path) -> None:
        """Ask Telegram whose account it is, for as long as it takes to get an answer."""
        while True:
            try:
                me = await live.call(GetMe(), within=_ASK_WITHIN_S)
            except (Unavailable, Uncertain):
                await self._clock.sleep(_AGAIN_S)
                continue
            except TeleFlowError as error:
                self._deal_with(path, user, error.message)
                return
            await self._storage.authorise_session(
                session.id,
                account_id=me.user_id,
                account_name=me.name,
                phone=me.phone or session.phone,
                now=milliseconds(self._clock.time()),
            )
            await self._runner.state_changed(session.id, live.state, None)
            self._deal_with(path, user, "taken over")
            return

    async def _new_session(self, user: User) -> Session:
        now = milliseconds(self._clock.time())
        session = Session(
            id=new_id("ses"),
            user_id=user.id,
            name=user.username,
            phone=user.telegram_phone or "",
            state=SessionState.CONNECTING,
            cause=None,
            state_since=now,
            authorised=False,
            account_id=None,
            account_name=None,
            created_at=now,
            last_online_at=None,
        )
        await self._storage.add_session(session)
        return session

    def _deal_with(self, path: Path, user: User, outcome: str) -> None:
        _log.info("adoption.done", user=user.id, file=path.name, outcome=outcome)
        try:
            _mark(path).write_text(f"{user.id} {outcome}\n", "utf-8")
        except OSError as error:
            _log.warning("adoption.not_marked", file=path.name, cause=error.strerror)


def _fact(auth_key: bytes) -> str:
    return f"adopted/login/{hashlib.sha256(auth_key).hexdigest()}"


def _mark(path: Path) -> Path:
    return path.with_name(path.name + ".adopted")
