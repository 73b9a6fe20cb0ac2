"""RPC errors become ours by one table; what is not in it changes nothing."""

from __future__ import annotations

import random
import string

import pytest

from teleflow.errors import Kind
from teleflow.model.sessions import SessionState
from teleflow.telegram import errors
from teleflow.telegram.mtproto.requests import RpcFault

ROWS = [
    (420, "FLOOD_WAIT_3", Kind.LIMITED, "TELEGRAM_FLOOD_WAIT"),
    (420, "FLOOD_PREMIUM_WAIT_7", Kind.LIMITED, "TELEGRAM_FLOOD_WAIT"),
    (420, "SLOWMODE_WAIT_9", Kind.LIMITED, "SLOW_MODE"),
    (400, "PEER_FLOOD", Kind.FORBIDDEN, "TELEGRAM_RESTRICTED"),
    (420, "FROZEN_METHOD_INVALID", Kind.FORBIDDEN, "ACCOUNT_FROZEN"),
    (400, "FROZEN_PARTICIPANT_MISSING", Kind.FORBIDDEN, "ACCOUNT_FROZEN"),
    (401, "AUTH_KEY_UNREGISTERED", Kind.CONFLICT, "SESSION_LOGGED_OUT"),
    (401, "SESSION_REVOKED", Kind.CONFLICT, "SESSION_LOGGED_OUT"),
    (401, "SESSION_EXPIRED", Kind.CONFLICT, "SESSION_LOGGED_OUT"),
    (406, "AUTH_KEY_DUPLICATED", Kind.CONFLICT, "SESSION_LOGGED_OUT"),
    (401, "USER_DEACTIVATED", Kind.FORBIDDEN, "ACCOUNT_BANNED"),
    (401, "USER_DEACTIVATED_BAN", Kind.FORBIDDEN, "ACCOUNT_BANNED"),
    (400, "PHONE_NUMBER_BANNED", Kind.FORBIDDEN, "ACCOUNT_BANNED"),
    (400, "PHONE_CODE_INVALID", Kind.INVALID, "PHONE_CODE_INVALID"),
    (400, "PHONE_CODE_EMPTY", Kind.INVALID, "PHONE_CODE_INVALID"),
    (400, "PHONE_CODE_EXPIRED", Kind.INVALID, "PHONE_CODE_EXPIRED"),
    (401, "SESSION_PASSWORD_NEEDED", Kind.INVALID, "PASSWORD_NEEDED"),
    (400, "PASSWORD_HASH_INVALID", Kind.INVALID, "PASSWORD_INVALID"),
    (400, "PHONE_NUMBER_INVALID", Kind.INVALID, "PHONE_NUMBER_INVALID"),
    (400, "PHONE_NUMBER_UNOCCUPIED", Kind.INVALID, "PHONE_NOT_REGISTERED"),
    (400, "PHONE_NUMBER_FLOOD", Kind.LIMITED, "LOGIN_FLOOD"),
    (406, "PHONE_PASSWORD_FLOOD", Kind.LIMITED, "LOGIN_FLOOD"),
    (406, "SEND_CODE_UNAVAILABLE", Kind.LIMITED, "LOGIN_FLOOD"),
    (400, "API_ID_INVALID", Kind.INVALID, "API_CREDENTIALS_INVALID"),
    (400, "API_ID_PUBLISHED_FLOOD", Kind.INVALID, "API_CREDENTIALS_INVALID"),
    (500, "RPC_CALL_FAIL", Kind.UNAVAILABLE, "TELEGRAM_UNAVAILABLE"),
    (-503, "Timeout", Kind.UNAVAILABLE, "TELEGRAM_UNAVAILABLE"),
    (403, "CHAT_WRITE_FORBIDDEN", Kind.FORBIDDEN, "CHAT_WRITE_FORBIDDEN"),
    (400, "CHAT_ADMIN_REQUIRED", Kind.FORBIDDEN, "CHAT_ADMIN_REQUIRED"),
    (400, "USER_BANNED_IN_CHANNEL", Kind.FORBIDDEN, "USER_BANNED_IN_CHANNEL"),
    (403, "USER_PRIVACY_RESTRICTED", Kind.FORBIDDEN, "USER_PRIVACY_RESTRICTED"),
    (403, "USER_IS_BLOCKED", Kind.FORBIDDEN, "USER_IS_BLOCKED"),
    (400, "YOU_BLOCKED_USER", Kind.FORBIDDEN, "YOU_BLOCKED_USER"),
    (400, "PEER_ID_INVALID", Kind.NOT_FOUND, "PEER_NOT_FOUND"),
    (406, "CHANNEL_PRIVATE", Kind.NOT_FOUND, "PEER_NOT_FOUND"),
    (400, "MESSAGE_TOO_LONG", Kind.INVALID, "MESSAGE_TOO_LONG"),
    (400, "MEDIA_EMPTY", Kind.INVALID, "MEDIA_INVALID"),
    (400, "ENTITY_BOUNDS_INVALID", Kind.INVALID, "ENTITY_INVALID"),
    (400, "FILE_REFERENCE_EXPIRED", Kind.CONFLICT, "FILE_REFERENCE_EXPIRED"),
    (406, "UPDATE_APP_TO_LOGIN", Kind.UPSTREAM, "TELEGRAM_ERROR"),
    (406, "FRESH_CHANGE_PHONE_FORBIDDEN", Kind.UPSTREAM, "TELEGRAM_ERROR"),
]


