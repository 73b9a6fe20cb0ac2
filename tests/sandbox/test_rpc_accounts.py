"""The account's own affairs, method by method: recovery, resets, privacy, presence, devices, settings."""

from __future__ import annotations

import pytest
from telethon import password as telethon_password
from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.rpc.base import RpcError
from teleflow.sandbox.rpc.view import View
from teleflow.sandbox.world.presence import ONLINE_FOR
from tests.sandbox.world_rig import Rig, srp_answer

PHONE, OTHER = "15550100001", "15550100002"
EMPTY = types.InputCheckPasswordEmpty()
DAY = 86400


async def refused(rig, caller, request):
    with pytest.raises(RpcError) as caught:
        await rig.ask(caller, request)
    return caught.value.code, caught.value.message


async def settings(rig, caller, word="", **more):
    asked = await rig.ask(caller, f.account.GetPasswordRequest())
    if not word:
        return types.account.PasswordInputSettings(types.PasswordKdfAlgoUnknown(), b"", "", **more)
    asked.new_algo.salt1 += bytes(32)
    digest = telethon_password.compute_digest(asked.new_algo, word)
    return types.account.PasswordInputSettings(asked.new_algo, digest, "a hint", **more)


def letter(rig, purpose):
    person = rig.world.people.by_phone(PHONE)
    return person.account.mails[purpose].code


async def with_recovery(rig):
    """An account with a cloud password and a confirmed address."""
    ann = rig.person(PHONE, "Ann")
    device = rig.logged_in(ann)
    request = f.account.UpdatePasswordSettingsRequest(
        EMPTY, await settings(rig, device, "old", email="ann@example.com")
    )
    assert await refused(rig, device, request) == (400, "EMAIL_UNCONFIRMED_6")
    waiting = await rig.ask(device, f.account.GetPasswordRequest())
    assert (waiting.has_password, bool(waiting.has_recovery)) == (True, False)
    assert waiting.email_unconfirmed_pattern == "a***n@example.com"
    assert await refused(rig, device, f.account.ConfirmPasswordEmailRequest("0")) == (400, "CODE_INVALID")
    assert await rig.ask(device, f.account.ConfirmPasswordEmailRequest(letter(rig, "confirm")))
    assert (await rig.ask(device, f.account.GetPasswordRequest())).has_recovery
    return ann, device


async def owing_the_password(rig):
    caller = rig.caller()
    sent = await rig.ask(caller, f.auth.SendCodeRequest(PHONE, 1, "hash", types.CodeSettings()))
    request = f.auth.SignInRequest(PHONE, sent.phone_code_hash, rig.world.logins.last_code[PHONE].code)
    assert await refused(rig, caller, request) == (401, "SESSION_PASSWORD_NEEDED")
    return caller


async def test_the_address_is_told_to_whoever_knows_the_password():
    rig = Rig()
    _, device = await with_recovery(rig)
    told = await rig.ask(device, f.account.GetPasswordSettingsRequest(await srp_answer(rig, device, "old")))
    assert told.email == "ann@example.com"
    wrong = f.account.GetPasswordSettingsRequest(await srp_answer(rig, device, "guess"))
    assert await refused(rig, device, wrong) == (400, "PASSWORD_HASH_INVALID")


async def test_a_forgotten_password_is_recovered_by_mail_and_replaced():
    rig = Rig()
    await with_recovery(rig)
    caller = await owing_the_password(rig)
    recovery = await rig.ask(caller, f.auth.RequestPasswordRecoveryRequest())
    assert recovery.email_pattern == "a***n@example.com"
    assert await refused(rig, caller, f.auth.CheckRecoveryPasswordRequest("1")) == (400, "CODE_INVALID")
    code = letter(rig, "recover")
    assert await rig.ask(caller, f.auth.CheckRecoveryPasswordRequest(code))
    entered = await rig.ask(caller, f.auth.RecoverPasswordRequest(code, await settings(rig, caller, "new")))
    assert entered.user.phone == PHONE
    again = f.auth.RecoverPasswordRequest(code)
    assert await refused(rig, caller, again) == (400, "PASSWORD_RECOVERY_EXPIRED"), "a code is good once"
    other = await owing_the_password(rig)
    await rig.ask(other, f.auth.CheckPasswordRequest(await srp_answer(rig, other, "new")))


