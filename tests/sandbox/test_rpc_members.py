"""Rights, restrictions, links, moves and settings of groups and channels, and what is refused under which name."""

from __future__ import annotations

import pytest
from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.world import chat_founding, chat_members
from teleflow.sandbox.world.chat_records import bare
from tests.sandbox.chat_rig import Trio

MUTED = types.ChatBannedRights(until_date=None, send_messages=True)
KICKED = types.ChatBannedRights(until_date=None, view_messages=True)
PARDONED = types.ChatBannedRights(until_date=None)


async def test_who_may_not_write_is_told_why():
    trio = Trio()
    group, club, news = trio.group(), trio.channel(trio.bob, trio.eve), trio.channel(trio.bob, megagroup=False)
    assert await trio.silenced(trio.b, news) == "CHAT_ADMIN_REQUIRED"
    assert await trio.silenced(trio.e, news) == "CHANNEL_PRIVATE"
    chat_members.set_banned(trio.world, trio.ann, club, trio.bob, {"send_messages"})
    assert await trio.silenced(trio.b, club) == "USER_BANNED_IN_CHANNEL"
    chat_founding.set_default_banned(trio.world, trio.ann, club, {"send_messages"})
    assert await trio.silenced(trio.e, club) == "CHAT_WRITE_FORBIDDEN"
    await trio.say(trio.a, club, "administrators may")
    chat_founding.set_default_banned(trio.world, trio.ann, club, {"send_plain"})
    assert await trio.silenced(trio.e, club) == "CHAT_SEND_PLAIN_FORBIDDEN"
    chat_members.remove(trio.world, trio.ann, group, trio.bob)
    assert await trio.silenced(trio.b, group) == "CHAT_WRITE_FORBIDDEN"
    public = trio.channel(username="club_open")
    assert await trio.silenced(trio.e, public) == "CHAT_WRITE_FORBIDDEN"
    stolen = types.InputPeerChannel(bare(public.id), 12345)
    history = f.messages.GetHistoryRequest(stolen, 0, None, 0, 9, 0, 0, 0)
    assert await trio.refused(trio.e, history) == "CHANNEL_INVALID"
    assert await trio.silenced(trio.e, trio.group(trio.bob)) == "CHAT_ID_INVALID"


async def test_a_restriction_ends_at_its_time():
    trio = Trio()
    club = trio.channel(trio.bob)
    until = int(trio.rig.clock.now) + 100
    rights = types.ChatBannedRights(until_date=until, send_messages=True)
    request = f.channels.EditBannedRequest(trio.peer(trio.ann, club), trio.peer(trio.ann, trio.bob), rights)
    await trio.ask(trio.a, request)
    assert await trio.silenced(trio.b, club) == "USER_BANNED_IN_CHANNEL"
    trio.rig.clock.now += 101
    await trio.say(trio.b, club, "free again")


async def test_slow_mode_holds_members_back_and_says_for_how_long():
    trio = Trio()
    club = trio.channel(trio.bob)
    await trio.ask(trio.a, f.channels.ToggleSlowModeRequest(trio.peer(trio.ann, club), 30))
    await trio.say(trio.b, club, "one")
    trio.rig.clock.now += 10
    assert await trio.silenced(trio.b, club) == "SLOWMODE_WAIT_20"
    full = await trio.ask(trio.b, f.channels.GetFullChannelRequest(trio.peer(trio.bob, club)))
    assert full.full_chat.slowmode_seconds == 30
    assert full.full_chat.slowmode_next_send_date is not None
    trio.rig.clock.now += 20
    await trio.say(trio.b, club, "two")
    await trio.say(trio.a, club, "one")
    await trio.say(trio.a, club, "administrators do not wait")
    odd = f.channels.ToggleSlowModeRequest(trio.peer(trio.ann, club), 7)
    assert await trio.refused(trio.a, odd) == "SECONDS_INVALID"


