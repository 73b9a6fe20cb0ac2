"""Logging in, method by method: what each wrong step answers."""

from __future__ import annotations

import pytest
from telethon import password as telethon_password
from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.rpc.base import RpcError
from tests.sandbox.world_rig import Rig, srp_answer

PHONE = "15550100001"


async def code_sent(rig, caller, phone=PHONE):
    return await rig.ask(caller, f.auth.SendCodeRequest(phone, 1, "hash", types.CodeSettings()))


def code(rig, phone=PHONE):
    return rig.world.logins.last_code[phone].code


async def refused(rig, caller, request):
    with pytest.raises(RpcError) as caught:
        await rig.ask(caller, request)
    return caught.value.code, caught.value.message


async def test_a_new_number_signs_up():
    rig = Rig()
    caller = rig.caller()
    sent = await code_sent(rig, caller)
    answer = await rig.ask(caller, f.auth.SignInRequest(PHONE, sent.phone_code_hash, code(rig)))
    assert isinstance(answer, types.auth.AuthorizationSignUpRequired)
    answer = await rig.ask(caller, f.auth.SignUpRequest(PHONE, sent.phone_code_hash, "New", "Comer"))
    assert (answer.user.first_name, answer.user.phone, answer.user.is_self) == ("New", PHONE, True)
    assert rig.rpc.person_of(caller.key_id) == PHONE


async def test_signing_up_needs_the_right_code_first():
    rig = Rig()
    caller = rig.caller()
    sent = await code_sent(rig, caller)
    request = f.auth.SignUpRequest(PHONE, sent.phone_code_hash, "New", "Comer")
    assert await refused(rig, caller, request) == (400, "PHONE_CODE_INVALID")
    assert not rig.world.people.by_phone(PHONE)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (f.auth.SendCodeRequest("12", 1, "h", types.CodeSettings()), "PHONE_NUMBER_INVALID"),
        (f.auth.SendCodeRequest("abc", 1, "h", types.CodeSettings()), "PHONE_NUMBER_INVALID"),
        (f.auth.SendCodeRequest(PHONE, 0, "h", types.CodeSettings()), "API_ID_INVALID"),
        (f.auth.SendCodeRequest(PHONE, 1, "", types.CodeSettings()), "API_ID_INVALID"),
        (f.auth.SignInRequest(PHONE, "nonsense", "12345"), "PHONE_CODE_EXPIRED"),
        (f.auth.SignInRequest(PHONE, "", "12345"), "PHONE_CODE_HASH_EMPTY"),
    ],
)
async def test_bad_requests_have_telegrams_names(request_, error):
    rig = Rig()
    assert await refused(rig, rig.caller(), request_) == (400, error)


async def test_wrong_empty_expired_and_too_many_codes():
    rig = Rig()
    rig.person(PHONE, "Ann")
    caller = rig.caller()
    sent = await code_sent(rig, caller)
    wrong = f.auth.SignInRequest(PHONE, sent.phone_code_hash, "00000")
    assert await refused(rig, caller, wrong) == (400, "PHONE_CODE_INVALID")
    empty = f.auth.SignInRequest(PHONE, sent.phone_code_hash, "")
    assert await refused(rig, caller, empty) == (400, "PHONE_CODE_EMPTY")
    for _ in range(4):
        assert await refused(rig, caller, wrong) == (400, "PHONE_CODE_INVALID")
    right = f.auth.SignInRequest(PHONE, sent.phone_code_hash, code(rig))
    assert await refused(rig, caller, right) == (400, "PHONE_CODE_EXPIRED"), "five wrong ones spend it"
    sent = await code_sent(rig, caller)
    rig.clock.now += 301
    late = f.auth.SignInRequest(PHONE, sent.phone_code_hash, code(rig))
    assert await refused(rig, caller, late) == (400, "PHONE_CODE_EXPIRED")


async def test_a_code_is_good_only_for_the_key_that_asked():
    rig = Rig()
    rig.person(PHONE, "Ann")
    sent = await code_sent(rig, rig.caller())
    request = f.auth.SignInRequest(PHONE, sent.phone_code_hash, code(rig))
    assert await refused(rig, rig.caller(), request) == (400, "PHONE_CODE_EXPIRED")


