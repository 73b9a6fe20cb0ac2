"""One Telegram account's login under this service's care, and the truth about its state."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from teleflow.model.proxies import Proxy


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

_S = SessionState
_ENDS = frozenset({_S.LOGGED_OUT, _S.BANNED})
_UP = frozenset({_S.CONNECTING, _S.RECONNECTING, _S.DISCONNECTED, _S.FLOOD_HELD, _S.RESTRICTED, _S.FROZEN}) | _ENDS
# What may follow what (docs/sessions.md says why). A state may always follow itself, with another cause. What is not
# here is refused where states are written, so that a report that comes too late changes nothing.
TRANSITIONS: Mapping[SessionState, frozenset[SessionState]] = {
    _S.NEW: frozenset({_S.CODE_SENT, _S.CONNECTING}) | _ENDS,
    _S.CODE_SENT: frozenset({_S.NEW, _S.PASSWORD_NEEDED, _S.CONNECTING}) | _ENDS,
    _S.PASSWORD_NEEDED: frozenset({_S.NEW, _S.CODE_SENT, _S.CONNECTING}) | _ENDS,
    _S.CONNECTING: (_UP | {_S.ONLINE}) - {_S.CONNECTING},
    _S.ONLINE: _UP,
    _S.RECONNECTING: (_UP | {_S.ONLINE}) - {_S.RECONNECTING},
    _S.DISCONNECTED: frozenset({_S.CONNECTING}) | _ENDS,
    _S.FLOOD_HELD: (_UP | {_S.ONLINE}) - {_S.FLOOD_HELD},
    _S.RESTRICTED: (_UP | {_S.ONLINE}) - {_S.RESTRICTED},
    _S.FROZEN: (_UP | {_S.ONLINE}) - {_S.FROZEN},
    _S.LOGGED_OUT: frozenset({_S.NEW, _S.CODE_SENT, _S.CONNECTING}),
    _S.BANNED: frozenset({_S.NEW, _S.CODE_SENT, _S.CONNECTING, _S.LOGGED_OUT}),
}
# They stay true while the connection comes and goes, so they are remembered beside the state.
IMPAIRMENTS = frozenset({_S.RESTRICTED, _S.FROZEN})


def may_follow(now: SessionState, then: SessionState) -> bool:
    """Whether a session that is in `now` may be told to be in `then`."""
    return now is then or then in TRANSITIONS[now]


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it is stored. `authorised` says that Telegram took the login; the rest is told by `state`.

    `impaired`: restricted or frozen, as far as is known, whatever the connection does.
    """

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
    impaired: SessionState | None = None


QR = "qr"  # the `code_type` of a login that waits to be scanned


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """A login under way. It outlives the process: a restart between code and verification changes nothing.

    `phone_code_hash` is Telegram's (auth.sendCode) and never leaves the service; callers are given `ticket`, which
    means nothing elsewhere. `tries` counts wrong codes, `password_tries` wrong cloud passwords.
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
    ticket: str = ""


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


@dataclass(frozen=True, slots=True)
class Profile:
    """How a session presents itself and which way it takes. The device is fixed when the session is made."""

    device: Device = field(default_factory=Device)
    proxy: Proxy | None = None
    api: tuple[int, str] | None = None  # its own api_id and api_hash, where it has them
