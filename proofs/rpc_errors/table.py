"""Telegram's errors and what must become of them: HTTP status, our code, the session's state afterwards.

Written from what is promised, and not from the gateway's own table.
"""

from __future__ import annotations

import enum
import random
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


class Way(enum.StrEnum):
    """On which request the error is answered."""

    CODE = "auth.sendCode"
    RESEND = "auth.resendCode"
    SIGN_IN = "auth.signIn"
    PASSWORD = "auth.checkPassword"
    SEND = "messages.sendMessage"
    READ = "messages.getDialogs"


LOGIN = (Way.CODE, Way.RESEND, Way.SIGN_IN, Way.PASSWORD)
CALLS = (Way.SEND, Way.READ)
STANDS = "as it was"
NONE = "none"


@dataclass(frozen=True, slots=True)
class Case:
    """`state`: the session's afterwards; STANDS: as before the request; NONE: no session is left.

    `times`: how often Telegram answers so; what makes the service look again has to be said again.
    """

    number: int
    name: str
    way: Way
    status: int
    code: str | None
    state: str = STANDS
    retry_after: bool = False
    times: int = 1


@dataclass(frozen=True, slots=True)
class _Row:
    names: tuple[tuple[int, str], ...]
    ways: tuple[Way, ...]
    status: int
    code: str | None
    state: str = STANDS
    retry_after: bool = False
    times: int = 1


def _named(number: int, *names: str) -> tuple[tuple[int, str], ...]:
    return tuple((number, name) for name in names)


