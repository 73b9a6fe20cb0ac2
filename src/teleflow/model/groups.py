"""Groups and channels as their makers and admins see them. Ids are marked, instants Unix seconds."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from teleflow.model.chats import ChatType
from teleflow.model.peers import PeerRef


@dataclass(frozen=True, slots=True)
class ChatCreation:
    """That a chat was asked for; written down before Telegram hears of it.

    `began_at` is in Unix milliseconds. `chat_id` is known once Telegram has answered, or the chat was found.
    """

    id: str
    user_id: str
    session_id: str
    kind: ChatType
    title: str
    began_at: int
    chat_id: int | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """Somebody who could not be added, and why: a code."""

    user_id: int
    reason: str


PERMISSIONS = (
    "sendMessages",
    "sendMedia",
    "sendStickers",
    "sendGifs",
    "sendGames",
    "sendInline",
    "embedLinks",
    "sendPolls",
    "changeInfo",
    "inviteUsers",
    "pinMessages",
    "manageTopics",
    "sendPhotos",
    "sendVideos",
    "sendRoundvideos",
    "sendAudios",
    "sendVoices",
    "sendDocs",
    "sendPlain",
    "editRank",
    "sendReactions",
    "manageLinkedPeers",
)
"""What a member may be let do or not."""
ADMIN_RIGHTS = (
    "changeInfo",
    "postMessages",
    "editMessages",
    "deleteMessages",
    "banUsers",
    "inviteUsers",
    "pinMessages",
    "addAdmins",
    "anonymous",
    "manageCall",
    "other",
    "manageTopics",
    "postStories",
    "editStories",
    "deleteStories",
    "manageDirectMessages",
    "manageRanks",
    "manageLinkedPeers",
    "manageWelcomeMessages",
)
"""What an admin may be let do."""
SLOW_MODES = (0, 5, 10, 30, 60, 300, 900, 3600)
"""Seconds between two messages of one member."""


class Switch(enum.StrEnum):
    """What of a supergroup or channel is on or off."""

    PROTECTED = "isProtected"
    SIGNATURES = "signatures"
    HISTORY_HIDDEN = "historyHidden"
    JOIN_TO_SEND = "joinToSend"
    JOIN_BY_REQUEST = "joinByRequest"
    FORUM = "isForum"


@dataclass(frozen=True, slots=True)
class ChatChanges:
    """What is to change of a chat; None stays as it is. An empty `username` makes it private.

    `permissions` changes those that it names. `discussion`: the chat to link, `unlink` takes the link away.
    """

    title: str | None = None
    about: str | None = None
    permissions: Mapping[str, bool] | None = None
    slow_mode_seconds: int | None = None
    switches: Mapping[Switch, bool] = field(default_factory=dict)
    discussion: PeerRef | None = None
    unlink: bool = False
    username: str | None = None
