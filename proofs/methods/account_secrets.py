"""account.* about the cloud password and about privacy and notifications, with auth.* for a password forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator

from telethon.tl import functions as f
from telethon.tl import types

from proofs.methods.cases import Refusal, case, refusals, same, true
from proofs.methods.house import House, failure
from proofs.methods.secrets import FIRST, lock, mailed, proof, settings

EMPTY = types.InputCheckPasswordEmpty()
MAIL = "ann@example.org"
ALL, NONE = types.InputPrivacyValueAllowAll(), types.InputPrivacyValueDisallowAll()
CONTACTS = types.InputPrivacyValueAllowContacts()
UPDATE, CHECK = f.account.UpdatePasswordSettingsRequest, f.auth.CheckPasswordRequest


@case(f.account.UpdatePasswordSettingsRequest, f.account.GetPasswordRequest, f.account.GetTmpPasswordRequest)
async def a_password_is_set_changed_and_taken_away(house: House) -> None:
    ann = await house.new("Ann")
    same((await ann(f.account.GetPasswordRequest())).has_password, False)
    await lock(ann, hint="horse")
    state = await ann(f.account.GetPasswordRequest())
    same((state.has_password, state.hint, state.has_recovery), (True, "horse", False))
    temporary = await ann(f.account.GetTmpPasswordRequest(await proof(ann, FIRST), 600))
    true(temporary.tmp_password and temporary.valid_until, "a temporary password")
    same(await ann(UPDATE(await proof(ann, FIRST), await settings(ann, "second"))), True)
    same(await failure(ann, CHECK(await proof(ann, FIRST))), "PASSWORD_HASH_INVALID")
    same(await ann(UPDATE(await proof(ann, "second"), await settings(ann, ""))), True)
    same((await ann(f.account.GetPasswordRequest())).has_password, False)


@case(
    f.account.ConfirmPasswordEmailRequest,
    f.account.ResendPasswordEmailRequest,
    f.account.CancelPasswordEmailRequest,
    f.account.GetPasswordSettingsRequest,
)
async def the_address_that_recovers_is_confirmed(house: House) -> None:
    ann = await house.new("Ann")
    same(await failure(ann, UPDATE(EMPTY, await settings(ann, FIRST, email=MAIL))), "EMAIL_UNCONFIRMED_6")
    true((await ann(f.account.GetPasswordRequest())).email_unconfirmed_pattern, "the address that waits, half hidden")
    first = mailed(house, ann)
    same(await ann(f.account.ResendPasswordEmailRequest()), True)
    true(mailed(house, ann) and first, "letters")
    same(await ann(f.account.CancelPasswordEmailRequest()), True)
    same((await ann(f.account.GetPasswordRequest())).email_unconfirmed_pattern, None)
    again = types.account.PasswordInputSettings(email=MAIL)
    same(await failure(ann, UPDATE(await proof(ann, FIRST), again)), "EMAIL_UNCONFIRMED_6")
    same(await ann(f.account.ConfirmPasswordEmailRequest(mailed(house, ann))), True)
    same((await ann(f.account.GetPasswordRequest())).has_recovery, True)
    same((await ann(f.account.GetPasswordSettingsRequest(await proof(ann, FIRST)))).email, MAIL)


@case(f.auth.RequestPasswordRecoveryRequest, f.auth.CheckRecoveryPasswordRequest, f.auth.RecoverPasswordRequest)
async def a_forgotten_password_is_replaced_at_the_login(house: House) -> None:
    ann, other = await house.new("Ann"), await house.stranger()
    await failure(ann, UPDATE(EMPTY, await settings(ann, FIRST, email=MAIL)))
    await ann(f.account.ConfirmPasswordEmailRequest(mailed(house, ann)))
    sent = await other(f.auth.SendCodeRequest(ann.phone, 1, "hash", types.CodeSettings()))
    sign_in = f.auth.SignInRequest(ann.phone, sent.phone_code_hash, house.code(ann.phone))
    same(await failure(other, sign_in), "SESSION_PASSWORD_NEEDED")
    true("*" in (await other(f.auth.RequestPasswordRecoveryRequest())).email_pattern, "the address half hidden")
    code = mailed(house, ann)
    same(await other(f.auth.CheckRecoveryPasswordRequest(code)), True)
    entered = await other(f.auth.RecoverPasswordRequest(code, await settings(other, "second")))
    same(entered.user.id, ann.id)
    same((await ann(CHECK(await proof(ann, "second")))).user.id, ann.id)


@case(f.account.ResetPasswordRequest, f.account.DeclinePasswordResetRequest)
async def a_reset_takes_a_week_and_may_be_declined(house: House) -> None:
    ann = await house.new("Ann")
    await lock(ann)
    waiting = await ann(f.account.ResetPasswordRequest())
    same(type(waiting), types.account.ResetPasswordRequestedWait)
    true((await ann(f.account.GetPasswordRequest())).pending_reset_date, "the date in the password's state")
    same(await ann(f.account.DeclinePasswordResetRequest()), True)
    same((await ann(f.account.GetPasswordRequest())).pending_reset_date, None)
    same(type(await ann(f.account.ResetPasswordRequest())), types.account.ResetPasswordFailedWait)


@case(f.account.SetPrivacyRequest, f.account.GetPrivacyRequest)
async def the_phone_number_is_for_whom_one_says(house: House) -> None:
    ann, bob, eve = await house.new("Ann"), await house.new("Bob"), await house.new("Eve")
    twin, key = await house.again(ann), types.InputPrivacyKeyPhoneNumber()
    rules = [types.InputPrivacyValueAllowUsers([await ann.user(bob)]), NONE]
    answer = await ann(f.account.SetPrivacyRequest(key, rules))
    same([type(each) for each in answer.rules], [types.PrivacyValueAllowUsers, types.PrivacyValueDisallowAll])
    told = await twin.sees(types.UpdatePrivacy)
    same((type(told.key), told.rules[0].users), (types.PrivacyKeyPhoneNumber, [bob.id]))
    kept = await ann(f.account.GetPrivacyRequest(key))
    same((kept.rules[0].users, [each.id for each in kept.users]), ([bob.id], [bob.id]))
    (for_bob,) = await bob(f.users.GetUsersRequest([await bob.user(ann)]))
    (for_eve,) = await eve(f.users.GetUsersRequest([await eve.user(ann)]))
    same((for_bob.phone, for_eve.phone), (ann.phone[1:], None))


@case(f.account.SetPrivacyRequest)
async def being_found_by_phone_is_for_whom_one_says(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    await ann(f.account.SetPrivacyRequest(types.InputPrivacyKeyPhoneNumber(), [NONE]))
    await ann(f.account.SetPrivacyRequest(types.InputPrivacyKeyAddedByPhone(), [CONTACTS]))
    same(await failure(bob, f.contacts.ResolvePhoneRequest(ann.phone)), "PHONE_NOT_OCCUPIED")
    imported = await bob(f.contacts.ImportContactsRequest([types.InputPhoneContact(1, ann.phone, "Ann", "")]))
    same(imported.imported, [])


@case(f.account.SetPrivacyRequest)
async def the_time_of_the_last_visit_is_hidden_both_ways(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    for one in (ann, bob):
        await one(f.account.UpdateStatusRequest(offline=True))
    await ann(f.account.SetPrivacyRequest(types.InputPrivacyKeyStatusTimestamp(), [NONE]))
    (for_bob,) = await bob(f.users.GetUsersRequest([await bob.user(ann)]))
    (for_ann,) = await ann(f.users.GetUsersRequest([await ann.user(bob)]))
    same((type(for_bob.status), for_bob.status.by_me), (types.UserStatusRecently, False))
    same((type(for_ann.status), for_ann.status.by_me), (types.UserStatusRecently, True))


@case(f.account.SetPrivacyRequest)
async def a_forward_does_not_name_whom_one_may_not_name(house: House) -> None:
    ann, bob, eve = await house.new("Ann"), await house.new("Bob"), await house.new("Eve")
    await ann.say(bob, "do not quote me")
    await ann(f.account.SetPrivacyRequest(types.InputPrivacyKeyForwards(), [NONE]))
    message = await bob.latest(ann)
    await bob(f.messages.ForwardMessagesRequest(await bob.peer(ann), [message.id], await bob.peer(eve)))
    shown = await eve.latest(bob)
    same((shown.fwd_from.from_id, shown.fwd_from.from_name), (None, "Ann"))


@case(f.account.SetPrivacyRequest)
async def who_may_not_be_added_is_named_as_missing(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    await bob(f.account.SetPrivacyRequest(types.InputPrivacyKeyChatInvite(), [NONE]))
    club = await house.club(ann)
    invite = f.channels.InviteToChannelRequest(await ann.channel(club), [await ann.user(bob)])
    same([each.user_id for each in (await ann(invite)).missing_invitees], [bob.id])
    made = await ann(f.messages.CreateChatRequest([await ann.user(bob)], "Group"))
    same([each.user_id for each in made.missing_invitees], [bob.id])


@case(f.account.SetPrivacyRequest)
async def bio_photo_birthday_and_voice_are_for_whom_one_says(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    await ann(f.account.UpdateProfileRequest(about="secret"))
    await ann(f.account.UpdateBirthdayRequest(types.Birthday(1, 1, 1990)))
    for key in (types.InputPrivacyKeyAbout(), types.InputPrivacyKeyVoiceMessages(), types.InputPrivacyKeyPhoneCall()):
        await ann(f.account.SetPrivacyRequest(key, [NONE]))
    full = (await bob(f.users.GetFullUserRequest(await bob.user(ann)))).full_user
    same((full.about, full.birthday, full.voice_messages_forbidden), (None, None, True))
    same((full.phone_calls_available, full.phone_calls_private), (False, True))
    await ann(f.account.SetPrivacyRequest(types.InputPrivacyKeyBirthday(), [ALL]))
    same((await bob(f.users.GetFullUserRequest(await bob.user(ann)))).full_user.birthday.year, 1990)


@case(f.account.GetGlobalPrivacySettingsRequest, f.account.SetGlobalPrivacySettingsRequest)
async def global_privacy_is_kept(house: House) -> None:
    ann = await house.new("Ann")
    same((await ann(f.account.GetGlobalPrivacySettingsRequest())).keep_archived_unmuted, False)
    wanted = types.GlobalPrivacySettings(keep_archived_unmuted=True)
    same((await ann(f.account.SetGlobalPrivacySettingsRequest(wanted))).keep_archived_unmuted, True)
    same((await ann(f.account.GetGlobalPrivacySettingsRequest())).keep_archived_unmuted, True)


@case(
    f.account.UpdateNotifySettingsRequest,
    f.account.GetNotifySettingsRequest,
    f.account.GetNotifyExceptionsRequest,
    f.account.ResetNotifySettingsRequest,
)
async def a_chat_is_muted(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    twin = await house.again(ann)
    await ann.say(bob, "hello")
    peer = types.InputNotifyPeer(await ann.peer(bob))
    wanted = types.InputPeerNotifySettings(mute_until=2**31 - 1, show_previews=False)
    same(await ann(f.account.UpdateNotifySettingsRequest(peer, wanted)), True)
    told = await twin.sees(types.UpdateNotifySettings)
    same((told.peer.peer.user_id, told.notify_settings.show_previews), (bob.id, False))
    kept = await ann(f.account.GetNotifySettingsRequest(peer))
    same(kept.mute_until.timestamp(), 2**31 - 1)
    exceptions = await ann(f.account.GetNotifyExceptionsRequest())
    same([each.peer.peer.user_id for each in exceptions.updates], [bob.id])
    same(await ann(f.account.ResetNotifySettingsRequest()), True)
    same((await ann(f.account.GetNotifyExceptionsRequest())).updates, [])


@refusals
async def passwords_again(house: House) -> AsyncIterator[Refusal]:
    ann = await house.new("Ann")
    yield "PASSWORD_EMPTY", ann, f.account.GetPasswordSettingsRequest(EMPTY)
    yield "PASSWORD_EMPTY", ann, f.account.ResetPasswordRequest()
    yield "PASSWORD_EMPTY", ann, f.auth.RequestPasswordRecoveryRequest()
    yield "PASSWORD_EMPTY", ann, f.auth.RecoverPasswordRequest("1")
    yield "PASSWORD_EMPTY", ann, f.auth.CheckRecoveryPasswordRequest("1")
    yield "RESET_REQUEST_MISSING", ann, f.account.DeclinePasswordResetRequest()
    await lock(ann)
    yield "PASSWORD_RECOVERY_NA", ann, f.auth.RequestPasswordRecoveryRequest()
    yield "PASSWORD_HASH_INVALID", ann, UPDATE(EMPTY, await settings(ann, "second"))
    yield "PASSWORD_HASH_INVALID", ann, UPDATE(await proof(ann, "wrong"), await settings(ann, "second"))
    yield "PASSWORD_HASH_INVALID", ann, f.account.GetPasswordSettingsRequest(await proof(ann, "wrong"))
    yield "TMP_PASSWORD_PERIOD_INVALID", ann, f.account.GetTmpPasswordRequest(await proof(ann, FIRST), 1)
    short = await settings(ann, "second")
    short.new_algo.salt1 = short.new_algo.salt1[:8]
    yield "NEW_SALT_INVALID", ann, UPDATE(await proof(ann, FIRST), short)
    bad = types.account.PasswordInputSettings(email="nowhere")
    yield "EMAIL_INVALID", ann, UPDATE(await proof(ann, FIRST), bad)
    yield "EMAIL_HASH_EXPIRED", ann, f.account.ConfirmPasswordEmailRequest("1")
    yield "EMAIL_HASH_EXPIRED", ann, f.account.ResendPasswordEmailRequest()
    yield "EMAIL_HASH_EXPIRED", ann, f.account.CancelPasswordEmailRequest()
    address = types.account.PasswordInputSettings(email=MAIL)
    yield "EMAIL_UNCONFIRMED_6", ann, UPDATE(await proof(ann, FIRST), address)
    yield "CODE_INVALID", ann, f.account.ConfirmPasswordEmailRequest("000000")
    await ann(f.account.ConfirmPasswordEmailRequest(mailed(house, ann)))
    await ann(f.auth.RequestPasswordRecoveryRequest())
    yield "CODE_INVALID", ann, f.auth.CheckRecoveryPasswordRequest("000000")
    yield "CODE_INVALID", ann, f.auth.RecoverPasswordRequest("000000")


@refusals
async def privacy(house: House) -> AsyncIterator[Refusal]:
    ann = await house.new("Ann")
    key = types.InputPrivacyKeyPhoneNumber()
    yield "PRIVACY_VALUE_INVALID", ann, f.account.SetPrivacyRequest(key, [])
    yield "PRIVACY_VALUE_INVALID", ann, f.account.SetPrivacyRequest(key, [ALL, NONE])
    yield "PRIVACY_TOO_LONG", ann, f.account.SetPrivacyRequest(key, [ALL] * 101)
    wrong = types.InputNotifyPeer(types.InputPeerUser(77, 77))
    yield "PEER_ID_INVALID", ann, f.account.GetNotifySettingsRequest(wrong)
    yield "PEER_ID_INVALID", ann, f.account.UpdateNotifySettingsRequest(wrong, types.InputPeerNotifySettings())
