"""messages.* about groups: made, named, joined, left, full descriptions, rights of everybody."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.chat_full import full_group
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.gather import gathering
from teleflow.sandbox.rpc.users import settings_for
from teleflow.sandbox.world import chat_founding, chat_members, rights
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.records import Person

COMMON_PAGE = 100


def names_of(flags: Any, known: tuple[str, ...]) -> set[str]:
    """The rights that are set in a `chatAdminRights` or `chatBannedRights`."""
    return {name for name in known if getattr(flags, name, None)}


def any_chat(desk: Desk, me: Person, peer: Any) -> Chat:
    """The group or channel that an InputPeer names. Raises PEER_ID_INVALID for people."""
    target = desk.target(me, peer)
    if not isinstance(target, Chat):
        raise RpcError(400, "PEER_ID_INVALID")
    return target


def _missing(users: list[int]) -> list[Any]:
    return [types.MissingInvitee(user) for user in users]


async def create_chat(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    users = [desk.user(me, named) for named in request.users]
    with gathering(desk, caller, me) as told:
        chat, missing = chat_founding.create_group(desk.world, me, request.title, users, told.origin)
    return types.messages.InvitedUsers(told.updates(chat.id, *missing), _missing(missing))


async def add_chat_user(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = desk.group(me, request.chat_id)
    user = desk.user(me, request.user_id)
    with gathering(desk, caller, me) as told:
        chat_members.add(desk.world, me, chat, user, told.origin)
    return types.messages.InvitedUsers(told.updates(chat.id), [])


async def delete_chat_user(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = desk.group(me, request.chat_id)
    user = desk.user(me, request.user_id)
    with gathering(desk, caller, me) as told:
        chat_members.remove(desk.world, me, chat, user, told.origin)
    return told.updates(chat.id)


async def edit_chat_title(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = _open(desk.group(me, request.chat_id))
    with gathering(desk, caller, me) as told:
        chat_founding.edit_title(desk.world, me, chat, request.title, told.origin)
    return told.updates(chat.id)


def _open(chat: Chat) -> Chat:
    if not chat.open:
        raise RpcError(400, "CHAT_ID_INVALID")
    return chat


async def edit_chat_about(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = any_chat(desk, me, request.peer)
    chat_founding.edit_about(desk.world, me, chat, request.about, desk.origin(caller))
    return True


async def edit_chat_admin(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = desk.group(me, request.chat_id)
    user = desk.user(me, request.user_id)
    chat_members.set_group_admin(desk.world, me, chat, user, admin=bool(request.is_admin), origin=desk.origin(caller))
    return True


async def edit_default_banned_rights(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = any_chat(desk, me, request.peer)
    banned = names_of(request.banned_rights, rights.BANNED)
    if request.banned_rights.view_messages:
        raise RpcError(400, "BANNED_RIGHTS_INVALID")
    with gathering(desk, caller, me) as told:
        chat_founding.set_default_banned(desk.world, me, chat, banned, told.origin)
    return told.updates(chat.id)


async def toggle_no_forwards(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = any_chat(desk, me, request.peer)
    if me.id != chat.creator:
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    with gathering(desk, caller, me) as told:
        changes: dict[chat_founding.Switch, bool] = {"no_forwards": bool(request.enabled)}
        chat_founding.switch(desk.world, me, chat, changes, told.origin)
    return told.updates(chat.id)


async def migrate_chat(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = desk.group(me, request.chat_id)
    with gathering(desk, caller, me) as told:
        moved = chat_founding.migrate(desk.world, me, chat, told.origin)
    return told.updates(chat.id, moved.id)


async def delete_chat(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat_founding.delete(desk.world, me, desk.group(me, request.chat_id), desk.origin(caller))
    return True


async def get_full_chat(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    return full_group(desk, me, desk.group(me, request.chat_id))


async def get_chats(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Those that the asker knows; others are left out."""
    me = desk.me(caller)
    known = [-number for number in request.id if number > 0]
    mine = [each for each in known if me.id in desk.world.chats.members.get(each, {})]
    return types.messages.Chats(desk.view.chats(me, mine))


async def get_common_chats(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    user = desk.user(me, request.user_id)
    chats = desk.world.chats
    shared = [chat for chat in chats.of_person(me.id) if chats.inside(chat, user.id) and chat.kind != "broadcast"]
    page = [chat.id for chat in shared if chat.open][: max(1, min(request.limit, COMMON_PAGE))]
    return types.messages.Chats(desk.view.chats(me, page))


async def get_onlines(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = any_chat(desk, me, request.peer)
    people, now = desk.world.people.by_id, desk.world.clock.time()
    online = sum(1 for each in desk.world.chats.present(chat) if people[each.user].online_until > now)
    return types.ChatOnlines(max(1, online))


async def get_peer_settings(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    users, chats = desk.view.users(me, {target.id}), desk.view.chats(me, {target.id})
    settings = settings_for(me, target) if isinstance(target, Person) else types.PeerSettings()
    return types.messages.PeerSettings(settings, chats=chats, users=users)