_ROWS = (
    _Row(_named(420, "FLOOD_WAIT_2", "FLOOD_PREMIUM_WAIT_2"), CALLS, 429, "TELEGRAM_FLOOD_WAIT", "online", True),
    _Row(_named(420, "FLOOD_WAIT_7"), LOGIN, 429, "TELEGRAM_FLOOD_WAIT", retry_after=True),
    _Row(_named(420, "SLOWMODE_WAIT_2"), (Way.SEND,), 429, "SLOW_MODE", "online", True),
    _Row(_named(400, "PEER_FLOOD"), (Way.SEND,), 403, "TELEGRAM_RESTRICTED", "restricted"),
    _Row(_named(420, "FROZEN_METHOD_INVALID"), CALLS, 403, "ACCOUNT_FROZEN", "frozen"),
    _Row(_named(400, "FROZEN_PARTICIPANT_MISSING"), CALLS, 403, "ACCOUNT_FROZEN", "frozen"),
    _Row(
        (*_named(401, "AUTH_KEY_UNREGISTERED", "SESSION_REVOKED", "SESSION_EXPIRED"), (406, "AUTH_KEY_DUPLICATED")),
        CALLS,
        409,
        "SESSION_LOGGED_OUT",
        "logged_out",
    ),
    _Row(_named(401, "USER_DEACTIVATED", "USER_DEACTIVATED_BAN"), CALLS, 403, "ACCOUNT_BANNED", "banned"),
    _Row(_named(400, "PHONE_NUMBER_BANNED"), (Way.CODE,), 403, "ACCOUNT_BANNED", NONE),
    _Row(_named(400, "PHONE_NUMBER_BANNED"), (Way.RESEND, Way.SIGN_IN), 403, "ACCOUNT_BANNED", "banned"),
    _Row(_named(401, "USER_DEACTIVATED_BAN"), (Way.SIGN_IN, Way.PASSWORD), 403, "ACCOUNT_BANNED", "banned"),
    _Row(_named(401, "SESSION_PASSWORD_NEEDED"), (Way.SIGN_IN,), 200, None, "password_needed"),
    _Row(_named(400, "PHONE_CODE_INVALID", "PHONE_CODE_EMPTY"), (Way.SIGN_IN,), 400, "PHONE_CODE_INVALID", "code_sent"),
    _Row(_named(400, "PHONE_CODE_EXPIRED"), (Way.SIGN_IN, Way.RESEND), 400, "PHONE_CODE_EXPIRED", "new"),
    _Row(_named(400, "PASSWORD_HASH_INVALID"), (Way.PASSWORD,), 400, "PASSWORD_INVALID", "password_needed"),
    _Row(_named(400, "SRP_ID_INVALID"), (Way.PASSWORD,), 200, None, "online"),
    _Row(_named(400, "PHONE_NUMBER_INVALID"), (Way.CODE,), 422, "PHONE_NUMBER_INVALID", NONE),
    _Row(_named(400, "PHONE_NUMBER_UNOCCUPIED"), (Way.CODE,), 422, "PHONE_NOT_REGISTERED", NONE),
    _Row(_named(400, "PHONE_NUMBER_UNOCCUPIED"), (Way.SIGN_IN,), 422, "PHONE_NOT_REGISTERED", "new"),
    _Row(_named(400, "PHONE_NUMBER_FLOOD"), (Way.CODE,), 429, "LOGIN_FLOOD", NONE),
    _Row(_named(406, "PHONE_PASSWORD_FLOOD"), (Way.CODE,), 429, "LOGIN_FLOOD", NONE),
    _Row(_named(406, "PHONE_PASSWORD_FLOOD"), (Way.PASSWORD, Way.SIGN_IN), 429, "LOGIN_FLOOD", "new"),
    _Row(_named(406, "SEND_CODE_UNAVAILABLE"), (Way.RESEND,), 429, "LOGIN_FLOOD", "new"),
    _Row(_named(400, "API_ID_INVALID", "API_ID_PUBLISHED_FLOOD"), (Way.CODE,), 422, "API_CREDENTIALS_INVALID", NONE),
    _Row(_named(500, "AUTH_RESTART"), (Way.CODE,), 201, None, "code_sent"),
    _Row((*_named(500, "RPC_CALL_FAIL", "AUTH_RESTART"), (-503, "Timeout")), (Way.READ,), 200, None, "online"),
    _Row((*_named(500, "RPC_CALL_FAIL", "AUTH_RESTART"), (-503, "Timeout")), (Way.SEND,), 201, None, "online"),
    *(
        _Row(((number, name),), (Way.SEND,), 403, name, "online")
        for number, name in (
            (403, "CHAT_WRITE_FORBIDDEN"),
            (400, "CHAT_ADMIN_REQUIRED"),
            (400, "USER_BANNED_IN_CHANNEL"),
            (403, "USER_PRIVACY_RESTRICTED"),
            (403, "USER_IS_BLOCKED"),
            (400, "YOU_BLOCKED_USER"),
        )
    ),
    _Row(((400, "PEER_ID_INVALID"), (406, "CHANNEL_PRIVATE")), (Way.SEND,), 404, "PEER_NOT_FOUND", "online", times=3),
    _Row(_named(400, "MESSAGE_TOO_LONG"), (Way.SEND,), 422, "MESSAGE_TOO_LONG", "online"),
    _Row(_named(400, "MEDIA_EMPTY", "MEDIA_CAPTION_TOO_LONG"), (Way.SEND,), 422, "MEDIA_INVALID", "online"),
    _Row(_named(400, "ENTITY_BOUNDS_INVALID"), (Way.SEND,), 422, "ENTITY_INVALID", "online"),
    _Row(_named(400, "FILE_REFERENCE_EXPIRED"), (Way.SEND,), 409, "FILE_REFERENCE_EXPIRED", "online"),
    _Row(_named(406, "UPDATE_APP_TO_LOGIN"), (Way.CODE,), 502, "TELEGRAM_ERROR", NONE),
    _Row(_named(406, "UPDATE_APP_TO_LOGIN"), (Way.RESEND, Way.SIGN_IN), 502, "TELEGRAM_ERROR", "code_sent"),
    _Row(_named(406, "FRESH_CHANGE_PHONE_FORBIDDEN"), CALLS, 502, "TELEGRAM_ERROR", "online"),
)
_EVERY_ENDING = frozenset({"restricted", "frozen", "logged_out", "banned"})


def cases() -> Iterator[Case]:
    """Every name of every row on every way that it concerns."""
    for row in _ROWS:
        for number, name in row.names:
            for way in row.ways:
                yield Case(number, name, way, row.status, row.code, row.state, row.retry_after, row.times)


def needs_own_session(case: Case) -> bool:
    """Whether the session is not the same afterwards."""
    return case.state in _EVERY_ENDING or case.retry_after


def unknown(chance: random.Random, count: int, calls: Sequence[Way] = CALLS) -> Iterator[Case]:
    """Names that nobody has heard of, in the classes that Telegram answers; one in 25 meets a login."""
    for turn in range(count):
        words = ("".join(chance.choices(string.ascii_uppercase, k=chance.randint(2, 9))) for _ in range(3))
        name = "_".join(("ZZ", *words))
        way = calls[turn % len(calls)] if turn % 25 else Way.SIGN_IN
        state = "code_sent" if way is Way.SIGN_IN else "online"
        yield Case(chance.choice([400, 401, 403, 404, 405, 406, 420]), name, way, 502, "TELEGRAM_ERROR", state)
