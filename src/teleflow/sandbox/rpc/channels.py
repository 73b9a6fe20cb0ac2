"""channels.*: supergroups and channels made, set up, joined, left, read."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.chat_full import full_channel
from teleflow.sandbox.rpc.chats import names_of
from teleflow.sandbox.rpc.desk import Desk, timestamp
from teleflow.sandbox.rpc.gather import gathering
from teleflow.sandbox.rpc.invites import join_result
from teleflow.sandbox.rpc.reading import found_messages, named_number
from teleflow.sandbox.world import channel_reads, chat_founding, chat_members, forums, rights
from teleflow.sandbox.world.chat_founding import Switch
from teleflow.sandbox.world.chat_records import Chat, is_channel
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.records import Person

IDS_PER_REQUEST = 100


async def create_channel(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    megagroup = bool(request.megagroup)
    if megagroup and request.broadcast:
        raise RpcError(400, "CHANNELS_ADMIN_PUBLIC_TOO_MUCH")
    with gathering(desk, caller, me) as told:
        chat = chat_founding.create_channel(
            desk.world, me, request.title, request.about, megagroup=megagroup, origin=told.origin
        )
        if request.forum and megagroup:
            forums.toggle(desk.world, me, chat, enabled=True, tabs=False, origin=told.origin)
    return told.updates(chat.id)


async def delete_channel(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = desk.chat(me, request.channel)
    with gathering(desk, caller, me) as told:
        chat_founding.delete(desk.world, me, chat, told.origin)
    return told.updates(chat.id)


async def edit_title(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = desk.chat(me, request.channel)
    with gathering(desk, caller, me) as told:
        chat_founding.edit_title(desk.world, me, chat, request.title, told.origin)
    return told.updates(chat.id)


async def get_channels(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Also those that one was shut out of, as forbidden."""
    me = desk.me(caller)
    found = [desk.named_channel(me, named).id for named in request.id]
    return types.messages.Chats(desk.view.chats(me, found))


