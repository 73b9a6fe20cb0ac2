"""messages.* about basic groups, and invite links of groups and channels."""

from __future__ import annotations

from collections.abc import AsyncIterator

from telethon.tl import functions as f
from telethon.tl import types

from proofs.methods.cases import Refusal, case, refusals, same, true
from proofs.methods.house import House, failure

NOBODY = types.InputUserEmpty()


def service(action: type) -> object:
    """Whether an update is a service message of that kind."""
    return lambda update: isinstance(getattr(update.message, "action", None), action)


@case(f.messages.CreateChatRequest, f.messages.GetFullChatRequest, f.messages.GetChatsRequest)
async def a_group_is_made(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    made = await ann(f.messages.CreateChatRequest([await ann.user(bob)], "Group"))
    (chat,) = made.updates.chats
    same((chat.title, chat.creator, chat.participants_count, made.missing_invitees), ("Group", True, 2, []))
    told = await bob.sees(types.UpdateNewMessage, service(types.MessageActionChatCreate))
    same((told.message.action.title, set(told.message.action.users)), ("Group", {ann.id, bob.id}))
    full = await bob(f.messages.GetFullChatRequest(chat.id))
    same({each.user_id for each in full.full_chat.participants.participants}, {ann.id, bob.id})
    same(type(full.full_chat.participants.participants[0]), types.ChatParticipantCreator)
    (seen,) = (await bob(f.messages.GetChatsRequest([chat.id]))).chats
    same((seen.title, seen.creator), ("Group", False))


@case(f.messages.AddChatUserRequest, f.messages.DeleteChatUserRequest)
async def a_member_comes_and_goes(house: House) -> None:
    ann, bob, eve = await house.new("Ann"), await house.new("Bob"), await house.new("Eve")
    number = await house.group(ann, bob)
    await ann.say(types.PeerChat(number), "before you came")
    invited = await ann(f.messages.AddChatUserRequest(number, await ann.user(eve), fwd_limit=10))
    same(invited.missing_invitees, [])
    await bob.sees(types.UpdateNewMessage, service(types.MessageActionChatAddUser))
    await eve.sees(types.UpdateNewMessage, service(types.MessageActionChatAddUser))
    await eve.say(types.PeerChat(number), "hello all")
    await bob.sees(types.UpdateNewMessage, lambda update: update.message.message == "hello all")
    await ann(f.messages.DeleteChatUserRequest(number, await ann.user(eve)))
    gone = await bob.sees(types.UpdateNewMessage, service(types.MessageActionChatDeleteUser))
    same(gone.message.action.user_id, eve.id)
    refused = await failure(eve, f.messages.SendMessageRequest(types.InputPeerChat(number), "still here?"))
    true(refused in {"CHAT_WRITE_FORBIDDEN", "PEER_ID_INVALID", "USER_NOT_PARTICIPANT"}, f"told {refused}")


@case(
    f.messages.EditChatTitleRequest,
    f.messages.EditChatAboutRequest,
    f.messages.EditChatAdminRequest,
    f.messages.EditChatDefaultBannedRightsRequest,
    f.messages.ToggleNoForwardsRequest,
    f.messages.GetOnlinesRequest,
)
async def a_group_is_changed(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    number = await house.group(ann, bob)
    peer = types.InputPeerChat(number)
    await ann(f.messages.EditChatTitleRequest(number, "Renamed"))
    told = await bob.sees(types.UpdateNewMessage, service(types.MessageActionChatEditTitle))
    same(told.message.action.title, "Renamed")
    same(await ann(f.messages.EditChatAboutRequest(peer, "what for")), True)
    same(await ann(f.messages.EditChatAdminRequest(number, await ann.user(bob), is_admin=True)), True)
    full = await bob(f.messages.GetFullChatRequest(number))
    kinds = {each.user_id: type(each) for each in full.full_chat.participants.participants}
    same((full.full_chat.about, kinds[bob.id]), ("what for", types.ChatParticipantAdmin))
    await ann(f.messages.EditChatAdminRequest(number, await ann.user(bob), is_admin=False))
    quiet = types.ChatBannedRights(until_date=None, send_messages=True)
    await ann(f.messages.EditChatDefaultBannedRightsRequest(peer, quiet))
    rights = await bob.sees(types.UpdateChatDefaultBannedRights)
    same((rights.peer.chat_id, rights.default_banned_rights.send_messages), (number, True))
    same(await failure(bob, f.messages.SendMessageRequest(peer, "may I?")), "CHAT_WRITE_FORBIDDEN")
    await ann(f.messages.ToggleNoForwardsRequest(peer, enabled=True))
    (chat,) = (await bob(f.messages.GetChatsRequest([number]))).chats
    same((chat.title, chat.noforwards), ("Renamed", True))
    await ann(f.account.UpdateStatusRequest(offline=False))
    true((await bob(f.messages.GetOnlinesRequest(peer))).onlines >= 1, "somebody online")


@case(f.messages.MigrateChatRequest)
async def a_group_becomes_a_supergroup(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    number = await house.group(ann, bob)
    answer = await ann(f.messages.MigrateChatRequest(number))
    (club,) = [each for each in answer.chats if isinstance(each, types.Channel)]
    true(club.megagroup, "a supergroup")
    told = await bob.sees(types.UpdateNewMessage, service(types.MessageActionChatMigrateTo))
    same(told.message.action.channel_id, club.id)
    (old,) = (await bob(f.messages.GetChatsRequest([number]))).chats
    same((old.deactivated, old.migrated_to.channel_id), (True, club.id))
    full = await bob(f.channels.GetFullChannelRequest(await bob.channel(types.PeerChannel(club.id))))
    same(full.full_chat.migrated_from_chat_id, number)
    await bob.say(types.PeerChannel(club.id), "we moved")
    await ann.sees(types.UpdateNewChannelMessage, lambda update: update.message.message == "we moved")


@case(f.messages.DeleteChatRequest)
async def a_group_is_deleted(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    number = await house.group(ann, bob)
    same(await ann(f.messages.DeleteChatRequest(number)), True)
    true(await failure(bob, f.messages.SendMessageRequest(types.InputPeerChat(number), "anybody?")), "nobody writes")


@case(
    f.messages.ExportChatInviteRequest,
    f.messages.CheckChatInviteRequest,
    f.messages.ImportChatInviteRequest,
    f.messages.GetChatInviteImportersRequest,
    f.messages.GetAdminsWithInvitesRequest,
)
async def a_link_leads_in(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await house.club(ann)
    peer = await ann.peer(club)
    link = await ann(f.messages.ExportChatInviteRequest(peer, title="door", usage_limit=5))
    same((link.title, link.usage_limit, link.usage or 0, link.admin_id), ("door", 5, 0, ann.id))
    code = link.link.rpartition("+")[2]
    peek = await bob(f.messages.CheckChatInviteRequest(code))
    same((type(peek), peek.title, peek.participants_count), (types.ChatInvite, "Club", 1))
    entered = await bob(f.messages.ImportChatInviteRequest(code))
    same([each.id for each in entered.updates.chats], [club.channel_id])
    joined = await ann.sees(types.UpdateNewChannelMessage, service(types.MessageActionChatJoinedByLink))
    same(joined.message.action.inviter_id, ann.id)
    same(type(await bob(f.messages.CheckChatInviteRequest(code))), types.ChatInviteAlready)
    who = await ann(f.messages.GetChatInviteImportersRequest(peer, None, NOBODY, 10, link=link.link))
    same([each.user_id for each in who.importers], [bob.id])
    admins = await ann(f.messages.GetAdminsWithInvitesRequest(peer))
    same([(each.admin_id, each.invites_count >= 1) for each in admins.admins], [(ann.id, True)])


@case(
    f.messages.GetExportedChatInvitesRequest,
    f.messages.GetExportedChatInviteRequest,
    f.messages.EditExportedChatInviteRequest,
    f.messages.DeleteExportedChatInviteRequest,
    f.messages.DeleteRevokedExportedChatInvitesRequest,
)
async def links_are_listed_edited_revoked_and_deleted(house: House) -> None:
    ann = await house.new("Ann")
    peer, me = await ann.peer(await house.club(ann)), types.InputUserSelf()
    one, two = [(await ann(f.messages.ExportChatInviteRequest(peer, title=each))).link for each in ("one", "two")]
    edited = await ann(f.messages.EditExportedChatInviteRequest(peer, one, title="first", usage_limit=3))
    same((edited.invite.title, edited.invite.usage_limit), ("first", 3))
    got = await ann(f.messages.GetExportedChatInviteRequest(peer, one))
    same(got.invite.title, "first")
    listed = await ann(f.messages.GetExportedChatInvitesRequest(peer, me, 10))
    true({one, two} <= {each.link for each in listed.invites}, "both links listed")
    for link in (one, two):
        revoked = await ann(f.messages.EditExportedChatInviteRequest(peer, link, revoked=True))
        same(revoked.invite.revoked, True)
    same(await ann(f.messages.DeleteExportedChatInviteRequest(peer, one)), True)
    left = await ann(f.messages.GetExportedChatInvitesRequest(peer, me, 10, revoked=True))
    same([each.link for each in left.invites], [two])
    same(await ann(f.messages.DeleteRevokedExportedChatInvitesRequest(peer, me)), True)
    left = await ann(f.messages.GetExportedChatInvitesRequest(peer, me, 10, revoked=True))
    same(left.invites, [])


@case(f.messages.HideChatJoinRequestRequest, f.messages.HideAllChatJoinRequestsRequest)
async def who_asks_to_join_waits(house: House) -> None:
    ann, bob, eve = await house.new("Ann"), await house.new("Bob"), await house.new("Eve")
    club = await house.club(ann)
    peer = await ann.peer(club)
    link = (await ann(f.messages.ExportChatInviteRequest(peer, request_needed=True))).link
    for who in (bob, eve):
        same(await failure(who, f.messages.ImportChatInviteRequest(link.rpartition("+")[2])), "INVITE_REQUEST_SENT")
    told = await ann.sees(types.UpdatePendingJoinRequests, lambda update: update.requests_pending == 2)
    same(set(told.recent_requesters), {bob.id, eve.id})
    await ann(f.messages.HideChatJoinRequestRequest(peer, await ann.user(bob), approved=True))
    await bob.sees(types.UpdateChannel)
    await ann(f.messages.HideAllChatJoinRequestsRequest(peer, approved=False))
    waiting = f.messages.GetChatInviteImportersRequest(peer, None, NOBODY, 10, requested=True)
    same((await ann(waiting)).importers, [])
    inside = await ann(
        f.channels.GetParticipantsRequest(await ann.channel(club), types.ChannelParticipantsRecent(), 0, 10, 0)
    )
    same({each.user_id for each in inside.participants}, {ann.id, bob.id})


@refusals
async def groups(house: House) -> AsyncIterator[Refusal]:
    ann, bob, eve = await house.new("Ann"), await house.new("Bob"), await house.new("Eve")
    number = await house.group(ann, bob)
    peer, for_bob, evil = types.InputPeerChat(number), await ann.user(bob), await bob.user(eve)
    yield "CHAT_TITLE_EMPTY", ann, f.messages.CreateChatRequest([for_bob], " ")
    yield "USERS_TOO_FEW", ann, f.messages.CreateChatRequest([], "Alone")
    yield "USER_ID_INVALID", ann, f.messages.CreateChatRequest([types.InputUser(77, 77)], "Wrong")
    yield "USER_ALREADY_PARTICIPANT", ann, f.messages.AddChatUserRequest(number, for_bob, 0)
    yield "CHAT_ID_INVALID", ann, f.messages.AddChatUserRequest(77, for_bob, 0)
    yield "CHAT_ID_INVALID", eve, f.messages.DeleteChatUserRequest(number, types.InputUserSelf())
    yield "USER_NOT_PARTICIPANT", ann, f.messages.DeleteChatUserRequest(number, await ann.user(eve))
    yield "CHAT_ADMIN_REQUIRED", bob, f.messages.DeleteChatUserRequest(number, await bob.user(ann))
    yield "CHAT_NOT_MODIFIED", ann, f.messages.EditChatTitleRequest(number, "Group")
    yield "CHAT_TITLE_EMPTY", ann, f.messages.EditChatTitleRequest(number, "")
    yield "CHAT_ABOUT_TOO_LONG", ann, f.messages.EditChatAboutRequest(peer, "x" * 256)
    yield "CHAT_ABOUT_NOT_MODIFIED", ann, f.messages.EditChatAboutRequest(peer, "")
    yield "CHAT_ADMIN_REQUIRED", bob, f.messages.EditChatAdminRequest(number, await bob.user(ann), is_admin=True)
    yield "USER_NOT_PARTICIPANT", ann, f.messages.EditChatAdminRequest(number, await ann.user(eve), is_admin=True)
    rights = types.ChatBannedRights(until_date=None, send_messages=True)
    yield "CHAT_ADMIN_REQUIRED", bob, f.messages.EditChatDefaultBannedRightsRequest(peer, rights)
    yield "CHAT_ADMIN_REQUIRED", bob, f.messages.ToggleNoForwardsRequest(peer, enabled=True)
    yield "CHAT_NOT_MODIFIED", ann, f.messages.ToggleNoForwardsRequest(peer, enabled=False)
    yield "CHAT_ADMIN_REQUIRED", bob, f.messages.MigrateChatRequest(number)
    yield "CHAT_ADMIN_REQUIRED", bob, f.messages.DeleteChatRequest(number)
    yield "CHAT_ID_INVALID", eve, f.messages.GetFullChatRequest(number)
    yield "CHAT_ID_INVALID", eve, f.messages.GetOnlinesRequest(peer)
    await ann(f.messages.DeleteChatUserRequest(number, types.InputUserSelf()))
    true(evil, "a user to be added")


@refusals
async def links(house: House) -> AsyncIterator[Refusal]:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await house.club(ann, bob)
    peer, bobs, me = await ann.peer(club), await bob.peer(club), types.InputUserSelf()
    yield "CHAT_ADMIN_REQUIRED", bob, f.messages.ExportChatInviteRequest(bobs)
    yield "USAGE_LIMIT_INVALID", ann, f.messages.ExportChatInviteRequest(peer, usage_limit=-1)
    yield "INVITE_HASH_EMPTY", ann, f.messages.CheckChatInviteRequest("")
    yield "INVITE_HASH_INVALID", ann, f.messages.CheckChatInviteRequest("nothing")
    yield "INVITE_HASH_INVALID", ann, f.messages.ImportChatInviteRequest("nothing")
    link = (await ann(f.messages.ExportChatInviteRequest(peer, title="x"))).link
    yield "USER_ALREADY_PARTICIPANT", bob, f.messages.ImportChatInviteRequest(link.rpartition("+")[2])
    yield "INVITE_HASH_EXPIRED", ann, f.messages.GetExportedChatInviteRequest(peer, "https://t.me/+nothing")
    yield "CHAT_ADMIN_REQUIRED", bob, f.messages.GetExportedChatInvitesRequest(bobs, me, 10)
    yield "CHAT_ADMIN_REQUIRED", bob, f.messages.GetExportedChatInviteRequest(bobs, link)
    yield "CHAT_ADMIN_REQUIRED", bob, f.messages.EditExportedChatInviteRequest(bobs, link, revoked=True)
    yield "CHAT_ADMIN_REQUIRED", bob, f.messages.DeleteExportedChatInviteRequest(bobs, link)
    yield "INVITE_HASH_EXPIRED", ann, f.messages.DeleteExportedChatInviteRequest(peer, "https://t.me/+nothing")
    yield "CHAT_ADMIN_REQUIRED", bob, f.messages.DeleteRevokedExportedChatInvitesRequest(bobs, me)
    yield "CHAT_ADMIN_REQUIRED", bob, f.messages.GetAdminsWithInvitesRequest(bobs)
    yield "CHAT_ADMIN_REQUIRED", bob, f.messages.GetChatInviteImportersRequest(bobs, None, NOBODY, 10, link=link)
    yield "CHAT_ADMIN_REQUIRED", bob, f.messages.HideChatJoinRequestRequest(bobs, await bob.user(ann), approved=True)
    eve = await house.new("Eve")
    yield (
        "USER_ALREADY_PARTICIPANT",
        ann,
        f.messages.HideChatJoinRequestRequest(peer, await ann.user(bob), approved=True),
    )
    yield "HIDE_REQUESTER_MISSING", ann, f.messages.HideChatJoinRequestRequest(peer, await ann.user(eve), approved=True)
    yield "CHAT_ADMIN_REQUIRED", bob, f.messages.HideAllChatJoinRequestsRequest(bobs, approved=True)
    await ann(f.messages.EditExportedChatInviteRequest(peer, link, revoked=True))
    yield "INVITE_HASH_EXPIRED", eve, f.messages.ImportChatInviteRequest(link.rpartition("+")[2])
    yield "INVITE_HASH_EXPIRED", eve, f.messages.CheckChatInviteRequest(link.rpartition("+")[2])
