"""What people learn of each other: names that are free, contacts, blocks, settings that show, voice that was heard."""

from __future__ import annotations

from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.world import snapshot
from teleflow.sandbox.world.media_records import Media
from tests.sandbox.chat_rig import ANN, BOB, Trio


async def seen(trio: Trio, caller, viewer, person):
    (user,) = await trio.ask(caller, f.users.GetUsersRequest([trio.user(viewer, person)]))
    return user


async def test_whether_a_username_is_free_is_answered_also_when_somebody_has_it():
    trio = Trio()
    await trio.ask(trio.b, f.account.UpdateUsernameRequest("bob_here"))
    assert await trio.ask(trio.a, f.account.CheckUsernameRequest("bob_here")) is False
    assert await trio.ask(trio.b, f.account.CheckUsernameRequest("bob_here")) is True
    assert await trio.ask(trio.a, f.account.CheckUsernameRequest("ann_here")) is True


async def test_whoever_has_written_somebody_down_sees_them_come():
    trio = Trio()
    card = types.InputPhoneContact(1, ANN, "Ann", "")
    await trio.ask(trio.b, f.contacts.ImportContactsRequest([card]))
    trio.rig.pushes.sent.clear()
    await trio.ask(trio.a, f.account.UpdateStatusRequest(offline=False))
    (told,) = trio.pushed(trio.b, types.UpdateUserStatus)
    assert told.user_id == trio.ann.id
    assert trio.pushed(trio.e, types.UpdateUserStatus) == []
    snapshot.restore(trio.world, list(snapshot.everything(trio.world)))
    await trio.ask(trio.a, f.account.UpdateStatusRequest(offline=True))
    assert len(trio.pushed(trio.b, types.UpdateUserStatus)) == 1
    await trio.ask(trio.b, f.contacts.DeleteByPhonesRequest([ANN]))
    await trio.ask(trio.a, f.account.UpdateStatusRequest(offline=False))
    assert trio.pushed(trio.b, types.UpdateUserStatus) == []


async def test_a_number_that_changes_changes_in_the_address_books_that_have_it():
    trio = Trio()
    card = types.InputPhoneContact(1, ANN, "Ann", "")
    for caller in (trio.b, trio.e):
        await trio.ask(caller, f.contacts.ImportContactsRequest([card]))
    await trio.ask(trio.a, f.contacts.BlockRequest(trio.peer(trio.ann, trio.eve)))
    new = "15550999999"
    trio.rig.clock.now += 86400
    sent = await trio.ask(trio.a, f.account.SendChangePhoneCodeRequest(new, types.CodeSettings()))
    code = trio.world.logins.last_code[new].code
    await trio.ask(trio.a, f.account.ChangePhoneRequest(new, sent.phone_code_hash, code))
    assert (await seen(trio, trio.b, trio.bob, trio.ann)).phone == new
    assert (await seen(trio, trio.e, trio.eve, trio.ann)).phone is None


async def test_a_contact_may_be_an_exception_to_hiding_ones_number():
    trio = Trio()
    nobody = [types.InputPrivacyValueDisallowUsers([trio.user(trio.ann, trio.bob)])]
    nobody += [types.InputPrivacyValueDisallowAll()]
    await trio.ask(trio.a, f.account.SetPrivacyRequest(types.InputPrivacyKeyPhoneNumber(), nobody))
    assert (await seen(trio, trio.b, trio.bob, trio.ann)).phone is None
    add = f.contacts.AddContactRequest
    await trio.ask(trio.a, add(trio.user(trio.ann, trio.bob), "Bob", "", "", add_phone_privacy_exception=True))
    assert (await seen(trio, trio.b, trio.bob, trio.ann)).phone == ANN
    assert (await seen(trio, trio.e, trio.eve, trio.ann)).phone is None
    kept = await trio.ask(trio.a, f.account.GetPrivacyRequest(types.InputPrivacyKeyPhoneNumber()))
    assert [type(each) for each in kept.rules] == [types.PrivacyValueAllowUsers, types.PrivacyValueDisallowAll]
    assert kept.rules[0].users == [trio.bob.id]


