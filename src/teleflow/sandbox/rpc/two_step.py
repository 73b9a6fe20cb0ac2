"""Two-step verification: its state, setting, changing and removing the password, recovering and resetting it."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.auth import awaited, enter, prove
from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.world import srp
from teleflow.sandbox.world.mails import CONFIRM, LENGTH, RECOVER, pattern, valid_address
from teleflow.sandbox.world.records import CloudPassword, Person

_Algo = types.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow
# what a client must leave in front of the salt that it lengthens
_SALT_PREFIX = 8
_HINT_LIMIT = 255
RESET_WAIT = 7 * 24 * 3600
DECLINED_WAIT = 24 * 3600
TMP_PERIOD = (60, 86400)


async def get_password(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    """The state of two-step verification, with fresh SRP numbers when it is on."""
    person = awaited(desk, caller)
    _finish_reset(desk, person)
    answer = types.account.Password(
        new_algo=_Algo(secrets.token_bytes(_SALT_PREFIX), secrets.token_bytes(16), srp.G, srp.P_BYTES),
        new_secure_algo=types.SecurePasswordKdfAlgoUnknown(),
        secure_random=secrets.token_bytes(256),
        pending_reset_date=person.account.password_reset_at or None,
    )
    password = person.password
    if password is None:
        return answer
    answer.email_unconfirmed_pattern = pattern(password.new_email) if password.new_email else None
    if not password.is_set:
        return answer
    if not password.verifier:
        password.verifier = await asyncio.to_thread(srp.verifier, password.plain, password.salt1, password.salt2)
        desk.world.keep(person)
    asked = await asyncio.to_thread(desk.world.logins.challenge, person)
    answer.has_password = True
    answer.has_recovery = bool(password.email) or None
    answer.current_algo = _Algo(password.salt1, password.salt2, srp.G, srp.P_BYTES)
    answer.srp_B, answer.srp_id = asked.B, asked.srp_id
    answer.hint = password.hint or None
    return answer


async def get_password_settings(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    person = desk.me(caller)
    if person.password is None:
        raise RpcError(400, "PASSWORD_EMPTY")
    await prove(desk, person, request.password)
    return types.account.PasswordSettings(email=person.password.email or None)


async def update_password_settings(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Set, change or (with an empty hash) remove the cloud password; and the address that recovers it."""
    person = desk.me(caller)
    if person.password is not None and person.password.is_set:
        await prove(desk, person, request.password)
    _apply(desk, person, request.new_settings)
    return True


def _apply(desk: Desk, person: Person, settings: Any) -> None:
    """Raises EMAIL_UNCONFIRMED_n when the new address has to be confirmed first; the rest holds already."""
    before = person.password
    if settings.email and not valid_address(settings.email):
        raise RpcError(400, "EMAIL_INVALID")
    if settings.new_algo is not None and settings.new_password_hash is not None:
        person.password = _new_password(settings)
        person.account.password_reset_at = 0
        if person.password is not None and before is not None and settings.email is None:
            person.password.email = before.email
    if person.password is None:
        person.account.mails.pop(CONFIRM, None)
    elif settings.email is not None:
        person.password.new_email = settings.email if settings.email != person.password.email else ""
    desk.world.keep(person)
    if person.password is not None and settings.email and person.password.new_email:
        desk.world.mails.send(person, CONFIRM, settings.email)
        raise RpcError(400, f"EMAIL_UNCONFIRMED_{LENGTH}")


def _new_password(settings: Any) -> CloudPassword | None:
    """None: without a hash the password is taken away."""
    algo = settings.new_algo
    if not settings.new_password_hash or isinstance(algo, types.PasswordKdfAlgoUnknown):
        return None
    if not isinstance(algo, _Algo) or algo.g != srp.G or bytes(algo.p) != srp.P_BYTES:
        raise RpcError(400, "NEW_SETTINGS_INVALID")
    if len(algo.salt1) <= _SALT_PREFIX or not algo.salt2:
        raise RpcError(400, "NEW_SALT_INVALID")
    if len(settings.new_password_hash) != len(srp.P_BYTES) or len(settings.hint or "") > _HINT_LIMIT:
        raise RpcError(400, "NEW_SETTINGS_INVALID")
    return CloudPassword(
        bytes(algo.salt1), bytes(algo.salt2), bytes(settings.new_password_hash), hint=settings.hint or ""
    )


