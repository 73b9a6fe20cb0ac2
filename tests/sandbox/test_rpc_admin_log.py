"""The administrators' log: what gets into it, who may read it, and how it is searched."""

from __future__ import annotations

from typing import Any

from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.world import chat_founding, chat_links, chat_members, forums, reactions
from teleflow.sandbox.world.control import WorldControl
from tests.sandbox.chat_rig import Trio


async def _log(trio: Trio, chat: Any, q: str = "", **more: Any) -> list[Any]:
    asked = {"max_id": 0, "min_id": 0, "limit": 50} | more
    request = f.channels.GetAdminLogRequest(trio.peer(trio.ann, chat), q, **asked)
    return list((await trio.ask(trio.a, request)).events)


def _names(events: list[Any]) -> list[str]:
    return [type(each.action).__name__.removeprefix("ChannelAdminLogEventAction") for each in events]


async def test_what_administrators_do_is_in_the_log_newest_first():
    trio = Trio()
    club = trio.channel(trio.bob)
    world, ann = trio.world, trio.ann
    chat_founding.edit_title(world, ann, club, "New title")
    chat_founding.edit_about(world, ann, club, "About it")
    chat_founding.set_slow_mode(world, ann, club, 10)
    chat_founding.set_default_banned(world, ann, club, {"send_stickers"})
    chat_founding.switch(world, ann, club, {"hidden_history": True})
    chat_founding.switch(world, ann, club, {"no_forwards": True})
    chat_founding.set_username(world, ann, club, "club_house")
    chat_members.set_admin(world, ann, club, trio.bob, {"pin_messages"}, "helper")
    chat_members.set_banned(world, ann, club, trio.eve, {"send_media"})
    chat_members.join(world, trio.eve, club)
    chat_members.leave(world, trio.eve, club)
    forums.toggle(world, ann, club, enabled=True, tabs=False)
    events = await _log(trio, club)
    assert _names(events) == [
        "ToggleForum",
        "ParticipantLeave",
        "ParticipantJoin",
        "ParticipantToggleBan",
        "ParticipantToggleAdmin",
        "ChangeUsername",
        "ToggleNoForwards",
        "TogglePreHistoryHidden",
        "DefaultBannedRights",
        "ToggleSlowMode",
        "ChangeAbout",
        "ChangeTitle",
        "ParticipantInvite",
    ]
    title = next(each for each in events if isinstance(each.action, types.ChannelAdminLogEventActionChangeTitle))
    assert (title.user_id, title.action.prev_value, title.action.new_value) == (ann.id, "Club", "New title")
    (admin,) = [
        each.action
        for each in events
        if isinstance(each.action, types.ChannelAdminLogEventActionParticipantToggleAdmin)
    ]
    assert admin.new_participant.rank == "helper"


async def test_messages_are_kept_as_they_were():
    trio = Trio()
    club = trio.channel(trio.bob)
    sent = (await trio.say(trio.b, club, "first words")).updates[-1].message
    reactions.pin(trio.world, trio.ann, club, sent.id)
    trio.world.messages.edit(trio.bob, sent.id, "other words", peer=club.id)
    trio.world.messages.delete_posts(trio.ann, club, [sent.id])
    deleted, edited, pinned, *_ = await _log(trio, club)
    assert (deleted.user_id, deleted.action.message.message, deleted.action.message.id) == (
        trio.ann.id,
        "other words",
        sent.id,
    )
    assert (edited.action.prev_message.message, edited.action.new_message.message) == ("first words", "other words")
    assert pinned.action.message.pinned
    assert _names(await _log(trio, club, "FIRST")) == ["EditMessage", "UpdatePinned"]


async def test_it_is_filtered_paged_and_for_administrators_only():
    trio = Trio()
    club = trio.channel(trio.bob, trio.eve)
    chat_members.set_admin(trio.world, trio.ann, club, trio.bob, {"change_info", "invite_users"})
    chat_founding.edit_title(trio.world, trio.bob, club, "Bob's")
    chat_members.set_banned(trio.world, trio.ann, club, trio.eve, {"send_media"})
    chat_members.set_banned(trio.world, trio.ann, club, trio.eve, {"view_messages"})
    link = chat_links.export(trio.world, trio.bob, club, title="one")
    chat_links.edit(trio.world, trio.bob, club, link.hash, revoked=True)

    def wanted(**switches: bool) -> Any:
        return types.ChannelAdminLogEventsFilter(**switches)

    assert _names(await _log(trio, club, events_filter=wanted(info=True))) == ["ChangeTitle"]
    assert _names(await _log(trio, club, events_filter=wanted(promote=True))) == ["ParticipantToggleAdmin"]
    assert len(await _log(trio, club, events_filter=wanted(ban=True))) == 1
    assert len(await _log(trio, club, events_filter=wanted(kick=True))) == 1
    assert not await _log(trio, club, events_filter=wanted(unban=True))
    assert _names(await _log(trio, club, events_filter=wanted(invites=True))) == ["ExportedInviteRevoke"]
    by_bob = await _log(trio, club, admins=[trio.user(trio.ann, trio.bob)])
    assert {each.user_id for each in by_bob} == {trio.bob.id}
    whole = await _log(trio, club)
    first = await _log(trio, club, limit=2)
    rest = await _log(trio, club, max_id=first[-1].id)
    assert [each.id for each in first + rest] == [each.id for each in whole]
    request = f.channels.GetAdminLogRequest(trio.peer(trio.eve, club), "", 0, 0, 10)
    assert await trio.refused(trio.e, request) == "CHANNEL_PRIVATE"
    request.channel = trio.peer(trio.bob, club)
    assert (await trio.ask(trio.b, request)).events
    chat_members.set_admin(trio.world, trio.ann, club, trio.bob, set())
    assert await trio.refused(trio.b, request) == "CHAT_ADMIN_REQUIRED"


async def test_it_outlives_a_load_and_forgets_after_two_days():
    trio = Trio()
    club = trio.channel(trio.bob)
    chat_founding.edit_title(trio.world, trio.ann, club, "New title")
    control = WorldControl(trio.world)
    control.save()
    control.load()
    assert _names(await _log(trio, club)) == ["ChangeTitle", "ParticipantInvite"]
    trio.rig.clock.now += 48 * 3600 + 1
    assert await _log(trio, club) == []
