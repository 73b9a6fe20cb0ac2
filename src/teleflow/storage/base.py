"""The storage port: units of work in domain words.

Each method is one atomic batch: when it returns, everything in it is on disk (full sync); when it raises,
nothing of it is. `StorageUnavailable` means that nothing was stored and that trying again is right. Every
method that touches a user's rows takes the `user_id`, and a stranger's row looks like no row. All instants
are Unix milliseconds, and `now` is always the caller's. Lists are pages: `limit` is required, at most 1,000.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from teleflow.model.jobs import SendJob, SendState
from teleflow.model.messages import LogEntry
from teleflow.model.peers import Known
from teleflow.model.sessions import Credentials, LoginAttempt, Session, SessionState
from teleflow.model.users import Login, RefreshToken, Role, User


class Rotation(enum.Enum):
    """How the use of a refresh token ended."""

    ROTATED = "rotated"  # the successor is stored, the old token is dead
    UNKNOWN = "unknown"  # never issued, expired, or its login is gone
    LOST_RACE = "lost_race"  # a parallel use won; this one arrived before that was decided, and harms nothing
    REUSED = "reused"  # a dead token came back: its whole login is gone now


@dataclass(frozen=True, slots=True)
class PhoneLookup:
    """The remembered answer to "who has this number?": `known` is None when Telegram would not say."""

    known: Known | None
    looked_up_at: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """`job` is the stored one: with `replayed`, that of the first request which came with the same key."""

    job: SendJob
    replayed: bool


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a send ended, or why it has not yet; back to `queued` with `due_at` when it waits.

    `detail` is what the message log tells a person. A `chat_id` that is None leaves what is known.
    """

    state: SendState
    detail: str
    attempts: int
    message_id: int | None = None
    chat_id: int | None = None
    error_kind: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    retry_after: float | None = None
    due_at: int | None = None
    result: str | None = None


class UserStore(Protocol):
    async def add_user(self, user: User) -> None:
        """Raises Conflict(code="USERNAME_TAKEN") when the name is in use; names compare exactly."""

    async def user(self, user_id: str) -> User | None: ...

    async def user_named(self, username: str) -> User | None: ...

    async def users(self, *, limit: int, offset: int = 0) -> tuple[list[User], int]:
        """A page, newest first, and how many there are in all."""

    async def set_password(self, user_id: str, password_hash: str, *, end_logins: bool) -> bool:
        """False when the user is gone. With `end_logins` every login of theirs ends in the same batch."""

    async def update_user(
        self,
        user_id: str,
        *,
        role: Role | None = None,
        telegram_phone: str | None = None,
        telegram_api_id: int | None = None,
        telegram_api_hash: str | None = None,
        description: str | None = None,
    ) -> User | None:
        """Change what is given (None leaves as it is); the user as stored then, None when gone."""

    async def delete_user(self, user_id: str) -> bool:
        """Remove the user with logins, tokens, sessions, peers, login attempts, idempotency keys and jobs.

        Jobs that have not ended end first (as in delete_session), so that their log rows tell so; log rows stay,
        owned by the dead id, which no later user of that name can see. False when the user was gone already.
        Ended jobs, which nobody can see any more, may go in steps after the rest.
        """


class LoginStore(Protocol):
    async def add_login(self, login: Login, token: RefreshToken) -> None:
        """Raises NotFound(code="USER_NOT_FOUND") when the user is gone."""

    async def login_user(self, login_id: str, *, now: int) -> User | None:
        """Whose login this is, while it lives: the check behind every access token."""

    async def rotate_refresh(
        self, old_hash: str, successor_hash: str, *, arrived_at: int, now: int, expires_at: int
    ) -> tuple[Rotation, User | None, str | None]:
        """Replace a refresh token by its successor: (outcome, user, login id).

        Exactly one of parallel uses gets ROTATED. A used token gives LOST_RACE when `arrived_at` is not
        later than the moment at which its rotation was on disk, else REUSED, and the login with all its tokens is
        removed. The login's expiry moves to `expires_at`.
        """

    async def end_login(self, refresh_hash: str) -> str | None:
        """Remove the login that this token (used or not) belongs to; its id, None when there is none."""

    async def end_login_id(self, login_id: str) -> bool: ...

    async def end_logins(self, user_id: str) -> list[str]:
        """Remove every login of the user; their ids."""


