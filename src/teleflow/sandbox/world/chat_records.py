"""Groups and channels as plain records: the chat, who is in it, the links that lead into it.

A basic group has the id `-n`, a supergroup or channel `-100…n` (Telegram's marked form). Rights are
sets of the names of Telegram's `chatAdminRights` and `chatBannedRights`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

ChatKind = Literal["group", "megagroup", "broadcast"]
CHANNEL_MARK = 1_000_000_000_000


def is_channel(peer: int) -> bool:
    """Whether a marked id is that of a supergroup or channel, which number their own messages."""
    return peer < -CHANNEL_MARK


def bare(peer: int) -> int:
    """The id without its mark, as TL's peers have it."""
    if peer < -CHANNEL_MARK:
        return -peer - CHANNEL_MARK
    return abs(peer)


class JoinRequest(msgspec.Struct):
    """Somebody who waits to be let in, and by which link they came ("": none)."""

    date: int
    link: str = ""


class Chat(msgspec.Struct, omit_defaults=True):
    """A basic group, a supergroup or a broadcast channel."""

    id: int
    kind: ChatKind
    title: str
    creator: int
    date: int
    about: str = ""
    username: str = ""
    version: int = 1
    # what ordinary members may not do
    banned: set[str] = set()
    slow_mode: int = 0
    signatures: bool = False
    profiles: bool = False
    hidden_history: bool = False
    no_forwards: bool = False
    join_to_send: bool = False
    join_request: bool = False
    # the discussion group of a channel and the channel of a discussion group
    linked: int = 0
    migrated_to: int = 0
    migrated_from: int = 0
    migrated_max_id: int = 0
    deleted: bool = False
    pinned: int = 0
    # the file of its photo
    photo: int = 0
    requests: dict[int, JoinRequest] = {}
    # has topics, and shows them as tabs; the pinned ones in their order
    forum: bool = False
    forum_tabs: bool = False
    pinned_topics: list[int] = []

    @property
    def channel(self) -> bool:
        """A chat that numbers its own messages: supergroup or broadcast."""
        return self.kind != "group"

    @property
    def open(self) -> bool:
        """Whether messages can still be written: neither deleted nor moved."""
        return not self.deleted and not self.migrated_to


class Member(msgspec.Struct, omit_defaults=True):
    """What a chat knows of a person: there, gone, or shut out; with which rights."""

    chat: int
    user: int
    inviter: int
    date: int
    state: Literal["in", "left", "kicked"] = "in"
    # None: no administrator
    admin: set[str] | None = None
    rank: str = ""
    promoted_by: int = 0
    banned: set[str] = set()
    # 0: for ever
    banned_until: int = 0
    banned_by: int = 0
    # supergroups and channels: what was read, what is no longer shown, when slow mode lets go
    read_inbox: int = 0
    read_outbox: int = 0
    hidden_up_to: int = 0
    may_send_at: int = 0
    by_request: bool = False
    # forums: what was read in each topic, by oneself and of one's own by others
    topics: dict[int, int] = {}
    topics_outbox: dict[int, int] = {}

    @property
    def inside(self) -> bool:
        return self.state == "in"


class Invite(msgspec.Struct, omit_defaults=True):
    """An invite link; `joined` says who came by it and when."""

    hash: str
    chat: int
    admin: int
    date: int
    title: str = ""
    expires: int = 0
    usage_limit: int = 0
    by_request: bool = False
    permanent: bool = False
    revoked: bool = False
    joined: dict[int, int] = {}
