"""What an account has set for itself, and what Telegram has done to it; kept inside the person's record.

Plain data. What a TL object says that no rule of the world looks into is kept as its bytes.
"""

from __future__ import annotations

import msgspec

YEAR = 365
HALF_YEAR = 180


class PrivacyRule(msgspec.Struct, omit_defaults=True):
    """One line of a privacy setting: `allow_all`, `disallow_users` … with the ids it is about."""

    kind: str
    ids: list[int] = []


class Mail(msgspec.Struct, omit_defaults=True):
    """A code on its way to somebody's e-mail address."""

    address: str
    code: str
    purpose: str
    sent_at: float
    expires: float
    tries: int = 0


class Account(msgspec.Struct, omit_defaults=True):
    """Settings and standing of one account."""

    # the data centre where it lives; 0 is the main one
    dc: int = 0
    banned: bool = False
    frozen_since: int = 0
    frozen_until: int = 0
    privacy: dict[str, list[PrivacyRule]] = {}
    ttl_days: int = YEAR
    device_ttl_days: int = HALF_YEAR
    # day, month, year (0: not told)
    birthday: tuple[int, int, int] | None = None
    # `globalPrivacySettings`, `inputPeerNotifySettings` by what they are for: TL as bytes
    global_privacy: bytes = b""
    notify: dict[str, bytes] = {}
    sign_up_silent: bool = False
    sensitive: bool = False
    # codes sent by e-mail, by purpose
    mails: dict[str, Mail] = {}
    # where login codes go that no device shows
    login_email: str = ""
    password_reset_at: int = 0
    password_reset_declined: int = 0
    # by marked id of the chat: drafts (TL as bytes), dialogs that are pinned (first comes first), put into
    # the archive or marked as unread; folders by number (TL as bytes)
    drafts: dict[int, bytes] = {}
    pinned: list[int] = []
    archived: set[int] = set()
    unread_marks: set[int] = set()
    filters: dict[int, bytes] = {}
    push_tokens: list[str] = []
    logout_tokens: list[bytes] = []

    @property
    def unrestricted(self) -> bool:
        """Nothing stands in the way of any request: one cheap look for each."""
        return not (self.banned or self.frozen_since or self.dc)