async def test_a_recovery_without_a_new_password_takes_it_away():
    rig = Rig()
    ann, _ = await with_recovery(rig)
    caller = await owing_the_password(rig)
    await rig.ask(caller, f.auth.RequestPasswordRecoveryRequest())
    await rig.ask(caller, f.auth.RecoverPasswordRequest(letter(rig, "recover")))
    assert ann.password is None
    assert rig.rpc.person_of(caller.key_id) == PHONE


async def test_no_address_no_recovery_and_a_late_code_is_over():
    rig = Rig()
    rig.person(OTHER, "Bob", cloud_password="pw")
    await with_recovery(rig)
    bob = rig.logged_in(rig.world.people.by_phone(OTHER))
    assert await refused(rig, bob, f.auth.RequestPasswordRecoveryRequest()) == (400, "PASSWORD_RECOVERY_NA")
    caller = await owing_the_password(rig)
    await rig.ask(caller, f.auth.RequestPasswordRecoveryRequest())
    rig.clock.now += 3601
    request = f.auth.RecoverPasswordRequest(letter(rig, "recover"))
    assert await refused(rig, caller, request) == (400, "PASSWORD_RECOVERY_EXPIRED")


async def test_an_unconfirmed_address_can_be_asked_for_again_and_given_up():
    rig = Rig()
    device = rig.logged_in(rig.person(PHONE, "Ann"))
    request = f.account.UpdatePasswordSettingsRequest(EMPTY, await settings(rig, device, "pw", email="ann@example.com"))
    await refused(rig, device, request)
    first = letter(rig, "confirm")
    await rig.ask(device, f.account.ResendPasswordEmailRequest())
    assert await refused(rig, device, f.account.ConfirmPasswordEmailRequest(first)) == (400, "CODE_INVALID")
    await rig.ask(device, f.account.CancelPasswordEmailRequest())
    assert await refused(rig, device, f.account.ConfirmPasswordEmailRequest("1")) == (400, "EMAIL_HASH_EXPIRED")
    assert (await rig.ask(device, f.account.GetPasswordRequest())).has_password
    bad = await settings(rig, device, "pw", email="no address")
    proof = await srp_answer(rig, device, "pw")
    assert await refused(rig, device, f.account.UpdatePasswordSettingsRequest(proof, bad)) == (400, "EMAIL_INVALID")


async def test_resetting_the_password_takes_a_week_and_can_be_declined():
    rig = Rig()
    ann = rig.person(PHONE, "Ann", cloud_password="lost")
    device = rig.logged_in(ann)
    assert isinstance(await rig.ask(device, f.account.ResetPasswordRequest()), types.account.ResetPasswordRequestedWait)
    assert (await rig.ask(device, f.account.GetPasswordRequest())).pending_reset_date is not None
    assert await rig.ask(device, f.account.DeclinePasswordResetRequest())
    assert isinstance(await rig.ask(device, f.account.ResetPasswordRequest()), types.account.ResetPasswordFailedWait)
    rig.clock.now += 2 * DAY
    await rig.ask(device, f.account.ResetPasswordRequest())
    rig.clock.now += 7 * DAY + 1
    assert isinstance(await rig.ask(device, f.account.ResetPasswordRequest()), types.account.ResetPasswordOk)
    assert ann.password is None
    assert await refused(rig, device, f.account.DeclinePasswordResetRequest()) == (400, "RESET_REQUEST_MISSING")


class Two:
    """Ann has Bob in her contacts; Bob does not know her."""

    def __init__(self):
        self.rig = Rig()
        self.ann, self.bob = self.rig.person(PHONE, "Ann"), self.rig.person(OTHER, "Bob")
        self.ann_device, self.bob_device = self.rig.logged_in(self.ann), self.rig.logged_in(self.bob)

    async def acquaint(self):
        await self.rig.say(self.ann_device, self.rig.input_peer(self.ann, self.bob), "hello")
        self.rig.pushes.sent.clear()

    def sees(self):
        """Ann as Bob sees her."""
        return self.view().user(self.bob, self.ann)

    def view(self):
        return View(self.rig.world)

    async def set(self, key, *rules):
        return await self.rig.ask(self.ann_device, f.account.SetPrivacyRequest(key, list(rules)))


