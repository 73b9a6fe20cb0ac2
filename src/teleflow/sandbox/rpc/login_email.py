"""Login codes by e-mail: setting the address up, proving it, giving it up."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.auth import phone_of, sent_code
from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.world.mails import LENGTH, VERIFY, pattern, valid_address
from teleflow.sandbox.world.records import Attempt, Person


def _concerned(desk: Desk, caller: Caller, purpose: Any) -> tuple[Person, Attempt | None]:
    """Whose address it is: during a login that of the phone. Raises PHONE_CODE_EXPIRED, EMAIL_NOT_SETUP."""
    if not isinstance(purpose, types.EmailVerifyPurposeLoginSetup):
        return desk.me(caller), None
    phone = phone_of(purpose.phone_number)
    attempt = desk.world.logins.find(phone, purpose.phone_code_hash, caller.key_id)
    person = desk.world.people.by_phone(phone)
    if person is None or not attempt.verified:
        raise RpcError(400, "EMAIL_NOT_SETUP")
    return person, attempt


async def send_verify_email_code(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    person, _ = _concerned(desk, caller, request.purpose)
    if not valid_address(request.email):
        raise RpcError(400, "EMAIL_INVALID")
    desk.world.mails.send(person, VERIFY, request.email)
    return types.account.SentEmailCode(pattern(request.email), LENGTH)


async def verify_email(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """From now on, codes that no device shows travel to this address."""
    person, attempt = _concerned(desk, caller, request.purpose)
    given = request.verification
    if not isinstance(given, types.EmailVerificationCode):
        raise RpcError(400, "EMAIL_TOKEN_INVALID")
    mail = desk.world.mails.take(person, VERIFY, given.code, expired="EMAIL_VERIFY_EXPIRED")
    if not isinstance(request.purpose, types.EmailVerifyPurposePassport):
        person.account.login_email = mail.address
        desk.world.keep(person)
    if attempt is not None:
        return types.account.EmailVerifiedLogin(mail.address, sent_code(desk, attempt))
    return types.account.EmailVerified(mail.address)


async def reset_login_email(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Whoever cannot read the letters any more gets the code by SMS."""
    phone = phone_of(request.phone_number)
    logins = desk.world.logins
    attempt = logins.find(phone, request.phone_code_hash, caller.key_id)
    person = desk.world.people.by_phone(phone)
    if person is None or attempt.kind != "email":
        raise RpcError(400, "EMAIL_NOT_SETUP")
    person.account.login_email = ""
    desk.world.keep(person)
    return sent_code(desk, logins.resend(phone, request.phone_code_hash, caller.key_id))
