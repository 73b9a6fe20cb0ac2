"""The account's own affairs, method by method: privacy, presence, devices, settings, number, end."""

from __future__ import annotations

import pytest
from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.rpc.base import RpcError
from teleflow.sandbox.rpc.view import View
from teleflow.sandbox.world.presence import ONLINE_FOR
from tests.sandbox.world_rig import Rig

PHONE, OTHER = "15550100001", "15550100002"
DAY = 86400


async def refused(rig, caller, request):
    with pytest.raises(RpcError) as caught:
        await rig.ask(caller, request)
    return caught.value.code, caught.value.message


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
    two.rig.clock.now += 86400
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
    two.rig.clock.now += 86400
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


async def test_who_may_not_add_somebody_to_groups_does_not():
    two = Two()
    await two.set(types.InputPrivacyKeyChatInvite(), types.InputPrivacyValueDisallowAll())
    named = types.InputUser(two.ann.id, two.rig.world.people.access_hash(two.bob.id, two.ann.id))
    made = await two.rig.ask(two.bob_device, f.messages.CreateChatRequest([named], "a group"))
    assert [each.user_id for each in made.missing_invitees] == [two.ann.id]
    await two.set(types.InputPrivacyKeyChatInvite(), types.InputPrivacyValueAllowAll())
    chat = made.updates.chats[0]
    await two.rig.ask(two.bob_device, f.messages.AddChatUserRequest(chat.id, named, 0))
    assert two.rig.world.chats.inside(two.rig.world.chats.by_id[-chat.id], two.ann.id)