async def test_whoever_is_blocked_sees_neither_visits_nor_photos():
    trio = Trio()
    await trio.ask(trio.a, f.account.UpdateStatusRequest(offline=False))
    trio.ann.photos.append(1)
    await trio.ask(trio.a, f.contacts.BlockRequest(trio.peer(trio.ann, trio.bob)))
    user = await seen(trio, trio.b, trio.bob, trio.ann)
    assert isinstance(user.status, types.UserStatusEmpty)
    assert user.photo is None
    assert isinstance((await seen(trio, trio.e, trio.eve, trio.ann)).status, types.UserStatusOnline)
    trio.rig.pushes.sent.clear()
    await trio.say(trio.a, trio.eve, "hello")
    await trio.ask(trio.a, f.account.UpdateStatusRequest(offline=True))
    assert trio.pushed(trio.b, types.UpdateUserStatus) == []


async def test_a_stranger_who_writes_may_be_added_or_blocked():
    trio = Trio()
    settings = f.messages.GetPeerSettingsRequest(trio.peer(trio.ann, trio.bob))
    found = (await trio.ask(trio.a, settings)).settings
    assert (found.add_contact, found.block_contact) == (True, True)
    await trio.ask(trio.a, f.contacts.ImportContactsRequest([types.InputPhoneContact(1, BOB, "Bob", "")]))
    found = (await trio.ask(trio.a, settings)).settings
    assert (found.add_contact, found.block_contact) == (False, False)


async def test_folders_are_the_main_list_and_the_archive():
    trio = Trio()
    empty = types.InputPeerEmpty()
    request = f.messages.GetDialogsRequest(None, 0, empty, 10, 0, folder_id=2)
    assert await trio.refused(trio.a, request) == "FOLDER_ID_INVALID"
    assert await trio.refused(trio.a, f.messages.GetPinnedDialogsRequest(2)) == "FOLDER_ID_INVALID"


async def test_settings_told_to_other_devices_introduce_whom_they_are_about():
    trio = Trio()
    other = trio.rig.logged_in(trio.ann)
    trio.rig.pushes.sent.clear()
    await trio.ask(trio.a, f.messages.SaveDraftRequest(trio.peer(trio.ann, trio.bob), "to be contin"))
    (pushed,) = trio.rig.pushes.take(other.key_id)
    assert trio.bob.id in {user.id for user in pushed.users}


async def test_available_reactions_are_told_once():
    trio = Trio()
    found = await trio.ask(trio.a, f.messages.GetAvailableReactionsRequest(0))
    again = await trio.ask(trio.a, f.messages.GetAvailableReactionsRequest(found.hash))
    assert isinstance(again, types.messages.AvailableReactionsNotModified)


async def test_a_voice_message_is_unread_until_somebody_listens_and_its_author_is_told():
    trio = Trio()
    voice = Media("other", right="send_voices", data=bytes(types.MessageMediaEmpty()))
    line = trio.world.messages.send(trio.ann, trio.bob, "", media=voice)

    async def unread(caller, number):
        found = await trio.ask(caller, f.messages.GetMessagesRequest([types.InputMessageID(number)]))
        return found.messages[0].media_unread

    assert await unread(trio.a, line.from_id)
    assert await unread(trio.b, line.to_id)
    trio.rig.pushes.sent.clear()
    affected = await trio.ask(trio.b, f.messages.ReadMessageContentsRequest([line.to_id]))
    assert affected.pts_count == 1
    (told,) = trio.pushed(trio.a, types.UpdateReadMessagesContents)
    assert (told.messages, told.pts_count) == ([line.from_id], 1)
    assert not await unread(trio.a, line.from_id)
    assert not await unread(trio.b, line.to_id)
    assert (await trio.ask(trio.b, f.messages.ReadMessageContentsRequest([line.to_id]))).pts_count == 0