async def test_kicking_shuts_out_and_pardon_lets_back_in():
    trio = Trio()
    club = trio.channel(trio.bob, username="the_club")
    edit = f.channels.EditBannedRequest
    assert (
        await trio.refused(trio.b, edit(trio.peer(trio.bob, club), trio.peer(trio.bob, trio.eve), KICKED))
        == "CHAT_ADMIN_REQUIRED"
    )
    await trio.ask(trio.a, edit(trio.peer(trio.ann, club), trio.peer(trio.ann, trio.bob), KICKED))
    (told,) = trio.pushed(trio.b, types.UpdateChannel)
    assert told.channel_id == bare(club.id)
    (seen,) = (await trio.ask(trio.b, f.channels.GetChannelsRequest([trio.peer(trio.bob, club)]))).chats
    assert isinstance(seen, types.ChannelForbidden)
    assert await trio.refused(trio.b, f.channels.JoinChannelRequest(trio.peer(trio.bob, club))) == "CHANNEL_PRIVATE"
    kicked = f.channels.GetParticipantsRequest(trio.peer(trio.ann, club), types.ChannelParticipantsKicked(""), 0, 10, 0)
    (shown,) = (await trio.ask(trio.a, kicked)).participants
    assert (shown.peer.user_id, shown.left, shown.banned_rights.view_messages) == (trio.bob.id, True, True)
    await trio.ask(trio.a, edit(trio.peer(trio.ann, club), trio.peer(trio.ann, trio.bob), PARDONED))
    await trio.ask(trio.b, f.channels.JoinChannelRequest(trio.peer(trio.bob, club)))
    await trio.say(trio.b, club, "back")
    creator = edit(trio.peer(trio.ann, club), trio.peer(trio.ann, trio.ann), KICKED)
    assert await trio.refused(trio.a, creator) == "USER_ID_INVALID"


async def test_administrators_hand_on_only_what_they_have():
    trio = Trio()
    club = trio.channel(trio.bob, trio.eve)
    edit = f.channels.EditAdminRequest
    some = types.ChatAdminRights(ban_users=True, add_admins=True)
    await trio.ask(trio.a, edit(trio.peer(trio.ann, club), trio.user(trio.ann, trio.bob), some, "deputy"))
    more = types.ChatAdminRights(delete_messages=True)
    request = edit(trio.peer(trio.bob, club), trio.user(trio.bob, trio.eve), more, "")
    assert await trio.refused(trio.b, request) == "RIGHT_FORBIDDEN"
    of_creator = edit(trio.peer(trio.bob, club), trio.user(trio.bob, trio.ann), some, "")
    assert await trio.refused(trio.b, of_creator) == "USER_CREATOR"
    ban = f.channels.EditBannedRequest
    creator = ban(trio.peer(trio.bob, club), trio.peer(trio.bob, trio.ann), KICKED)
    assert await trio.refused(trio.b, creator) == "USER_ADMIN_INVALID"
    admins = f.channels.GetParticipantsRequest(trio.peer(trio.eve, club), types.ChannelParticipantsAdmins(), 0, 10, 0)
    listed = (await trio.ask(trio.e, admins)).participants
    assert [type(each) for each in listed] == [types.ChannelParticipantCreator, types.ChannelParticipantAdmin]
    assert (listed[1].rank, listed[1].admin_rights.ban_users, listed[1].promoted_by) == ("deputy", True, trio.ann.id)
    assert await trio.refused(trio.a, f.channels.LeaveChannelRequest(trio.peer(trio.ann, club))) == "USER_CREATOR"


async def test_participants_come_in_pages_and_by_name():
    trio = Trio()
    others = [trio.rig.person(f"1555020{n:04d}", f"Person{n}") for n in range(25)]
    club = trio.channel(*others)

    async def page(filter_, offset, limit):
        request = f.channels.GetParticipantsRequest(trio.peer(trio.ann, club), filter_, offset, limit, 0)
        answer = await trio.ask(trio.a, request)
        return answer.count, [each.user_id for each in answer.participants]

    everybody = types.ChannelParticipantsSearch("")
    found = [user for offset in (0, 10, 20) for user in (await page(everybody, offset, 10))[1]]
    assert sorted(found) == sorted([trio.ann.id, *(each.id for each in others)])
    assert await page(types.ChannelParticipantsSearch("person24"), 0, 10) == (1, [others[24].id])
    assert (await page(types.ChannelParticipantsRecent(), 0, 0)) == (26, [])


