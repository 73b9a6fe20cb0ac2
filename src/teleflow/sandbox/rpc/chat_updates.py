"""Updates about groups and channels that have no pts: told once to those who are there."""

from __future__ import annotations

from typing import Any

from telethon.extensions import BinaryReader
from telethon.tl import types

from teleflow.sandbox.rpc.chat_view import ChatView, banned_rights
from teleflow.sandbox.rpc.peers import peer_of
from teleflow.sandbox.world.chat_records import bare
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
    if entry.kind == "typing":
        return _typing(number, entry, channel=chat.channel)
    return None


def _typing(number: int, entry: Entry, *, channel: bool) -> Any:
    action = types.SendMessageTypingAction()
    if entry.data:
        with BinaryReader(entry.data) as reader:
            action = reader.tgread_object()
    who = types.PeerUser(entry.peer)
    shape = types.UpdateChannelUserTyping if channel else types.UpdateChatUserTyping
    return shape(number, who, action)
