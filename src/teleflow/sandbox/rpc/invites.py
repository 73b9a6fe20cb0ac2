"""messages.* about invite links and the requests that come by them."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.chats import any_chat
from teleflow.sandbox.rpc.desk import Desk, timestamp
from teleflow.sandbox.rpc.gather import gathering
from teleflow.sandbox.world import chat_links
from teleflow.sandbox.world.chat_links import hash_of
from teleflow.sandbox.world.chat_records import Chat, Invite
from teleflow.sandbox.world.records import Person

PAGE = 100
SHOWN_MEMBERS = 5
_BARE_JOINS = 198  # the newest known layer without messages.chatInviteJoinResult


async def export_invite(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = any_chat(desk, me, request.peer)
    invite = chat_links.export(
        desk.world,
        me,
        chat,
        title=request.title or "",
        expires=timestamp(request.expire_date),
        usage_limit=request.usage_limit or 0,
        by_request=bool(request.request_needed),
        replace_permanent=bool(request.legacy_revoke_permanent),
    )
    return desk.view.rooms.invite(invite)


async def check_invite(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """What is behind a link: all of it to members, a description to others."""
    me = desk.me(caller)
    invite, chat = chat_links.look(desk.world, me, request.hash)
    if desk.world.chats.inside(chat, me.id):
        return types.ChatInviteAlready(desk.view.rooms.chat(me, chat))
    people = [each.user for each in desk.world.chats.present(chat)]
    broadcast = chat.kind == "broadcast"
    return types.ChatInvite(
        title=chat.title,
        photo=types.PhotoEmpty(0),
        participants_count=len(people),
        color=0,
        channel=chat.channel or None,
        broadcast=broadcast or None,
        public=bool(chat.username) or None,
        megagroup=chat.kind == "megagroup" or None,
        request_needed=invite.by_request or None,
        about=chat.about or None,
        participants=None if broadcast else desk.view.users(me, people[:SHOWN_MEMBERS]),
    )


async def import_invite(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    with gathering(desk, caller, me) as told:
        chat = chat_links.use(desk.world, me, request.hash, told.origin)
    return join_result(caller, told.updates(chat.id))


def join_result(caller: Caller, updates: Any) -> Any:
    """What a join is answered: `Updates` to clients of layers in which that was all there was to say."""
    return updates if 0 < caller.layer <= _BARE_JOINS else types.messages.ChatInviteJoinResultOk(updates)


async def get_invites(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """One administrator's links, newest first; others' only to the creator."""
    me = desk.me(caller)
    chat = any_chat(desk, me, request.peer)
    admin = desk.user(me, request.admin_id)
    _may_manage(desk, me, chat, admin)
    revoked = bool(request.revoked)
    found = [
        each for each in chat_links.of_chat(desk.world, chat) if each.admin == admin.id and each.revoked == revoked
    ]
    page = _after(found, timestamp(request.offset_date), request.offset_link)[: max(1, min(request.limit, PAGE))]
    return types.messages.ExportedChatInvites(
        count=len(found),
        invites=[desk.view.rooms.invite(each) for each in page],
        users=desk.view.users(me, {admin.id}),
    )


def _after(invites: list[Invite], date: int, link: str | None) -> list[Invite]:
    if not date and not link:
        return invites
    wanted = hash_of(link or "")
    for index, each in enumerate(invites):
        if each.hash == wanted:
            return invites[index + 1 :]
    return [each for each in invites if each.date < date]


def _may_manage(desk: Desk, me: Person, chat: Chat, admin: Person) -> None:
    if admin is not me and me.id != chat.creator:
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    chat_links.require(desk.world, me, chat)


async def get_invite(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    invite = chat_links.find(desk.world, me, any_chat(desk, me, request.peer), request.link)
    return _answer(desk, me, invite)


def _answer(desk: Desk, me: Person, invite: Invite, successor: Invite | None = None) -> Any:
    users = desk.view.users(me, {invite.admin})
    told = desk.view.rooms.invite(invite)
    if successor is not None:
        return types.messages.ExportedChatInviteReplaced(told, desk.view.rooms.invite(successor), users)
    return types.messages.ExportedChatInvite(told, users)


async def edit_invite(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = any_chat(desk, me, request.peer)
    invite, successor = chat_links.edit(
        desk.world,
        me,
        chat,
        request.link,
        title=request.title,
        expires=None if request.expire_date is None else timestamp(request.expire_date),
        usage_limit=request.usage_limit,
        by_request=request.request_needed,
        revoked=bool(request.revoked),
    )
    return _answer(desk, me, invite, successor)


async def delete_invite(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat_links.drop(desk.world, me, any_chat(desk, me, request.peer), request.link)
    return True


async def delete_revoked_invites(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = any_chat(desk, me, request.peer)
    admin = desk.user(me, request.admin_id)
    _may_manage(desk, me, chat, admin)
    for invite in chat_links.of_chat(desk.world, chat):
        if invite.revoked and invite.admin == admin.id:
            desk.world.chats.drop_invite(invite)
    return True


async def get_admins_with_invites(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = any_chat(desk, me, request.peer)
    _may_manage(desk, me, chat, me)
    counts: dict[int, list[int]] = {}
    for invite in chat_links.of_chat(desk.world, chat):
        counts.setdefault(invite.admin, [0, 0])[invite.revoked] += 1
    admins = [types.ChatAdminWithInvites(admin, *count) for admin, count in sorted(counts.items())]
    return types.messages.ChatAdminsWithInvites(admins, desk.view.users(me, counts))


async def get_importers(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Who came by a link, or (`requested`) who waits to be let in; newest first."""
    me = desk.me(caller)
    chat = any_chat(desk, me, request.peer)
    chat_links.require(desk.world, me, chat)
    dates: dict[int, int]
    if request.requested:
        wanted = hash_of(request.link or "")
        dates = {user: asked.date for user, asked in chat.requests.items() if not wanted or asked.link == wanted}
    else:
        dates = chat_links.find(desk.world, me, chat, request.link or "").joined
    query = (request.q or "").casefold()
    people = desk.world.people.by_id
    ordered = sorted(
        (user for user in dates if query in f"{people[user].first_name} {people[user].last_name}".casefold()),
        key=lambda user: (-dates[user], user),
    )
    offset = timestamp(request.offset_date)
    if offset:
        last = getattr(request.offset_user, "user_id", 0)
        ordered = [user for user in ordered if (-dates[user], user) > (-offset, last)]
    page = ordered[: max(1, min(request.limit, PAGE))]
    importers = [
        types.ChatInviteImporter(user, dates[user], requested=bool(request.requested) or None) for user in page
    ]
    return types.messages.ChatInviteImporters(len(dates), importers, desk.view.users(me, page))


async def hide_join_request(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = any_chat(desk, me, request.peer)
    user = desk.user(me, request.user_id)
    with gathering(desk, caller, me) as told:
        chat_links.decide(desk.world, me, chat, user, approved=bool(request.approved), origin=told.origin)
    return told.updates(chat.id, user.id)


async def hide_all_join_requests(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = any_chat(desk, me, request.peer)
    chat_links.require(desk.world, me, chat)
    wanted = hash_of(request.link or "")
    waiting = [user for user, asked in chat.requests.items() if not wanted or asked.link == wanted]
    people = desk.world.people.by_id
    with gathering(desk, caller, me) as told:
        for user in waiting:
            chat_links.decide(desk.world, me, chat, people[user], approved=bool(request.approved), origin=told.origin)
    return told.updates(chat.id, *waiting)