class SessionStore(Protocol):
    async def add_session(self, session: Session) -> None:
        """Raises Conflict(code="SESSION_NAME_TAKEN") when this user has one of that name; NotFound without the user."""

    async def session(self, user_id: str, session_id: str) -> Session | None: ...

    async def session_named(self, user_id: str, name: str) -> Session | None: ...

    async def sessions(self, user_id: str, *, limit: int, after: str | None = None) -> list[Session]:
        """A page, newest first; `after` is the last id of the page before."""

    async def sessions_to_run(self, *, limit: int, after: str | None = None) -> list[Session]:
        """Authorised sessions of all users that should be online (not disconnected on purpose), by id."""

    async def count_sessions(self) -> dict[SessionState, int]: ...

    async def set_session_state(
        self, session_id: str, state: SessionState, *, cause: str | None, now: int, phone: str | None = None
    ) -> None:
        """No effect when the session is gone. Sets `last_online_at` when the state is online."""

    async def save_credentials(self, session_id: str, credentials: Credentials) -> None:
        """Seal and store; they may exist before the login is done. No effect when the session is gone.

        Raises Conflict(code="AUTH_KEY_IN_USE") when another session holds this very auth key.
        """

    async def credentials(self, session_id: str) -> Credentials | None:
        """Raises SealBroken when they were sealed with another key or for another row."""

    async def authorise_session(
        self, session_id: str, *, account_id: int, account_name: str, phone: str, now: int
    ) -> None:
        """The login is done: state connecting, the attempt removed, in one batch."""

    async def forget_authorisation(self, session_id: str, state: SessionState, *, cause: str, now: int) -> None:
        """Telegram ended the login: auth key and peers are destroyed, the state tells why.

        Queued jobs fail. Those that have left (sending, uncertain) are their sender's to settle.
        """

    async def delete_session(self, user_id: str, session_id: str) -> bool:
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


class PeerStore(Protocol):
    async def remember_peers(self, session_id: str, known: Sequence[Known], *, now: int) -> None:
        """Store or refresh; a long list may be stored in parts. A peer with a phone answers phone_lookup too.

        A username belongs to one peer: whoever is told to have it takes it from the one before.
        """

    async def peer(self, session_id: str, peer_id: int) -> Known | None:
        """By marked id. Raises SealBroken."""

    async def peer_named(self, session_id: str, username: str, *, since: int) -> Known | None:
        """Who had this username (in any case) when it was last heard of, not before `since`."""

    async def phone_lookup(self, session_id: str, phone: str) -> PhoneLookup | None: ...

    async def put_phone_lookup(self, session_id: str, phone: str, known: Known | None, *, now: int) -> None:
        """Remember an answer, also that nobody was found; with `known` the peer is remembered in the same batch."""


class SendStore(Protocol):
    """Jobs and the message log. The two hot methods are accept_send and settle_send."""

    async def accept_send(
        self,
        job: SendJob,
        *,
        username: str,
        from_phone: str,
        idempotency_key: str | None,
        fingerprint: str,
        node: str,
        lease_until: int,
    ) -> Accepted:
        """Store the job, its log row and the idempotency key, claimed for `node` until `lease_until`.

        With a key that this user has used before: the first job, `replayed`; raises
        Invalid(code="IDEMPOTENCY_KEY_REUSED") when its fingerprint differs. Raises NotFound when the user is
        gone; whether the session is still there is for the sender to find out.
        """

    async def settle_send(self, job_id: str, settlement: Settlement, *, now: int) -> SendJob | None:
        """Write the outcome to the job and its log row. A final state is never changed; the row as it is then."""

    async def cancel_send(self, job_id: str, *, detail: str, now: int) -> bool:
        """Make a job that never left final. False when it has left (sending, uncertain) or ended."""

    async def mark_sending(self, job_id: str, *, attempts: int, node: str, lease_until: int) -> bool:
        """Queued → sending, before the first byte leaves. False when it was cancelled or another node has it.

        A job that is uncertain stays so while it is sent again.
        """

    async def claim_sends(self, *, node: str, now: int, lease_until: int, limit: int) -> list[SendJob]:
        """Open jobs whose lease ran out, oldest first, now leased to `node`."""

    async def renew_leases(self, job_ids: Sequence[str], *, node: str, lease_until: int) -> None: ...

    async def release_leases(self, *, except_node: str) -> int:
        """Single node at start: whoever held a lease before is dead. How many were freed."""

    async def send_job(self, user_id: str, job_id: str) -> SendJob | None: ...

    async def log_entries(self, user_id: str | None, *, limit: int, before: int | None = None) -> list[LogEntry]:
        """The message log, newest first; of everybody when `user_id` is None. `before`: a LogEntry's `number`."""

    async def log_rejected(
        self,
        *,
        user_id: str,
        username: str,
        from_phone: str,
        to_phone: str,
        message: str,
        detail: str,
        now: int,
    ) -> None:
        """A log row for an attempt that failed before it became a job."""

    async def open_jobs(self) -> int:
        """How many jobs have not ended."""


class Storage(UserStore, LoginStore, SessionStore, PeerStore, SendStore, Protocol):
    """One database."""

    async def start(self) -> None:
        """Open, migrate under a lock, check the seal key. Raises SettingsError with a clear line."""

    async def stop(self) -> None: ...

    async def ping(self) -> None:
        """Raises StorageUnavailable when it does not answer."""

    async def sweep(self, *, now: int) -> int:
        """Remove what has expired: logins, tokens, attempts, code requests (24 h), idempotency keys (72 h).

        Bounded: some hundred rows of a kind in one call; how many went. Call again while it is not 0.
        """

    async def remembered(self, key: str) -> str | None:
        """A small fact of the installation (not of a user)."""

    async def remember(self, key: str, value: str) -> str:
        """Store unless there is one; the value that stands."""
