"""The steps of a login, each one request or two on the session's own link.

https://core.telegram.org/api/auth and …/srp. A code that is checked may be used up by the check, so these
requests are not repeated blindly.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from telethon.tl.functions.account import GetPasswordRequest
from telethon.tl.functions.auth import (
    CancelCodeRequest,
    CheckPasswordRequest,
    ResendCodeRequest,
    SendCodeRequest,
    SignInRequest,
)
from telethon.tl.types import CodeSettings
from telethon.tl.types.auth import Authorization, AuthorizationSignUpRequired, SentCode

from teleflow.errors import Invalid, TeleFlowError, Unavailable, Upstream
from teleflow.telegram import errors
from teleflow.telegram.convert.users import display_name
from teleflow.telegram.live import LiveSession
from teleflow.telegram.mtproto.requests import RpcFault, Unreadable
from teleflow.telegram.mtproto.srp import UnknownAlgorithm, prove
from teleflow.telegram.site import Site

WITHIN_S = 25.0
_CANCEL_WITHIN_S = 5.0
_MOVES = 2


@dataclass(frozen=True, slots=True)
class SentLoginCode:
    """`kind`: app, sms, call, flash_call, missed_call, email, fragment… `timeout`: seconds until a resend."""

    phone_code_hash: str
    kind: str
    next_kind: str | None
    timeout: int | None


@dataclass(frozen=True, slots=True)
class Account:
    """Who logged in."""

    id: int
    name: str
    phone: str | None


async def send_code(
    live: LiveSession, site: Site, *, phone: str, api_id: int, api_hash: str
) -> SentLoginCode | Account:
    """auth.sendCode, at the data centre where the number lives. An Account when the login is already done."""
    request = SendCodeRequest(phone.removeprefix("+"), api_id, api_hash, CodeSettings())
    for _ in range(_MOVES + 1):
        try:
            answer = await repeat(live, request)
        except RpcFault as fault:
            centre_id = errors.migrates_to(fault)
            if centre_id is None:
                raise errors.translate(fault) from fault
            centre = site.telegram.centre(centre_id)
            if centre is None:
                raise Unavailable(f"The number lives at DC {centre_id}, which is not known here") from fault
            await live.move(centre)
            continue
        if isinstance(answer, SentCode):
            return _sent(answer)
        return account_of(getattr(answer, "authorization", answer))
    raise Upstream("Telegram sends the login from one data centre to another")


async def resend_code(live: LiveSession, *, phone: str, phone_code_hash: str) -> SentLoginCode | Account:
    """auth.resendCode: by the next way that Telegram has. Raises Limited LOGIN_FLOOD when there is none."""
    try:
        answer = await live.once(ResendCodeRequest(phone.removeprefix("+"), phone_code_hash), within=WITHIN_S)
    except RpcFault as fault:
        raise errors.translate(fault) from fault
    except Unreadable as error:
        raise errors.unreadable() from error
    return _sent(answer) if isinstance(answer, SentCode) else account_of(getattr(answer, "authorization", answer))


async def cancel_code(live: LiveSession, *, phone: str, phone_code_hash: str) -> None:
    """auth.cancelCode, as far as it is heard: the code expires by itself too."""
    try:
        await live.once(CancelCodeRequest(phone.removeprefix("+"), phone_code_hash), within=_CANCEL_WITHIN_S)
    except (RpcFault, TeleFlowError, Unreadable):
        return


async def sign_in(live: LiveSession, *, phone: str, phone_code_hash: str, code: str) -> Account:
    """auth.signIn. Raises Invalid PHONE_CODE_INVALID, PHONE_CODE_EXPIRED, PASSWORD_NEEDED, PHONE_NOT_REGISTERED."""
    request = SignInRequest(phone.removeprefix("+"), phone_code_hash, code)
    try:
        answer = await live.once(request, within=WITHIN_S)
    except RpcFault as fault:
        raise errors.translate(fault) from fault
    except Unreadable as error:
        raise errors.unreadable() from error
    if isinstance(answer, AuthorizationSignUpRequired):
        raise Invalid("The number is not on Telegram: sign up with an official app first", code="PHONE_NOT_REGISTERED")
    return account_of(answer)


async def check_password(live: LiveSession, site: Site, password: str) -> Account:
    """account.getPassword and auth.checkPassword. Raises Invalid PASSWORD_INVALID, Limited LOGIN_FLOOD.

    The parameters are fetched for each try: they expire while a person thinks (SRP_ID_INVALID), so once more then.
    """
    loop = asyncio.get_running_loop()
    for attempt in range(2):
        try:
            state = await repeat(live, GetPasswordRequest())
            proof = await loop.run_in_executor(site.threads, prove, password, state)
            return account_of(await live.once(CheckPasswordRequest(proof), within=WITHIN_S))
        except RpcFault as fault:
            if errors.name_of(fault) == "SRP_ID_INVALID" and attempt == 0:
                continue
            raise errors.translate(fault) from fault
        except UnknownAlgorithm as error:
            raise Upstream("This account's cloud password is checked in a way that is not known here") from error
        except ValueError as error:
            raise Upstream("Telegram's password parameters are unusable") from error
    raise Upstream("Telegram changed the password parameters twice")


async def repeat(live: LiveSession, request: Any) -> Any:
    try:
        return await live.repeat(request, within=WITHIN_S)
    except Unreadable as error:
        raise errors.unreadable() from error


def account_of(answer: Any) -> Account:
    if not isinstance(answer, Authorization) or answer.user is None:
        raise unexpected()
    phone = getattr(answer.user, "phone", None)
    return Account(answer.user.id, display_name(answer.user), f"+{phone.removeprefix('+')}" if phone else None)


def _sent(answer: SentCode) -> SentLoginCode:
    return SentLoginCode(answer.phone_code_hash, _kind(answer.type), _kind(answer.next_type), answer.timeout or None)


def unexpected() -> TeleFlowError:
    return Upstream("Telegram's answer to the login is not known here")


def _kind(answer: Any) -> str:
    """SentCodeTypeMissedCall → missed_call."""
    if answer is None:
        return ""
    name = type(answer).__name__.removeprefix("SentCodeType").removeprefix("CodeType")
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).strip("_")
