"""The judge: an unmodified Telethon signs in, talks, catches up and leaves."""

from __future__ import annotations

import asyncio

import pytest
from telethon import errors, events, functions, types
from telethon.sessions import SQLiteSession

from tests.sandbox.telethon_rig import ANN, BOB, EVE, WAIT, Heard, sandbox, trusted_keys

pytestmark = pytest.mark.usefixtures(trusted_keys.__name__)
__all__ = ["trusted_keys"]


async def test_two_people_sign_in_and_talk_both_ways():
    async with sandbox() as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann", "username": "ann_here"})
        ann = await box.login(ANN)
        bob = box.client()
        await bob.connect()
        sent = await bob(functions.auth.SendCodeRequest(BOB, 1, "hash", types.CodeSettings()))
        with pytest.raises(errors.PhoneNumberUnoccupiedError):
            await bob.sign_in(BOB, box.code(BOB), phone_code_hash=sent.phone_code_hash)
        signed_up = await bob(functions.auth.SignUpRequest(BOB, sent.phone_code_hash, "Bob", "New"))
        assert (await bob.get_me()).id == signed_up.user.id
        heard_by_ann, heard_by_bob = Heard(ann, incoming=True), Heard(bob, incoming=True)

        message = await bob.send_message("ann_here", "hello **Ann**")
        assert (message.id, message.message, message.out) == (1, "hello Ann", True)
        event = await heard_by_ann.next()
        assert (event.text, event.sender_id) == ("hello **Ann**", signed_up.user.id)
        assert (await event.get_sender()).first_name == "Bob"

        await event.reply("hi Bob")
        answer = await heard_by_bob.next()
        assert (answer.raw_text, answer.reply_to_msg_id) == ("hi Bob", message.id)
        await answer.respond("bye")
        second = await heard_by_ann.next()
        assert (second.raw_text, second.sender_id) == ("bye", signed_up.user.id)


async def test_what_was_said_while_away_is_caught_up_in_order():
    async with sandbox() as box:
        for phone, name in ((ANN, "Ann"), (BOB, "Bob")):
            box.control.create_account({"phone": phone, "firstName": name})
        ann = await box.login(ANN)
        await ann.disconnect()
        await box.control.act(BOB, {"do": "send", "to": ANN, "text": "away {n}", "times": 250})
        heard = Heard(ann)
        await ann.connect()
        await ann.catch_up()
        assert [(await heard.next()).raw_text for _ in range(250)] == [f"away {n}" for n in range(1, 251)]
        await box.control.act(BOB, {"do": "send", "to": ANN, "text": "live again"})
        assert (await heard.next()).raw_text == "live again"


async def test_a_new_process_with_the_session_file_catches_up_by_itself(tmp_path):
    async with sandbox() as box:
        for phone, name in ((ANN, "Ann"), (BOB, "Bob")):
            box.control.create_account({"phone": phone, "firstName": name})
        ann = await box.login(ANN, SQLiteSession(str(tmp_path / "ann")))
        await ann.disconnect()
        await box.control.act(BOB, {"do": "send", "to": ANN, "text": "away {n}", "times": 20})
        again = box.client(SQLiteSession(str(tmp_path / "ann")), catch_up=True)
        heard = Heard(again)
        await again.connect()
        assert [(await heard.next()).raw_text for _ in range(20)] == [f"away {n}" for n in range(1, 21)]


async def test_a_string_session_resumes_without_a_new_login():
    async with sandbox() as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        ann = await box.login(ANN)
        saved = ann.session.save()
        await ann.disconnect()

        again = box.client(saved)
        await again.connect()
        assert await again.is_user_authorized()
        assert (await again.get_me()).phone == ANN.removeprefix("+")
        devices = await again(functions.account.GetAuthorizationsRequest())
        assert len(devices.authorizations) == 1


