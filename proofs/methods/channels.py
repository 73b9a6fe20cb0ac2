"""channels.*: supergroups and channels, their members and rights, their messages; discussion groups; their updates."""

from __future__ import annotations

from collections.abc import AsyncIterator

from telethon.tl import functions as f
from telethon.tl import types

from proofs.methods.cases import Refusal, case, refusals, same, true
from proofs.methods.groups import service
from proofs.methods.house import House, Someone, failure
from proofs.methods.messages import history

RECENT, NO_RIGHTS = types.ChannelParticipantsRecent(), types.ChatAdminRights()


def members(channel: object, kind: object = RECENT) -> object:
    return f.channels.GetParticipantsRequest(channel, kind, 0, 10, 0)


def differing(channel: object, pts: int, limit: int = 100) -> object:
    return f.updates.GetChannelDifferenceRequest(channel, types.ChannelMessagesFilterEmpty(), pts, limit)


async def shown(someone: Someone, club: object) -> types.Channel:
    """The channel as somebody sees it."""
    (chat,) = (await someone(f.channels.GetChannelsRequest([await someone.channel(club)]))).chats
    return chat


@case(f.channels.CreateChannelRequest, f.channels.GetChannelsRequest, f.channels.GetFullChannelRequest)
async def a_supergroup_and_a_channel_are_made(house: House) -> None:
    ann = await house.new("Ann")
    for megagroup in (True, False):
        request = f.channels.CreateChannelRequest("Club", "what for", megagroup=megagroup, broadcast=not megagroup)
        (chat,) = (await ann(request)).chats
        same((chat.title, chat.creator, chat.megagroup, chat.broadcast), ("Club", True, megagroup, not megagroup))
        peer = types.PeerChannel(chat.id)
        same((await shown(ann, peer)).title, "Club")
        full = (await ann(f.channels.GetFullChannelRequest(await ann.channel(peer)))).full_chat
        same((full.about, full.participants_count, full.can_view_participants), ("what for", 1, True))
        first = await ann.latest(types.PeerChannel(chat.id))
        same(type(first.action), types.MessageActionChannelCreate)
    (forum,) = (await ann(f.channels.CreateChannelRequest("Forum", "", megagroup=True, forum=True))).chats
    same(forum.forum, True)
    topics = await ann(f.messages.GetForumTopicsRequest(await ann.peer(types.PeerChannel(forum.id)), None, 0, 0, 10))
    same([one.title for one in topics.topics], ["General"])