@pytest.mark.parametrize(("number", "name", "kind", "code"), ROWS)
def test_each_row_of_the_table(number: int, name: str, kind: Kind, code: str) -> None:
    error = errors.translate(RpcFault(number, name))
    assert (error.kind, error.code) == (kind, code)


def test_waits_are_told_in_seconds() -> None:
    assert errors.translate(RpcFault(420, "FLOOD_WAIT_86400")).retry_after == 86_400


def test_five_hundred_unknown_errors_end_no_login_and_are_told_by_name() -> None:
    chance = random.Random(20)
    for _ in range(500):
        name = "_".join("".join(chance.choices(string.ascii_uppercase, k=chance.randint(2, 9))) for _ in range(3))
        fault = RpcFault(chance.choice([400, 401, 403, 404, 406]), name)
        assert errors.ends_login(fault) is None
        error = errors.translate(fault)
        assert error.kind is Kind.UPSTREAM
        assert name in error.message


@pytest.mark.parametrize(
    ("name", "state"),
    [("AUTH_KEY_UNREGISTERED", SessionState.LOGGED_OUT), ("USER_DEACTIVATED_BAN", SessionState.BANNED)],
)
def test_only_named_errors_end_a_login(name: str, state: SessionState) -> None:
    assert errors.ends_login(RpcFault(401, name)) is state
    assert errors.ends_login(RpcFault(401, "SESSION_PASSWORD_NEEDED")) is None


def test_a_migration_names_its_data_centre() -> None:
    assert errors.migrates_to(RpcFault(303, "PHONE_MIGRATE_4")) == 4
    assert errors.migrates_to(RpcFault(420, "FLOOD_WAIT_4")) is None


@pytest.mark.parametrize(
    "name",
    ["CHAT_INVALID", "NEED_CHAT_INVALID", "NEED_MEMBER_INVALID", "SEND_MEDIA_INVALID", "UNKNOWN_METHOD"],
)
def test_an_answer_that_comes_as_a_500_is_an_answer_all_the_same(name: str) -> None:
    assert not errors.is_passing(RpcFault(500, name))
    assert errors.translate(RpcFault(500, name)).kind is not Kind.UNAVAILABLE
    assert errors.is_passing(RpcFault(500, "MEMBER_NO_LOCATION"))
