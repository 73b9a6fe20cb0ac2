"""The account behind a session: where it is logged in, and what it lets others see."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from teleflow.model.peers import Peer


@dataclass(frozen=True, slots=True)
class Authorization:
    """A login of the account (account.authorization), at any program. Instants are Unix seconds.

    `hash` names it while it lasts; `current` is this session's own. `unconfirmed`: nobody has said yet that it is
    theirs.
    """

    hash: int
    device: str
    platform: str
    system: str
    app: str
    app_version: str
    api_id: int
    created_at: int
    active_at: int
    ip: str
    country: str
    region: str
    current: bool = False
    official: bool = False
    password_pending: bool = False
    unconfirmed: bool = False


class PrivacyKey(enum.StrEnum):
    """What a rule is about (https://core.telegram.org/api/privacy)."""

    STATUS_TIMESTAMP = "status_timestamp"
    CHAT_INVITE = "chat_invite"
    PHONE_CALL = "phone_call"
    PHONE_P2P = "phone_p2p"
    FORWARDS = "forwards"
    PROFILE_PHOTO = "profile_photo"
    PHONE_NUMBER = "phone_number"
    ADDED_BY_PHONE = "added_by_phone"
    VOICE_MESSAGES = "voice_messages"
    ABOUT = "about"
    BIRTHDAY = "birthday"
    STAR_GIFTS_AUTO_SAVE = "star_gifts_auto_save"
    NO_PAID_MESSAGES = "no_paid_messages"


class PrivacyRule(enum.StrEnum):
    """Whom it lets, or not. The first that fits somebody holds for them."""

    ALLOW_ALL = "allow_all"
    ALLOW_CONTACTS = "allow_contacts"
    ALLOW_CLOSE_FRIENDS = "allow_close_friends"
    ALLOW_PREMIUM = "allow_premium"
    ALLOW_BOTS = "allow_bots"
    ALLOW_USERS = "allow_users"
    ALLOW_CHATS = "allow_chat_participants"
    DISALLOW_ALL = "disallow_all"
    DISALLOW_CONTACTS = "disallow_contacts"
    DISALLOW_BOTS = "disallow_bots"
    DISALLOW_USERS = "disallow_users"
    DISALLOW_CHATS = "disallow_chat_participants"

    @property
    def names_users(self) -> bool:
        return self in {PrivacyRule.ALLOW_USERS, PrivacyRule.DISALLOW_USERS}

    @property
    def names_chats(self) -> bool:
        return self in {PrivacyRule.ALLOW_CHATS, PrivacyRule.DISALLOW_CHATS}


@dataclass(frozen=True, slots=True)
class Rule:
    """As it is asked for: with those whom it names as peers."""

    rule: PrivacyRule
    peers: tuple[Peer, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownRule:
    """As Telegram tells it. `rule` is Telegram's name in snake case; `users` are ids, `chats` bare ids of chats."""

    rule: str
    users: tuple[int, ...] = ()
    chats: tuple[int, ...] = ()
