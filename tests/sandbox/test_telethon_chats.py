"""The judge of groups and channels: an unmodified Telethon founds, fills, writes, reads and leaves them."""

from __future__ import annotations

import asyncio

import pytest
from telethon import errors, events, functions, types

from tests.sandbox.telethon_rig import ANN, BOB, EVE, WAIT, Heard, sandbox, trusted_keys

pytestmark = pytest.mark.usefixtures(trusted_keys.__name__)
__all__ = ["trusted_keys"]
NAMES = {ANN: "Ann", BOB: "Bob", EVE: "Eve"}


async def _people(box, *phones):
    for phone in phones:
        username = f"{NAMES[phone].lower()}_here"
        box.control.create_account({"phone": phone, "firstName": NAMES[phone], "username": username})
    return [await box.login(phone) for phone in phones]


async def test_a_basic_group_is_made_and_talked_in_by_everybody():
    async with sandbox() as box:
        ann, bob, eve = await _people(box, ANN, BOB, EVE)
        heard = Heard(bob, incoming=True)
        made = await ann(functions.messages.CreateChatRequest(["bob_here", "eve_here"], "Trio"))
        (chat,) = made.updates.chats
        assert (chat.title, chat.participants_count, chat.creator) == ("Trio", 3, True)

        sent = await ann.send_message(chat.id * -1, "hello **all**")
        event = await heard.next()
        assert (event.text, event.is_group, event.chat_id) == ("hello **all**", True, -chat.id)
        assert (await event.get_chat()).title == "Trio"
        assert (await event.get_sender()).first_name == "Ann"
        answer = await event.reply("hi")
        assert (await answer.get_reply_message()).raw_text == "hello all"
        (theirs,) = await ann.get_messages(-chat.id, limit=1)
        assert (theirs.raw_text, theirs.reply_to_msg_id, theirs.sender_id) == ("hi", sent.id, event.client._self_id)

        (dialog,) = [each for each in await eve.get_dialogs() if each.is_group]
        assert (dialog.name, dialog.unread_count) == ("Trio", 3)
        people = await eve.get_participants(dialog.entity)
        assert {person.first_name for person in people} == {"Ann", "Bob", "Eve"}
        await eve.send_read_acknowledge(dialog.entity)
        (dialog,) = [each for each in await eve.get_dialogs() if each.is_group]
        assert dialog.unread_count == 0


async def test_a_supergroup_lives_with_its_own_numbers_and_pts():
    async with sandbox() as box:
        ann, bob = await _people(box, ANN, BOB)
        heard = Heard(bob, incoming=True)
        made = await ann(functions.channels.CreateChannelRequest("Club", "about us", megagroup=True))
        (club,) = made.chats
        await ann(functions.channels.InviteToChannelRequest(club, ["bob_here"]))
        message = await ann.send_message(club, "first")
        event = await heard.next()
        assert (event.raw_text, event.id, event.is_group, event.is_channel) == ("first", message.id, True, True)
        assert (await event.get_sender()).first_name == "Ann"

        edits: asyncio.Queue = asyncio.Queue()
        gone: asyncio.Queue = asyncio.Queue()
        bob.add_event_handler(edits.put, events.MessageEdited())
        bob.add_event_handler(gone.put, events.MessageDeleted())
        await ann.edit_message(club, message.id, "second")
        assert (await asyncio.wait_for(edits.get(), WAIT)).raw_text == "second"
        await ann.delete_messages(club, [message.id])
        deleted = await asyncio.wait_for(gone.get(), WAIT)
        assert (deleted.deleted_ids, deleted.chat_id) == ([message.id], event.chat_id)

        for n in range(120):
            await ann.send_message(club, f"{n}")
        history = [each.raw_text async for each in bob.iter_messages(event.chat_id, limit=None) if not each.action]
        assert history == [f"{n}" for n in range(119, -1, -1)]
        found = [each.raw_text async for each in bob.iter_messages(event.chat_id, search="11")]
        assert found == [f"{n}" for n in range(119, -1, -1) if "11" in str(n)]