async def test_privacy_decides_who_sees_the_phone():
    two = Two()
    assert two.sees().phone is None, "contacts only, unless said otherwise"
    named = types.InputUser(two.bob.id, two.rig.world.people.access_hash(two.ann.id, two.bob.id))
    key = types.InputPrivacyKeyPhoneNumber()
    other = two.rig.logged_in(two.ann)
    kept = await two.set(key, types.InputPrivacyValueAllowUsers([named]), types.InputPrivacyValueDisallowAll())
    assert two.sees().phone == PHONE
    assert [type(rule) for rule in kept.rules] == [types.PrivacyValueAllowUsers, types.PrivacyValueDisallowAll]
    assert kept.users[0].id == two.bob.id
    (told,) = two.rig.pushes.take(other.key_id)
    assert isinstance(told.updates[0], types.UpdatePrivacy)
    await two.set(key, types.InputPrivacyValueDisallowUsers([named]), types.InputPrivacyValueAllowAll())
    assert two.sees().phone is None, "an exception wins over everybody"
    assert (await two.rig.ask(two.ann_device, f.account.GetPrivacyRequest(key))).rules[0].users == [two.bob.id]
    assert await refused(two.rig, two.ann_device, f.account.SetPrivacyRequest(key, [])) == (
        400,
        "PRIVACY_VALUE_INVALID",
    )


async def test_the_last_seen_is_rough_for_those_who_may_not_know_it_both_ways():
    two = Two()
    await two.acquaint()
    two.rig.world.set_online(two.ann, online=True)
    assert isinstance(two.sees().status, types.UserStatusOnline)
    two.rig.pushes.sent.clear()
    await two.set(types.InputPrivacyKeyStatusTimestamp(), types.InputPrivacyValueDisallowAll())
    assert isinstance(two.sees().status, types.UserStatusRecently)
    two.rig.pushes.sent.clear()
    two.rig.world.set_online(two.ann, online=False)
    assert not two.rig.pushes.take(two.bob_device.key_id), "nobody is told who may not know"
    two.rig.clock.now += 5 * DAY
    assert isinstance(two.sees().status, types.UserStatusLastWeek)
    two.rig.world.set_online(two.bob, online=True)
    hidden = two.view().user(two.ann, two.bob).status
    assert isinstance(hidden, types.UserStatusRecently)
    assert hidden.by_me, "who hides does not see either, and is told why"


async def test_online_ends_by_itself_and_is_told():
    two = Two()
    await two.acquaint()
    await two.rig.ask(two.ann_device, f.account.UpdateStatusRequest(offline=False))
    (there,) = two.rig.pushes.take(two.bob_device.key_id)
    assert isinstance(there.update.status, types.UserStatusOnline)
    two.rig.clock.now += ONLINE_FOR - 1
    assert two.rig.world.presence.sweep() == 0
    two.rig.clock.now += 2
    assert isinstance(two.sees().status, types.UserStatusOffline), "even before it is swept"
    assert two.rig.world.presence.sweep() == 1
    (gone,) = two.rig.pushes.take(two.bob_device.key_id)
    assert isinstance(gone.update.status, types.UserStatusOffline)
    assert gone.update.status.was_online.timestamp() == there.update.status.expires.timestamp()
    assert two.rig.world.presence.sweep() == 0


async def test_the_card_of_a_person_shows_what_may_be_seen():
    two = Two()
    me = two.ann_device
    await two.rig.ask(me, f.account.UpdateProfileRequest(about="about me"))
    await two.rig.ask(me, f.account.UpdateBirthdayRequest(types.Birthday(29, 2)))
    assert await refused(two.rig, me, f.account.UpdateBirthdayRequest(types.Birthday(31, 4))) == (
        400,
        "BIRTHDAY_INVALID",
    )
    asked = f.users.GetFullUserRequest(
        types.InputUser(two.ann.id, two.rig.world.people.access_hash(two.bob.id, two.ann.id))
    )
    card = (await two.rig.ask(two.bob_device, asked)).full_user
    assert (card.about, card.birthday) == ("about me", None), "birthdays are for contacts"
    await two.set(types.InputPrivacyKeyAbout(), types.InputPrivacyValueDisallowAll())
    await two.set(types.InputPrivacyKeyBirthday(), types.InputPrivacyValueAllowAll())
    card = (await two.rig.ask(two.bob_device, asked)).full_user
    assert (card.about, card.birthday.day, card.birthday.year) == (None, 29, None)
    own = (await two.rig.ask(me, f.users.GetFullUserRequest(types.InputUserSelf()))).full_user
    assert own.about == "about me"