async def get_full_channel(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    return full_channel(desk, me, desk.chat(me, request.channel))


async def join_channel(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = desk.chat(me, request.channel)
    with gathering(desk, caller, me) as told:
        chat_members.join(desk.world, me, chat, told.origin)
    return join_result(caller, told.updates(chat.id))


async def leave_channel(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = desk.named_channel(me, request.channel)
    with gathering(desk, caller, me) as told:
        chat_members.leave(desk.world, me, chat, told.origin)
    return told.updates(chat.id)


async def invite_to_channel(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = desk.chat(me, request.channel)
    users = [desk.user(me, named) for named in request.users]
    with gathering(desk, caller, me) as told:
        missing = chat_members.invite(desk.world, me, chat, users, told.origin)
    return types.messages.InvitedUsers(
        told.updates(chat.id, *missing), [types.MissingInvitee(user) for user in missing]
    )


async def edit_admin(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = desk.chat(me, request.channel)
    user = desk.user(me, request.user_id)
    held = names_of(request.admin_rights, rights.ADMIN)
    with gathering(desk, caller, me) as told:
        chat_members.set_admin(desk.world, me, chat, user, held, request.rank or "", told.origin)
    return told.updates(chat.id, user.id)


async def edit_banned(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = desk.chat(me, request.channel)
    target = desk.target(me, request.participant)
    if not isinstance(target, Person):
        raise RpcError(400, "PARTICIPANT_ID_INVALID")
    banned = names_of(request.banned_rights, rights.BANNED)
    until = timestamp(request.banned_rights.until_date)
    with gathering(desk, caller, me) as told:
        chat_members.set_banned(desk.world, me, chat, target, banned, until, told.origin)
    return told.updates(chat.id, target.id)


async def check_username(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Free (or already this channel's own) or not."""
    me = desk.me(caller)
    chat = None if isinstance(request.channel, types.InputChannelEmpty) else desk.chat(me, request.channel)
    try:
        desk.world.chats.check_username(chat, request.username)
    except Refused as refused:
        if refused.name == "USERNAME_OCCUPIED":
            return False
        if refused.name != "USERNAME_NOT_MODIFIED":
            raise
    return True


async def update_username(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat_founding.set_username(desk.world, me, desk.chat(me, request.channel), request.username, desk.origin(caller))
    return True


async def toggle_slow_mode(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = desk.chat(me, request.channel)
    with gathering(desk, caller, me) as told:
        chat_founding.set_slow_mode(desk.world, me, chat, request.seconds, told.origin)
    return told.updates(chat.id)


def _switched(desk: Desk, caller: Caller, named: Any, changes: dict[Switch, bool]) -> Any:
    me = desk.me(caller)
    chat = desk.chat(me, named)
    with gathering(desk, caller, me) as told:
        chat_founding.switch(desk.world, me, chat, changes, told.origin)
    return told.updates(chat.id)


async def toggle_signatures(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    changes: dict[Switch, bool] = {
        "signatures": bool(request.signatures_enabled),
        "profiles": bool(request.profiles_enabled),
    }
    return _switched(desk, caller, request.channel, changes)


async def toggle_hidden_history(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    return _switched(desk, caller, request.channel, {"hidden_history": bool(request.enabled)})


async def toggle_join_to_send(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    return _switched(desk, caller, request.channel, {"join_to_send": bool(request.enabled)})


async def toggle_join_request(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    return _switched(desk, caller, request.channel, {"join_request": bool(request.enabled)})


async def get_messages(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """In the order asked for; `messageEmpty` where there is none, or none that shows."""
    me = desk.me(caller)
    chat = desk.chat(me, request.channel)
    member = desk.world.chats.member(chat, me.id)
    hidden = member.hidden_up_to if member is not None else 0
    box = desk.place(me, chat)
    wanted = [named_number(desk, box, each) for each in request.id[:IDS_PER_REQUEST]]
    shown = [number if number > hidden else 0 for number in wanted]
    return found_messages(desk, me, box, shown, len(shown))


async def delete_messages(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = desk.chat(me, request.channel)
    ids = request.id[:IDS_PER_REQUEST]
    pts, count = desk.world.messages.delete_posts(me, chat, ids, origin=desk.origin(caller))
    return types.messages.AffectedMessages(pts, count)


async def delete_participant_history(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Everything that one person has said, in parts."""
    me = desk.me(caller)
    chat = desk.chat(me, request.channel)
    rights.require_admin(chat, desk.world.chats.member(chat, me.id), "delete_messages")
    author = desk.target(me, request.participant).id
    box = desk.place(me, chat)
    doomed = [
        number
        for number in channel_reads.ids_of(desk.world, chat)
        if author == (box.messages[number].written_as or box.messages[number].sender)
    ]
    part = doomed[-IDS_PER_REQUEST:]
    pts, count = desk.world.messages.wipe(chat, part, by=me.id, origin=desk.origin(caller))
    return types.messages.AffectedHistory(pts, count, len(doomed) - len(part))


async def delete_history(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """For oneself, up to a number; or, by who may, for everybody."""
    me = desk.me(caller)
    chat = desk.chat(me, request.channel)
    with gathering(desk, caller, me) as told:
        if request.for_everyone:
            _wipe(desk, me, chat, request.max_id, told.origin)
        else:
            channel_reads.hide_history(desk.world, me, chat, request.max_id, told.origin)
    return told.updates(chat.id)


def _wipe(desk: Desk, me: Person, chat: Chat, max_id: int, origin: Any) -> None:
    rights.require_admin(chat, desk.world.chats.member(chat, me.id), "delete_messages")
    ids = channel_reads.ids_of(desk.world, chat)
    doomed = [number for number in ids if not max_id or number <= max_id]
    for start in range(0, len(doomed), IDS_PER_REQUEST):
        desk.world.messages.wipe(chat, doomed[start : start + IDS_PER_REQUEST], by=me.id, origin=origin)


async def read_history(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    return channel_reads.read(desk.world, me, desk.chat(me, request.channel), request.max_id, desk.origin(caller))


async def export_message_link(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = desk.chat(me, request.channel)
    if request.id not in desk.place(me, chat).messages:
        raise RpcError(400, "MSG_ID_INVALID")
    place = chat.username or f"c/{str(chat.id).removeprefix('-100')}"
    return types.ExportedMessageLink(f"https://t.me/{place}/{request.id}", "")


async def get_left_channels(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    me = desk.me(caller)
    chats = desk.world.chats
    left = [
        chat.id
        for chat in chats
        if is_channel(chat.id) and (member := chats.member(chat, me.id)) is not None and member.state == "left"
    ]
    return types.messages.Chats(desk.view.chats(me, left))


async def get_admined_public(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    me = desk.me(caller)
    mine = [chat.id for chat in desk.world.chats.of_person(me.id) if chat.username and chat.creator == me.id]
    return types.messages.Chats(desk.view.chats(me, mine))


async def get_send_as(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    desk.target(me, request.peer)
    peers = [types.SendAsPeer(types.PeerUser(me.id))]
    return types.channels.SendAsPeers(peers, chats=[], users=desk.view.users(me, {me.id}))
