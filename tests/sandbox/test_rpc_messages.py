"""Messages, people and positions by method: answers, pushes, differences, refusals."""

from __future__ import annotations

import pytest
from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.rpc.base import RpcError
from tests.sandbox.world_rig import EPOCH, Rig

ANN, BOB = "15550100001", "15550100002"


class Pair:
    """Ann and Bob, one device each."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.ann, self.bob = self.rig.person(ANN, "Ann"), self.rig.person(BOB, "Bob")
        self.a, self.b = self.rig.logged_in(self.ann), self.rig.logged_in(self.bob)
        self.to_bob = self.rig.input_peer(self.ann, self.bob)
        self.to_ann = self.rig.input_peer(self.bob, self.ann)

    async def say(self, text: str, random_id: int = 0, **more):
        return await self.rig.say(self.a, self.to_bob, text, random_id, **more)

    async def refused(self, request, caller=None):
        with pytest.raises(RpcError) as caught:
            await self.rig.ask(caller or self.a, request)
        return caught.value.message


async def test_the_sender_gets_the_short_answer_and_no_push():
    pair = Pair()
    answer = await pair.say("hi")
    assert isinstance(answer, types.UpdateShortSentMessage)
    assert (answer.id, answer.pts, answer.pts_count, answer.out) == (1, 2, 1, True)
    own = [(key, session) for key, _, session in pair.rig.pushes.sent if key == pair.a.key_id]
    assert own in ([], [(pair.a.key_id, pair.a.session_id)]), "own key only without the asking session"


async def test_the_first_push_introduces_the_sender_and_the_next_is_short():
    pair = Pair()
    await pair.say("one")
    await pair.say("two")
    first, second = pair.rig.pushes.take(pair.b.key_id)
    assert isinstance(first, types.Updates)
    assert {user.id for user in first.users} == {pair.ann.id, pair.bob.id}
    assert isinstance(second, types.UpdateShortMessage)
    assert (second.message, second.user_id, second.pts, second.out) == ("two", pair.ann.id, 3, False)
    await pair.rig.ask(pair.b, f.updates.GetStateRequest())
    await pair.say("three")
    (third,) = pair.rig.pushes.take(pair.b.key_id)
    assert isinstance(third, types.Updates), "a client that starts anew may know nobody"


async def test_other_devices_of_the_sender_learn_of_it():
    pair = Pair()
    second = pair.rig.logged_in(pair.ann)
    await pair.say("hi")
    (pushed,) = pair.rig.pushes.take(second.key_id)
    message = pushed.updates[0].message
    assert (message.out, message.from_id.user_id, message.peer_id.user_id) == (
        True,
        pair.ann.id,
        pair.bob.id,
    )


async def test_a_repeated_random_id_answers_as_the_first_time():
    pair = Pair()
    first = await pair.say("hi", 77)
    again = await pair.say("hi", 77)
    assert (again.id, again.pts, again.date) == (first.id, first.pts, first.date)
    assert len(pair.rig.world.ledger.messages) == 1
    other = await pair.rig.say(pair.b, pair.to_ann, "mine", 77)
    assert other.id == 2, "random_ids belong to an account"


async def test_a_repeat_is_known_even_after_the_message_was_deleted():
    pair = Pair()
    first = await pair.say("hi", 77)
    await pair.rig.ask(pair.a, f.messages.DeleteMessagesRequest([first.id], revoke=True))
    assert (await pair.say("hi", 77)).id == first.id
    assert len(pair.rig.world.ledger.messages) == 1


async def test_a_repeat_can_be_made_an_error():
    pair = Pair()
    await pair.say("hi", 77)
    pair.rig.world.random_id_repeat = "error"
    with pytest.raises(RpcError, match="500 RANDOM_ID_DUPLICATE"):
        await pair.say("hi", 77)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "MESSAGE_EMPTY"),
        (" \n\t ", "MESSAGE_EMPTY"),
        ("\0\1", "MESSAGE_EMPTY"),
        ("x" * 4097, "MESSAGE_TOO_LONG"),
        ("😀" * 2049, "MESSAGE_TOO_LONG"),
    ],
)
async def test_texts_that_are_no_message(text, error):
    pair = Pair()
    assert await pair.refused(f.messages.SendMessageRequest(pair.to_bob, text, random_id=1)) == error


@pytest.mark.parametrize(
    ("text", "kept"),
    [("x" * 4096, "x" * 4096), ("😀" * 2048, "😀" * 2048), ("  a\0b ", "a b"), ("  " + "x" * 4096, "x" * 4096)],
)
async def test_texts_at_the_limit_and_what_is_kept_of_them(text, kept):
    pair = Pair()
    await pair.say(text)
    assert pair.rig.world.ledger.messages[0].text == kept


async def test_entities_pass_through_and_move_with_the_trimmed_edge():
    pair = Pair()
    entities = [types.MessageEntityBold(2, 4), types.InputMessageEntityMentionName(7, 3, types.InputUserSelf())]
    await pair.say("  bold you  ", entities=entities)
    (pushed,) = pair.rig.pushes.take(pair.b.key_id)
    bold, mention = pushed.updates[0].message.entities
    assert (bold.offset, bold.length) == (0, 4)
    assert (mention.offset, mention.length, mention.user_id) == (5, 3, pair.ann.id)
    beyond = f.messages.SendMessageRequest(pair.to_bob, "x", random_id=9, entities=[types.MessageEntityBold(0, 2)])
    assert await pair.refused(beyond) == "ENTITY_BOUNDS_INVALID"


async def test_replies_have_each_sides_own_number():
    pair = Pair()
    await pair.rig.say(pair.b, types.InputPeerSelf(), "so that numbers differ")
    first = await pair.say("question")
    await pair.say("more", reply_to=types.InputReplyToMessage(first.id))
    pushed = pair.rig.pushes.take(pair.b.key_id)[-1]
    assert pushed.reply_to.reply_to_msg_id == 2
    wrong = f.messages.SendMessageRequest(pair.to_bob, "x", random_id=9, reply_to=types.InputReplyToMessage(99))
    assert await pair.refused(wrong) == "MESSAGE_ID_INVALID"


async def test_access_hashes_are_the_viewers_own():
    pair = Pair()
    eve = pair.rig.person("15550100003", "Eve")
    e = pair.rig.logged_in(eve)
    stolen = f.messages.SendMessageRequest(pair.to_bob, "x", random_id=1)
    assert await pair.refused(stolen, e) == "PEER_ID_INVALID"
    unknown = types.InputPeerUser(424242, 1)
    assert await pair.refused(f.messages.GetHistoryRequest(unknown, 0, None, 0, 1, 0, 0, 0)) == "PEER_ID_INVALID"
    named = types.InputUser(pair.bob.id, pair.to_bob.access_hash)
    assert await pair.refused(f.users.GetFullUserRequest(named), e) == "USER_ID_INVALID"
    (nobody,) = await pair.rig.ask(e, f.users.GetUsersRequest([named]))
    assert isinstance(nobody, types.UserEmpty)


async def test_saved_messages_answer_with_full_updates():
    pair = Pair()
    answer = await pair.rig.say(pair.a, types.InputPeerSelf(), "note", 5)
    number, new = answer.updates
    assert (number.id, number.random_id) == (1, 5)
    assert (new.message.out, new.message.peer_id.user_id, new.pts) == (True, pair.ann.id, 2)


async def test_the_difference_is_what_was_missed_in_slices():
    pair = Pair()
    pair.rig.world.slice_size = 4
    for n in range(10):
        await pair.say(f"{n}")
    await pair.rig.ask(pair.a, f.messages.EditMessageRequest(pair.to_bob, 1, message="edited"))
    await pair.rig.ask(pair.a, f.messages.DeleteMessagesRequest([2], revoke=True))
    texts, others, pts, parts = [], [], 1, 0
    while True:
        answer = await pair.rig.difference(pair.b, pts)
        parts += 1
        texts += [message.message for message in answer.new_messages]
        others += answer.other_updates
        assert {user.id for user in answer.users} <= {pair.ann.id, pair.bob.id}
        if isinstance(answer, types.updates.Difference):
            pts = answer.state.pts
            break
        assert isinstance(answer, types.updates.DifferenceSlice)
        pts = answer.intermediate_state.pts
    assert parts == 3
    assert texts == ["edited", *(f"{n}" for n in range(2, 10))]
    assert [type(each) for each in others] == [types.UpdateEditMessage, types.UpdateDeleteMessages]
    assert pts == (await pair.rig.ask(pair.b, f.updates.GetStateRequest())).pts
    assert isinstance(await pair.rig.difference(pair.b, pts), types.updates.DifferenceEmpty)


async def test_positions_that_cannot_be_served():
    pair = Pair()
    pair.rig.world.messages.log_limit = 8
    for n in range(30):
        await pair.say(f"{n}")
    too_long = await pair.rig.difference(pair.b, 1)
    assert isinstance(too_long, types.updates.DifferenceTooLong)
    assert too_long.pts == 31
    assert isinstance(await pair.rig.difference(pair.b, 25, pts_total_limit=3), types.updates.DifferenceTooLong)
    ahead = f.updates.GetDifferenceRequest(pts=99, date=int(EPOCH), qts=0)
    assert await pair.refused(ahead, pair.b) == "PERSISTENT_TIMESTAMP_INVALID"
    nothing = f.updates.GetDifferenceRequest(pts=0, date=int(EPOCH), qts=0)
    assert await pair.refused(nothing, pair.b) == "PERSISTENT_TIMESTAMP_EMPTY"


async def test_pushed_updates_and_the_difference_tell_the_same():
    pair = Pair()
    await pair.say("one")
    await pair.say("two")
    await pair.rig.ask(pair.b, f.messages.ReadHistoryRequest(pair.to_ann, 0))
    pushed = pair.rig.pushes.take(pair.a.key_id)[-1]
    assert isinstance(pushed.updates[0], types.UpdateReadHistoryOutbox)
    difference = await pair.rig.difference(pair.a, 1)
    assert [message.message for message in difference.new_messages] == ["one", "two"]
    assert bytes(difference.other_updates[0]) == bytes(pushed.updates[0])


async def test_reading_tells_ones_other_devices_too():
    pair = Pair()
    second = pair.rig.logged_in(pair.bob)
    await pair.say("one")
    pair.rig.pushes.sent.clear()
    affected = await pair.rig.ask(pair.b, f.messages.ReadHistoryRequest(pair.to_ann, 1))
    (pushed,) = pair.rig.pushes.take(second.key_id)
    assert isinstance(pushed.updates[0], types.UpdateReadHistoryInbox)
    assert (pushed.updates[0].pts, affected.pts_count) == (affected.pts, 1)


async def test_history_pages_both_ways():
    pair = Pair()
    for n in range(1, 251):
        await pair.say(f"{n}")

    async def page(offset_id, add_offset, limit, max_id=0, min_id=0):
        request = f.messages.GetHistoryRequest(pair.to_bob, offset_id, None, add_offset, limit, max_id, min_id, 0)
        answer = await pair.rig.ask(pair.a, request)
        assert answer.count == 250
        return [message.id for message in answer.messages]

    assert await page(0, 0, 3) == [250, 249, 248]
    assert await page(248, 0, 2) == [247, 246]
    assert await page(1, -100, 100) == list(range(100, 0, -1))
    assert await page(248, -2, 4) == [249, 248, 247, 246]
    assert await page(0, 0, 5, max_id=249, min_id=246) == [248, 247]
    assert len(await page(0, 0, 1000)) == 100


async def test_search_finds_words_and_media_filters_find_nothing():
    pair = Pair()
    for text in ("Apple pie", "banana", "apple tart"):
        await pair.say(text)

    async def found(q, filter_):
        request = f.messages.SearchRequest(pair.to_bob, q, filter_, None, None, 0, 0, 10, 0, 0, 0)
        return [message.message for message in (await pair.rig.ask(pair.a, request)).messages]

    assert await found("APPLE", types.InputMessagesFilterEmpty()) == ["apple tart", "Apple pie"]
    assert await found("", types.InputMessagesFilterPhotos()) == []


async def test_dialogs_are_newest_first_and_page():
    rig = Rig()
    ann = rig.person(ANN, "Ann")
    a = rig.logged_in(ann)
    others = [rig.person(f"1555020{n:04d}", f"P{n}") for n in range(5)]
    for other in others:
        rig.clock.now += 60
        rig.world.messages.send(other, ann, f"from {other.first_name}")
    request = f.messages.GetDialogsRequest(None, 0, types.InputPeerEmpty(), 3, 0)
    first = await rig.ask(a, request)
    assert first.count == 5
    assert [dialog.peer.user_id for dialog in first.dialogs] == [each.id for each in others[:1:-1]]
    assert all(dialog.unread_count == 1 for dialog in first.dialogs)
    last = first.messages[-1]
    peer = rig.input_peer(ann, others[2])
    rest = await rig.ask(a, f.messages.GetDialogsRequest(last.date, last.id, peer, 3, 0))
    assert [dialog.peer.user_id for dialog in rest.dialogs] == [others[1].id, others[0].id]


async def test_clearing_a_history_comes_in_parts_and_removes_the_dialog():
    pair = Pair()
    for n in range(150):
        await pair.say(f"{n}")
    request = f.messages.DeleteHistoryRequest(pair.to_bob, max_id=0, revoke=True)
    first = await pair.rig.ask(pair.a, request)
    assert (first.pts_count, first.offset) == (100, 1)
    second = await pair.rig.ask(pair.a, request)
    assert (second.pts_count, second.offset) == (50, 0)
    dialogs = await pair.rig.ask(pair.a, f.messages.GetDialogsRequest(None, 0, types.InputPeerEmpty(), 10, 0))
    assert dialogs.dialogs == []
    assert not pair.rig.world.messages.box(pair.bob.id).messages


async def test_editing_is_told_to_both_and_needs_the_right_chat():
    pair = Pair()
    await pair.say("draft")
    pair.rig.pushes.sent.clear()
    answer = await pair.rig.ask(pair.a, f.messages.EditMessageRequest(pair.to_bob, 1, message="final"))
    assert isinstance(answer.updates[0], types.UpdateEditMessage)
    (pushed,) = pair.rig.pushes.take(pair.b.key_id)
    assert pushed.updates[0].message.message == "final"
    assert pushed.updates[0].message.edit_date is not None
    elsewhere = f.messages.EditMessageRequest(types.InputPeerSelf(), 1, message="x")
    assert await pair.refused(elsewhere) == "MESSAGE_ID_INVALID"


async def test_contacts_make_numbers_visible_and_names_ones_own():
    pair = Pair()
    rig = pair.rig
    contacts = [
        types.InputPhoneContact(1, "+1 555 010 0002", "Bobby", "B."),
        types.InputPhoneContact(2, "+1 555 999 9999", "No", "Body"),
    ]
    answer = await rig.ask(pair.a, f.contacts.ImportContactsRequest(contacts))
    assert [(each.client_id, each.user_id) for each in answer.imported] == [(1, pair.bob.id)]
    (user,) = answer.users
    assert (user.first_name, user.phone, user.contact, user.mutual_contact) == ("Bobby", BOB, True, False)
    (listed,) = (await rig.ask(pair.a, f.contacts.GetContactsRequest(0))).users
    assert listed.id == pair.bob.id
    eve = rig.person("15550100003", "Eve")
    assert not rig.world.people.phone_visible(eve, pair.bob)
    assert rig.world.people.phone_visible(pair.bob, pair.ann), "Ann knows Bob, so Bob sees her number"
    await rig.ask(pair.a, f.contacts.DeleteContactsRequest([types.InputUser(user.id, user.access_hash)]))
    assert (await rig.ask(pair.a, f.contacts.GetContactsRequest(0))).users == []


async def test_people_are_found_by_phone_and_username_or_named_errors():
    pair = Pair()
    rig = pair.rig
    rig.world.set_username(pair.bob, "bob_here")
    found = await rig.ask(pair.a, f.contacts.ResolvePhoneRequest("+15550100002"))
    assert found.peer.user_id == pair.bob.id
    assert (await rig.ask(pair.a, f.contacts.ResolveUsernameRequest("BOB_here"))).users[0].id == pair.bob.id
    assert await pair.refused(f.contacts.ResolvePhoneRequest("15550109999")) == "PHONE_NOT_OCCUPIED"
    assert await pair.refused(f.contacts.ResolveUsernameRequest("nobody_here")) == "USERNAME_NOT_OCCUPIED"
    assert await pair.refused(f.contacts.ResolveUsernameRequest("no")) == "USERNAME_INVALID"
    assert await pair.refused(f.account.UpdateUsernameRequest("bob_here")) == "USERNAME_OCCUPIED"
    pair.bob.findable = False
    assert await pair.refused(f.contacts.ResolvePhoneRequest("+15550100002")) == "PHONE_NOT_OCCUPIED"


async def test_typing_and_status_reach_those_who_are_there_and_no_log():
    pair = Pair()
    await pair.say("hi")
    pair.rig.pushes.sent.clear()
    await pair.rig.ask(pair.a, f.messages.SetTypingRequest(pair.to_bob, types.SendMessageTypingAction()))
    (typing,) = pair.rig.pushes.take(pair.b.key_id)
    assert isinstance(typing.update, types.UpdateUserTyping)
    await pair.rig.ask(pair.a, f.account.UpdateStatusRequest(offline=False))
    (status,) = pair.rig.pushes.take(pair.b.key_id)
    assert isinstance(status.update.status, types.UserStatusOnline)
    assert pair.rig.world.messages.box(pair.bob.id).pts == 2


async def test_a_person_who_is_away_is_pushed_nothing_and_catches_up():
    pair = Pair()
    pair.rig.pushes.away.add(pair.b.key_id)
    await pair.say("hi")
    assert not pair.rig.pushes.take(pair.b.key_id)
    assert (await pair.rig.difference(pair.b, 1)).new_messages[0].message == "hi"
