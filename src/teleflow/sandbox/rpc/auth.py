"""auth.*: logging in by code and cloud password, signing up, logging out."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.world import srp
from teleflow.sandbox.world.mails import pattern
from teleflow.sandbox.world.people import digits
from teleflow.sandbox.world.records import Attempt, Person

CODE_TIMEOUT = 60
MOST_LOGOUT_TOKENS = 20
_SENT = {
    "app": types.auth.SentCodeTypeApp,
    "sms": types.auth.SentCodeTypeSms,
    "call": types.auth.SentCodeTypeCall,
    # the last digits of the number that calls
    "missed_call": lambda length: types.auth.SentCodeTypeMissedCall("+1555", length),
    "flash_call": lambda length: types.auth.SentCodeTypeFlashCall("+1555" + "X" * length),
    "fragment_sms": lambda length: types.auth.SentCodeTypeFragmentSms("https://fragment.com/login", length),
}
_NEXT = {
    "sms": types.auth.CodeTypeSms,
    "call": types.auth.CodeTypeCall,
    "missed_call": types.auth.CodeTypeMissedCall,
    "flash_call": types.auth.CodeTypeFlashCall,
    "fragment_sms": types.auth.CodeTypeFragmentSms,
}


def phone_of(text: str) -> str:
    plain = digits(text)
    if plain is None:
        raise RpcError(400, "PHONE_NUMBER_INVALID")
    return plain


def sent_code(desk: Desk, attempt: Attempt) -> Any:
    following = desk.world.logins.next_kind(attempt)
    length = len(attempt.code)
    return types.auth.SentCode(
        type=_by_mail(desk, attempt, length) if attempt.kind == "email" else _SENT[attempt.kind](length),
        phone_code_hash=attempt.hash,
        next_type=_NEXT[following]() if following in _NEXT else None,
        timeout=CODE_TIMEOUT if following is not None else None,
    )


def _remembered(desk: Desk, phone: str, tokens: Iterable[bytes]) -> Person | None:
    """The account that this client has logged out of, as the token it got then shows. A token is good once."""
    person = desk.world.people.by_phone(phone)
    for token in tokens:
        if person is not None and bytes(token) in person.account.logout_tokens:
            person.account.logout_tokens.remove(bytes(token))
            desk.world.keep(person)
            return person
    return None


def _by_mail(desk: Desk, attempt: Attempt, length: int) -> Any:
    person = desk.world.people.by_phone(attempt.phone)
    address = person.account.login_email if person is not None else ""
    return types.auth.SentCodeTypeEmailCode(pattern(address), length, reset_available_period=0)


async def send_code(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    if request.api_id <= 0 or not request.api_hash:
        raise RpcError(400, "API_ID_INVALID")
    phone = phone_of(request.phone_number)
    _at_home(desk, phone)
    remembered = _remembered(desk, phone, request.settings.logout_tokens or ())
    if remembered is not None:
        return types.auth.SentCodeSuccess(enter(desk, caller, remembered))
    return sent_code(desk, desk.world.request_code(phone, caller.key_id))


def _at_home(desk: Desk, phone: str) -> None:
    """Raises PHONE_MIGRATE_n for an account that lives elsewhere, PHONE_NUMBER_BANNED for one that may not come."""
    desk.world.standing.check_usable(phone)
    person = desk.world.people.by_phone(phone)
    if person is not None and desk.home_of(person) != desk.dc_id:
        raise RpcError(303, f"PHONE_MIGRATE_{desk.home_of(person)}")


async def resend_code(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    phone = phone_of(request.phone_number)
    return sent_code(desk, desk.world.logins.resend(phone, request.phone_code_hash, caller.key_id))


async def cancel_code(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    logins = desk.world.logins
    logins.forget(logins.find(phone_of(request.phone_number), request.phone_code_hash, caller.key_id))
    return True


async def sign_in(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """With the right code: in, or asked for the cloud password, or asked to sign up."""
    logins = desk.world.logins
    phone = phone_of(request.phone_number)
    attempt = logins.find(phone, request.phone_code_hash, caller.key_id)
    logins.verify(attempt, _given(attempt, request))
    person = desk.world.people.by_phone(phone)
    if person is None:
        return types.auth.AuthorizationSignUpRequired()
    logins.forget(attempt)
    if person.password is not None:
        need_password(desk, caller, person)
    return enter(desk, caller, person)


def _given(attempt: Attempt, request: TLRequest) -> str:
    """The code; one that came by e-mail has a field of its own."""
    mailed = request.email_verification
    if attempt.kind == "email":
        return mailed.code if isinstance(mailed, types.EmailVerificationCode) else ""
    return request.phone_code or ""


def need_password(desk: Desk, caller: Caller, person: Person, *, hash_: int = 0) -> None:
    """The key has shown all but the cloud password. Raises SESSION_PASSWORD_NEEDED."""
    desk.world.logins.owes_password(caller.key_id, person, hash_)
    raise RpcError(401, "SESSION_PASSWORD_NEEDED")


async def report_missing_code(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    desk.world.logins.find(phone_of(request.phone_number), request.phone_code_hash, caller.key_id)
    return True


async def sign_up(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Needs a code that `signIn` has accepted."""
    logins = desk.world.logins
    phone = phone_of(request.phone_number)
    attempt = logins.find(phone, request.phone_code_hash, caller.key_id)
    if not attempt.verified:
        raise RpcError(400, "PHONE_CODE_INVALID")
    person = desk.world.create_person(phone, request.first_name, request.last_name)
    if desk.dc_id != desk.main_dc:
        desk.world.standing.move(person, desk.dc_id)
    logins.forget(attempt)
    return enter(desk, caller, person)


