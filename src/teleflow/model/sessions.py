"""One Telegram account's login under this service's care, and the truth about its state."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class SessionState(enum.StrEnum):
    """What a session is, as its owner is told it.

    Only the session's supervisor and the login change it; every change has a cause and a time.
    """

    NEW = "new"
    CODE_SENT = "code_sent"
    PASSWORD_NEEDED = "password_needed"  # noqa: S105 - the name of a state
    CONNECTING = "connecting"
    ONLINE = "online"
    RECONNECTING = "reconnecting"
    DISCONNECTED = "disconnected"
    FLOOD_HELD = "flood_held"
    RESTRICTED = "restricted"
    FROZEN = "frozen"
    LOGGED_OUT = "logged_out"
    BANNED = "banned"


AUTHORISED_STATES = frozenset(
    {
        SessionState.CONNECTING,
        SessionState.ONLINE,
        SessionState.RECONNECTING,
        SessionState.DISCONNECTED,
        SessionState.FLOOD_HELD,
        SessionState.RESTRICTED,
        SessionState.FROZEN,
    }
)


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it is stored. `authorised` says that Telegram took the login; the rest is told by `state`."""

    id: str
    user_id: str
    name: str
    phone: str
    state: SessionState
    cause: str | None
    state_since: int
    authorised: bool
    account_id: int | None
    account_name: str | None
    created_at: int
    last_online_at: int | None


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """A login under way. It outlives the process: a restart between code and verification changes nothing.

    `phone_code_hash` is Telegram's (auth.sendCode) and never leaves the service. `tries` counts wrong codes,
    `password_tries` wrong cloud passwords.
    """

    session_id: str
    phone: str
    phone_code_hash: str
    code_type: str
    next_type: str | None
    resend_at: int | None
    expires_at: int
    tries: int
    password_tries: int
    created_at: int


@dataclass(frozen=True, slots=True)
class Device:
    """What the account's owner sees in Telegram's list of devices. Stable for the life of a session."""

    model: str = "TeleFlow"
    system: str = "Linux"
    app_version: str = "0.1"
    lang_code: str = "en"
    system_lang_code: str = "en"


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """Everything that opens the account. Sealed at rest, never printed."""

    dc_id: int
    host: str
    port: int
    auth_key: bytes
    salt: int
    api_id: int
    api_hash: str
