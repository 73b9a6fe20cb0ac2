"""account.* without passwords and privacy: the profile, the phone, devices, settings; help.* and users.* with them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from telethon.tl import functions as f
from telethon.tl import types

from proofs.methods.cases import Refusal, case, refusals, same, true
from proofs.methods.house import House, failure
from proofs.methods.secrets import FIRST, lock, mailed, proof

ME = types.InputUserSelf()
SETTINGS = types.CodeSettings()


@case(f.help.GetConfigRequest, f.help.GetNearestDcRequest, f.help.GetAppConfigRequest)
async def a_stranger_learns_where_it_is(house: House) -> None:
    stranger = await house.stranger()
    config = await stranger(f.help.GetConfigRequest())
    same(config.this_dc, house.sandbox.dc_id)
    same({each.id for each in config.dc_options}, {house.sandbox.dc_id, 4})
    near = await stranger(f.help.GetNearestDcRequest())
    same(near.this_dc, house.sandbox.dc_id)
    app = await stranger(f.help.GetAppConfigRequest(0))
    true(app.hash, "a hash of the app's configuration")
    same(type(await stranger(f.help.GetAppConfigRequest(app.hash))), types.help.AppConfigNotModified)


@case(f.help.GetTermsOfServiceUpdateRequest)
async def no_new_terms(house: House) -> None:
    (ann,) = await house.cast("Ann")
    same(type(await ann(f.help.GetTermsOfServiceUpdateRequest())), types.help.TermsOfServiceUpdateEmpty)


@case(f.account.UpdateProfileRequest, f.users.GetFullUserRequest)
async def a_new_name_is_told_to_whoever_knows(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    await bob.say(ann, "hello")
    twin = await house.again(ann)
    changed = await ann(f.account.UpdateProfileRequest("Anna", "Adams", "likes cats"))
    same((changed.first_name, changed.last_name), ("Anna", "Adams"))
    for other in (bob, twin):
        told = await other.sees(types.UpdateUserName, lambda update: update.user_id == ann.id)
        same(
            (told.first_name, told.last_name, [each.username for each in told.usernames]),
            ("Anna", "Adams", [ann.username]),
        )
    full = await bob(f.users.GetFullUserRequest(await bob.user(ann)))
    same(
        (full.full_user.about, full.users[0].first_name if full.users[0].id == ann.id else full.users[1].first_name),
        ("likes cats", "Anna"),
    )


@case(f.account.CheckUsernameRequest, f.account.UpdateUsernameRequest, f.users.GetUsersRequest)
async def a_username_is_chosen(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    await bob.say(ann, "hello")
    name = f"chosen_{ann.phone[-5:]}"
    same(await ann(f.account.CheckUsernameRequest(name)), True)
    same((await ann(f.account.UpdateUsernameRequest(name))).username, name)
    same(await bob(f.account.CheckUsernameRequest(name)), False)
    told = await bob.sees(types.UpdateUserName, lambda update: update.user_id == ann.id)
    same([each.username for each in told.usernames], [name])
    found, nobody = await bob(f.users.GetUsersRequest([await bob.user(ann), types.InputUser(1, 2)]))
    same((found.username, type(nobody)), (name, types.UserEmpty))
    same((await ann(f.account.UpdateUsernameRequest(""))).username, None)
    same(await bob(f.account.CheckUsernameRequest(name)), True)


@case(f.account.UpdateStatusRequest, f.contacts.GetStatusesRequest)
async def coming_and_going_is_seen(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    await bob(f.contacts.ImportContactsRequest([types.InputPhoneContact(1, ann.phone, "Ann", "")]))
    await ann(f.account.UpdateStatusRequest(offline=False))
    told = await bob.sees(types.UpdateUserStatus, lambda update: update.user_id == ann.id)
    same(type(told.status), types.UserStatusOnline)
    (status,) = await bob(f.contacts.GetStatusesRequest())
    same((status.user_id, type(status.status)), (ann.id, types.UserStatusOnline))
    await ann(f.account.UpdateStatusRequest(offline=True))
    await bob.sees(types.UpdateUserStatus, lambda update: isinstance(update.status, types.UserStatusOffline))


@case(f.account.UpdateBirthdayRequest)
async def a_birthday_shows_on_the_card(house: House) -> None:
    ann = await house.new("Ann")
    same(await ann(f.account.UpdateBirthdayRequest(types.Birthday(29, 2, 2000))), True)
    card = (await ann(f.users.GetFullUserRequest(ME))).full_user
    same((card.birthday.day, card.birthday.month, card.birthday.year), (29, 2, 2000))
    await ann(f.account.UpdateBirthdayRequest())
    same((await ann(f.users.GetFullUserRequest(ME))).full_user.birthday, None)


@case(f.account.SendChangePhoneCodeRequest, f.account.ChangePhoneRequest)
async def an_account_moves_to_another_number(house: House) -> None:
    ann, bob, phone = await house.new("Ann"), await house.new("Bob"), house.fresh_phone()
    house.settle(ann)
    await bob(f.contacts.ImportContactsRequest([types.InputPhoneContact(1, ann.phone, "Ann", "")]))
    sent = await ann(f.account.SendChangePhoneCodeRequest(phone, SETTINGS))
    same(type(sent.type), types.auth.SentCodeTypeSms)
    moved = await ann(f.account.ChangePhoneRequest(phone, sent.phone_code_hash, house.code(phone)))
    same((moved.id, moved.phone), (ann.id, phone[1:]))
    told = await bob.sees(types.UpdateUserPhone)
    same((told.user_id, told.phone), (ann.id, phone[1:]))
    same((await bob(f.contacts.ResolvePhoneRequest(phone))).peer.user_id, ann.id)


@case(f.account.DeleteAccountRequest)
async def a_deleted_account_is_a_deleted_account(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    await bob.say(ann, "hello")
    named = await bob.user(ann)
    same(await ann(f.account.DeleteAccountRequest("enough")), True)
    await bob.sees(types.UpdateUser, lambda update: update.user_id == ann.id)
    (gone,) = await bob(f.users.GetUsersRequest([named]))
    same((gone.deleted, gone.first_name, gone.phone), (True, None, None))
    same(await failure(ann, f.updates.GetStateRequest()), "USER_DEACTIVATED")


@case(
    f.account.GetAuthorizationsRequest,
    f.account.ResetAuthorizationRequest,
    f.account.ChangeAuthorizationSettingsRequest,
    f.account.SetAuthorizationTTLRequest,
)
async def devices_are_listed_confirmed_and_ended(house: House) -> None:
    ann = await house.new("Ann")
    other = await house.again(ann)
    told = await ann.sees(types.UpdateNewAuthorization)
    house.settle(ann)
    settings = f.account.ChangeAuthorizationSettingsRequest(told.hash, confirmed=True, call_requests_disabled=True)
    same(await ann(settings), True)
    same(await ann(f.account.SetAuthorizationTTLRequest(30)), True)
    listed = await ann(f.account.GetAuthorizationsRequest())
    mine, its = listed.authorizations
    same((mine.current, mine.hash, mine.api_id, listed.authorization_ttl_days), (True, 0, 1, 30))
    same((its.current, its.hash, its.unconfirmed, its.call_requests_disabled), (False, told.hash, False, True))
    confirmed = await other.sees(types.UpdateNewAuthorization)
    same((confirmed.hash, confirmed.unconfirmed), (told.hash, False))
    same(await ann(f.account.ResetAuthorizationRequest(its.hash)), True)
    same(await failure(other, f.updates.GetStateRequest()), "AUTH_KEY_UNREGISTERED")


@case(f.account.GetAccountTTLRequest, f.account.SetAccountTTLRequest)
async def how_long_an_account_lives(house: House) -> None:
    ann = await house.new("Ann")
    same((await ann(f.account.GetAccountTTLRequest())).days > 0, True)
    same(await ann(f.account.SetAccountTTLRequest(types.AccountDaysTTL(60))), True)
    same((await ann(f.account.GetAccountTTLRequest())).days, 60)


@case(f.account.GetContactSignUpNotificationRequest, f.account.SetContactSignUpNotificationRequest)
async def who_joins_may_be_silent(house: House) -> None:
    ann = await house.new("Ann")
    same(await ann(f.account.GetContactSignUpNotificationRequest()), False)
    same(await ann(f.account.SetContactSignUpNotificationRequest(silent=True)), True)
    same(await ann(f.account.GetContactSignUpNotificationRequest()), True)


@case(f.account.GetContentSettingsRequest, f.account.SetContentSettingsRequest)
async def what_is_sensitive_may_be_shown(house: House) -> None:
    ann = await house.new("Ann")
    same((await ann(f.account.GetContentSettingsRequest())).sensitive_enabled, False)
    same(await ann(f.account.SetContentSettingsRequest(sensitive_enabled=True)), True)
    same((await ann(f.account.GetContentSettingsRequest())).sensitive_enabled, True)


@case(f.account.RegisterDeviceRequest, f.account.UnregisterDeviceRequest)
async def a_token_for_notifications(house: House) -> None:
    ann = await house.new("Ann")
    same(await ann(f.account.RegisterDeviceRequest(2, "token", app_sandbox=False, secret=b"", other_uids=[])), True)
    same(await ann(f.account.UnregisterDeviceRequest(2, "token", [])), True)
    same(await failure(ann, f.account.UnregisterDeviceRequest(2, "token", [])), "TOKEN_INVALID")


@case(f.account.GetWebAuthorizationsRequest, f.account.ResetWebAuthorizationsRequest)
async def no_websites(house: House) -> None:
    (ann,) = await house.cast("Ann")
    same((await ann(f.account.GetWebAuthorizationsRequest())).authorizations, [])
    same(await ann(f.account.ResetWebAuthorizationsRequest()), True)


@case(f.account.InitTakeoutSessionRequest, f.account.FinishTakeoutSessionRequest)
async def an_export_begins_and_ends(house: House) -> None:
    ann = await house.new("Ann")
    takeout = await ann(f.account.InitTakeoutSessionRequest(contacts=True))
    inside = f.InvokeWithTakeoutRequest(takeout.id, f.contacts.GetContactsRequest(0))
    same((await ann(inside)).contacts, [])
    same(await ann(f.InvokeWithTakeoutRequest(takeout.id, f.account.FinishTakeoutSessionRequest(success=True))), True)
    same(await failure(ann, inside), "TAKEOUT_INVALID")
    await ann(f.account.InitTakeoutSessionRequest(contacts=True))
    same(await ann(f.account.FinishTakeoutSessionRequest(success=False)), True)


@case(f.account.SendVerifyEmailCodeRequest, f.account.VerifyEmailRequest, f.auth.ResetLoginEmailRequest)
async def codes_may_travel_by_e_mail(house: House) -> None:
    ann = await house.new("Ann")
    purpose = types.EmailVerifyPurposeLoginChange()
    sent = await ann(f.account.SendVerifyEmailCodeRequest(purpose, "ann@example.org"))
    true("*" in sent.email_pattern, "the address half hidden")
    code = types.EmailVerificationCode(mailed(house, ann))
    same((await ann(f.account.VerifyEmailRequest(purpose, code))).email, "ann@example.org")
    await ann(f.auth.LogOutRequest())
    other = await house.stranger()
    by_mail = await other(f.auth.SendCodeRequest(ann.phone, 1, "hash", SETTINGS))
    same(type(by_mail.type), types.auth.SentCodeTypeEmailCode)
    by_sms = await other(f.auth.ResetLoginEmailRequest(ann.phone, by_mail.phone_code_hash))
    same(type(by_sms.type), types.auth.SentCodeTypeSms)
    entered = await other(f.auth.SignInRequest(ann.phone, by_sms.phone_code_hash, house.code(ann.phone)))
    same(entered.user.id, ann.id)


@refusals
async def profiles(house: House) -> AsyncIterator[Refusal]:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    yield "ABOUT_TOO_LONG", ann, f.account.UpdateProfileRequest(about="x" * 71)
    yield "FIRSTNAME_INVALID", ann, f.account.UpdateProfileRequest(first_name=" ")
    yield "USERNAME_INVALID", ann, f.account.CheckUsernameRequest("a b")
    yield "USERNAME_INVALID", ann, f.account.UpdateUsernameRequest("1abc")
    yield "USERNAME_OCCUPIED", ann, f.account.UpdateUsernameRequest(bob.username)
    yield "USERNAME_NOT_MODIFIED", ann, f.account.UpdateUsernameRequest(ann.username)
    yield "BIRTHDAY_INVALID", ann, f.account.UpdateBirthdayRequest(types.Birthday(30, 2, None))
    yield "USER_ID_INVALID", ann, f.users.GetFullUserRequest(types.InputUser(bob.id, 1))
    yield "PHONE_NUMBER_OCCUPIED", ann, f.account.SendChangePhoneCodeRequest(bob.phone, SETTINGS)
    yield "PHONE_NUMBER_INVALID", ann, f.account.SendChangePhoneCodeRequest("1", SETTINGS)
    phone = house.fresh_phone()
    yield "FRESH_CHANGE_PHONE_FORBIDDEN", ann, f.account.SendChangePhoneCodeRequest(phone, SETTINGS)
    house.settle(ann)
    sent = await ann(f.account.SendChangePhoneCodeRequest(phone, SETTINGS))
    yield "PHONE_CODE_INVALID", ann, f.account.ChangePhoneRequest(phone, sent.phone_code_hash, "00000")
    yield "PHONE_CODE_EMPTY", ann, f.account.ChangePhoneRequest(phone, sent.phone_code_hash, "")
    yield "PHONE_CODE_EXPIRED", ann, f.account.ChangePhoneRequest(phone, "stranger", "00000")


@refusals
async def settings(house: House) -> AsyncIterator[Refusal]:
    ann = await house.new("Ann")
    yield "TTL_DAYS_INVALID", ann, f.account.SetAccountTTLRequest(types.AccountDaysTTL(0))
    yield "TTL_DAYS_INVALID", ann, f.account.SetAuthorizationTTLRequest(0)
    yield "FRESH_RESET_AUTHORISATION_FORBIDDEN", ann, f.account.SetAuthorizationTTLRequest(30)
    yield "HASH_INVALID", ann, f.account.ResetAuthorizationRequest(77)
    yield "HASH_INVALID", ann, f.account.ResetAuthorizationRequest(0)
    yield "HASH_INVALID", ann, f.account.ChangeAuthorizationSettingsRequest(77)
    yield "TOKEN_INVALID", ann, f.account.RegisterDeviceRequest(2, "", app_sandbox=False, secret=b"", other_uids=[])
    token_type = f.account.RegisterDeviceRequest(99, "t", app_sandbox=False, secret=b"", other_uids=[])
    yield "TOKEN_TYPE_INVALID", ann, token_type
    yield "TAKEOUT_REQUIRED", ann, f.account.FinishTakeoutSessionRequest()
    premium = types.GlobalPrivacySettings(new_noncontact_peers_require_premium=True)
    yield "PREMIUM_ACCOUNT_REQUIRED", ann, f.account.SetGlobalPrivacySettingsRequest(premium)


@refusals
async def addresses(house: House) -> AsyncIterator[Refusal]:
    ann, other = await house.new("Ann"), await house.stranger()
    change = types.EmailVerifyPurposeLoginChange()
    yield "EMAIL_INVALID", ann, f.account.SendVerifyEmailCodeRequest(change, "nowhere")
    await ann(f.account.SendVerifyEmailCodeRequest(change, "ann@example.org"))
    yield "CODE_INVALID", ann, f.account.VerifyEmailRequest(change, types.EmailVerificationCode("000000"))
    yield "EMAIL_TOKEN_INVALID", ann, f.account.VerifyEmailRequest(change, types.EmailVerificationGoogle("x"))
    sent = await other(f.auth.SendCodeRequest(ann.phone, 1, "hash", SETTINGS))
    setup = types.EmailVerifyPurposeLoginSetup(ann.phone, sent.phone_code_hash)
    yield "EMAIL_NOT_SETUP", other, f.account.SendVerifyEmailCodeRequest(setup, "ann@example.org")
    yield "EMAIL_NOT_SETUP", other, f.auth.ResetLoginEmailRequest(ann.phone, sent.phone_code_hash)


@refusals
async def leaving(house: House) -> AsyncIterator[Refusal]:
    ann = await house.new("Ann")
    await lock(ann)
    yield "2FA_CONFIRM_WAIT_604800", ann, f.account.DeleteAccountRequest("enough")
    yield "PASSWORD_HASH_INVALID", ann, f.account.DeleteAccountRequest("enough", await proof(ann, FIRST + "!"))