@case(f.channels.InviteToChannelRequest, f.channels.LeaveChannelRequest, f.channels.JoinChannelRequest)
async def members_come_and_go(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await house.club(ann)
    invited = await ann(f.channels.InviteToChannelRequest(await ann.channel(club), [await ann.user(bob)]))
    same(invited.missing_invitees, [])
    await bob.sees(types.UpdateChannel)
    same((await shown(bob, club)).left, False)
    name = f"club_{ann.phone[-5:]}"
    await ann(f.channels.UpdateUsernameRequest(await ann.channel(club), name))
    await bob(f.channels.LeaveChannelRequest(await bob.channel(club)))
    same((await shown(bob, club)).left, True)
    joined = await bob(f.channels.JoinChannelRequest(await bob.channel(club)))
    same((joined.updates.chats[0].id, joined.updates.chats[0].left), (club.channel_id, False))
    true(bob.id in {each.user_id for each in (await ann(members(await ann.channel(club)))).participants}, "Bob inside")


@case(f.channels.EditTitleRequest, f.channels.CheckUsernameRequest, f.channels.UpdateUsernameRequest)
async def a_name_for_people_and_one_for_links(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await house.club(ann, bob)
    channel, name = await ann.channel(club), f"named_{ann.phone[-5:]}"
    await ann(f.channels.EditTitleRequest(channel, "Renamed"))
    told = await bob.sees(types.UpdateNewChannelMessage, service(types.MessageActionChatEditTitle))
    same(told.message.action.title, "Renamed")
    same(await ann(f.channels.CheckUsernameRequest(channel, name)), True)
    same(await ann(f.channels.UpdateUsernameRequest(channel, name)), True)
    chat = await shown(bob, club)
    same((chat.title, chat.username), ("Renamed", name))
    public = await ann(f.channels.GetAdminedPublicChannelsRequest())
    same([each.id for each in public.chats], [club.channel_id])


@case(
    f.channels.ToggleSlowModeRequest,
    f.channels.ToggleSignaturesRequest,
    f.channels.TogglePreHistoryHiddenRequest,
    f.channels.ToggleJoinToSendRequest,
    f.channels.ToggleJoinRequestRequest,
    f.channels.GetAdminedPublicChannelsRequest,
)
async def switches_are_thrown(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club, news = await house.club(ann, bob), await house.club(ann, broadcast=True)
    channel = await ann.channel(club)
    await ann(f.channels.ToggleSlowModeRequest(channel, 60))
    await bob.say(club, "one")
    same((await failure(bob, f.messages.SendMessageRequest(await bob.peer(club), "two")))[:14], "SLOWMODE_WAIT_")
    await ann(f.channels.TogglePreHistoryHiddenRequest(channel, enabled=True))
    full = (await bob(f.channels.GetFullChannelRequest(await bob.channel(club)))).full_chat
    same((full.slowmode_seconds, full.hidden_prehistory), (60, True))
    await ann(f.channels.UpdateUsernameRequest(channel, f"switch_{ann.phone[-5:]}"))
    await ann(f.channels.ToggleJoinToSendRequest(channel, enabled=True))
    await ann(f.channels.ToggleJoinRequestRequest(channel, enabled=True))
    chat = await shown(ann, club)
    same((chat.join_to_send, chat.join_request, chat.slowmode_enabled), (True, True, True))
    eve = await house.new("Eve")
    there = await eve.client.get_input_entity(chat.username)
    same(await failure(eve, f.channels.JoinChannelRequest(there)), "INVITE_REQUEST_SENT")
    await ann(f.channels.ToggleSignaturesRequest(await ann.channel(news), signatures_enabled=True))
    same(((await shown(ann, news)).signatures, (await ann.say(news, "signed")).post_author), (True, "Ann"))
    same(len((await ann(f.channels.GetAdminedPublicChannelsRequest())).chats), 1)


@case(f.channels.EditAdminRequest, f.channels.GetParticipantsRequest, f.channels.GetParticipantRequest)
async def an_admin_is_made_and_unmade(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await house.club(ann, bob)
    channel = await ann.channel(club)
    rights = types.ChatAdminRights(delete_messages=True, pin_messages=True)
    await ann(f.channels.EditAdminRequest(channel, await ann.user(bob), rights, "keeper"))
    one = (await ann(f.channels.GetParticipantRequest(channel, await ann.peer(bob)))).participant
    same((type(one), one.rank, one.promoted_by), (types.ChannelParticipantAdmin, "keeper", ann.id))
    same((one.admin_rights.delete_messages, one.admin_rights.ban_users), (True, False))
    same((await shown(bob, club)).admin_rights.pin_messages, True)
    admins = await bob(members(await bob.channel(club), types.ChannelParticipantsAdmins()))
    same({each.user_id for each in admins.participants}, {ann.id, bob.id})
    await ann(f.channels.EditAdminRequest(channel, await ann.user(bob), NO_RIGHTS, ""))
    same((await shown(bob, club)).admin_rights, None)


@case(f.channels.EditBannedRequest)
async def a_member_is_restricted_and_banned(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await house.club(ann, bob)
    channel, him = await ann.channel(club), await ann.peer(bob)
    quiet = types.ChatBannedRights(until_date=None, send_messages=True)
    await ann(f.channels.EditBannedRequest(channel, him, quiet))
    refused = await failure(bob, f.messages.SendMessageRequest(await bob.peer(club), "may I?"))
    true(refused in {"CHAT_WRITE_FORBIDDEN", "USER_BANNED_IN_CHANNEL", "CHAT_RESTRICTED"}, f"told {refused}")
    same((await shown(bob, club)).banned_rights.send_messages, True)
    out = types.ChatBannedRights(until_date=None, view_messages=True)
    await ann(f.channels.EditBannedRequest(channel, him, out))
    same(await failure(bob, history(await bob.peer(club))), "CHANNEL_PRIVATE")
    (chat,) = (await bob(f.channels.GetChannelsRequest([await bob.channel(club)]))).chats
    same(type(chat), types.ChannelForbidden)
    kicked = await ann(members(channel, types.ChannelParticipantsKicked("")))
    same([each.peer.user_id for each in kicked.participants], [bob.id])
    await ann(f.channels.EditBannedRequest(channel, him, types.ChatBannedRights(until_date=None)))
    same((await ann(members(channel, types.ChannelParticipantsKicked("")))).participants, [])


@case(f.channels.GetMessagesRequest, f.channels.DeleteMessagesRequest, f.channels.ReadHistoryRequest)
async def messages_of_a_supergroup(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await house.club(ann, bob)
    message = await ann.say(club, "hello club")
    told = await bob.sees(types.UpdateNewChannelMessage, lambda update: update.message.message == "hello club")
    same((told.message.id, told.pts_count), (message.id, 1))
    (found,) = (await bob(f.channels.GetMessagesRequest(await bob.channel(club), [message.id]))).messages
    same((found.message, found.from_id.user_id), ("hello club", ann.id))
    same(await bob(f.channels.ReadHistoryRequest(await bob.channel(club), message.id)), True)
    read = await ann.sees(types.UpdateReadChannelOutbox)
    same((read.channel_id, read.max_id), (club.channel_id, message.id))
    full = (await bob(f.channels.GetFullChannelRequest(await bob.channel(club)))).full_chat
    same((full.unread_count, full.read_inbox_max_id), (0, message.id))
    affected = await ann(f.channels.DeleteMessagesRequest(await ann.channel(club), [message.id]))
    same((affected.pts_count, affected.pts), (1, full.pts + 1))
    gone = await bob.sees(types.UpdateDeleteChannelMessages)
    same((gone.messages, gone.channel_id), ([message.id], club.channel_id))
    (left,) = (await bob(f.channels.GetMessagesRequest(await bob.channel(club), [message.id]))).messages
    same(type(left), types.MessageEmpty)


@case(f.channels.DeleteParticipantHistoryRequest, f.channels.DeleteHistoryRequest)
async def histories_are_deleted(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await house.club(ann, bob)
    for n in range(3):
        await bob.say(club, f"spam {n}")
    await ann.say(club, "not spam")
    affected = await ann(f.channels.DeleteParticipantHistoryRequest(await ann.channel(club), await ann.peer(bob)))
    same((type(affected), affected.offset), (types.messages.AffectedHistory, 0))
    texts = [each.message for each in (await bob(history(await bob.peer(club)))).messages if each.message]
    same(texts, ["not spam"])
    await bob(f.channels.DeleteHistoryRequest(await bob.channel(club), 0))
    same((await bob(history(await bob.peer(club)))).messages, [])
    true((await ann(history(await ann.peer(club)))).messages, "Ann keeps hers")


@case(f.channels.ExportMessageLinkRequest, f.channels.ReadMessageContentsRequest, f.channels.GetLeftChannelsRequest)
async def links_to_messages_and_channels_left(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await house.club(ann, bob)
    message = await ann.say(club, f"look, @{bob.username}")
    link = await ann(f.channels.ExportMessageLinkRequest(await ann.channel(club), message.id))
    same(link.link, f"https://t.me/c/{club.channel_id}/{message.id}")
    mentions = f.messages.GetUnreadMentionsRequest(await bob.peer(club), 0, 0, 10, 0, 0)
    same(len((await bob(mentions)).messages), 1)
    same(await bob(f.channels.ReadMessageContentsRequest(await bob.channel(club), [message.id])), True)
    same((await bob(mentions)).messages, [])
    await bob(f.channels.LeaveChannelRequest(await bob.channel(club)))
    left = f.InvokeWithTakeoutRequest(
        (await bob(f.account.InitTakeoutSessionRequest())).id, f.channels.GetLeftChannelsRequest(0)
    )
    same([each.id for each in (await bob(left)).chats], [club.channel_id])
    same([each.id for each in (await bob(f.channels.GetLeftChannelsRequest(0))).chats], [club.channel_id])


@case(f.channels.GetSendAsRequest)
async def as_whom_one_may_write(house: House) -> None:
    ann = await house.new("Ann")
    club = await house.club(ann)
    found = await ann(f.channels.GetSendAsRequest(await ann.peer(club)))
    true(ann.id in {getattr(each.peer, "user_id", 0) for each in found.peers}, "oneself")


@case(f.channels.DeleteChannelRequest)
async def a_channel_is_deleted(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await house.club(ann, bob)
    bob.news.clear()
    await ann(f.channels.DeleteChannelRequest(await ann.channel(club)))
    await bob.sees(types.UpdateChannel, lambda update: update.channel_id == club.channel_id)
    same(await failure(bob, history(await bob.peer(club))), "CHANNEL_PRIVATE")


@case(
    f.channels.SetDiscussionGroupRequest,
    f.channels.GetGroupsForDiscussionRequest,
    f.messages.GetDiscussionMessageRequest,
    f.messages.GetRepliesRequest,
    f.messages.ReadDiscussionRequest,
)
async def a_post_is_discussed(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    news, club = await house.club(ann, bob, broadcast=True), await house.club(ann, bob, title="Talk")
    fit = await ann(f.channels.GetGroupsForDiscussionRequest())
    true(club.channel_id in {each.id for each in fit.chats}, "the group among those that fit")
    same(await ann(f.channels.SetDiscussionGroupRequest(await ann.channel(news), await ann.channel(club))), True)
    post = await ann.say(news, "what do you think?")
    copy = await bob.sees(types.UpdateNewChannelMessage, lambda update: update.message.fwd_from)
    same(copy.message.fwd_from.channel_post, post.id)
    root = await bob(f.messages.GetDiscussionMessageRequest(await bob.peer(news), post.id))
    same((root.messages[0].id, root.messages[0].peer_id.channel_id), (copy.message.id, club.channel_id))
    comment = await bob.say(club, "good", reply_to=copy.message.id)
    replies = await ann(f.messages.GetRepliesRequest(await ann.peer(news), post.id, 0, None, 0, 10, 0, 0, 0))
    same([each.message for each in replies.messages], ["good"])
    same(await ann(f.messages.ReadDiscussionRequest(await ann.peer(news), post.id, comment.id)), True)
    root = await ann(f.messages.GetDiscussionMessageRequest(await ann.peer(news), post.id))
    same((root.read_inbox_max_id, root.unread_count), (comment.id, 0))


@case(f.updates.GetChannelDifferenceRequest)
async def a_channels_difference_is_what_was_missed(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await house.club(ann, bob)
    channel = await bob.channel(club)
    pts = (await bob(f.channels.GetFullChannelRequest(channel))).full_chat.pts
    empty = await bob(differing(channel, pts))
    same((type(empty), empty.pts, empty.final), (types.updates.ChannelDifferenceEmpty, pts, True))
    first = await ann.say(club, "one")
    await ann.say(club, "two")
    await ann(f.channels.DeleteMessagesRequest(await ann.channel(club), [first.id]))
    missed = await bob(differing(channel, pts))
    same([each.message for each in missed.new_messages], ["two"])
    same(([type(each) for each in missed.other_updates], missed.pts), ([types.UpdateDeleteChannelMessages], pts + 3))
    part = await bob(differing(channel, pts, limit=10))
    true(part.final, "all in one")


@refusals
async def channels(house: House) -> AsyncIterator[Refusal]:
    ann, bob, eve = await house.new("Ann"), await house.new("Bob"), await house.new("Eve")
    club, news = await house.club(ann, bob), await house.club(ann, bob, broadcast=True)
    channel, bobs, wrong = await ann.channel(club), await bob.channel(club), types.InputChannel(77, 77)
    c, him = f.channels, await ann.user(bob)
    yield "CHAT_TITLE_EMPTY", ann, c.CreateChannelRequest(" ", "", megagroup=True)
    yield "CHAT_ABOUT_TOO_LONG", ann, c.CreateChannelRequest("x", "x" * 256, megagroup=True)
    yield "CHANNEL_INVALID", ann, c.GetFullChannelRequest(wrong)
    yield "CHANNEL_INVALID", ann, c.GetChannelsRequest([wrong])
    yield "CHANNEL_INVALID", ann, c.JoinChannelRequest(wrong)
    yield "USER_ID_INVALID", ann, c.InviteToChannelRequest(channel, [types.InputUser(77, 77)])
    yield "CHAT_ADMIN_REQUIRED", bob, c.EditTitleRequest(await bob.channel(news), "mine")
    yield "CHAT_NOT_MODIFIED", ann, c.EditTitleRequest(channel, "Club")
    yield "CHAT_ADMIN_REQUIRED", bob, c.DeleteChannelRequest(bobs)
    yield "USERNAME_INVALID", ann, c.CheckUsernameRequest(channel, "a b")
    yield "USERNAME_OCCUPIED", ann, c.UpdateUsernameRequest(channel, bob.username)
    yield "CHAT_ADMIN_REQUIRED", bob, c.UpdateUsernameRequest(bobs, "bob_was_here")
    yield "SECONDS_INVALID", ann, c.ToggleSlowModeRequest(channel, 7)
    yield "CHAT_ADMIN_REQUIRED", bob, c.ToggleSlowModeRequest(bobs, 10)
    yield "CHAT_NOT_MODIFIED", ann, c.ToggleSlowModeRequest(channel, 0)
    yield "CHAT_ADMIN_REQUIRED", bob, c.ToggleSignaturesRequest(await bob.channel(news), signatures_enabled=True)
    yield "CHAT_ADMIN_REQUIRED", bob, c.TogglePreHistoryHiddenRequest(bobs, enabled=True)
    yield "CHAT_ADMIN_REQUIRED", bob, c.ToggleJoinToSendRequest(bobs, enabled=True)
    yield "CHAT_ADMIN_REQUIRED", bob, c.ToggleJoinRequestRequest(bobs, enabled=True)
    yield (
        "CHAT_ADMIN_REQUIRED",
        bob,
        c.EditAdminRequest(bobs, await bob.user(eve), types.ChatAdminRights(other=True), ""),
    )
    await ann(c.EditAdminRequest(channel, him, types.ChatAdminRights(add_admins=True, invite_users=True), ""))
    yield "USER_CREATOR", bob, c.EditAdminRequest(bobs, await bob.user(ann), NO_RIGHTS, "")
    out = types.ChatBannedRights(until_date=None, view_messages=True)
    await ann(c.EditBannedRequest(channel, await ann.peer(eve), out))
    yield "USER_KICKED", bob, c.InviteToChannelRequest(bobs, [await bob.user(eve)])
    await ann(c.EditAdminRequest(channel, him, NO_RIGHTS, ""))
    await ann(c.EditBannedRequest(channel, await ann.peer(eve), types.ChatBannedRights(until_date=None)))
    rights = types.ChatBannedRights(until_date=None, view_messages=True)
    yield "CHAT_ADMIN_REQUIRED", bob, c.EditBannedRequest(bobs, await bob.peer(eve), rights)
    yield "USER_NOT_PARTICIPANT", ann, c.GetParticipantRequest(channel, await ann.peer(eve))
    yield "CHAT_ADMIN_REQUIRED", bob, members(await bob.channel(news))
    yield "CHAT_ADMIN_REQUIRED", bob, members(bobs, types.ChannelParticipantsKicked(""))
    yield "CHANNEL_INVALID", ann, c.GetMessagesRequest(wrong, [1])
    message = await ann.say(club, "mine")
    yield "MESSAGE_DELETE_FORBIDDEN", bob, c.DeleteMessagesRequest(bobs, [message.id])
    yield "CHAT_ADMIN_REQUIRED", bob, c.DeleteParticipantHistoryRequest(bobs, await bob.peer(ann))
    yield "CHAT_ADMIN_REQUIRED", bob, c.DeleteHistoryRequest(bobs, 0, for_everyone=True)
    yield "CHANNEL_INVALID", ann, c.ReadHistoryRequest(wrong, 0)
    yield "CHANNEL_INVALID", ann, c.ReadMessageContentsRequest(wrong, [1])
    yield "MSG_ID_INVALID", ann, c.ExportMessageLinkRequest(channel, 9999)
    yield "BROADCAST_ID_INVALID", ann, c.SetDiscussionGroupRequest(channel, channel)
    yield "MSG_ID_INVALID", ann, f.messages.GetDiscussionMessageRequest(await ann.peer(news), 9999)
    yield "MSG_ID_INVALID", ann, f.messages.GetRepliesRequest(await ann.peer(club), 9999, 0, None, 0, 10, 0, 0, 0)
    yield "MSG_ID_INVALID", ann, f.messages.ReadDiscussionRequest(await ann.peer(club), 9999, 1)
    yield "CHANNEL_INVALID", ann, differing(wrong, 1)
    yield "PERSISTENT_TIMESTAMP_EMPTY", ann, differing(channel, 0)
    yield "PERSISTENT_TIMESTAMP_INVALID", ann, differing(channel, 99999)
    yield "USER_NOT_PARTICIPANT", eve, c.LeaveChannelRequest(await _reachable(house, ann, eve))
    yield "USER_CREATOR", ann, c.LeaveChannelRequest(channel)
    await ann(c.EditBannedRequest(channel, await ann.peer(bob), rights))
    yield "CHANNEL_PRIVATE", bob, c.GetFullChannelRequest(bobs)


async def _reachable(house: House, owner: Someone, other: Someone) -> object:
    """A public supergroup that somebody is not in."""
    name = f"public_{other.phone[-5:]}"
    club = await house.club(owner)
    await owner(f.channels.UpdateUsernameRequest(await owner.channel(club), name))
    peer = await other.client.get_input_entity(name)
    return types.InputChannel(peer.channel_id, peer.access_hash)
