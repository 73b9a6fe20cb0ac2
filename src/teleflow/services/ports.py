"""What the use cases need from the layers below: Telegram sessions and the way a message goes out.

The fleet and the outbox implement these; the services know them by these words only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from teleflow.errors import TeleFlowError
from teleflow.model.audit import AuditEntry
from teleflow.model.jobs import SendJob
from teleflow.model.logins import CodeSent, LoggedIn, QrLogin, Status
from teleflow.model.operations.base import Operation
from teleflow.model.pacing import Hold
from teleflow.model.peers import Peer, PeerRef
from teleflow.model.proxies import Proxy
from teleflow.model.sending import Sending
from teleflow.model.session_strings import SessionFormat, StoredLogin
from teleflow.model.sessions import Device, Profile, Session
from teleflow.model.users import User

__all__ = ["CodeSent", "LoggedIn", "Outbox", "Reach", "SessionCare", "Sessions", "Status"]


class Sessions(Protocol):
    """Telegram logins under our care."""

    async def start_login(self, session: Session, *, api_id: int, api_hash: str) -> CodeSent:
        """Send a login code to the session's phone. Raises the tree's errors (LOGIN_FLOOD, PHONE_NUMBER_INVALID …)."""
        ...

    async def verify_code(self, session: Session, code: str, password: str | None) -> LoggedIn:
        """Finish the login.

        Raises Invalid: PHONE_CODE_INVALID, PHONE_CODE_EXPIRED, PASSWORD_NEEDED, PASSWORD_INVALID.
        """
        ...

    async def status(self, session: Session) -> Status:
        """From memory: never waits for the network."""
        ...

    async def log_out(self, session: Session) -> None:
        """Log out at Telegram (best effort, with a deadline), stop the client, erase the stored key."""
        ...

    def awaits_code(self, phone: str) -> bool:
        """Is a login of this account under way here, whose code may have arrived?"""
        ...


class LoginSteps(Protocol):
    """A login by code, and the cloud password of any login. Ids and tickets that don't fit raise the tree's errors."""

    async def resend_code(self, session: Session) -> CodeSent: ...

    async def cancel_login(self, session: Session) -> None: ...

    async def verify_code(
        self, session: Session, code: str, password: str | None, *, ticket: str | None = None
    ) -> LoggedIn: ...

    async def verify_password(self, session: Session, password: str) -> LoggedIn: ...


class QrSteps(Protocol):
    """A login by QR code."""

    async def begin(self, session: Session, *, api_id: int, api_hash: str) -> QrLogin: ...

    async def shown(self, session: Session) -> QrLogin: ...


class Custody(Protocol):
    """What is done with a session that is logged in; see `fleet.sessions`."""

    async def connect(self, session: Session) -> bool: ...

    async def disconnect(self, session: Session) -> None: ...

    async def check_proxy(self, proxy: Proxy) -> None: ...

    async def profile(self, session: Session) -> Profile: ...

    async def reroute(self, session: Session, proxy: Proxy | None) -> None: ...

    async def log_out(self, session: Session, *, audit: AuditEntry | None = None) -> None: ...

    async def delete(self, session: Session, *, audit: AuditEntry | None = None) -> None: ...


class Transfers(Protocol):
    """Logins that come from other programs, and go to them; see `fleet.transfer`."""

    async def read(self, given: str | bytes) -> StoredLogin: ...

    async def take(
        self,
        session: Session,
        login: StoredLogin,
        profile: Profile,
        *,
        api: tuple[int, str],
        audit: AuditEntry | None = None,
    ) -> Session: ...

    async def export(self, session: Session, form: SessionFormat) -> str | bytes: ...


class SessionCare(Sessions, Protocol):
    """All of it. `device` is what new sessions present themselves as, where their owner says nothing."""

    device: Device

    @property
    def logins(self) -> LoginSteps: ...

    @property
    def qr(self) -> QrSteps: ...

    @property
    def sessions(self) -> Custody: ...

    @property
    def transfer(self) -> Transfers: ...


R = TypeVar("R")


class Reach(Protocol):
    """Calls through a session: on a chat that is named, or on none. `within`: seconds that the caller waits.

    Raises what became of it: NotFound(PEER_NOT_FOUND, with what is `missing`), Limited, Forbidden, Upstream …
    """

    async def peer(self, session_id: str, ref: PeerRef, *, within: float) -> Peer: ...

    async def call(self, session_id: str, operation: Operation[R], *, within: float) -> R: ...

    async def on(self, session_id: str, ref: PeerRef, make: Callable[[Peer], Operation[R]], *, within: float) -> R:
        """Do on this chat what `make` makes of its peer; once more when the peer was known wrongly."""
        ...


class Layer(Protocol):
    """The layer that runs here: what there is, by the schema's names."""

    number: int

    def method_names(self) -> Sequence[str]: ...

    def type_names(self) -> Sequence[str]: ...

    def class_of(self, method: str, params: Mapping[str, Any] | None = None) -> tuple[str, str] | None: ...

    def is_repeatable(self, method: str, kind: str) -> bool: ...

    def like(self, method: str) -> Sequence[str]: ...

    def refs(self, method: str, params: Mapping[str, Any]) -> frozenset[str]: ...

    def method(self, name: str) -> dict[str, Any]: ...

    def method_schema(self, name: str) -> dict[str, Any]: ...

    def type_schema(self, name: str) -> dict[str, Any]: ...

    def constructors(self, name: str) -> list[str]: ...


class Outbox(Protocol):
    """Messages on their way."""

    async def send(self, sending: Sending) -> SendJob:
        """Accept, send, and wait for the outcome, at most SEND_WAIT_SECONDS: the job in its state then."""
        ...

    async def post(self, sending: Sending) -> SendJob:
        """Accept, and send when its turn comes: the job as it stands."""
        ...

    async def deliver(self, sending: Sending) -> SendJob:
        """As `post`, and wait at most SEND_WAIT_SECONDS: the outcome, or the job as it stands then."""
        ...

    async def replayed(self, sending: Sending) -> SendJob | None:
        """What became of the first request with this idempotency key; None when it is the first."""
        ...

    async def job(self, user_id: str, job_id: str) -> SendJob:
        """Raises NotFound(JOB_NOT_FOUND)."""
        ...

    async def cancel(self, user_id: str, job_id: str) -> SendJob:
        """Raises NotFound, Conflict(JOB_NOT_OPEN)."""
        ...

    async def written(self) -> None:
        """Wait until what callers have been told is in the log: for those who read it next."""
        ...

    async def reject(self, *, user: User, from_phone: str, chat: str, text: str, error: TeleFlowError) -> None:
        """Log an attempt that failed before it became a job."""
        ...


class Waits(Protocol):
    """Implemented by `telegram.pacing`."""

    def held(self, session_id: str) -> list[Hold]:
        """What the session has to wait for now."""


class FirstContacts(Protocol):
    """Implemented by `outbox.strangers`."""

    per_day: int

    async def spent(self, session_id: str) -> int:
        """Of the last 24 hours. Raises Unavailable."""


class Telegram(Protocol):
    """Implemented by `telegram.reachable`."""

    async def unreachable(self) -> str | None:
        """Why the data centre where accounts begin does not answer; None when it does. Never raises."""