async def test_coming_and_going_in_a_basic_group_has_its_names():
    trio = Trio()
    group = trio.group(trio.bob)
    add = f.messages.AddChatUserRequest
    await trio.ask(trio.b, add(-group.id, trio.user(trio.bob, trio.eve), 0))
    assert await trio.refused(trio.a, add(-group.id, trio.user(trio.ann, trio.eve), 0)) == "USER_ALREADY_PARTICIPANT"
    remove = f.messages.DeleteChatUserRequest
    mine = remove(-group.id, trio.user(trio.eve, trio.bob))
    assert await trio.refused(trio.e, mine) == "CHAT_ADMIN_REQUIRED"
    await trio.ask(trio.b, remove(-group.id, trio.user(trio.bob, trio.eve))), "who invited may remove"
    assert await trio.refused(trio.a, remove(-group.id, trio.user(trio.ann, trio.eve))) == "USER_NOT_PARTICIPANT"
    trio.rig.pushes.sent.clear()
    left = await trio.ask(trio.b, remove(-group.id, types.InputUserSelf()))
    assert [type(each) for each in left.updates] == [types.UpdateNewMessage]
    (service, people) = trio.pushed(trio.a)
    assert (service.message.action.user_id, len(people.participants.participants)) == (trio.bob.id, 1)
    full = await trio.ask(trio.b, f.messages.GetFullChatRequest(-group.id))
    assert isinstance(full.full_chat.participants, types.ChatParticipantsForbidden)
    await trio.ask(trio.b, add(-group.id, types.InputUserSelf(), 0))
    await trio.say(trio.b, group, "who left by himself comes back by himself")
    await trio.ask(trio.a, remove(-group.id, trio.user(trio.ann, trio.bob)))
    assert await trio.refused(trio.b, add(-group.id, types.InputUserSelf(), 0)) == "CHAT_WRITE_FORBIDDEN"


async def test_links_lead_in_until_they_are_worn_out_expired_or_revoked():
    trio = Trio()
    club = trio.channel()
    peer = trio.peer(trio.ann, club)

    async def link(**more):
        made = await trio.ask(trio.a, f.messages.ExportChatInviteRequest(peer, **more))
        return made.link.rpartition("+")[2]

    once = await link(usage_limit=1)
    await trio.ask(trio.b, f.messages.ImportChatInviteRequest(once))
    again = f.messages.ImportChatInviteRequest(once)
    assert await trio.refused(trio.e, again) == "INVITE_HASH_EXPIRED"
    soon = await link(expire_date=int(trio.rig.clock.now) + 50)
    trio.rig.clock.now += 60
    assert await trio.refused(trio.e, f.messages.CheckChatInviteRequest(soon)) == "INVITE_HASH_EXPIRED"
    plain = await link()
    edited = await trio.ask(trio.a, f.messages.EditExportedChatInviteRequest(peer, plain, revoked=True))
    assert isinstance(edited, types.messages.ExportedChatInviteReplaced), "a permanent link has a successor"
    assert await trio.refused(trio.e, f.messages.ImportChatInviteRequest(plain)) == "INVITE_HASH_EXPIRED"
    listed = f.messages.GetExportedChatInvitesRequest(peer, types.InputUserSelf(), 10, revoked=True)
    assert [each.revoked for each in (await trio.ask(trio.a, listed)).invites] == [True]
    theirs = f.messages.ExportChatInviteRequest(trio.peer(trio.bob, club))
    assert await trio.refused(trio.b, theirs) == "CHAT_ADMIN_REQUIRED"
    assert await trio.refused(trio.e, f.messages.ImportChatInviteRequest("")) == "INVITE_HASH_EMPTY"


async def test_a_request_to_join_waits_for_an_administrator():
    trio = Trio()
    club = trio.channel(username="the_club")
    peer = trio.peer(trio.ann, club)
    await trio.ask(trio.a, f.channels.ToggleJoinRequestRequest(peer, enabled=True))
    trio.rig.pushes.sent.clear()
    join = f.channels.JoinChannelRequest(trio.peer(trio.bob, club))
    assert await trio.refused(trio.b, join) == "INVITE_REQUEST_SENT"
    (told,) = trio.pushed(trio.a, types.UpdatePendingJoinRequests)
    assert (told.requests_pending, told.recent_requesters) == (1, [trio.bob.id])
    decide = f.messages.HideChatJoinRequestRequest(peer, trio.user(trio.ann, trio.bob), approved=True)
    await trio.ask(trio.a, decide)
    await trio.say(trio.b, club, "in")
    assert await trio.refused(trio.a, decide) == "USER_ALREADY_PARTICIPANT"


async def test_a_group_becomes_a_supergroup_with_the_same_people():
    trio = Trio()
    group = trio.group()
    answer = await trio.ask(trio.a, f.messages.MigrateChatRequest(-group.id))
    kinds = {type(each.message.action) for each in answer.updates if hasattr(each, "message")}
    assert kinds == {types.MessageActionChatMigrateTo, types.MessageActionChannelMigrateFrom}
    old, new = sorted(answer.chats, key=lambda each: isinstance(each, types.Channel))
    assert (old.deactivated, old.migrated_to.channel_id, new.megagroup) == (True, new.id, True)
    assert await trio.silenced(trio.b, group) == "CHAT_WRITE_FORBIDDEN"
    moved = trio.world.chats.by_id[group.migrated_to]
    await trio.say(trio.b, moved, "here we are")
    full = await trio.ask(trio.b, f.channels.GetFullChannelRequest(trio.peer(trio.bob, moved)))
    assert (full.full_chat.migrated_from_chat_id, full.full_chat.participants_count) == (-group.id, 3)
    again = await trio.ask(trio.a, f.messages.MigrateChatRequest(-group.id))
    assert {each.id for each in again.chats} == {old.id, new.id}