async def test_a_broadcast_channel_is_found_by_name_and_read_but_not_written_to():
    async with sandbox() as box:
        ann, bob = await _people(box, ANN, BOB)
        made = await ann(functions.channels.CreateChannelRequest("News", "", broadcast=True))
        await ann(functions.channels.UpdateUsernameRequest(made.chats[0], "the_news"))
        await ann.send_message("the_news", "before you came")
        news = await bob.get_entity("the_news")
        assert (news.title, news.broadcast, news.left) == ("News", True, True)
        await bob(functions.channels.JoinChannelRequest(news))
        heard = Heard(bob)
        await ann.send_message("the_news", "hello")
        event = await heard.next()
        assert (event.raw_text, event.message.post, event.sender_id) == ("hello", True, event.chat_id)
        with pytest.raises(errors.ChatAdminRequiredError):
            await bob.send_message(news, "me too")
        with pytest.raises(errors.ChatAdminRequiredError):
            await bob.get_participants(news)
        assert len(await ann.get_participants("the_news")) == 2
        full = await bob(functions.channels.GetFullChannelRequest(news))
        assert (full.full_chat.participants_count, full.full_chat.unread_count) == (2, 1)
        await bob(functions.channels.LeaveChannelRequest(news))
        assert [dialog.name for dialog in await bob.get_dialogs()] == []


async def test_what_a_channel_said_while_away_is_caught_up():
    async with sandbox() as box:
        ann, bob = await _people(box, ANN, BOB)
        made = await ann(functions.channels.CreateChannelRequest("Club", "", megagroup=True))
        await ann(functions.channels.InviteToChannelRequest(made.chats[0], ["bob_here"]))
        live = Heard(bob, incoming=True)
        await ann.send_message(made.chats[0], "live")
        assert (await live.next()).raw_text == "live"
        await bob.disconnect()
        for n in range(20):
            await ann.send_message(made.chats[0], f"away {n}")
        heard = Heard(bob, incoming=True)
        await bob.connect()
        await bob.catch_up()
        assert [(await heard.next()).raw_text for _ in range(20)] == [f"away {n}" for n in range(20)]


async def test_admins_bans_and_links_as_clients_see_them():
    async with sandbox() as box:
        ann, bob, eve = await _people(box, ANN, BOB, EVE)
        made = await ann(functions.channels.CreateChannelRequest("Club", "", megagroup=True))
        club = made.chats[0]
        link = await ann(functions.messages.ExportChatInviteRequest(club, request_needed=True, title="door"))
        code = link.link.rpartition("+")[2]
        peek = await bob(functions.messages.CheckChatInviteRequest(code))
        assert (peek.title, peek.request_needed, peek.participants_count) == ("Club", True, 1)
        with pytest.raises(errors.InviteRequestSentError):
            await bob(functions.messages.ImportChatInviteRequest(code))
        waiting = await ann(
            functions.messages.GetChatInviteImportersRequest(club, None, types.InputUserEmpty(), 10, requested=True)
        )
        assert [each.user_id for each in waiting.importers] == [bob._self_id]
        await ann(functions.messages.HideChatJoinRequestRequest(club, "bob_here", approved=True))
        assert (await bob(functions.messages.CheckChatInviteRequest(code))).chat.title == "Club"
        with pytest.raises(errors.UserAlreadyParticipantError):
            await bob(functions.messages.ImportChatInviteRequest(code))

        await ann(functions.channels.InviteToChannelRequest(club, ["eve_here"]))
        await ann.edit_admin(club, "bob_here", is_admin=True, add_admins=False, title="boss")
        shown = await ann.get_permissions(club, "bob_here")
        assert (shown.is_admin, shown.ban_users, shown.add_admins) == (True, True, False)
        mine = (await bob.get_dialogs())[0].entity
        await bob.edit_permissions(mine, "eve_here", send_messages=False)
        theirs = (await eve.get_dialogs())[0].entity
        with pytest.raises(errors.UserBannedInChannelError):
            await eve.send_message(theirs, "muted")
        await bob.kick_participant(mine, "eve_here")
        with pytest.raises(errors.ChannelPrivateError):
            await eve.send_message(theirs, "gone")