async def test_a_hidden_number_leads_nowhere():
    two = Two()
    await two.set(types.InputPrivacyKeyAddedByPhone(), types.InputPrivacyValueAllowContacts())
    request = f.contacts.ResolvePhoneRequest(PHONE)
    assert await refused(two.rig, two.bob_device, request) == (400, "PHONE_NOT_OCCUPIED")
    await two.set(types.InputPrivacyKeyAddedByPhone(), types.InputPrivacyValueAllowAll())
    assert (await two.rig.ask(two.bob_device, request)).users[0].id == two.ann.id


async def test_a_chat_is_muted_for_every_device():
    two = Two()
    await two.acquaint()
    other = two.rig.logged_in(two.ann)
    peer = types.InputNotifyPeer(two.rig.input_peer(two.ann, two.bob))
    muted = types.InputPeerNotifySettings(mute_until=2**31 - 1, silent=True)
    assert await two.rig.ask(two.ann_device, f.account.UpdateNotifySettingsRequest(peer, muted))
    (told,) = two.rig.pushes.take(other.key_id)
    assert told.updates[0].peer.peer.user_id == two.bob.id
    assert (await two.rig.ask(other, f.account.GetNotifySettingsRequest(peer))).silent
    dialogs = f.messages.GetDialogsRequest(None, 0, types.InputPeerEmpty(), 10, 0)
    shown = (await two.rig.ask(two.ann_device, dialogs)).dialogs
    assert {each.peer.user_id: bool(each.notify_settings.silent) for each in shown}[two.bob.id]
    exceptions = await two.rig.ask(two.ann_device, f.account.GetNotifyExceptionsRequest())
    assert len(exceptions.updates) == 1
    await two.rig.ask(two.ann_device, f.account.ResetNotifySettingsRequest())
    assert not (await two.rig.ask(other, f.account.GetNotifySettingsRequest(peer))).silent


async def test_small_settings_are_kept():
    two = Two()
    me, ask = two.ann_device, two.rig.ask
    await ask(me, f.account.SetAccountTTLRequest(types.AccountDaysTTL(180)))
    assert (await ask(me, f.account.GetAccountTTLRequest())).days == 180
    too_long = f.account.SetAccountTTLRequest(types.AccountDaysTTL(9999))
    assert await refused(two.rig, me, too_long) == (400, "TTL_DAYS_INVALID")
    await ask(me, f.account.SetGlobalPrivacySettingsRequest(types.GlobalPrivacySettings(keep_archived_unmuted=True)))
    assert (await ask(me, f.account.GetGlobalPrivacySettingsRequest())).keep_archived_unmuted
    await ask(me, f.account.SetContactSignUpNotificationRequest(silent=True))
    assert await ask(me, f.account.GetContactSignUpNotificationRequest()) is True
    await ask(me, f.account.SetAuthorizationTTLRequest(30))
    assert (await ask(me, f.account.GetAuthorizationsRequest())).authorization_ttl_days == 30
    await ask(me, f.account.RegisterDeviceRequest(1, "token", app_sandbox=False, secret=b"", other_uids=[]))
    await ask(me, f.account.UnregisterDeviceRequest(1, "token", []))
    gone = f.account.UnregisterDeviceRequest(1, "token", [])
    assert await refused(two.rig, me, gone) == (400, "TOKEN_INVALID")
    assert await refused(two.rig, me, f.account.FinishTakeoutSessionRequest()) == (403, "TAKEOUT_REQUIRED")
    assert (await ask(me, f.account.InitTakeoutSessionRequest())).id
    assert await ask(me, f.account.FinishTakeoutSessionRequest())


async def test_a_new_login_is_unconfirmed_until_another_device_says_so():
    rig = Rig()
    ann = rig.person(PHONE, "Ann")
    old = rig.logged_in(ann)
    caller = rig.caller()
    sent = await rig.ask(caller, f.auth.SendCodeRequest(PHONE, 1, "hash", types.CodeSettings()))
    rig.pushes.sent.clear()
    await rig.ask(caller, f.auth.SignInRequest(PHONE, sent.phone_code_hash, rig.world.logins.last_code[PHONE].code))
    told = [push.updates[0] for push in rig.pushes.take(old.key_id) if isinstance(push, types.Updates)]
    (new,) = [each for each in told if isinstance(each, types.UpdateNewAuthorization)]
    assert new.unconfirmed
    await rig.ask(old, f.account.ChangeAuthorizationSettingsRequest(new.hash, confirmed=True))
    listed = (await rig.ask(old, f.account.GetAuthorizationsRequest())).authorizations
    assert not any(each.unconfirmed for each in listed)
    unknown = f.account.ChangeAuthorizationSettingsRequest(12345, confirmed=True)
    assert await refused(rig, old, unknown) == (400, "HASH_INVALID")


