"""The simple API's one Telegram account a user: a session that bears the user's name."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

from teleflow.config import Settings
from teleflow.errors import Conflict, Invalid
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.ids import new_id
from teleflow.model.sessions import Session, SessionState
from teleflow.model.users import User
from teleflow.services.accounts import service_credentials
from teleflow.services.ports import CodeSent, LoggedIn, Sessions, Status
from teleflow.services.users import TenantStore

MOST_CODE = 16
MOST_PASSWORD = 1024


class TelegramAccount:
    """Log the caller's own account in, and tell how it is."""

    def __init__(self, storage: TenantStore, sessions: Sessions, settings: Settings, clock: Clock) -> None:
        self._storage = storage
        self._sessions = sessions
        self._settings = settings
        self._clock = clock
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def init(self, user: User) -> CodeSent:
        """Send a code to the user's own phone. Raises Invalid BAD_REQUEST when phone or credentials are missing."""
        if not user.telegram_phone:
            raise Invalid("No telegram_phone is set for this user", code="BAD_REQUEST")
        api_id, api_hash = self._credentials(user)
        async with self._lock(user):
            session = await self._own_session(user, user.telegram_phone)
            return await self._sessions.start_login(session, api_id=api_id, api_hash=api_hash)

    async def verify(self, user: User, code: str, password: str | None) -> LoggedIn:
        code = code.strip().replace(" ", "").replace("-", "")
        if not code or len(code) > MOST_CODE or not code.isascii() or not code.isprintable():
            raise Invalid("The code is not one", details={"field": "code"})
        if password is not None and len(password) > MOST_PASSWORD:
            raise Invalid("The cloud password is too long", details={"field": "password"})
        session = await self.session(user)
        if session is None:
            raise Invalid("No login has been started: call /telegram/init first", code="LOGIN_NOT_STARTED")
        async with self._lock(user):
            return await self._sessions.verify_code(session, code, password)

    async def status(self, user: User) -> Status:
        session = await self.session(user)
        if session is None:
            return Status(
                connected=False,
                state=SessionState.NEW.value,
                phone=user.telegram_phone,
                detail="No login has been started",
            )
        return await self._sessions.status(session)

    async def session(self, user: User) -> Session | None:
        return await self._storage.session_named(user.id, user.username)

    def _credentials(self, user: User) -> tuple[int, str]:
        if user.telegram_api_id is not None and user.telegram_api_hash is not None:
            return user.telegram_api_id, user.telegram_api_hash
        own = service_credentials(self._settings)
        if own is None:
            raise Invalid("No Telegram API credentials are set for this user", code="BAD_REQUEST")
        return own

    async def _own_session(self, user: User, phone: str) -> Session:
        session = await self.session(user)
        now = milliseconds(self._clock.time())
        if session is None:
            session = Session(
                id=new_id("ses"),
                user_id=user.id,
                name=user.username,
                phone=phone,
                state=SessionState.NEW,
                cause=None,
                state_since=now,
                authorised=False,
                account_id=None,
                account_name=None,
                created_at=now,
                last_online_at=None,
            )
            try:
                await self._storage.add_session(session)
            except Conflict:  # made by another process at the same moment
                session = await self.session(user) or session
        if session.phone != phone and not session.authorised:
            await self._storage.set_session_state(session.id, SessionState.NEW, cause=None, now=now, phone=phone)
            session = await self.session(user) or session
        return session

    def _lock(self, user: User) -> asyncio.Lock:
        """One step of a user's login at a time."""
        lock = self._locks.get(user.id)
        if lock is None:
            lock = self._locks[user.id] = asyncio.Lock()
        return lock
