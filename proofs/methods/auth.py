"""auth.*: codes, sign-in, sign-up, log-out, QR codes, logins that travel, and the session layer beneath them."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types

from proofs.methods.cases import Refusal, case, refusals, same, true
from proofs.methods.house import House, Someone, failure
from proofs.methods.secrets import FIRST, lock, proof, settings

SETTINGS = types.CodeSettings()


async def asked(someone: Someone, phone: str, **more: Any) -> Any:
    """A code on its way."""
    return await someone(f.auth.SendCodeRequest(phone, 1, "hash", types.CodeSettings(**more)))


@case(f.auth.SendCodeRequest, f.auth.ResendCodeRequest, f.auth.SignInRequest)
async def a_code_goes_by_app_then_sms_then_call_and_lets_in(house: House) -> None:
    ann = await house.new("Ann")
    other = await house.stranger()
    sent = await asked(other, ann.phone)
    same((type(sent.type), sent.type.length), (types.auth.SentCodeTypeApp, 5))
    same(type(sent.next_type), types.auth.CodeTypeSms)
    true(sent.timeout, "a timeout before the next way")
    told = await ann.sees(types.UpdateServiceNotification | types.UpdateNewMessage)
    true(house.code(ann.phone) in told.message.message, "the code in the message from Telegram")
    again = await other(f.auth.ResendCodeRequest(ann.phone, sent.phone_code_hash))
    same(type(again.type), types.auth.SentCodeTypeSms)
    third = await other(f.auth.ResendCodeRequest(ann.phone, again.phone_code_hash))
    same((type(third.type), third.next_type), (types.auth.SentCodeTypeCall, None))
    ann.news.clear()
    entered = await other(f.auth.SignInRequest(ann.phone, third.phone_code_hash, house.code(ann.phone)))
    same((entered.user.id, entered.user.is_self), (ann.id, True))
    new = await ann.sees(types.UpdateNewAuthorization)
    true(new.unconfirmed and new.hash and new.device, "the new login told to the other device")


@case(f.auth.SendCodeRequest, f.auth.CancelCodeRequest)
async def a_cancelled_code_is_gone(house: House) -> None:
    ann, other = await house.new("Ann"), await house.stranger()
    sent = await asked(other, ann.phone)
    same(await other(f.auth.CancelCodeRequest(ann.phone, sent.phone_code_hash)), True)
    same(await failure(other, f.auth.SignInRequest(ann.phone, sent.phone_code_hash, "1")), "PHONE_CODE_EXPIRED")


@case(f.auth.SendCodeRequest, f.auth.ReportMissingCodeRequest, f.auth.SignUpRequest)
async def a_new_number_signs_up(house: House) -> None:
    new, phone = await house.stranger(), house.fresh_phone()
    sent = await asked(new, phone)
    same(type(sent.type), types.auth.SentCodeTypeSms)
    same(await new(f.auth.ReportMissingCodeRequest(phone, sent.phone_code_hash, "00101")), True)
    asked_up = await new(f.auth.SignInRequest(phone, sent.phone_code_hash, house.code(phone)))
    same(type(asked_up), types.auth.AuthorizationSignUpRequired)
    made = await new(f.auth.SignUpRequest(phone, sent.phone_code_hash, "Nina", "New"))
    same((made.user.first_name, made.user.phone), ("Nina", phone[1:]))
    (me,) = await new(f.users.GetUsersRequest([types.InputUserSelf()]))
    same((me.first_name, me.last_name), ("Nina", "New"))


@case(f.auth.CheckPasswordRequest)
async def a_cloud_password_is_the_second_step(house: House) -> None:
    ann, other = await house.new("Ann"), await house.stranger()
    await lock(ann, hint="a battery staple")
    sent = await asked(other, ann.phone)
    request = f.auth.SignInRequest(ann.phone, sent.phone_code_hash, house.code(ann.phone))
    same(await failure(other, request), "SESSION_PASSWORD_NEEDED")
    state = await other(f.account.GetPasswordRequest())
    same((state.has_password, state.hint), (True, "a battery staple"))
    wrong = f.auth.CheckPasswordRequest(await proof(other, "wrong"))
    same(await failure(other, wrong), "PASSWORD_HASH_INVALID")
    entered = await other(f.auth.CheckPasswordRequest(await proof(other, FIRST)))
    same(entered.user.id, ann.id)


@case(f.auth.LogOutRequest)
async def a_logout_gives_a_token_that_saves_the_next_code(house: House) -> None:
    ann = await house.new("Ann")
    plain = await house.again(ann)
    same((await plain(f.auth.LogOutRequest())).future_auth_token, None)
    same(await failure(plain, f.updates.GetStateRequest()), "AUTH_KEY_UNREGISTERED")
    await lock(ann)
    left = await ann(f.auth.LogOutRequest())
    true(left.future_auth_token, "a token, as the account has two steps")
    back = await house.stranger()
    sent = await asked(back, ann.phone, logout_tokens=[left.future_auth_token])
    same(type(sent), types.auth.SentCodeSuccess)
    same(sent.authorization.user.id, ann.id)


@case(f.auth.ExportLoginTokenRequest, f.auth.AcceptLoginTokenRequest)
async def a_qr_code_is_scanned(house: House) -> None:
    ann, screen = await house.new("Ann"), await house.stranger()
    shown = await screen(f.auth.ExportLoginTokenRequest(1, "hash", []))
    scanned = await ann(f.auth.AcceptLoginTokenRequest(shown.token))
    await screen.sees(types.UpdateLoginToken)
    entered = await screen(f.auth.ExportLoginTokenRequest(1, "hash", []))
    same((type(entered), entered.authorization.user.id), (types.auth.LoginTokenSuccess, ann.id))
    listed = await ann(f.account.GetAuthorizationsRequest())
    true(scanned.hash in {each.hash for each in listed.authorizations}, "the scanned login among the devices")


@case(f.auth.ImportLoginTokenRequest)
async def a_qr_code_of_an_account_elsewhere_moves_there(house: House) -> None:
    (there,) = house.sandbox.dc.siblings
    far = await house.new("Far")
    house.sandbox.world.standing.move(house.sandbox.world.people.by_id[far.id], there.dc_id)
    screen = await house.stranger()
    shown = await screen(f.auth.ExportLoginTokenRequest(1, "hash", []))
    await house.control.act(far.phone, {"do": "scan", "link": link(shown.token)})
    moved = await screen(f.auth.ExportLoginTokenRequest(1, "hash", []))
    same((type(moved), moved.dc_id), (types.auth.LoginTokenMigrateTo, there.dc_id))
    away = await house.stranger(there)
    entered = await away(f.auth.ImportLoginTokenRequest(moved.token))
    same(entered.authorization.user.id, far.id)


def link(token: bytes) -> str:
    return "tg://login?token=" + base64.urlsafe_b64encode(token).decode().rstrip("=")


@case(f.auth.ExportAuthorizationRequest, f.auth.ImportAuthorizationRequest)
async def a_login_travels_to_another_data_centre(house: House) -> None:
    ann, (there,) = await house.new("Ann"), house.sandbox.dc.siblings
    ticket = await ann(f.auth.ExportAuthorizationRequest(there.dc_id))
    away = await house.stranger(there)
    entered = await away(f.auth.ImportAuthorizationRequest(ticket.id, ticket.bytes))
    same(entered.user.id, ann.id)
    same(await away(f.upload.SaveFilePartRequest(1, 0, b"there")), True, "a part saved there")
    devices = await ann(f.account.GetAuthorizationsRequest())
    same(len(devices.authorizations), 1, "devices listed")


@case(f.auth.ResetAuthorizationsRequest)
async def all_other_devices_are_thrown_out(house: House) -> None:
    ann = await house.new("Ann")
    other = await house.again(ann)
    same(await failure(ann, f.auth.ResetAuthorizationsRequest()), "FRESH_RESET_AUTHORISATION_FORBIDDEN")
    house.settle(ann)
    same(await ann(f.auth.ResetAuthorizationsRequest()), True)
    same(await failure(other, f.updates.GetStateRequest()), "AUTH_KEY_UNREGISTERED")
    same(len((await ann(f.account.GetAuthorizationsRequest())).authorizations), 1, "devices left")


@refusals
async def codes(house: House) -> AsyncIterator[Refusal]:
    ann, other = await house.new("Ann"), await house.stranger()
    phone = ann.phone
    yield "PHONE_NUMBER_INVALID", other, f.auth.SendCodeRequest("12", 1, "hash", SETTINGS)
    yield "API_ID_INVALID", other, f.auth.SendCodeRequest(phone, 0, "", SETTINGS)
    sent = await asked(other, phone)
    hash_ = sent.phone_code_hash
    yield "PHONE_CODE_INVALID", other, f.auth.SignInRequest(phone, hash_, "00000")
    yield "PHONE_CODE_EMPTY", other, f.auth.SignInRequest(phone, hash_, "")
    yield "PHONE_CODE_HASH_EMPTY", other, f.auth.SignInRequest(phone, "", "00000")
    yield "PHONE_CODE_EXPIRED", other, f.auth.SignInRequest(phone, "stranger", "00000")
    yield "PHONE_NUMBER_INVALID", other, f.auth.SignInRequest("12", hash_, "00000")
    yield "PHONE_CODE_EXPIRED", other, f.auth.ResendCodeRequest(phone, "stranger")
    yield "PHONE_CODE_HASH_EMPTY", other, f.auth.ResendCodeRequest(phone, "")
    yield "PHONE_CODE_EXPIRED", other, f.auth.CancelCodeRequest(phone, "stranger")
    yield "PHONE_CODE_EXPIRED", other, f.auth.ReportMissingCodeRequest(phone, "stranger", "00101")
    await other(f.auth.ResendCodeRequest(phone, hash_))
    await other(f.auth.ResendCodeRequest(phone, hash_))
    yield "SEND_CODE_UNAVAILABLE", other, f.auth.ResendCodeRequest(phone, hash_)
    stranger = await house.stranger()
    yield "PHONE_CODE_EXPIRED", stranger, f.auth.SignInRequest(phone, hash_, house.code(phone))
    house.sandbox.world.logins.expire_codes(phone[1:])
    yield "PHONE_CODE_EXPIRED", other, f.auth.SignInRequest(phone, hash_, house.code(phone))


@case(f.account.InvalidateSignInCodesRequest)
async def a_code_that_was_given_away_lets_nobody_in(house: House) -> None:
    ann, thief = await house.new("Ann"), await house.stranger()
    sent = await asked(thief, ann.phone)
    code = house.code(ann.phone)
    same(await ann(f.account.InvalidateSignInCodesRequest([code])), True)
    same(await failure(thief, f.auth.SignInRequest(ann.phone, sent.phone_code_hash, code)), "PHONE_CODE_EXPIRED")
    same(await ann(f.account.InvalidateSignInCodesRequest(["00000"])), False)


@refusals
async def signing_up(house: House) -> AsyncIterator[Refusal]:
    new, phone = await house.stranger(), house.fresh_phone()
    sent = await asked(new, phone)
    hash_ = sent.phone_code_hash
    yield "PHONE_CODE_INVALID", new, f.auth.SignUpRequest(phone, hash_, "Nina", "")
    await new(f.auth.SignInRequest(phone, hash_, house.code(phone)))
    yield "FIRSTNAME_INVALID", new, f.auth.SignUpRequest(phone, hash_, " ", "")
    house.control.create_account({"phone": phone, "firstName": "Quick"})
    yield "PHONE_NUMBER_OCCUPIED", new, f.auth.SignUpRequest(phone, hash_, "Nina", "")


@refusals
async def too_many_codes(house: House) -> AsyncIterator[Refusal]:
    other, phone = await house.stranger(), house.fresh_phone()
    for _ in range(30):
        await asked(other, phone)
    yield "PHONE_NUMBER_FLOOD", other, f.auth.SendCodeRequest(phone, 1, "hash", SETTINGS)


@refusals
async def accounts_that_are_banned_or_elsewhere(house: House) -> AsyncIterator[Refusal]:
    other, ann = await house.stranger(), await house.new("Ann")
    far, (there,) = await house.new("Far"), house.sandbox.dc.siblings
    world = house.sandbox.world
    world.standing.move(world.people.by_id[far.id], there.dc_id)
    ask = f.auth.SendCodeRequest
    world.people.by_id[ann.id].account.banned = True
    yield "PHONE_NUMBER_BANNED", other, ask(ann.phone, 1, "hash", SETTINGS)


@refusals
async def passwords(house: House) -> AsyncIterator[Refusal]:
    ann, other = await house.new("Ann"), await house.stranger()
    await lock(ann)
    yield "AUTH_KEY_UNREGISTERED", other, f.auth.CheckPasswordRequest(types.InputCheckPasswordEmpty())
    sent = await asked(other, ann.phone)
    sign_in = f.auth.SignInRequest(ann.phone, sent.phone_code_hash, house.code(ann.phone))
    yield "SESSION_PASSWORD_NEEDED", other, sign_in
    spent = await proof(other, FIRST)
    spent.srp_id += 1
    yield "SRP_ID_INVALID", other, f.auth.CheckPasswordRequest(spent)
    late = await proof(other, FIRST)
    await ann(f.account.UpdatePasswordSettingsRequest(await proof(ann, FIRST), await settings(ann, "second")))
    yield "SRP_PASSWORD_CHANGED", other, f.auth.CheckPasswordRequest(late)
    for _ in range(5):
        yield "PASSWORD_HASH_INVALID", other, f.auth.CheckPasswordRequest(await proof(other, "wrong"))
    yield "PHONE_PASSWORD_FLOOD", other, f.auth.CheckPasswordRequest(await proof(other, FIRST))


@refusals
async def login_tokens(house: House) -> AsyncIterator[Refusal]:
    ann, screen = await house.new("Ann"), await house.stranger()
    yield "API_ID_INVALID", screen, f.auth.ExportLoginTokenRequest(0, "", [])
    yield "AUTH_TOKEN_INVALIDX", ann, f.auth.AcceptLoginTokenRequest(b"nothing of the kind")
    yield "AUTH_TOKEN_INVALID", screen, f.auth.ImportLoginTokenRequest(b"nothing of the kind")
    shown = await screen(f.auth.ExportLoginTokenRequest(1, "hash", [ann.id]))
    yield "AUTH_TOKEN_EXCEPTION", ann, f.auth.AcceptLoginTokenRequest(shown.token)
    shown = await screen(f.auth.ExportLoginTokenRequest(1, "hash", []))
    house.sandbox.world.qr.expire()
    yield "AUTH_TOKEN_EXPIRED", ann, f.auth.AcceptLoginTokenRequest(shown.token)
    shown = await screen(f.auth.ExportLoginTokenRequest(1, "hash", []))
    await ann(f.auth.AcceptLoginTokenRequest(shown.token))
    yield "AUTH_TOKEN_ALREADY_ACCEPTED", ann, f.auth.AcceptLoginTokenRequest(shown.token)
    await lock(ann)
    yield "SESSION_PASSWORD_NEEDED", screen, f.auth.ExportLoginTokenRequest(1, "hash", [])


@refusals
async def tickets(house: House) -> AsyncIterator[Refusal]:
    ann, (there,) = await house.new("Ann"), house.sandbox.dc.siblings
    yield "DC_ID_INVALID", ann, f.auth.ExportAuthorizationRequest(77)
    away = await house.stranger(there)
    yield "AUTH_BYTES_INVALID", away, f.auth.ImportAuthorizationRequest(ann.id, b"no ticket")
