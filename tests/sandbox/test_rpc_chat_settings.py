"""The smaller methods of groups and channels: each does what it says, once."""

from __future__ import annotations

import pytest
from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.rpc import rooms
from teleflow.sandbox.rpc.register import METHODS
from teleflow.sandbox.world.chat_records import bare
from tests.sandbox.chat_rig import Trio


async def test_chats_are_listed_by_id_in_common_public_and_left():
    trio = Trio()
    group, club, open_club = trio.group(trio.bob), trio.channel(trio.bob), trio.channel(username="open_club")
    listed = await trio.ask(trio.b, f.messages.GetChatsRequest([-group.id, 12345]))
    assert [each.id for each in listed.chats] == [-group.id]
    common = f.messages.GetCommonChatsRequest(trio.user(trio.ann, trio.bob), 0, 10)
    assert {each.id for each in (await trio.ask(trio.a, common)).chats} == {-group.id, bare(club.id)}
    public = await trio.ask(trio.a, f.channels.GetAdminedPublicChannelsRequest())
    assert [each.id for each in public.chats] == [bare(open_club.id)]
    await trio.ask(trio.b, f.channels.LeaveChannelRequest(trio.peer(trio.bob, club)))
    left = await trio.ask(trio.b, f.channels.GetLeftChannelsRequest(0))
    assert [(each.id, each.left) for each in left.chats] == [(bare(club.id), True)]
    again = f.channels.LeaveChannelRequest(trio.peer(trio.bob, club))
    assert await trio.refused(trio.b, again) == "USER_NOT_PARTICIPANT"


async def test_who_is_online_and_what_a_peer_is():
    trio = Trio()
    club = trio.channel(trio.bob)
    trio.world.set_online(trio.bob, online=True)
    trio.world.set_online(trio.ann, online=True)
    assert (await trio.ask(trio.a, f.messages.GetOnlinesRequest(trio.peer(trio.ann, club)))).onlines == 2
    settings = await trio.ask(trio.a, f.messages.GetPeerSettingsRequest(trio.peer(trio.ann, club)))
    assert [each.id for each in settings.chats] == [bare(club.id)]
    (own,) = (await trio.ask(trio.a, f.channels.GetSendAsRequest(trio.peer(trio.ann, club)))).peers
    assert own.peer.user_id == trio.ann.id


async def test_switches_show_in_the_channel_and_do_not_turn_twice():
    trio = Trio()
    club = trio.channel(trio.bob)
    peer = trio.peer(trio.ann, club)
    for request, shown in (
        (f.channels.ToggleJoinToSendRequest(peer, enabled=True), "join_to_send"),
        (f.channels.ToggleJoinRequestRequest(peer, enabled=True), "join_request"),
        (f.channels.ToggleSignaturesRequest(peer, signatures_enabled=True), "signatures"),
        (f.messages.ToggleNoForwardsRequest(peer, enabled=True), "noforwards"),
    ):
        trio.rig.pushes.sent.clear()
        (seen,) = (await trio.ask(trio.a, request)).chats
        assert getattr(seen, shown) is True
        assert trio.pushed(trio.b, types.UpdateChannel), "members are told"
        assert await trio.refused(trio.a, request) == "CHAT_NOT_MODIFIED"
    hidden = f.channels.TogglePreHistoryHiddenRequest(peer, enabled=True)
    assert await trio.refused(trio.b, f.channels.ToggleSlowModeRequest(trio.peer(trio.bob, club), 10)) == (
        "CHAT_ADMIN_REQUIRED"
    )
    await trio.ask(trio.a, hidden)
    full = await trio.ask(trio.a, f.channels.GetFullChannelRequest(peer))
    assert full.full_chat.hidden_prehistory is True


async def test_default_rights_are_told_with_the_version():
    trio = Trio()
    group = trio.group()
    rights = types.ChatBannedRights(None, send_polls=True)
    request = f.messages.EditChatDefaultBannedRightsRequest(trio.peer(trio.ann, group), rights)
    answer = await trio.ask(trio.a, request)
    assert answer.updates[0].default_banned_rights.send_polls is True
    (told,) = trio.pushed(trio.b, types.UpdateChatDefaultBannedRights)
    assert (told.peer.chat_id, told.version) == (-group.id, group.version)
    assert await trio.refused(trio.a, request) == "CHAT_NOT_MODIFIED"
    assert (
        await trio.refused(
            trio.b,
            f.messages.EditChatDefaultBannedRightsRequest(trio.peer(trio.bob, group), types.ChatBannedRights(None)),
        )
        == "CHAT_ADMIN_REQUIRED"
    )


async def test_a_groups_creator_names_administrators_and_ends_it():
    trio = Trio()
    group = trio.group()
    name = f.messages.EditChatAdminRequest(-group.id, trio.user(trio.ann, trio.bob), is_admin=True)
    assert await trio.ask(trio.a, name) is True
    full = await trio.ask(trio.e, f.messages.GetFullChatRequest(-group.id))
    kinds = {each.user_id: type(each) for each in full.full_chat.participants.participants}
    assert kinds[trio.bob.id] is types.ChatParticipantAdmin
    await trio.ask(trio.b, f.messages.DeleteChatUserRequest(-group.id, trio.user(trio.bob, trio.eve)))
    assert await trio.refused(trio.b, f.messages.DeleteChatRequest(-group.id)) == "CHAT_ADMIN_REQUIRED"
    assert await trio.ask(trio.a, f.messages.DeleteChatRequest(-group.id)) is True
    assert await trio.silenced(trio.b, group) == "CHAT_WRITE_FORBIDDEN"


