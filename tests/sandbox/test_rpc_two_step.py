"""The cloud password: recovery by mail, resets; codes by mail; coming back without one."""

from __future__ import annotations

import pytest
from telethon import password as telethon_password
from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.rpc.base import RpcError
from teleflow.sandbox.world import snapshot
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


async def test_a_client_that_logged_out_comes_back_without_a_code_once():
    rig = Rig()
    device = rig.logged_in(rig.person(PHONE, "Ann", cloud_password="pw"))
    token = (await rig.ask(device, f.auth.LogOutRequest())).future_auth_token
    caller = rig.caller()
    remembered = f.auth.SendCodeRequest(PHONE, 1, "hash", types.CodeSettings(logout_tokens=[b"no", token]))
    entered = await rig.ask(caller, remembered)
    assert entered.authorization.user.phone == PHONE
    assert isinstance(await rig.ask(rig.caller(), remembered), types.auth.SentCode), "a token is good once"
    plain = rig.logged_in(rig.person(OTHER, "Bob"))
    assert (await rig.ask(plain, f.auth.LogOutRequest())).future_auth_token is None


async def test_a_key_still_owes_its_password_after_a_restart():
    rig = Rig()
    rig.person(PHONE, "Ann", cloud_password="pw")
    caller = await owing_the_password(rig)
    assert snapshot.restore(rig.world, list(snapshot.everything(rig.world)))
    await rig.ask(caller, f.auth.CheckPasswordRequest(await srp_answer(rig, caller, "pw")))
    assert rig.rpc.person_of(caller.key_id) == PHONE
    assert not rig.world.logins.pending


async def test_an_answer_to_the_password_before_is_told_that_it_has_changed():
    rig = Rig()
    ann = rig.person(PHONE, "Ann")
    one, two = rig.logged_in(ann), rig.logged_in(ann)
    await rig.ask(one, f.account.UpdatePasswordSettingsRequest(EMPTY, await settings(rig, one, "first")))
    late = await srp_answer(rig, two, "first")
    proof = await srp_answer(rig, one, "first")
    await rig.ask(one, f.account.UpdatePasswordSettingsRequest(proof, await settings(rig, one, "second")))
    assert await refused(rig, two, f.auth.CheckPasswordRequest(late)) == (400, "SRP_PASSWORD_CHANGED")
    assert (await rig.ask(two, f.auth.CheckPasswordRequest(await srp_answer(rig, two, "second")))).user.id == ann.id
