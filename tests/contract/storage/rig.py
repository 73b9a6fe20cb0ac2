"""Values to store, and a clock that tests set."""

from __future__ import annotations

import dataclasses
from typing import Any

from teleflow.kit.clock import SystemClock
from teleflow.kit.ids import new_id, random_int64
from teleflow.model.jobs import SendJob, SendState, Text
from teleflow.model.sessions import Credentials, LoginAttempt, Session, SessionState
from teleflow.model.users import Login, RefreshToken, Role, User
from teleflow.storage.base import Accepted, Settlement, Storage

NOW = (
    2_000_000_000_000  # a Unix instant in ms, years ahead: nothing has expired for a server that goes by its own clock
)
HOUR = 3_600_000
KEY = "a sealing key for tests, forty letters.."


class SetClock(SystemClock):
    """Wall time is what the test says; monotonic time is real."""

    def __init__(self, milliseconds: int = NOW) -> None:
        self.now = milliseconds

    def time(self) -> float:
        return self.now / 1000


def a_user(**changes: Any) -> User:
    id_ = new_id("usr")
    user = User(id_, f"name of {id_}", Role.USER, "$argon2id$x", "+15550001", 12345, "an api hash", None, NOW)
    return dataclasses.replace(user, **changes)


def a_login(user: User, **changes: Any) -> tuple[Login, RefreshToken]:
    login = Login(new_id("lgn"), user.id, NOW, NOW + HOUR)
    login = dataclasses.replace(login, **changes)
    return login, RefreshToken(f"hash of {login.id}", login.id, user.id, NOW, login.expires_at)


def a_session(user: User, **changes: Any) -> Session:
    id_ = new_id("ses")
    session = Session(
        id_, user.id, f"name of {id_}", "+15550001", SessionState.NEW, None, NOW, False, None, None, NOW, None
    )
    return dataclasses.replace(session, **changes)


def some_credentials(**changes: Any) -> Credentials:
    auth_key = random_int64().to_bytes(8, "big", signed=True) * 32
    return dataclasses.replace(Credentials(2, "127.0.0.1", 443, auth_key, -77, 12345, "an api hash"), **changes)


def an_attempt(session: Session, **changes: Any) -> LoginAttempt:
    attempt = LoginAttempt(session.id, "+15550001", "code hash", "app", "sms", NOW + 60_000, NOW + HOUR, 0, 0, NOW)
    return dataclasses.replace(attempt, **changes)


def a_job(user: User, session_id: str = "ses_x", *, text: str = "hello", **changes: Any) -> SendJob:
    job = SendJob(new_id("job"), user.id, session_id, random_int64(), "+15550002", Text(text), SendState.QUEUED, 0, NOW)
    return dataclasses.replace(job, **changes)


async def stored_user(storage: Storage, **changes: Any) -> User:
    user = a_user(**changes)
    await storage.add_user(user)
    return user


async def stored_session(storage: Storage, user: User, **changes: Any) -> Session:
    session = a_session(user, **changes)
    await storage.add_session(session)
    return session


async def accept(
    storage: Storage,
    job: SendJob,
    *,
    key: str | None = None,
    fingerprint: str = "print",
    node: str = "node-a",
    lease_until: int = NOW + 30_000,
) -> Accepted:
    return await storage.accept_send(
        job,
        username="ann",
        from_phone="+15550001",
        idempotency_key=key,
        fingerprint=fingerprint,
        node=node,
        lease_until=lease_until,
    )


SENT = Settlement(SendState.SENT, "Message sent", 1, message_id=42, chat_id=777)
FAILED = Settlement(
    SendState.FAILED,
    "Wait 30 s",
    2,
    error_code="FLOOD_WAIT",
    error_message="Telegram wants 30 s of quiet",
    retry_after=30.5,
)
UNCERTAIN = Settlement(SendState.UNCERTAIN, "No answer yet", 1)
