"""The judge of what is done with messages: an unmodified Telethon forwards, pins, schedules, searches, arranges."""

from __future__ import annotations

import asyncio
import time

import pytest
from telethon import errors, events, functions, types

from tests.sandbox.telethon_rig import ANN, BOB, WAIT, Heard, sandbox, trusted_keys

pytestmark = pytest.mark.usefixtures(trusted_keys.__name__)
__all__ = ["trusted_keys"]


async def _pair(box):
    for phone, name in ((ANN, "Ann"), (BOB, "Bob")):
        box.control.create_account({"phone": phone, "firstName": name, "username": f"{name.lower()}_here"})
    return [await box.login(phone) for phone in (ANN, BOB)]


async def test_messages_are_forwarded_pinned_and_reacted_to():
    async with sandbox() as box:
        ann, bob = await _pair(box)
        heard = Heard(bob, incoming=True)
        made = await ann(functions.channels.CreateChannelRequest("Club", "", megagroup=True))
        (club,) = made.chats
        await ann(functions.channels.InviteToChannelRequest(club, ["bob_here"]))
        sent = await ann.send_message(club, "see https://example.org @bob_here")
        kinds = [type(each).__name__ for each in sent.entities]
        assert kinds == ["MessageEntityUrl", "MessageEntityMention"]
        event = await heard.next()
        assert event.mentioned
        (dialog,) = [each for each in await bob.get_dialogs() if each.is_group]
        assert dialog.unread_mentions_count == 1
        await bob.send_read_acknowledge(dialog.entity, clear_mentions=True)
        (dialog,) = [each for each in await bob.get_dialogs() if each.is_group]
        assert dialog.unread_mentions_count == 0

        copy = await bob.forward_messages("me", event.message)
        assert (copy.fwd_from.from_id.user_id, copy.fwd_from.saved_from_msg_id) == ((await ann.get_me()).id, sent.id)
        assert (await bob.forward_messages("me", [event.message], drop_author=True))[0].fwd_from is None

        note = await ann.pin_message(club, sent)
        assert isinstance(note.action, types.MessageActionPinMessage)
        assert (await bob.get_messages(dialog.entity, ids=types.InputMessageID(sent.id))).pinned
        (found,) = await bob.get_messages(dialog.entity, filter=types.InputMessagesFilterPinned, limit=5)
        assert found.id == sent.id
        with pytest.raises(errors.MessageNotModifiedError):
            await ann.edit_message(club, sent.id, sent.raw_text)
        await ann.unpin_message(club)
        assert not (await bob.get_messages(dialog.entity, ids=sent.id)).pinned

        told: asyncio.Queue = asyncio.Queue()
        ann.add_event_handler(told.put, events.Raw(types.UpdateMessageReactions))
        like = [types.ReactionEmoji("❤")]
        await bob(functions.messages.SendReactionRequest(dialog.entity, sent.id, reaction=like))
        update = await asyncio.wait_for(told.get(), WAIT)
        assert (update.msg_id, update.reactions.results[0].count) == (sent.id, 1)
        assert (await bob.get_messages(dialog.entity, ids=sent.id)).reactions.results[0].chosen_order == 0


async def test_messages_are_scheduled_searched_and_dialogs_arranged():
    async with sandbox() as box:
        ann, bob = await _pair(box)
        heard = Heard(bob, incoming=True)
        waiting = await ann.send_message("bob_here", "needle later", schedule=time.time() + 600)
        assert waiting.from_scheduled
        assert [each.id for each in await ann.get_messages("bob_here", scheduled=True)] == [waiting.id]
        peer = await ann.get_input_entity("bob_here")
        await ann(functions.messages.SendScheduledMessagesRequest(peer, [waiting.id]))
        assert (await heard.next()).raw_text == "needle later"
        made = await ann(functions.channels.CreateChannelRequest("News", "", broadcast=True))
        await ann.send_message(made.chats[0], "another needle")
        everywhere = [each.raw_text async for each in ann.iter_messages(None, search="needle")]
        assert sorted(everywhere) == ["another needle", "needle later"], "of one second each: in either order"
        links = [each async for each in ann.iter_messages("bob_here", filter=types.InputMessagesFilterUrl)]
        assert links == []

        await ann(functions.messages.SaveDraftRequest(peer, "half a thought"))
        (draft,) = [each for each in await ann.get_drafts() if not each.is_empty]
        assert draft.text == "half a thought"
        await draft.send()
        assert (await heard.next()).raw_text == "half a thought"
        assert [each for each in await ann.get_drafts() if not each.is_empty] == []

        await ann.edit_folder("bob_here", 1)
        assert [each.name for each in await ann.get_dialogs(folder=1)] == ["Bob"]
        assert "Bob" not in [each.name for each in await ann.get_dialogs(folder=0)]
        await ann.edit_folder("bob_here", 0)
        await ann(functions.messages.ToggleDialogPinRequest(types.InputDialogPeer(peer), pinned=True))
        first = (await ann.get_dialogs())[0]
        assert (first.name, first.pinned) == ("Bob", True)
        title = types.TextWithEntities("Friends", [])
        folder = types.DialogFilter(2, title, pinned_peers=[], include_peers=[peer], exclude_peers=[])
        await ann(functions.messages.UpdateDialogFilterRequest(2, folder))
        kept = (await ann(functions.messages.GetDialogFiltersRequest())).filters
        assert [getattr(each, "title", title).text for each in kept[1:]] == ["Friends"]


async def test_people_react_pin_and_forward_by_control():
    async with sandbox() as box:
        ann, bob = await _pair(box)
        heard = Heard(bob, incoming=True)
        sent = await ann.send_message("bob_here", "hi")
        theirs = (await heard.next()).id
        told: asyncio.Queue = asyncio.Queue()
        ann.add_event_handler(told.put, events.Raw(types.UpdateMessageReactions))
        await box.control.act(BOB, {"do": "react", "to": ANN, "messageId": theirs, "emoji": "👍"})
        assert (await asyncio.wait_for(told.get(), WAIT)).msg_id == sent.id
        await box.control.act(BOB, {"do": "pin", "to": ANN, "messageId": theirs})
        assert (await ann.get_messages("bob_here", ids=sent.id)).pinned
        back = Heard(ann, incoming=True)
        await box.control.act(BOB, {"do": "forward", "from": ANN, "to": ANN, "messageId": theirs})
        assert (await back.next()).fwd_from is not None