async def test_the_world_and_its_logins_survive_a_restart(tmp_path):
    async with sandbox(tmp_path) as box:
        for phone, name in ((ANN, "Ann"), (BOB, "Bob")):
            box.control.create_account({"phone": phone, "firstName": name})
        ann = await box.login(ANN)
        await ann.send_message((await ann(functions.contacts.ResolvePhoneRequest(BOB))).users[0], "kept")
        saved = ann.session.save()
    async with sandbox(tmp_path) as box:
        again = box.client(saved)
        again.session.set_dc(box.dc.dc_id, box.dc.host, box.dc.port)
        await again.connect()
        (dialog,) = await again.get_dialogs()
        assert (dialog.name, dialog.message.raw_text, dialog.message.out) == ("Bob", "kept", True)


async def test_start_asks_for_the_cloud_password():
    async with sandbox() as box:
        box.control.create_account({"phone": EVE, "firstName": "Eve", "cloudPassword": "open sesame"})
        eve = box.client()
        await eve.connect()
        await eve.send_code_request(EVE)
        with pytest.raises(errors.SessionPasswordNeededError):
            await eve.sign_in(EVE, box.code(EVE))
        with pytest.raises(errors.PasswordHashInvalidError):
            await eve.sign_in(password="shut sesame")
        me = await eve.sign_in(password="open sesame")
        assert me.first_name == "Eve"

        other = box.client()
        await asyncio.wait_for(other.start(EVE, password="open sesame", code_callback=lambda: box.code(EVE)), WAIT)
        assert (await other.get_me()).id == me.id


async def test_the_cloud_password_is_changed_by_the_client():
    async with sandbox() as box:
        box.control.create_account({"phone": EVE, "firstName": "Eve"})
        eve = await box.login(EVE)
        assert await eve.edit_2fa(new_password="first", hint="1")
        assert await eve.edit_2fa(current_password="first", new_password="second")
        other = box.client()
        await other.connect()
        await other.send_code_request(EVE)
        with pytest.raises(errors.SessionPasswordNeededError):
            await other.sign_in(EVE, box.code(EVE))
        assert (await other.sign_in(password="second")).first_name == "Eve"
        assert await eve.edit_2fa(current_password="second")
        assert box.control.account(EVE)["hasCloudPassword"] is False


async def test_a_wrong_code_is_told_and_the_right_one_still_works():
    async with sandbox() as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        ann = box.client()
        await ann.connect()
        await ann.send_code_request(ANN)
        wrong = "11111" if box.code(ANN) != "11111" else "22222"
        with pytest.raises(errors.PhoneCodeInvalidError):
            await ann.sign_in(ANN, wrong)
        box.world.logins.expire_codes(ANN.removeprefix("+"))
        with pytest.raises(errors.PhoneCodeExpiredError):
            await ann.sign_in(ANN, box.code(ANN))
        await ann.send_code_request(ANN)
        assert (await ann.sign_in(ANN, box.code(ANN))).first_name == "Ann"


async def test_logging_out_makes_the_session_worthless():
    async with sandbox() as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        ann = await box.login(ANN)
        saved = ann.session.save()
        assert await ann.log_out()
        again = box.client(saved)
        await again.connect()
        assert not await again.is_user_authorized()
        assert box.control.account(ANN)["devices"] == 0


async def test_a_terminated_device_is_told_that_it_is_out():
    async with sandbox() as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        ann = await box.login(ANN)
        await box.control.act(ANN, {"do": "terminate"})
        with pytest.raises((errors.AuthKeyUnregisteredError, ConnectionError)):
            await asyncio.wait_for(ann(functions.updates.GetStateRequest()), WAIT)


async def test_history_dialogs_and_people_as_a_client_reads_them():
    async with sandbox() as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        box.control.create_account({"phone": BOB, "firstName": "Bob", "username": "bob_here"})
        ann = await box.login(ANN)
        await box.control.act(BOB, {"do": "send", "to": ANN, "text": "number {n}", "times": 120})
        newest_first = [message.raw_text async for message in ann.iter_messages("bob_here")]
        assert newest_first == [f"number {n}" for n in range(120, 0, -1)]
        oldest_first = [m.raw_text async for m in ann.iter_messages("bob_here", reverse=True, limit=110)]
        assert oldest_first == [f"number {n}" for n in range(1, 111)]
        found = await ann.get_messages("bob_here", search="number 77", limit=5)
        assert [message.raw_text for message in found] == ["number 77"]
        (dialog,) = await ann.get_dialogs()
        assert (dialog.unread_count, dialog.entity.username) == (120, "bob_here")
        await ann.send_read_acknowledge("bob_here")
        (dialog,) = await ann.get_dialogs()
        assert dialog.unread_count == 0
        by_id = await ann.get_entity(dialog.entity.id)
        assert by_id.first_name == "Bob"
        with pytest.raises(ValueError, match="nobody_at_all"):
            await ann.get_entity("nobody_at_all")
        one = await ann.get_messages("bob_here", ids=[5, 9999])
        assert (one[0].raw_text, one[1]) == ("number 5", None)


