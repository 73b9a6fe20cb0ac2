"""Sessions, what opens them, and logins under way, as they are stored."""

from __future__ import annotations

from typing import Protocol

from teleflow.model.audit import AuditEntry
from teleflow.model.sessions import Credentials, LoginAttempt, Profile, Session, SessionState
from teleflow.model.updates import BoxPosition


class SessionStore(Protocol):
    async def add_session(
        self, session: Session, profile: Profile | None = None, *, audit: AuditEntry | None = None
    ) -> None:
        """Raises Conflict(code="SESSION_NAME_TAKEN") when this user has one of that name; NotFound without the user."""

    async def session(self, user_id: str, session_id: str) -> Session | None: ...

    async def session_by_id(self, session_id: str) -> Session | None:
        """Whoever owns it: for the service's own work, never for a caller."""

    async def session_named(self, user_id: str, name: str) -> Session | None: ...

    async def sessions(self, user_id: str, *, limit: int, after: str | None = None) -> list[Session]:
        """A page, newest first; `after` is the last id of the page before."""

    async def sessions_to_run(self, *, limit: int, after: str | None = None) -> list[Session]:
        """Authorised sessions of all users that should be online (not disconnected on purpose), by id."""

    async def count_sessions(self) -> dict[SessionState, int]: ...

    async def set_session_state(
        self, session_id: str, state: SessionState, *, cause: str | None, now: int, phone: str | None = None
    ) -> bool:
        """False, and no effect, when the session is gone or this state may not follow its own (TRANSITIONS).

        Sets `last_online_at` when the state is online. Restricted and frozen are remembered as `impaired` until it is
        online.
        """

    async def rename_session(self, user_id: str, session_id: str, name: str) -> bool:
        """False when it is gone. Raises Conflict(code="SESSION_NAME_TAKEN")."""

    async def profile(self, session_id: str) -> Profile | None:
        """Raises SealBroken when its proxy was sealed with another key or for another row."""

    async def save_profile(self, session_id: str, profile: Profile) -> None:
        """No effect when the session is gone."""

    async def holds_key(self, fingerprint: str) -> bool:
        """Whether any session holds the auth key with this SHA-256 (hex)."""

    async def add_arrival(
        self,
        session: Session,
        credentials: Credentials,
        profile: Profile,
        *,
        start: BoxPosition | None = None,
        audit: AuditEntry | None = None,
    ) -> None:
        """A session with its login, in one batch. Raises as `add_session` and `save_credentials` do.

        `start`: as in `authorise_session`.
        """

    async def save_credentials(self, session_id: str, credentials: Credentials) -> None:
        """Seal and store; they may exist before the login is done. No effect when the session is gone.

        Raises Conflict(code="AUTH_KEY_IN_USE") when another session holds this very auth key.
        """

    async def credentials(self, session_id: str) -> Credentials | None:
        """Raises SealBroken when they were sealed with another key or for another row."""

    async def authorise_session(
        self,
        session_id: str,
        *,
        account_id: int,
        account_name: str,
        phone: str,
        now: int,
        start: BoxPosition | None = None,
        audit: AuditEntry | None = None,
    ) -> None:
        """The login is done: state connecting, the attempt removed, in one batch.

        `start` is where the account stands in its updates. It counts unless the log is of this account already: then
        it goes on from where it was.
        """

    async def forget_authorisation(
        self, session_id: str, state: SessionState, *, cause: str, now: int, audit: AuditEntry | None = None
    ) -> None:
        """Telegram ended the login: auth key and peers are destroyed, the state tells why.

        Queued jobs fail. Those that have left (sending, uncertain) are their sender's to settle.
        """

    async def delete_session(self, user_id: str, session_id: str, *, audit: AuditEntry | None = None) -> bool:
        """Remove with credentials, attempt and peers; its open jobs end first, logs stay.

        Queued jobs are cancelled. Those that have left fail with OUTCOME_UNKNOWN, and their log says so.
        """

    async def put_attempt(self, attempt: LoginAttempt) -> None:
        """Store or replace the session's login attempt."""

    async def attempt(self, session_id: str) -> LoginAttempt | None: ...

    async def attempts_under_way(self, *, limit: int, after: str | None = None) -> list[tuple[str, int | None]]:
        """Sessions that wait for a code or a password, by id, and when their attempts expire (None: it is gone)."""

    async def end_attempt(self, session_id: str) -> None: ...

    async def codes_requested(self, phone: str, *, since: int) -> int:
        """How often a login code was asked for this number, by anybody, since then."""

    async def note_code_request(self, phone: str, *, now: int) -> None: ...