async def test_links_are_managed_by_their_makers_and_the_creator():
    trio = Trio()
    club = trio.channel(trio.bob)
    mine, his = trio.peer(trio.ann, club), trio.peer(trio.bob, club)
    rights = types.ChatAdminRights(invite_users=True)
    await trio.ask(trio.a, f.channels.EditAdminRequest(mine, trio.user(trio.ann, trio.bob), rights, ""))
    made = await trio.ask(trio.b, f.messages.ExportChatInviteRequest(his, title="one", usage_limit=5))
    hers = await trio.ask(trio.a, f.messages.ExportChatInviteRequest(mine))
    assert await trio.refused(trio.b, f.messages.GetExportedChatInviteRequest(his, hers.link)) == "CHAT_ADMIN_REQUIRED"
    assert (await trio.ask(trio.a, f.messages.GetExportedChatInviteRequest(mine, made.link))).invite.title == "one"
    edited = f.messages.EditExportedChatInviteRequest(his, made.link, title="two", usage_limit=7)
    changed = (await trio.ask(trio.b, edited)).invite
    assert (changed.title, changed.usage_limit) == ("two", 7)
    await trio.ask(trio.e, f.messages.ImportChatInviteRequest(made.link.rpartition("+")[2]))
    came = f.messages.GetChatInviteImportersRequest(mine, None, types.InputUserEmpty(), 10, link=made.link)
    assert [each.user_id for each in (await trio.ask(trio.a, came)).importers] == [trio.eve.id]
    admins = (await trio.ask(trio.a, f.messages.GetAdminsWithInvitesRequest(mine))).admins
    assert {each.admin_id: each.invites_count for each in admins} == {trio.ann.id: 1, trio.bob.id: 1}
    drop = f.messages.DeleteExportedChatInviteRequest(his, made.link)
    assert await trio.refused(trio.b, drop) == "INVITE_REVOKED_MISSING"
    await trio.ask(trio.b, f.messages.EditExportedChatInviteRequest(his, made.link, revoked=True))
    assert await trio.ask(trio.b, drop) is True
    gone = f.messages.GetExportedChatInviteRequest(his, made.link)
    assert await trio.refused(trio.b, gone) == "INVITE_HASH_EXPIRED"
    assert await trio.ask(trio.a, f.messages.DeleteRevokedExportedChatInvitesRequest(mine, types.InputUserSelf()))


@pytest.mark.parametrize("approved", [True, False])
async def test_all_who_wait_are_decided_at_once(approved):
    trio = Trio()
    club = trio.channel()
    peer = trio.peer(trio.ann, club)
    link = await trio.ask(trio.a, f.messages.ExportChatInviteRequest(peer, request_needed=True))
    for caller in (trio.b, trio.e):
        request = f.messages.ImportChatInviteRequest(link.link.rpartition("+")[2])
        assert await trio.refused(caller, request) == "INVITE_REQUEST_SENT"
    full = await trio.ask(trio.a, f.channels.GetFullChannelRequest(peer))
    assert full.full_chat.requests_pending == 2
    await trio.ask(trio.a, f.messages.HideAllChatJoinRequestsRequest(peer, approved=approved))
    assert trio.world.chats.count(club) == (3 if approved else 1)
    assert not club.requests


async def test_everything_of_one_person_is_deleted_in_parts():
    trio = Trio()
    club = trio.channel(trio.bob)
    for n in range(120):
        trio.world.messages.send(trio.bob, club, f"{n}")
    await trio.say(trio.a, club, "stays")
    request = f.channels.DeleteParticipantHistoryRequest(trio.peer(trio.ann, club), trio.peer(trio.ann, trio.bob))
    first = await trio.ask(trio.a, request)
    assert (first.pts_count, first.offset) == (100, 20)
    assert (await trio.ask(trio.a, request)).offset == 0
    texts = [message.text for message in trio.world.messages.box(club.id).messages.values() if not message.action]
    assert texts == ["stays"]


async def test_usernames_links_and_groups_for_discussion():
    trio = Trio()
    club = trio.channel()
    peer = trio.peer(trio.ann, club)
    assert await trio.ask(trio.a, f.channels.CheckUsernameRequest(peer, "the_club")) is True
    trio.world.set_username(trio.bob, "the_club")
    assert await trio.ask(trio.a, f.channels.CheckUsernameRequest(peer, "the_club")) is False
    number = (await trio.say(trio.a, club, "x")).updates[0].id
    link = await trio.ask(trio.a, f.channels.ExportMessageLinkRequest(peer, number))
    assert link.link == f"https://t.me/c/{bare(club.id)}/{number}"
    missing = f.channels.ExportMessageLinkRequest(peer, 999)
    assert await trio.refused(trio.a, missing) == "MSG_ID_INVALID"
    groups = await trio.ask(trio.a, f.channels.GetGroupsForDiscussionRequest())
    assert [each.id for each in groups.chats] == [bare(club.id)]
    assert await trio.ask(trio.a, f.messages.ReadDiscussionRequest(peer, number, number)) is True
    assert await trio.ask(trio.a, f.channels.ReadMessageContentsRequest(peer, [number])) is True


def test_every_method_of_groups_and_channels_is_in_the_table():
    assert rooms.CLOSED.keys() <= METHODS.keys()