# The address that recovers a password.


def _unconfirmed(desk: Desk, caller: Caller) -> tuple[Person, CloudPassword]:
    person = desk.me(caller)
    if person.password is None or not person.password.new_email:
        raise RpcError(400, "EMAIL_HASH_EXPIRED")
    return person, person.password


async def confirm_password_email(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    person, password = _unconfirmed(desk, caller)
    mail = desk.world.mails.take(person, CONFIRM, request.code)
    password.email, password.new_email = mail.address, ""
    desk.world.keep(person)
    return True


async def resend_password_email(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    person, password = _unconfirmed(desk, caller)
    desk.world.mails.send(person, CONFIRM, password.new_email)
    return True


async def cancel_password_email(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    person, password = _unconfirmed(desk, caller)
    password.new_email = ""
    desk.world.mails.drop(person, CONFIRM)
    return True


# A forgotten password.


def _recoverable(desk: Desk, caller: Caller) -> tuple[Person, CloudPassword]:
    person = awaited(desk, caller)
    if person.password is None:
        raise RpcError(400, "PASSWORD_EMPTY")
    if not person.password.email:
        raise RpcError(400, "PASSWORD_RECOVERY_NA")
    return person, person.password


async def request_password_recovery(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    person, password = _recoverable(desk, caller)
    desk.world.mails.send(person, RECOVER, password.email)
    return types.auth.PasswordRecovery(pattern(password.email))


async def check_recovery_password(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    person, _ = _recoverable(desk, caller)
    desk.world.mails.check(person, RECOVER, request.code, expired="PASSWORD_RECOVERY_EXPIRED")
    return True


async def recover_password(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """In without the password, which is replaced or, when no new one is given, gone."""
    person, _ = _recoverable(desk, caller)
    fresh = _new_password(request.new_settings) if request.new_settings is not None else None
    desk.world.mails.take(person, RECOVER, request.code, expired="PASSWORD_RECOVERY_EXPIRED")
    if fresh is not None and person.password is not None:
        fresh.email = person.password.email
    person.password = fresh
    person.account.password_reset_at = 0
    desk.world.keep(person)
    if desk.world.logins.owner_of_pending(caller.key_id) == person.id:
        return enter(desk, caller, person)
    return types.auth.Authorization(user=desk.view.user(person, person))


# A password that nobody can recover.


def _finish_reset(desk: Desk, person: Person) -> bool:
    """A reset that was asked for a week ago happens. Whether it did."""
    due = person.account.password_reset_at
    if not due or due > desk.now():
        return False
    person.password = None
    person.account.password_reset_at = 0
    desk.world.keep(person)
    return True


async def reset_password(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    """Only a device that is in may ask; it takes a week, in which any device can decline."""
    person = desk.me(caller)
    if _finish_reset(desk, person):
        return types.account.ResetPasswordOk()
    if person.password is None:
        raise RpcError(400, "PASSWORD_EMPTY")
    account, now = person.account, desk.now()
    if account.password_reset_declined > now - DECLINED_WAIT:
        return types.account.ResetPasswordFailedWait(account.password_reset_declined + DECLINED_WAIT)
    if not account.password_reset_at:
        account.password_reset_at = now + RESET_WAIT
        desk.world.keep(person)
    return types.account.ResetPasswordRequestedWait(account.password_reset_at)


async def decline_password_reset(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    person = desk.me(caller)
    if not person.account.password_reset_at:
        raise RpcError(400, "RESET_REQUEST_MISSING")
    person.account.password_reset_at = 0
    person.account.password_reset_declined = desk.now()
    desk.world.keep(person)
    return True


async def get_tmp_password(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    person = desk.me(caller)
    if not TMP_PERIOD[0] <= request.period <= TMP_PERIOD[1]:
        raise RpcError(400, "TMP_PASSWORD_PERIOD_INVALID")
    await prove(desk, person, request.password)
    return types.account.TmpPassword(secrets.token_bytes(32), desk.now() + request.period)
