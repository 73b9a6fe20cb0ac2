"""The one error tree. It knows neither HTTP nor Telegram.

    TeleFlowError
    ├── Invalid          what was asked makes no sense as written
    ├── Unauthenticated  who is asking is not proven
    ├── Forbidden        known, but not allowed
    ├── NotFound         unknown here; a stranger's thing looks the same
    ├── Conflict         the state of things forbids it now
    ├── Limited          too much, too soon: `retry_after` says when
    ├── Upstream         Telegram refused or failed
    │   └── Uncertain    it left, and no answer came
    ├── Unavailable      we cannot serve now; trying again is right
    └── Internal         our fault

`kind` is for the ways out (each maps kinds to its own: HTTP status, exit code, close code); `code` is for
the caller's program and never changes its meaning; `message` is for a person.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, ClassVar


class Kind(enum.StrEnum):
    """What sort of trouble: the ways out map these, never codes."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    LIMITED = "limited"
    UPSTREAM = "upstream"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class TeleFlowError(Exception):
    """An error with a stable code.

    `retry_after` is in seconds. `details` goes to the caller as it is: never put a secret into it.
    `may_have_left`: this answer is to a repeat, and an earlier try was never answered.
    """

    kind: ClassVar[Kind] = Kind.INTERNAL
    code: str = "INTERNAL_ERROR"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        retry_after: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        self.retry_after = retry_after
        self.details = dict(details or {})
        self.may_have_left = False


class Invalid(TeleFlowError):
    kind = Kind.INVALID
    code = "VALIDATION_ERROR"


class Malformed(Invalid):
    """Not even readable: broken JSON, a wrong content type."""

    code = "BAD_REQUEST"


class TooLarge(Invalid):
    code = "PAYLOAD_TOO_LARGE"


class Unauthenticated(TeleFlowError):
    kind = Kind.UNAUTHENTICATED
    code = "UNAUTHORIZED"


class Forbidden(TeleFlowError):
    kind = Kind.FORBIDDEN
    code = "FORBIDDEN"


class NotFound(TeleFlowError):
    kind = Kind.NOT_FOUND
    code = "NOT_FOUND"


class Conflict(TeleFlowError):
    kind = Kind.CONFLICT
    code = "CONFLICT"


class Limited(TeleFlowError):
    kind = Kind.LIMITED
    code = "TOO_MANY_REQUESTS"


class Upstream(TeleFlowError):
    kind = Kind.UPSTREAM
    code = "TELEGRAM_ERROR"


class Uncertain(Upstream):
    """It left for Telegram and no answer came: it may have been done. Only a repeat with the same id is safe."""

    code = "OUTCOME_UNKNOWN"


class Unavailable(TeleFlowError):
    kind = Kind.UNAVAILABLE
    code = "UNAVAILABLE"


class Internal(TeleFlowError):
    """Something that should not be. The message tells a person nothing but that; the log has the rest."""


class StorageUnavailable(Unavailable):
    """The database did not take it: nothing was stored, nothing may be acknowledged."""

    code = "STORAGE_UNAVAILABLE"


class SettingsError(TeleFlowError):
    """The service refuses to start; the message names the variable, never its value."""

    kind = Kind.INVALID
    code = "SETTINGS_INVALID"


class Unreachable(SettingsError):
    """What a setting names does not answer now: the same start may succeed a little later."""

    kind = Kind.UNAVAILABLE
    code = "DATABASE_UNREACHABLE"


class InUse(SettingsError):
    """Another service holds what this one needs."""

    kind = Kind.CONFLICT
    code = "IN_USE"


BY_KIND: Mapping[Kind, type[TeleFlowError]] = {
    each.kind: each
    for each in (Invalid, Unauthenticated, Forbidden, NotFound, Conflict, Limited, Upstream, Unavailable, Internal)
}


def unasked(lost: Uncertain) -> TeleFlowError:
    """What to tell where only a question was lost that came before the act: the act has not left, and that is sure.

    Where the session ended meanwhile, it is why that was: who disconnects one is not told of trouble at Telegram.
    """
    ended = lost.__cause__
    if isinstance(ended, TeleFlowError):
        return type(ended)(ended.message, code=ended.code, retry_after=ended.retry_after, details=ended.details)
    return Unavailable(lost.message, code="TELEGRAM_UNAVAILABLE")
