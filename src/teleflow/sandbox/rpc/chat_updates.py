"""Updates about groups and channels that have no pts: told once to those who are there."""

from __future__ import annotations

from typing import Any

from telethon.extensions import BinaryReader
from telethon.tl import types

from teleflow.sandbox.rpc.chat_view import ChatView, banned_rights
from teleflow.sandbox.rpc.peers import peer_of
from teleflow.sandbox.world.chat_records import Chat, bare
from teleflow.sandbox.world.records import Entry
from teleflow.sandbox.world.world import World


def chat_update(world: World, rooms: ChatView, entry: Entry) -> Any | None:
    """The update that an entry about a chat stands for, for the entry's owner."""
    chat = world.chats.by_id.get(entry.chat)
    viewer = world.people.by_id.get(entry.owner)
    if chat is None or viewer is None:
        return None
    number = bare(chat.id)
    if entry.kind == "channel":
        return types.UpdateChannel(number) if chat.channel else types.UpdateChat(number)
    if entry.kind == "participants":
        return types.UpdateChatParticipants(rooms.participants(viewer, chat))
    if entry.kind == "participant_admin":
        return types.UpdateChatParticipantAdmin(number, entry.peer, bool(entry.unread), entry.max_id)
    if entry.kind == "default_banned":
        return types.UpdateChatDefaultBannedRights(peer_of(chat.id), banned_rights(chat.banned), chat.version)
    if entry.kind == "channel_read_inbox":
        pts = world.messages.box(chat.id).pts
        return types.UpdateReadChannelInbox(number, entry.max_id, entry.unread, pts)
    if entry.kind == "channel_read_outbox":
        return types.UpdateReadChannelOutbox(number, entry.max_id)
    if entry.kind == "channel_available":
        return types.UpdateChannelAvailableMessages(number, entry.max_id)
    if entry.kind == "join_requests":
        newest = sorted(chat.requests, key=lambda each: -chat.requests[each].date)[:3]
        return types.UpdatePendingJoinRequests(peer_of(chat.id), len(chat.requests), newest)
    if entry.kind in _TOPICS:
        return _topic_update(entry, chat)
    if entry.kind == "typing":
        return _typing(number, entry, channel=chat.channel)
    return None


_TOPICS = frozenset(("topic_pinned", "topics_pinned", "topic_read_inbox", "topic_read_outbox"))


def _topic_update(entry: Entry, chat: Chat) -> Any:
    if entry.kind == "topic_pinned":
        return types.UpdatePinnedForumTopic(peer_of(chat.id), entry.max_id, pinned=bool(entry.unread) or None)
    if entry.kind == "topics_pinned":
        return types.UpdatePinnedForumTopics(peer_of(chat.id), list(chat.pinned_topics))
    inbox = entry.kind == "topic_read_inbox"
    shape = types.UpdateReadChannelDiscussionInbox if inbox else types.UpdateReadChannelDiscussionOutbox
    return shape(bare(chat.id), entry.unread, entry.max_id)


def _typing(number: int, entry: Entry, *, channel: bool) -> Any:
    action = types.SendMessageTypingAction()
    if entry.data:
        with BinaryReader(entry.data) as reader:
            action = reader.tgread_object()
    who = types.PeerUser(entry.peer)
    if channel:
        return types.UpdateChannelUserTyping(number, who, action, top_msg_id=entry.max_id or None)
    return types.UpdateChatUserTyping(number, who, action)
