"""What the steps of a login tell whoever takes them."""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CodeSent:
    """A login code is on its way, or none is needed (`already`). `timeout`: seconds until it may be asked again.

    `ticket` names this login to its caller; `next_type` is how the next code would come.
    """

    code_type: str
    timeout: int | None
    already: bool
    phone: str
    ticket: str = ""
    next_type: str | None = None


class QrStep(enum.StrEnum):
    QR_REQUIRED = "QR_REQUIRED"
    PASSWORD_REQUIRED = "PASSWORD_REQUIRED"  # noqa: S105 - the name of a step
    LOGGED_IN = "LOGGED_IN"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class QrLogin:
    """How a login by QR code stands. `url` is what the code holds; `expires_at` in Unix milliseconds."""

    step: QrStep
    url: str | None = None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The account that took the login."""

    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Status:
    """The truth about a session now. `detail` is for a person. `live`: it runs here, and `cause` is its own."""

    connected: bool
    state: str
    phone: str | None = None
    name: str | None = None
    detail: str | None = None
    live: bool = False
    cause: str | None = None