async def test_posts_are_copied_into_the_discussion_group_and_count_comments():
    trio = Trio()
    news, club = trio.channel(trio.bob, megagroup=False), trio.channel(trio.bob)
    link = f.channels.SetDiscussionGroupRequest(trio.peer(trio.ann, news), trio.peer(trio.ann, club))
    await trio.ask(trio.a, link)
    assert await trio.refused(trio.a, link) == "LINK_NOT_MODIFIED"
    await trio.ask(trio.a, f.channels.ToggleSignaturesRequest(trio.peer(trio.ann, news), signatures_enabled=True))
    post = (await trio.say(trio.a, news, "big news")).updates[-1].message
    assert (post.post, post.post_author, post.from_id) == (True, "Ann", None)
    asked = f.messages.GetDiscussionMessageRequest(trio.peer(trio.bob, news), post.id)
    (copy,) = (await trio.ask(trio.b, asked)).messages
    assert (copy.message, copy.from_id.channel_id, copy.fwd_from.channel_post) == ("big news", bare(news.id), post.id)
    await trio.say(trio.b, club, "wow", reply_to=types.InputReplyToMessage(copy.id))
    history = f.messages.GetHistoryRequest(trio.peer(trio.bob, news), 0, None, 0, 1, 0, 0, 0)
    (shown,) = (await trio.ask(trio.b, history)).messages
    assert (shown.replies.comments, shown.replies.replies, shown.replies.channel_id) == (True, 1, bare(club.id))
    replies = f.messages.GetRepliesRequest(trio.peer(trio.bob, news), post.id, 0, None, 0, 10, 0, 0, 0)
    assert [each.message for each in (await trio.ask(trio.b, replies)).messages] == ["wow"]


@pytest.mark.parametrize("megagroup", [True, False])
async def test_a_deleted_channel_is_gone_for_everybody(megagroup):
    trio = Trio()
    club = trio.channel(trio.bob, megagroup=megagroup, username="the_club")
    request = f.channels.DeleteChannelRequest
    assert await trio.refused(trio.b, request(trio.peer(trio.bob, club))) == "CHAT_ADMIN_REQUIRED"
    await trio.ask(trio.a, request(trio.peer(trio.ann, club)))
    assert trio.pushed(trio.b, types.UpdateChannel)
    assert await trio.silenced(trio.b, club) == "CHANNEL_PRIVATE"
    assert await trio.refused(trio.b, f.contacts.ResolveUsernameRequest("the_club")) == "USERNAME_NOT_OCCUPIED"


async def test_titles_names_and_limits_have_their_refusals():
    trio = Trio()
    group, club = trio.group(), trio.channel(trio.bob)
    peer = trio.peer(trio.ann, club)
    refused = trio.refused
    assert await refused(trio.a, f.channels.EditTitleRequest(peer, " ")) == "CHAT_TITLE_EMPTY"
    assert await refused(trio.a, f.channels.EditTitleRequest(peer, club.title)) == "CHAT_NOT_MODIFIED"
    assert await refused(trio.a, f.messages.EditChatAboutRequest(peer, "x" * 256)) == "CHAT_ABOUT_TOO_LONG"
    assert await refused(trio.a, f.messages.CreateChatRequest([], "alone")) == "USERS_TOO_FEW"
    named = f.channels.UpdateUsernameRequest
    assert await refused(trio.b, named(trio.peer(trio.bob, club), "bobs_club")) == "CHAT_ADMIN_REQUIRED"
    trio.world.set_username(trio.bob, "bob_here")
    assert await refused(trio.a, named(peer, "bob_here")) == "USERNAME_OCCUPIED"
    await trio.ask(trio.a, named(peer, "the_club"))
    assert await refused(trio.b, f.account.UpdateUsernameRequest("the_club")) == "USERNAME_OCCUPIED"
    trio.world.chats.channels_limit = 1
    more = f.channels.CreateChannelRequest("more", "", megagroup=True)
    assert await refused(trio.a, more) == "CHANNELS_TOO_MUCH"
    renamed = await trio.ask(trio.a, f.messages.EditChatTitleRequest(-group.id, "New"))
    assert renamed.updates[0].message.action.title == "New"
    assert renamed.chats[0].title == "New"