async def test_an_account_changes_its_number():
    two = Two()
    await two.acquaint()
    me = two.ann_device
    taken = f.account.SendChangePhoneCodeRequest(OTHER, types.CodeSettings())
    assert await refused(two.rig, me, taken) == (400, "PHONE_NUMBER_OCCUPIED")
    sent = await two.rig.ask(me, f.account.SendChangePhoneCodeRequest("15550100009", types.CodeSettings()))
    code = two.rig.world.logins.last_code["15550100009"].code
    wrong = f.account.ChangePhoneRequest("15550100009", sent.phone_code_hash, "1")
    assert await refused(two.rig, me, wrong) == (400, "PHONE_CODE_INVALID")
    user = await two.rig.ask(me, f.account.ChangePhoneRequest("15550100009", sent.phone_code_hash, code))
    assert user.phone == "15550100009"
    assert two.rig.world.people.by_phone(PHONE) is None
    assert two.rig.rpc.person_of(me.key_id) == "15550100009"


async def test_a_deleted_account_is_a_stranger_to_all_and_its_number_is_free():
    two = Two()
    await two.acquaint()
    await two.rig.ask(two.ann_device, f.account.DeleteAccountRequest("bye"))
    assert two.ann_device.key_id in two.rig.pushes.revoked
    assert await refused(two.rig, two.ann_device, f.updates.GetStateRequest()) == (401, "USER_DEACTIVATED")
    (told,) = two.rig.pushes.take(two.bob_device.key_id)
    assert isinstance(told.updates[0], types.UpdateUser)
    assert two.sees().deleted
    two.rig.person(PHONE, "Somebody else")


async def test_deleting_an_account_with_a_password_takes_the_password():
    rig = Rig()
    device = rig.logged_in(rig.person(PHONE, "Ann", cloud_password="pw"))
    plain = f.account.DeleteAccountRequest("bye")
    assert await refused(rig, device, plain) == (420, "2FA_CONFIRM_WAIT_604800")
    await rig.ask(device, f.account.DeleteAccountRequest("bye", await srp_answer(rig, device, "pw")))
    assert rig.world.people.by_phone(PHONE) is None


async def test_a_login_code_travels_by_mail_to_the_address_that_was_proven():
    rig = Rig()
    ann = rig.person(PHONE, "Ann")
    device = rig.logged_in(ann)
    change = types.EmailVerifyPurposeLoginChange()
    bad = f.account.SendVerifyEmailCodeRequest(change, "nowhere")
    assert await refused(rig, device, bad) == (400, "EMAIL_INVALID")
    sent = await rig.ask(device, f.account.SendVerifyEmailCodeRequest(change, "ann@example.com"))
    assert sent.email_pattern == "a***n@example.com"
    code = types.EmailVerificationCode(letter(rig, "verify"))
    assert (await rig.ask(device, f.account.VerifyEmailRequest(change, code))).email == "ann@example.com"
    await rig.ask(device, f.auth.LogOutRequest())

    caller = rig.caller()
    sent = await rig.ask(caller, f.auth.SendCodeRequest(PHONE, 1, "hash", types.CodeSettings()))
    assert isinstance(sent.type, types.auth.SentCodeTypeEmailCode)
    known = rig.world.logins.last_code[PHONE].code
    by_phone = f.auth.SignInRequest(PHONE, sent.phone_code_hash, known)
    assert await refused(rig, caller, by_phone) == (400, "PHONE_CODE_EMPTY")
    reset = await rig.ask(caller, f.auth.ResetLoginEmailRequest(PHONE, sent.phone_code_hash))
    assert isinstance(reset.type, types.auth.SentCodeTypeSms)
    ann.account.login_email = "ann@example.com"
    sent = await rig.ask(caller, f.auth.SendCodeRequest(PHONE, 1, "hash", types.CodeSettings()))
    mailed = types.EmailVerificationCode(rig.world.logins.last_code[PHONE].code)
    by_mail = f.auth.SignInRequest(PHONE, sent.phone_code_hash, email_verification=mailed)
    assert (await rig.ask(caller, by_mail)).user.phone == PHONE


async def test_nobody_asks_for_an_address_without_being_in():
    rig = Rig()
    request = f.account.SendVerifyEmailCodeRequest(types.EmailVerifyPurposeLoginChange(), "ann@example.com")
    assert await refused(rig, rig.caller(), request) == (401, "AUTH_KEY_UNREGISTERED")