async def test_asking_twice_voids_the_first_code():
    rig = Rig()
    rig.person(PHONE, "Ann")
    caller = rig.caller()
    first = await code_sent(rig, caller)
    old = code(rig)
    second = await code_sent(rig, caller)
    assert first.phone_code_hash != second.phone_code_hash
    request = f.auth.SignInRequest(PHONE, first.phone_code_hash, old)
    assert await refused(rig, caller, request) == (400, "PHONE_CODE_EXPIRED")


async def test_resending_goes_down_the_list_of_ways_and_ends():
    rig = Rig()
    ann = rig.person(PHONE, "Ann")
    rig.logged_in(ann)
    caller = rig.caller()
    sent = await code_sent(rig, caller)
    assert isinstance(sent.type, types.auth.SentCodeTypeApp)
    assert isinstance(sent.next_type, types.auth.CodeTypeSms)
    resend = f.auth.ResendCodeRequest(PHONE, sent.phone_code_hash)
    assert isinstance((await rig.ask(caller, resend)).type, types.auth.SentCodeTypeSms)
    last = await rig.ask(caller, resend)
    assert isinstance(last.type, types.auth.SentCodeTypeCall)
    assert last.next_type is None
    assert await refused(rig, caller, resend) == (406, "SEND_CODE_UNAVAILABLE")
    assert await rig.ask(caller, f.auth.CancelCodeRequest(PHONE, sent.phone_code_hash)) is True
    assert await refused(rig, caller, resend) == (400, "PHONE_CODE_EXPIRED")


async def test_too_many_codes_flood_the_phone():
    rig = Rig()
    caller = rig.caller()
    for _ in range(30):
        await code_sent(rig, caller)
    request = f.auth.SendCodeRequest(PHONE, 1, "hash", types.CodeSettings())
    assert await refused(rig, caller, request) == (400, "PHONE_NUMBER_FLOOD")
    rig.clock.now += 3601
    await code_sent(rig, caller)


async def test_the_code_reaches_devices_that_are_logged_in():
    rig = Rig()
    ann = rig.person(PHONE, "Ann")
    device = rig.logged_in(ann)
    await code_sent(rig, rig.caller())
    (pushed,) = rig.pushes.take(device.key_id)
    assert code(rig) in pushed.updates[0].message.message
    assert pushed.updates[0].message.peer_id.user_id == 777000


async def test_strangers_are_told_that_the_key_is_not_registered():
    rig = Rig()
    for request in (
        f.updates.GetStateRequest(),
        f.users.GetUsersRequest([types.InputUserSelf()]),
        f.messages.SendMessageRequest(types.InputPeerSelf(), "x", random_id=1),
        f.auth.LogOutRequest(),
        f.account.GetPasswordRequest(),
    ):
        assert await refused(rig, rig.caller(), request) == (401, "AUTH_KEY_UNREGISTERED")


async def test_unknown_methods_are_an_answer():
    rig = Rig()
    request = f.smsjobs.JoinRequest()
    assert await refused(rig, rig.caller(), request) == (400, "INPUT_METHOD_INVALID")


async def test_logging_out_ends_only_this_key():
    rig = Rig()
    ann = rig.person(PHONE, "Ann")
    one, other = rig.logged_in(ann), rig.logged_in(ann)
    await rig.ask(one, f.auth.LogOutRequest())
    assert rig.rpc.person_of(one.key_id) is None
    assert rig.rpc.person_of(other.key_id) == PHONE


async def password_step(rig, caller):
    sent = await code_sent(rig, caller)
    request = f.auth.SignInRequest(PHONE, sent.phone_code_hash, code(rig))
    assert await refused(rig, caller, request) == (401, "SESSION_PASSWORD_NEEDED")


async def test_the_cloud_password_is_asked_and_proven():
    rig = Rig()
    rig.person(PHONE, "Ann", cloud_password="hunter2")
    caller = rig.caller()
    await password_step(rig, caller)
    assert await refused(rig, caller, f.updates.GetStateRequest()) == (401, "AUTH_KEY_UNREGISTERED")
    wrong = f.auth.CheckPasswordRequest(await srp_answer(rig, caller, "hunter3"))
    assert await refused(rig, caller, wrong) == (400, "PASSWORD_HASH_INVALID")
    assert await refused(rig, caller, wrong) == (400, "SRP_ID_INVALID"), "numbers are good for one check"
    answer = await rig.ask(caller, f.auth.CheckPasswordRequest(await srp_answer(rig, caller, "hunter2")))
    assert answer.user.phone == PHONE
    await rig.ask(caller, f.updates.GetStateRequest())


