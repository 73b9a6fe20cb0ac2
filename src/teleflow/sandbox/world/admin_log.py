"""What the administrators of a supergroup or channel can look up: who did what, for two days.

Records only: a member, message, invite or topic is kept as it was then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from teleflow.kit.clock import Clock
from teleflow.sandbox.world.chat_records import Chat, Invite, Member
from teleflow.sandbox.world.journal import Journal
from teleflow.sandbox.world.records import Message
from teleflow.sandbox.world.topic_records import Topic

KEPT_FOR = 48 * 3600
PER_CHAT = 10_000
AdminEventKind = Literal[
    "change_title",
    "change_about",
    "change_username",
    "change_photo",
    "change_linked_chat",
    "toggle_signatures",
    "toggle_profiles",
    "toggle_hidden_history",
    "toggle_no_forwards",
    "toggle_slow_mode",
    "toggle_forum",
    "default_banned",
    "update_pinned",
    "edit_message",
    "delete_message",
    "stop_poll",
    "join",
    "join_by_invite",
    "join_by_request",
    "leave",
    "invite",
    "toggle_admin",
    "toggle_ban",
    "invite_edit",
    "invite_revoke",
    "invite_delete",
    "create_topic",
    "edit_topic",
    "delete_topic",
    "pin_topic",
]


class Side(msgspec.Struct, omit_defaults=True):
    """One side of a change: what was there before, or is there now."""

    text: str = ""
    number: int = 0
    names: set[str] = set()
    member: Member | None = None
    message: Message | None = None
    invite: Invite | None = None
    topic: Topic | None = None


class AdminEvent(msgspec.Struct, omit_defaults=True):
    """One line of the log."""

    id: int
    chat: int
    user: int
    date: int
    kind: AdminEventKind
    before: Side
    after: Side


class AdminLog:
    """The lines of every chat, oldest first. Basic groups have none."""

    def __init__(self, clock: Clock, journal: Journal) -> None:
        self._clock = clock
        self._journal = journal
        self._last = 0
        self._of_chat: dict[int, list[AdminEvent]] = {}

    def add(
        self, chat: Chat, user: int, kind: AdminEventKind, before: Side | None = None, after: Side | None = None
    ) -> None:
        """Write a line. What the sides hold is copied: later changes are not seen in it."""
        if not chat.channel:
            return
        now = int(self._clock.time())
        event = AdminEvent(self._last + 1, chat.id, user, now, kind, _frozen(before), _frozen(after))
        self.file(event)
        self._journal.touch("admin_event", event.id, event)
        lines = self._of_chat[chat.id]
        old = next((place for place, each in enumerate(lines) if each.date > now - KEPT_FOR), 0)
        for each in lines[: max(old, len(lines) - PER_CHAT)]:
            self._journal.gone("admin_event", each.id)
        del lines[: max(old, len(lines) - PER_CHAT)]

    def file(self, event: AdminEvent) -> None:
        self._last = max(self._last, event.id)
        self._of_chat.setdefault(event.chat, []).append(event)

    def of_chat(self, chat: int) -> list[AdminEvent]:
        """Those of the last two days, oldest first."""
        earliest = self._clock.time() - KEPT_FOR
        return [each for each in self._of_chat.get(chat, ()) if each.date > earliest]

    def everything(self) -> Iterator[AdminEvent]:
        for lines in self._of_chat.values():
            yield from lines


def _frozen(side: Side | None) -> Side:
    """A copy that nobody changes."""
    return Side() if side is None else msgspec.json.decode(msgspec.json.encode(side), type=Side)
