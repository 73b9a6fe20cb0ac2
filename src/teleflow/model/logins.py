"""What the steps of a login tell whoever takes them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CodeSent:
    """A login code is on its way, or none is needed (`already`). `timeout`: seconds until it may be asked again."""

    code_type: str
    timeout: int | None
    already: bool
    phone: str


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The account that took the login."""

    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Status:
    """The truth about a session now. `detail` is for a person."""

    connected: bool
    state: str
    phone: str | None = None
    name: str | None = None
    detail: str | None = None
