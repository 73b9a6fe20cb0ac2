"""channels.getAdminLog: the administrators' log, in TL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, TLRequest
from teleflow.sandbox.rpc.chat_view import banned_rights
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.media_view import photo
from teleflow.sandbox.rpc.topics import shown_topic
from teleflow.sandbox.world import rights
from teleflow.sandbox.world.admin_log import AdminEvent, Side
from teleflow.sandbox.world.chat_records import Chat, bare
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.records import Message, Person

PAGE = 100
# the filter's switch for a kind of line; those about members depend on what has changed
_FILTERS: Mapping[str, str] = {
    "change_title": "info",
    "change_about": "info",
    "change_username": "info",
    "change_photo": "info",
    "change_linked_chat": "info",
    "toggle_signatures": "settings",
    "toggle_profiles": "settings",
    "toggle_hidden_history": "settings",
    "toggle_no_forwards": "settings",
    "toggle_slow_mode": "settings",
    "default_banned": "settings",
    "update_pinned": "pinned",
    "edit_message": "edit",
    "delete_message": "delete",
    "stop_poll": "edit",
    "join": "join",
    "join_by_invite": "join",
    "join_by_request": "join",
    "leave": "leave",
    "invite": "invite",
    "invite_edit": "invites",
    "invite_revoke": "invites",
    "invite_delete": "invites",
    "toggle_forum": "forums",
    "create_topic": "forums",
    "edit_topic": "forums",
    "delete_topic": "forums",
    "pin_topic": "forums",
}


async def get_admin_log(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """The newest first; of some kinds, by some people, with some words. Raises CHAT_ADMIN_REQUIRED."""
    me = desk.me(caller)
    chat = desk.chat(me, request.channel)
    if not chat.channel or not rights.is_admin(chat, desk.world.chats.member(chat, me.id)):
        raise Refused("CHAT_ADMIN_REQUIRED")
    admins = {desk.user(me, each).id for each in request.admins or ()}
    view = _Lines(desk, me, chat)
    found = [
        event
        for event in desk.world.chats.admin_log.of_chat(chat.id)[::-1]
        if (not request.max_id or event.id < request.max_id)
        and event.id > request.min_id
        and (not admins or event.user in admins)
        and (request.events_filter is None or any(getattr(request.events_filter, each) for each in _kinds(event)))
        and (not request.q or view.holds(event, request.q.casefold()))
    ][: max(0, min(request.limit, PAGE))]
    involved = {me.id, chat.id}.union(*(view.involved(event) for event in found))
    return types.channels.AdminLogResults(
        events=[view.line(event) for event in found],
        chats=desk.view.chats(me, involved),
        users=desk.view.users(me, involved),
    )


def _kinds(event: AdminEvent) -> set[str]:
    """Which switches of a filter let a line through."""
    before, after = event.before.member, event.after.member
    if event.kind == "toggle_admin" and before is not None and after is not None:
        gained = (after.admin or set()) - (before.admin or set())
        lost = (before.admin or set()) - (after.admin or set())
        ranked = {"edit_rank"} if before.rank != after.rank else set()
        return ({"promote"} if gained or not lost else set()) | ({"demote"} if lost else set()) | ranked
    if event.kind == "toggle_ban" and before is not None and after is not None:
        if "kicked" in (before.state, after.state):
            return {"kick"} if after.state == "kicked" else {"unkick"}
        gained, lost = after.banned - before.banned, before.banned - after.banned
        return ({"ban"} if gained or not lost else set()) | ({"unban"} if lost else set())
    return {_FILTERS[event.kind]}


class _Lines:
    """Translates the lines of one chat for one viewer."""

    def __init__(self, desk: Desk, me: Person, chat: Chat) -> None:
        self._desk = desk
        self._me = me
        self._chat = chat

    def line(self, event: AdminEvent) -> Any:
        shape = _SHAPES[event.kind]
        return types.ChannelAdminLogEvent(event.id, event.date, event.user, shape(self, event.before, event.after))

    def message(self, side: Side) -> Any:
        kept = side.message
        if kept is None:
            return types.MessageEmpty(0)
        box = self._desk.world.messages.box(self._chat.id)
        return self._desk.view.message(box, self._number(kept), kept, self._me.id)

    def _number(self, message: Message) -> int:
        return message.sides.get(self._chat.id, (0, 0))[0]

    def pinned(self, before: Side, after: Side) -> Any:
        shown = self.message(after)
        if isinstance(shown, types.Message):
            shown.pinned = bool(before.number) or None
        return types.ChannelAdminLogEventActionUpdatePinned(shown)

    def participant(self, side: Side) -> Any:
        if side.member is None:
            return types.ChannelParticipantLeft(types.PeerUser(self._me.id))
        return self._desk.view.rooms.participant(self._me, self._chat, side.member)

    def invite(self, side: Side) -> Any:
        if side.invite is None:
            return types.ChatInvitePublicJoinRequests()
        return self._desk.view.rooms.invite(side.invite)

    def topic(self, side: Side) -> Any:
        return shown_topic(self._desk, self._me, self._chat, side.topic) if side.topic is not None else None

    def photo(self, side: Side) -> Any:
        return photo(self._desk.world, side.number)

    def involved(self, event: AdminEvent) -> set[int]:
        """Marked ids of whoever is in a line."""
        ids = {event.user}
        for side in (event.before, event.after):
            if side.member is not None:
                ids |= {side.member.user, side.member.inviter, side.member.promoted_by, side.member.banned_by}
            if side.message is not None:
                ids |= {side.message.sender, side.message.written_as}
            if side.invite is not None:
                ids.add(side.invite.admin)
            if event.kind in {"change_linked_chat", "join_by_request"}:
                ids.add(side.number)
            if side.topic is not None:
                ids.add(side.topic.creator)
        return ids

    def holds(self, event: AdminEvent, wanted: str) -> bool:
        """Whether words are in what a line tells, or in the names of whom it is about."""
        words = []
        for side in (event.before, event.after):
            words += [side.text, side.message.text if side.message is not None else ""]
            words.append(side.topic.title if side.topic is not None else "")
        people = self._desk.world.people.by_id
        for person in (people[each] for each in self.involved(event) if each in people):
            words += [person.first_name, person.last_name, person.username]
        return any(wanted in each.casefold() for each in words)


def _flag(shape: Any) -> Callable[[_Lines, Side, Side], Any]:
    return lambda _view, _before, after: shape(bool(after.number))


def _pair(shape: Any, name: str) -> Callable[[_Lines, Side, Side], Any]:
    return lambda _view, before, after: shape(getattr(before, name), getattr(after, name))


_SHAPES: Mapping[str, Callable[[_Lines, Side, Side], Any]] = {
    "change_title": _pair(types.ChannelAdminLogEventActionChangeTitle, "text"),
    "change_about": _pair(types.ChannelAdminLogEventActionChangeAbout, "text"),
    "change_username": _pair(types.ChannelAdminLogEventActionChangeUsername, "text"),
    "change_photo": lambda v, b, a: types.ChannelAdminLogEventActionChangePhoto(v.photo(b), v.photo(a)),
    "change_linked_chat": lambda _v, b, a: types.ChannelAdminLogEventActionChangeLinkedChat(
        bare(b.number) if b.number else 0, bare(a.number) if a.number else 0
    ),
    "toggle_signatures": _flag(types.ChannelAdminLogEventActionToggleSignatures),
    "toggle_profiles": _flag(types.ChannelAdminLogEventActionToggleSignatureProfiles),
    "toggle_hidden_history": _flag(types.ChannelAdminLogEventActionTogglePreHistoryHidden),
    "toggle_no_forwards": _flag(types.ChannelAdminLogEventActionToggleNoForwards),
    "toggle_forum": _flag(types.ChannelAdminLogEventActionToggleForum),
    "toggle_slow_mode": _pair(types.ChannelAdminLogEventActionToggleSlowMode, "number"),
    "default_banned": lambda _v, b, a: types.ChannelAdminLogEventActionDefaultBannedRights(
        banned_rights(b.names), banned_rights(a.names)
    ),
    "update_pinned": _Lines.pinned,
    "edit_message": lambda v, b, a: types.ChannelAdminLogEventActionEditMessage(v.message(b), v.message(a)),
    "delete_message": lambda v, b, _a: types.ChannelAdminLogEventActionDeleteMessage(v.message(b)),
    "stop_poll": lambda v, _b, a: types.ChannelAdminLogEventActionStopPoll(v.message(a)),
    "join": lambda _v, _b, _a: types.ChannelAdminLogEventActionParticipantJoin(),
    "leave": lambda _v, _b, _a: types.ChannelAdminLogEventActionParticipantLeave(),
    "join_by_invite": lambda v, _b, a: types.ChannelAdminLogEventActionParticipantJoinByInvite(v.invite(a)),
    "join_by_request": lambda v, _b, a: types.ChannelAdminLogEventActionParticipantJoinByRequest(v.invite(a), a.number),
    "invite": lambda v, _b, a: types.ChannelAdminLogEventActionParticipantInvite(v.participant(a)),
    "toggle_admin": lambda v, b, a: types.ChannelAdminLogEventActionParticipantToggleAdmin(
        v.participant(b), v.participant(a)
    ),
    "toggle_ban": lambda v, b, a: types.ChannelAdminLogEventActionParticipantToggleBan(
        v.participant(b), v.participant(a)
    ),
    "invite_edit": lambda v, b, a: types.ChannelAdminLogEventActionExportedInviteEdit(v.invite(b), v.invite(a)),
    "invite_revoke": lambda v, _b, a: types.ChannelAdminLogEventActionExportedInviteRevoke(v.invite(a)),
    "invite_delete": lambda v, _b, a: types.ChannelAdminLogEventActionExportedInviteDelete(v.invite(a)),
    "create_topic": lambda v, _b, a: types.ChannelAdminLogEventActionCreateTopic(v.topic(a)),
    "edit_topic": lambda v, b, a: types.ChannelAdminLogEventActionEditTopic(v.topic(b), v.topic(a)),
    "delete_topic": lambda v, _b, a: types.ChannelAdminLogEventActionDeleteTopic(v.topic(a)),
    "pin_topic": lambda v, b, a: types.ChannelAdminLogEventActionPinTopic(v.topic(b), v.topic(a)),
}
