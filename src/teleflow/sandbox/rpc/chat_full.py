"""Full descriptions of groups and channels."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.dialogs import channel_dialog
from teleflow.sandbox.rpc.media_view import photo
from teleflow.sandbox.world import chat_links, rights
from teleflow.sandbox.world.chat_records import Chat, bare
from teleflow.sandbox.world.records import Person

REQUESTERS = 3


def _link(desk: Desk, me: Person, chat: Chat) -> Any:
    """The administrator's own permanent link, made when it is first looked at."""
    member = desk.world.chats.member(chat, me.id)
    if not chat.open or "invite_users" not in rights.admin_rights(chat, member):
        return None
    standing = chat_links.permanent(desk.world, me, chat) or chat_links.export(desk.world, me, chat)
    return desk.view.rooms.invite(standing)


def _requests(desk: Desk, me: Person, chat: Chat) -> dict[str, Any]:
    """Who waits to be let in, told to those who may decide."""
    member = desk.world.chats.member(chat, me.id)
    if not chat.requests or "invite_users" not in rights.admin_rights(chat, member):
        return {"requests_pending": None, "recent_requesters": None}
    newest = sorted(chat.requests, key=lambda each: -chat.requests[each].date)[:REQUESTERS]
    return {"requests_pending": len(chat.requests), "recent_requesters": newest}


def _pinned(desk: Desk, me: Person, chat: Chat) -> int | None:
    """The newest message that is pinned."""
    numbers = desk.world.messages.marks.pinned(desk.place(me, chat).owner, chat.id)
    return numbers[-1] if numbers else None


def full_group(desk: Desk, me: Person, chat: Chat) -> Any:
    participants = desk.view.rooms.participants(me, chat)
    people = set(desk.view.rooms.people_of(chat.id)) if isinstance(participants, types.ChatParticipants) else set()
    waiting = _requests(desk, me, chat)
    full = types.ChatFull(
        id=-chat.id,
        about=chat.about,
        participants=participants,
        notify_settings=types.PeerNotifySettings(),
        can_set_username=me.id == chat.creator or None,
        chat_photo=photo(desk.world, chat.photo) if chat.photo else None,
        exported_invite=_link(desk, me, chat),
        pinned_msg_id=_pinned(desk, me, chat),
        available_reactions=types.ChatReactionsAll(),
        **waiting,
    )
    people |= {me.id, *(waiting["recent_requesters"] or ())}
    return types.messages.ChatFull(full, desk.view.chats(me, {chat.id, chat.migrated_to}), desk.view.users(me, people))


def full_channel(desk: Desk, me: Person, chat: Chat) -> Any:
    chats = desk.world.chats
    member = chats.member(chat, me.id)
    shown = channel_dialog(desk, me, chat, member)
    admin = rights.is_admin(chat, member)
    creator = me.id == chat.creator
    known = chats.members[chat.id].values()
    now = chats.now()
    waiting = _requests(desk, me, chat)
    next_send = member.may_send_at if member is not None and member.may_send_at > now else None
    full = types.ChannelFull(
        id=bare(chat.id),
        about=chat.about,
        read_inbox_max_id=shown.dialog.read_inbox,
        read_outbox_max_id=shown.dialog.read_outbox,
        unread_count=shown.dialog.unread,
        chat_photo=photo(desk.world, chat.photo),
        notify_settings=types.PeerNotifySettings(),
        bot_info=[],
        pts=shown.pts,
        can_view_participants=admin or chat.kind == "megagroup" or None,
        can_set_username=creator or None,
        can_delete_channel=creator or None,
        hidden_prehistory=chat.hidden_history or None,
        participants_count=chats.count(chat),
        admins_count=sum(1 for each in known if rights.is_admin(chat, each)) if admin else None,
        kicked_count=sum(1 for each in known if rights.is_kicked(each, now)) if admin else None,
        banned_count=sum(1 for each in known if each.state != "kicked" and rights.restrictions(each, now))
        if admin
        else None,
        online_count=None,
        exported_invite=_link(desk, me, chat),
        migrated_from_chat_id=-chat.migrated_from or None,
        migrated_from_max_id=_migrated_max(desk, me, chat) or None,
        pinned_msg_id=_pinned(desk, me, chat),
        available_min_id=(member.hidden_up_to if member is not None else 0) or None,
        linked_chat_id=bare(chat.linked) or None,
        slowmode_seconds=chat.slow_mode or None,
        slowmode_next_send_date=next_send,
        available_reactions=types.ChatReactionsAll(),
        **waiting,
    )
    involved = {chat.id, chat.linked, chat.migrated_from}
    people = {me.id, *(waiting["recent_requesters"] or ())}
    return types.messages.ChatFull(full, desk.view.chats(me, involved), desk.view.users(me, people))


def _migrated_max(desk: Desk, me: Person, chat: Chat) -> int:
    """The last message of the group that this was, by the viewer's own number."""
    dialog = desk.box(me).dialogs.get(chat.migrated_from) if chat.migrated_from else None
    return dialog.ids[-1] if dialog is not None and dialog.ids else 0
