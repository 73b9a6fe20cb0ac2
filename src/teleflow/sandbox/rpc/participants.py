"""channels.getParticipant(s): who is in a supergroup or channel, by kind, by name, in pages."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.world import rights
from teleflow.sandbox.world.chat_records import Chat, Member
from teleflow.sandbox.world.records import Person

PAGE = 200


async def get_participants(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Administrators see everybody; members of a supergroup too, but not who was shut out."""
    me = desk.me(caller)
    chat = desk.chat(me, request.channel)
    found = _filtered(desk, me, chat, request.filter)
    offset, limit = max(0, request.offset), max(0, min(request.limit, PAGE))
    page = found[offset : offset + limit]
    people = {each.user for each in page} | {each.promoted_by for each in page} | {each.banned_by for each in page}
    return types.channels.ChannelParticipants(
        count=len(found),
        participants=[desk.view.rooms.participant(me, chat, each) for each in page],
        chats=desk.view.chats(me, {chat.id}),
        users=desk.view.users(me, people | {each.inviter for each in page}),
    )


def _filtered(desk: Desk, me: Person, chat: Chat, wanted: Any) -> list[Member]:
    chats = desk.world.chats
    mine = chats.member(chat, me.id)
    admin = rights.is_admin(chat, mine)
    admins_only = isinstance(wanted, types.ChannelParticipantsAdmins)
    if not admin and not (chat.kind == "megagroup" and (admins_only or chats.visible(chat, me.id))):
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    now = chats.now()
    present = chats.present(chat)
    if admins_only:
        return [each for each in present if rights.is_admin(chat, each)]
    if isinstance(wanted, types.ChannelParticipantsKicked | types.ChannelParticipantsBanned):
        if not admin:
            raise RpcError(400, "CHAT_ADMIN_REQUIRED")
        kicked = isinstance(wanted, types.ChannelParticipantsKicked)
        known = chats.members[chat.id].values()
        shut_out = [each for each in known if _shut_out(each, now, kicked=kicked)]
        return _named(desk, me, shut_out, wanted.q)
    if isinstance(wanted, types.ChannelParticipantsBots):
        return []
    if isinstance(wanted, types.ChannelParticipantsContacts):
        return _named(desk, me, [each for each in present if each.user in me.contacts], wanted.q)
    if isinstance(wanted, types.ChannelParticipantsSearch | types.ChannelParticipantsMentions):
        return _named(desk, me, present, wanted.q or "")
    return sorted(present, key=lambda each: -each.date)


def _shut_out(member: Member, now: float, *, kicked: bool) -> bool:
    if kicked:
        return rights.is_kicked(member, now)
    return member.state != "kicked" and bool(rights.restrictions(member, now))


def _named(desk: Desk, me: Person, members: list[Member], query: str) -> list[Member]:
    """Whose name, as the viewer knows it, or username has a word that begins so."""
    wanted = query.strip().removeprefix("@").casefold()
    if not wanted:
        return members
    people = desk.world.people.by_id
    found = []
    for member in members:
        person = people[member.user]
        words = f"{person.first_name} {person.last_name} {person.username}".casefold().split()
        contact = me.contacts.get(person.id)
        if contact is not None:
            words += f"{contact.first_name} {contact.last_name}".casefold().split()
        if any(word.startswith(wanted) for word in words) or wanted in " ".join(words):
            found.append(member)
    return found


async def get_participant(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Raises USER_NOT_PARTICIPANT for strangers and those who have left."""
    me = desk.me(caller)
    chat = desk.chat(me, request.channel)
    target = desk.target(me, request.participant)
    if not isinstance(target, Person):
        raise RpcError(400, "PARTICIPANT_ID_INVALID")
    chats = desk.world.chats
    mine = chats.member(chat, me.id)
    if chat.kind == "broadcast" and target is not me and not rights.is_admin(chat, mine):
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    member = chats.member(chat, target.id)
    if member is None or (member.state == "left" and not rights.restrictions(member, chats.now())):
        raise RpcError(400, "USER_NOT_PARTICIPANT")
    if member.state == "kicked" and not rights.is_kicked(member, chats.now()):
        raise RpcError(400, "USER_NOT_PARTICIPANT")
    people = {target.id, member.inviter, member.promoted_by, member.banned_by}
    return types.channels.ChannelParticipant(
        desk.view.rooms.participant(me, chat, member),
        chats=desk.view.chats(me, {chat.id}),
        users=desk.view.users(me, people),
    )