def enter(desk: Desk, caller: Caller, person: Person, *, hash_: int = 0) -> Any:
    """Log a key in; the account's other devices are told. Raises for an account that nobody may enter."""
    refusal = desk.world.standing.refusal(person)
    if refusal is not None:
        raise RpcError(*refusal)
    known = desk.world.authorize(person, caller, hash_=hash_)
    desk.introduced(caller.key_id)
    if len(desk.world.logins.of_person(person.id)) > 1:
        place = known.address.rpartition(":")[0]
        told = types.UpdateNewAuthorization(
            known.hash, unconfirmed=True, date=known.created, device=known.device_model, location=place
        )
        desk.tell(person, told, caller)
    return types.auth.Authorization(user=desk.view.user(person, person))


async def check_password(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    person = awaited(desk, caller)
    await prove(desk, person, request.password)
    if desk.world.logins.owner_of_pending(caller.key_id) != person.id:
        # asked again by a key that is already in: nothing to enter
        return types.auth.Authorization(user=desk.view.user(person, person))
    return enter(desk, caller, person)


def awaited(desk: Desk, caller: Caller) -> Person:
    """The person that the key belongs to, or is about to belong to."""
    pending = desk.world.logins.owner_of_pending(caller.key_id)
    if pending is not None and pending in desk.world.people.by_id:
        return desk.world.people.by_id[pending]
    return desk.me(caller)


async def prove(desk: Desk, person: Person, given: Any) -> None:
    """Check an InputCheckPasswordSRP. Raises PASSWORD_HASH_INVALID and its kin."""
    if not isinstance(given, types.InputCheckPasswordSRP):
        raise RpcError(400, "PASSWORD_HASH_INVALID")
    logins = desk.world.logins
    asked, password = logins.redeem(person, given.srp_id)
    right = await asyncio.to_thread(srp.check, asked, password.salt1, password.salt2, bytes(given.A), bytes(given.M1))
    logins.password_checked(person, right=right)


async def log_out(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    """The answer still travels over this connection; the next request of the key is a stranger's."""
    me = desk.me(caller)
    token: bytes | None = None
    if me.password is not None and me.password.is_set:
        # with two steps, a client that was in may come back without a code
        token = secrets.token_bytes(32)
        me.account.logout_tokens = [*me.account.logout_tokens, token][-MOST_LOGOUT_TOKENS:]
        desk.world.keep(me)
    desk.world.log_out(caller.key_id)
    return types.auth.LoggedOut(token)
