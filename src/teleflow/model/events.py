"""What happens to an account, as its owner is told it: the types, their order, and how they are chosen.

An event's id follows from what happened (`event_id`), so that the same update, however often and by whichever way it
comes, is one event. Its `number` is its place among the events of its user, without gaps.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from teleflow.errors import Invalid


class EventType(enum.StrEnum):
    """The 28 types of the contract, then what users miss in them."""

    SESSION_CREATED = "session.created"
    SESSION_AUTHORIZED = "session.authorized"
    SESSION_CONNECTED = "session.connected"
    SESSION_DISCONNECTED = "session.disconnected"
    SESSION_DELETED = "session.deleted"
    MESSAGE_RECEIVED = "message.received"
    MESSAGE_SENT = "message.sent"
    MESSAGE_EDITED = "message.edited"
    MESSAGE_DELETED = "message.deleted"
    MESSAGE_READ = "message.read"
    CHAT_CREATED = "chat.created"
    CHAT_UPDATED = "chat.updated"
    CHAT_DELETED = "chat.deleted"
    CHAT_MEMBER_JOINED = "chat.member_joined"
    CHAT_MEMBER_LEFT = "chat.member_left"
    GROUP_CREATED = "group.created"
    GROUP_UPDATED = "group.updated"
    GROUP_DELETED = "group.deleted"
    GROUP_MEMBER_ADDED = "group.member_added"
    GROUP_MEMBER_REMOVED = "group.member_removed"
    GROUP_ADMIN_CHANGED = "group.admin_changed"
    CHANNEL_CREATED = "channel.created"
    CHANNEL_UPDATED = "channel.updated"
    CHANNEL_DELETED = "channel.deleted"
    CHANNEL_POST_PUBLISHED = "channel.post_published"
    USER_STATUS_CHANGED = "user.status_changed"
    USER_TYPING = "user.typing"
    USER_PROFILE_UPDATED = "user.profile_updated"
    # further ones
    MESSAGE_REACTION = "message.reaction"
    MESSAGE_PINNED = "message.pinned"
    MESSAGE_SCHEDULED = "message.scheduled"
    SESSION_STATE_CHANGED = "session.state_changed"
    SESSION_FLOOD_WAIT = "session.flood_wait"
    UPDATES_GAP = "updates.gap"
    WEBHOOK_DISABLED = "webhook.disabled"
    JOB_SETTLED = "job.settled"
    BROADCAST_STATE_CHANGED = "broadcast.state_changed"
    RAW_UPDATE = "raw.update"  # the TL object as JSON: only for those who name it


EVERYTHING = "*"
ON_REQUEST = frozenset({EventType.RAW_UPDATE})  # `*` and `raw.*` do not mean it
_TYPES = frozenset(one.value for one in EventType)
_GROUPS = frozenset(one.value.partition(".")[0] for one in EventType)
_ID_BYTES = 15  # 120 bits: enough that no two events of a service ever share an id


class NewEvent(msgspec.Struct, frozen=True):
    """Something that happened and is not in the log yet.

    `data` is in its wire form (JSON values only). `at`: Unix milliseconds. `chat_id` is marked: what keeps an order
    by chat. `session_id` is None for what concerns no session.
    """

    id: str
    type: EventType
    session_id: str | None
    at: int
    data: Mapping[str, Any]
    chat_id: int | None = None


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event of the log. `body` is its JSON as everybody is sent it, byte for byte; `number` its place."""

    number: int
    id: str
    type: str
    session_id: str | None
    chat_id: int | None
    at: int
    body: bytes


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events somebody wants: `types` are exact or ``message.*`` or ``*``; None means all sessions."""

    types: frozenset[str] = frozenset({EVERYTHING})
    session_ids: frozenset[str] | None = None

    @property
    def exact_types(self) -> frozenset[str] | None:
        """The types that are meant, each by its name; None for `*` and no more."""
        if self.types == {EVERYTHING}:
            return None
        return self.named_types

    @property
    def named_types(self) -> frozenset[str]:
        """All types that are meant, each by its name."""
        return frozenset(one for one in _TYPES if self._means(one))

    def within(self, outer: EventFilter) -> EventFilter:
        """What both want."""
        types = frozenset(one for one in _TYPES if self._means(one) and outer._means(one))
        if self.session_ids is None or outer.session_ids is None:
            return EventFilter(types, self.session_ids if outer.session_ids is None else outer.session_ids)
        return EventFilter(types, self.session_ids & outer.session_ids)

    def wants(self, type_: str, session_id: str | None) -> bool:
        if self.session_ids is not None and (session_id is None or session_id not in self.session_ids):
            return False
        return self._means(type_)

    def _means(self, type_: str) -> bool:
        if type_ in self.types:
            return True
        if type_ in ON_REQUEST:
            return False
        return EVERYTHING in self.types or f"{type_.partition('.')[0]}.*" in self.types


def event_id(owner: str, type_: EventType, *key: object) -> str:
    """The id of an event: `owner` is its session (or its user), `key` whatever tells it from all others there."""
    text = "\x1f".join((owner, type_.value, *(str(part) for part in key)))
    return f"evt_{hashlib.blake2b(text.encode(), digest_size=_ID_BYTES).hexdigest()}"


def check_types(types: Iterable[str], *, field: str) -> frozenset[str]:
    """The types that somebody asks for. Raises Invalid for an unknown one, and for none."""
    asked = frozenset(types)
    unknown = sorted(one for one in asked if not _is_known(one))
    if unknown or not asked:
        raise Invalid(
            f"There is no event type {unknown[0][:64]!r}" if unknown else "Name one event type or more",
            code="VALIDATION_ERROR",
            details={"field": field},
        )
    return asked


def _is_known(asked: str) -> bool:
    if asked == EVERYTHING or asked in _TYPES:
        return True
    group, _, rest = asked.partition(".")
    return rest == "*" and group in _GROUPS