async def test_edits_deletes_typing_and_reads_are_events():
    async with sandbox() as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        box.control.create_account({"phone": BOB, "firstName": "Bob", "username": "bob_here"})
        ann = await box.login(ANN)
        seen: asyncio.Queue = asyncio.Queue()
        for kind in (events.MessageEdited(), events.MessageDeleted(), events.MessageRead(), events.UserUpdate()):
            ann.add_event_handler(seen.put, kind)

        async def next_of(kind):
            while True:
                event = await asyncio.wait_for(seen.get(), WAIT)
                if isinstance(event, kind):
                    return event

        sent = await box.control.act(BOB, {"do": "send", "to": ANN, "text": "draft"})
        number = sent["messageId"]
        await box.control.act(BOB, {"do": "type", "to": ANN})
        assert (await next_of(events.UserUpdate.Event)).typing
        await box.control.act(BOB, {"do": "edit", "messageId": number, "text": "final"})
        assert (await next_of(events.MessageEdited.Event)).raw_text == "final"
        mine = await ann.send_message("bob_here", "read me")
        await box.control.act(BOB, {"do": "read", "to": ANN})
        assert (await next_of(events.MessageRead.Event)).max_id == mine.id
        await box.control.act(BOB, {"do": "delete", "messageId": number})
        assert (await next_of(events.MessageDeleted.Event)).deleted_ids == [sent["recipientMessageId"]]


async def test_two_devices_of_one_person_see_each_others_messages():
    async with sandbox() as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        box.control.create_account({"phone": BOB, "firstName": "Bob", "username": "bob_here"})
        one = await box.login(ANN)
        two = await box.login(ANN)
        heard = Heard(two, outgoing=True)
        sent = await one.send_message("bob_here", "from the first device")
        event = await heard.next()
        assert (event.raw_text, event.id, event.out) == ("from the first device", sent.id, True)


async def test_a_repeated_random_id_is_one_message():
    async with sandbox() as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        box.control.create_account({"phone": BOB, "firstName": "Bob", "username": "bob_here"})
        ann = await box.login(ANN)
        peer = await ann.get_input_entity("bob_here")
        request = functions.messages.SendMessageRequest(peer, "once", random_id=4242)
        first, again = await ann(request), await ann(request)
        assert first.id == again.id
        lines = box.control.ledger_messages(random_id="4242")
        assert [(line["text"], line["randomId"]) for line in lines] == [("once", "4242")]


async def test_telegrams_refusals_reach_the_client_by_name():
    async with sandbox() as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        box.control.create_account({"phone": BOB, "firstName": "Bob", "username": "bob_here"})
        ann = await box.login(ANN)
        with pytest.raises(errors.MessageTooLongError):
            await ann.send_message("bob_here", "x" * 4097)
        await box.control.act(BOB, {"do": "block", "to": ANN})
        with pytest.raises(errors.UserIsBlockedError):
            await ann.send_message("bob_here", "hello?")
        with pytest.raises(errors.PhoneNotOccupiedError):
            await ann(functions.contacts.ResolvePhoneRequest("15550999999"))
        with pytest.raises(errors.PeerIdInvalidError):
            await ann(functions.messages.GetHistoryRequest(types.InputPeerUser(1, 2), 0, None, 0, 1, 0, 0, 0))


async def test_scripted_people_answer():
    async with sandbox() as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        box.control.create_account({"phone": BOB, "firstName": "Echo", "username": "echo_here", "scenario": "echo"})
        ann = await box.login(ANN)
        heard = Heard(ann, incoming=True)
        await ann.send_message("echo_here", "anybody there?")
        assert (await heard.next()).raw_text == "anybody there?"
