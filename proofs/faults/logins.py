"""Verbs about getting in: codes, passwords, QR codes, and accounts that live elsewhere."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from telethon import errors
from telethon.password import compute_check
from telethon.tl import functions, types

from proofs.faults.stage import Case, Stage, expect, raises, within

NEXT = {
    "sms": (types.auth.CodeTypeSms, types.auth.SentCodeTypeSms),
    "call": (types.auth.CodeTypeCall, types.auth.SentCodeTypeCall),
    "flash_call": (types.auth.CodeTypeFlashCall, types.auth.SentCodeTypeFlashCall),
    "missed_call": (types.auth.CodeTypeMissedCall, types.auth.SentCodeTypeMissedCall),
    "fragment_sms": (types.auth.CodeTypeFragmentSms, types.auth.SentCodeTypeFragmentSms),
}


async def expired(stage: Stage) -> str:
    phone, other = await stage.person(), await stage.person()
    client, second = await stage.stranger(), await stage.stranger()
    for each, number in ((client, phone), (second, other)):
        await within(each.send_code_request(number))
    await stage.inject("expire_code", {"phone": phone})
    await raises(errors.PhoneCodeExpiredError, client.sign_in(phone, await stage.code(phone)))
    await within(second.sign_in(other, await stage.code(other)))
    return "PhoneCodeExpiredError for the right code; another's is good"


async def expired_on_call(stage: Stage) -> str:
    phone = await stage.person()
    client = await stage.stranger()
    await within(client.send_code_request(phone))
    await stage.inject("expire_code", {"phone": phone, "method": "auth.signIn", "nth": 1})
    await raises(errors.PhoneCodeExpiredError, client.sign_in(phone, await stage.code(phone)))
    return "PhoneCodeExpiredError in the moment of the sign-in"


def _ask(phone: str) -> Any:
    return functions.auth.SendCodeRequest(phone, 1, "hash", types.CodeSettings())


async def resent(stage: Stage, kind: str) -> str:
    phone = await stage.person()
    client = await stage.stranger()
    await stage.inject("resend_type", {"phone": phone}, next=kind)
    sent = await within(client(_ask(phone)))
    expect(isinstance(sent.next_type, NEXT[kind][0]), sent.next_type)
    again = await within(client(functions.auth.ResendCodeRequest(phone, sent.phone_code_hash)))
    expect(isinstance(again.type, NEXT[kind][1]), again.type)
    return f"next_type and then type are {type(again.type).__name__.removeprefix('SentCodeType')}"


async def not_resent(stage: Stage) -> str:
    phone = await stage.person()
    client = await stage.stranger()
    await stage.inject("resend_type", {"phone": phone}, next="none")
    sent = await within(client(_ask(phone)))
    expect(sent.next_type is None, sent)
    again = client(functions.auth.ResendCodeRequest(phone, sent.phone_code_hash))
    await raises(errors.SendCodeUnavailableError, again)
    return "no next_type, SendCodeUnavailableError"


async def rotated(stage: Stage) -> str:
    phone = await stage.person(cloudPassword="open sesame")
    client = await stage.stranger()
    await within(client.send_code_request(phone))
    await raises(errors.SessionPasswordNeededError, client.sign_in(phone, await stage.code(phone)))
    asked = await within(client(functions.account.GetPasswordRequest()))
    await stage.inject("rotate_srp")
    check = functions.auth.CheckPasswordRequest(compute_check(asked, "open sesame"))
    await raises(errors.SrpIdInvalidError, client(check))
    await within(client.sign_in(password="open sesame"))
    return "SrpIdInvalidError for the old challenge, a new one is good"


async def over(stage: Stage) -> str:
    phone = await stage.client(await stage.person())
    client = await stage.stranger()
    shown = await within(client.qr_login())
    await stage.inject("qr_expire")
    await raises(errors.AuthTokenExpiredError, phone(functions.auth.AcceptLoginTokenRequest(shown.token)))
    await within(shown.recreate())
    await within(phone(functions.auth.AcceptLoginTokenRequest(shown.token)))
    return "AuthTokenExpiredError when scanned, a new code is good"


async def _waiting(stage: Stage) -> tuple[Any, asyncio.Future[Any]]:
    client = await stage.stranger(request_retries=5, receive_updates=True)
    shown = await within(client.qr_login())
    waiting = asyncio.ensure_future(shown.wait(5))
    await asyncio.sleep(0)
    return client, waiting


async def scanned(stage: Stage) -> str:
    phone = await stage.person()
    client, waiting = await _waiting(stage)
    await stage.inject("qr_accept", {"phone": phone})
    await within(waiting)
    expect(f"+{(await within(client.get_me())).phone}" == phone, "somebody else")
    return "told that it is scanned, logged in"


async def scanned_with_password(stage: Stage) -> str:
    phone = await stage.person()
    client, waiting = await _waiting(stage)
    await stage.inject("qr_accept_2fa", {"phone": phone}, password="pw")
    await raises(errors.SessionPasswordNeededError, waiting)
    await within(client.sign_in(password="pw"))
    expect(f"+{(await within(client.get_me())).phone}" == phone, "somebody else")
    return "SessionPasswordNeededError, logged in with the password"


async def scanned_elsewhere(stage: Stage) -> str:
    phone = await stage.person()
    client, waiting = await _waiting(stage)
    await stage.inject("qr_accept_migrate", {"phone": phone}, dc=4)
    await within(waiting)
    expect(client.session.dc_id == 4, client.session.dc_id)
    expect(f"+{(await within(client.get_me())).phone}" == phone, "somebody else")
    return "loginTokenMigrateTo, logged in at data centre 4"


async def sent_away(stage: Stage) -> str:
    phone = await stage.person()
    client = await stage.stranger(request_retries=5)
    await stage.inject("migrate", {"method": "auth.sendCode", "times": 1}, dc=4)
    await within(client.send_code_request(phone), 10)
    rows = await stage.sandbox.calls("auth.sendCode")
    told = [row["error"] for row in rows if row["phone"] == phone]
    expect(told == ["PHONE_MIGRATE_4", "PHONE_MIGRATE_2", None], told)
    return "PHONE_MIGRATE_4, there sent home again"


async def moved(stage: Stage) -> str:
    phone = await stage.person()
    client = await stage.client(phone, request_retries=5)
    await stage.inject("migrate", {"phone": phone}, dc=4)
    await raises(errors.AuthKeyUnregisteredError, client.get_dialogs(), 10)
    expect(client.session.dc_id == 4, client.session.dc_id)
    await within(client.send_code_request(phone))
    await within(client.sign_in(phone, await stage.code(phone)))
    return "USER_MIGRATE_4, followed, logged in there"


async def unreachable(stage: Stage) -> str:
    phone = await stage.person()
    client = await stage.stranger(connection_retries=1, request_retries=5)
    rule = await stage.inject("migrate", {"phone": phone}, dc=4, reachable=False)
    await raises(ConnectionError, client.send_code_request(phone), 10)
    await stage.remove(rule)
    await stage.client(phone)
    return "PHONE_MIGRATE_4, refused there; home again with the rule's end"


CASES = (
    Case("expire_code", "at once", "PHONE_CODE_EXPIRED", expired),
    Case("expire_code", "on a call", "PHONE_CODE_EXPIRED", expired_on_call),
    *(Case("resend_type", kind, f"the next code by {kind}", partial(resent, kind=kind)) for kind in NEXT),
    Case("resend_type", "none", "SEND_CODE_UNAVAILABLE", not_resent),
    Case("rotate_srp", "", "SRP_ID_INVALID", rotated, alone=True),
    Case("qr_expire", "", "AUTH_TOKEN_EXPIRED", over, alone=True),
    Case("qr_accept", "", "loginTokenSuccess", scanned, alone=True),
    Case("qr_accept_2fa", "", "SESSION_PASSWORD_NEEDED", scanned_with_password, alone=True),
    Case("qr_accept_migrate", "", "loginTokenMigrateTo", scanned_elsewhere, alone=True),
    Case("migrate", "on a call", "PHONE_MIGRATE", sent_away, alone=True),
    Case("migrate", "at once", "USER_MIGRATE", moved, alone=True),
    Case("migrate", "unreachable", "PHONE_MIGRATE to nowhere", unreachable, alone=True),
)