async def test_comings_and_goings_are_told_as_chat_actions():
    async with sandbox() as box:
        ann, bob, eve = await _people(box, ANN, BOB, EVE)
        told: asyncio.Queue = asyncio.Queue()
        ann.add_event_handler(told.put, events.ChatAction())
        made = await ann(functions.messages.CreateChatRequest(["bob_here"], "Pair"))
        group = made.updates.chats[0]
        await ann(functions.messages.AddChatUserRequest(group.id, "eve_here", 0))
        eve_dialog = (await eve.get_dialogs())[0]
        await eve.delete_dialog(eve_dialog.entity)
        action = await asyncio.wait_for(told.get(), WAIT)
        while not action.user_left:
            action = await asyncio.wait_for(told.get(), WAIT)
        assert (action.user_id, action.chat_id) == (eve._self_id, -group.id)
        assert await eve.get_dialogs() == []
        assert {each.first_name for each in await ann.get_participants(group)} == {"Ann", "Bob"}
        await ann.kick_participant(group, "bob_here")
        with pytest.raises(errors.ChatWriteForbiddenError):
            await bob.send_message(-group.id, "too late")


async def test_a_group_moves_and_its_people_find_it_again():
    async with sandbox() as box:
        ann, bob = await _people(box, ANN, BOB)
        heard = Heard(bob, incoming=True)
        made = await ann(functions.messages.CreateChatRequest(["bob_here"], "Pair"))
        moved = await ann(functions.messages.MigrateChatRequest(made.updates.chats[0].id))
        club = next(each for each in moved.chats if isinstance(each, types.Channel))
        await ann.send_message(club, "over here")
        event = await heard.next()
        while event.raw_text != "over here":
            event = await heard.next()
        await event.reply("found you")
        old, new = sorted(await bob.get_dialogs(), key=lambda each: each.is_channel)
        assert (old.entity.deactivated, old.entity.migrated_to.channel_id, new.entity.id) == (True, club.id, club.id)


async def test_comments_under_a_post_go_to_the_discussion_group():
    async with sandbox() as box:
        ann, bob = await _people(box, ANN, BOB)
        news = (await ann(functions.channels.CreateChannelRequest("News", "", broadcast=True))).chats[0]
        await ann(functions.channels.UpdateUsernameRequest(news, "the_news"))
        club = (await ann(functions.channels.CreateChannelRequest("Club", "", megagroup=True))).chats[0]
        await ann(functions.channels.SetDiscussionGroupRequest(news, club))
        post = await ann.send_message(news, "post")
        comment = await bob.send_message("the_news", "comment", comment_to=post.id)
        assert comment.raw_text == "comment"
        (shown,) = await ann.get_messages(news, limit=1)
        assert (shown.replies.comments, shown.replies.replies) == (True, 1)
        comments = [each.raw_text async for each in ann.iter_messages(news, reply_to=post.id)]
        assert comments == ["comment"]


async def test_slow_mode_reaches_the_client_as_a_wait():
    async with sandbox() as box:
        ann, bob = await _people(box, ANN, BOB)
        club = (await ann(functions.channels.CreateChannelRequest("Club", "", megagroup=True))).chats[0]
        await ann(functions.channels.InviteToChannelRequest(club, ["bob_here"]))
        await ann(functions.channels.ToggleSlowModeRequest(club, 3600))
        bob.flood_sleep_threshold = 0
        mine = (await bob.get_dialogs())[0].entity
        await bob.send_message(mine, "one")
        with pytest.raises(errors.SlowModeWaitError) as caught:
            await bob.send_message(mine, "two")
        assert 3500 < caught.value.seconds <= 3600