async def test_in_a_supergroup_each_listens_alone_and_the_first_is_told():
    trio = Trio()
    club = trio.channel(trio.bob, trio.eve)
    voice = Media("other", right="send_voices", data=bytes(types.MessageMediaEmpty()))
    line = trio.world.messages.send(trio.ann, club, "", media=voice)
    for caller, told in ((trio.b, 1), (trio.e, 0)):
        trio.rig.pushes.sent.clear()
        who = trio.of(caller)
        await trio.ask(caller, f.channels.ReadMessageContentsRequest(trio.peer(who, club), [line.from_id]))
        assert len(trio.pushed(trio.a, types.UpdateChannelReadMessagesContents)) == told
    history = f.messages.GetHistoryRequest(trio.peer(trio.bob, club), 0, None, 0, 1, 0, 0, 0)
    assert not (await trio.ask(trio.b, history)).messages[0].media_unread


async def test_a_login_of_less_than_a_day_neither_ends_others_nor_takes_the_number_elsewhere():
    trio = Trio()
    other = trio.rig.logged_in(trio.ann)
    number = trio.world.logins.authorizations[other.key_id].hash
    fresh = "FRESH_RESET_AUTHORISATION_FORBIDDEN"
    move = f.account.SendChangePhoneCodeRequest("15550999999", types.CodeSettings())
    trio.rig.clock.now += 86399
    assert await trio.refused(trio.a, f.account.ResetAuthorizationRequest(number)) == fresh
    assert await trio.refused(trio.a, f.auth.ResetAuthorizationsRequest()) == fresh
    assert await trio.refused(trio.a, f.account.SetAuthorizationTTLRequest(30)) == fresh
    assert await trio.refused(trio.a, move) == "FRESH_CHANGE_PHONE_FORBIDDEN"
    trio.rig.clock.now += 1
    assert await trio.ask(trio.a, f.account.ResetAuthorizationRequest(number)) is True
    await trio.ask(trio.a, move)


async def test_a_code_that_was_given_away_is_worth_nothing():
    trio = Trio()
    thief = trio.rig.caller()
    sent = await trio.ask(thief, f.auth.SendCodeRequest(ANN, 1, "hash", types.CodeSettings()))
    code = trio.world.logins.last_code[ANN].code
    assert await trio.ask(trio.b, f.account.InvalidateSignInCodesRequest([code])) is False
    assert await trio.ask(trio.a, f.account.InvalidateSignInCodesRequest([code])) is True
    sign_in = f.auth.SignInRequest(ANN, sent.phone_code_hash, code)
    assert await trio.refused(thief, sign_in) == "PHONE_CODE_EXPIRED"


async def test_members_of_a_chat_may_be_the_exception():
    trio = Trio()
    group = trio.group(trio.bob)
    rules = [types.InputPrivacyValueAllowChatParticipants([-group.id]), types.InputPrivacyValueDisallowAll()]
    for key in (types.InputPrivacyKeyPhoneNumber(), types.InputPrivacyKeyAbout(), types.InputPrivacyKeyChatInvite()):
        await trio.ask(trio.a, f.account.SetPrivacyRequest(key, rules))
    trio.ann.about = "among us"
    assert (await seen(trio, trio.b, trio.bob, trio.ann)).phone == ANN
    assert (await seen(trio, trio.e, trio.eve, trio.ann)).phone is None
    for caller, viewer, about in ((trio.b, trio.bob, "among us"), (trio.e, trio.eve, None)):
        full = await trio.ask(caller, f.users.GetFullUserRequest(trio.user(viewer, trio.ann)))
        assert full.full_user.about == about
        made = await trio.ask(caller, f.messages.CreateChatRequest([trio.user(viewer, trio.ann)], "Group"))
        assert [each.user_id for each in made.missing_invitees] == ([] if about else [trio.ann.id])
