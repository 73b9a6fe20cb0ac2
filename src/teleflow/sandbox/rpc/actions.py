"""What service messages tell, in TL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from telethon.tl import types

from teleflow.sandbox.world.chat_records import bare
from teleflow.sandbox.world.records import Action


def _switch(told: Action, name: str) -> bool | None:
    return bool(told.values[name]) if name in told.values else None


_SHAPES: Mapping[str, Callable[[Action], Any]] = {
    "chat_create": lambda told: types.MessageActionChatCreate(told.text, list(told.users)),
    "chat_edit_title": lambda told: types.MessageActionChatEditTitle(told.text),
    "chat_add_user": lambda told: types.MessageActionChatAddUser(list(told.users)),
    "chat_delete_user": lambda told: types.MessageActionChatDeleteUser(told.users[0]),
    "chat_joined_by_link": lambda told: types.MessageActionChatJoinedByLink(told.number),
    "chat_joined_by_request": lambda _told: types.MessageActionChatJoinedByRequest(),
    "chat_migrate_to": lambda told: types.MessageActionChatMigrateTo(bare(told.number)),
    "channel_create": lambda told: types.MessageActionChannelCreate(told.text),
    "channel_migrate_from": lambda told: types.MessageActionChannelMigrateFrom(told.text, bare(told.number)),
    "chat_delete_photo": lambda _told: types.MessageActionChatDeletePhoto(),
    "topic_create": lambda told: types.MessageActionTopicCreate(
        told.text, told.values.get("icon_color", 0), icon_emoji_id=told.values.get("icon_emoji_id")
    ),
    "topic_edit": lambda told: types.MessageActionTopicEdit(
        told.text or None,
        told.values.get("icon_emoji_id"),
        closed=_switch(told, "closed"),
        hidden=_switch(told, "hidden"),
    ),
    "pin_message": lambda _told: types.MessageActionPinMessage(),
    "history_clear": lambda _told: types.MessageActionHistoryClear(),
}


def action(told: Action) -> Any:
    """The `MessageAction` of a kind; an unknown one (of a newer world) is empty."""
    shape = _SHAPES.get(told.kind)
    return types.MessageActionEmpty() if shape is None else shape(told)