async def test_rotated_srp_numbers_are_told_and_then_work_again():
    rig = Rig()
    rig.person(PHONE, "Ann", cloud_password="pw")
    caller = rig.caller()
    await password_step(rig, caller)
    answer = await srp_answer(rig, caller, "pw")
    rig.world.logins.rotate_challenges()
    assert await refused(rig, caller, f.auth.CheckPasswordRequest(answer)) == (400, "SRP_ID_INVALID")
    await rig.ask(caller, f.auth.CheckPasswordRequest(await srp_answer(rig, caller, "pw")))


async def test_too_many_wrong_passwords_flood():
    rig = Rig()
    rig.person(PHONE, "Ann", cloud_password="pw")
    caller = rig.caller()
    await password_step(rig, caller)
    for _ in range(5):
        asked = await rig.ask(caller, f.account.GetPasswordRequest())
        wrong = types.InputCheckPasswordSRP(asked.srp_id, b"\1" * 256, b"\0" * 32)
        assert await refused(rig, caller, f.auth.CheckPasswordRequest(wrong)) == (400, "PASSWORD_HASH_INVALID")
    right = f.auth.CheckPasswordRequest(await srp_answer(rig, caller, "pw"))
    assert await refused(rig, caller, right) == (406, "PHONE_PASSWORD_FLOOD")
    rig.clock.now += 601
    await rig.ask(caller, f.auth.CheckPasswordRequest(await srp_answer(rig, caller, "pw")))


async def test_setting_and_removing_the_cloud_password():
    rig = Rig()
    ann = rig.person(PHONE, "Ann")
    device = rig.logged_in(ann)
    asked = await rig.ask(device, f.account.GetPasswordRequest())
    assert not asked.has_password
    asked.new_algo.salt1 += bytes(32)
    settings = types.account.PasswordInputSettings(
        new_algo=asked.new_algo,
        new_password_hash=telethon_password.compute_digest(asked.new_algo, "fresh"),
        hint="new one",
    )
    empty = types.InputCheckPasswordEmpty()
    assert await rig.ask(device, f.account.UpdatePasswordSettingsRequest(empty, settings))
    other = rig.caller()
    await password_step(rig, other)
    assert (await rig.ask(other, f.account.GetPasswordRequest())).hint == "new one"
    await rig.ask(other, f.auth.CheckPasswordRequest(await srp_answer(rig, other, "fresh")))
    gone = types.account.PasswordInputSettings(new_algo=types.PasswordKdfAlgoUnknown(), new_password_hash=b"", hint="")
    unproven = f.account.UpdatePasswordSettingsRequest(empty, gone)
    assert await refused(rig, device, unproven) == (400, "PASSWORD_HASH_INVALID")
    proof = await srp_answer(rig, device, "fresh")
    await rig.ask(device, f.account.UpdatePasswordSettingsRequest(proof, gone))
    assert ann.password is None


async def test_devices_are_listed_and_ended():
    rig = Rig()
    ann = rig.person(PHONE, "Ann")
    one, two, three = (rig.logged_in(ann) for _ in range(3))
    rig.clock.now += 86400
    listed = (await rig.ask(one, f.account.GetAuthorizationsRequest())).authorizations
    assert [each.current for each in listed] == [True, False, False]
    victim = next(each for each in listed if each.hash == rig.world.logins.authorizations[two.key_id].hash)
    assert await rig.ask(one, f.account.ResetAuthorizationRequest(victim.hash))
    assert rig.pushes.revoked == [two.key_id]
    assert await refused(rig, one, f.account.ResetAuthorizationRequest(12345)) == (400, "HASH_INVALID")
    await rig.ask(one, f.auth.ResetAuthorizationsRequest())
    assert rig.pushes.revoked == [two.key_id, three.key_id]
    assert rig.rpc.person_of(one.key_id) == PHONE


async def test_a_new_login_is_told_to_the_other_devices():
    rig = Rig()
    ann = rig.person(PHONE, "Ann")
    device = rig.logged_in(ann)
    rig.world.authorize(ann, rig.caller())
    (pushed,) = rig.pushes.take(device.key_id)
    assert "rig" in pushed.updates[0].message.message
