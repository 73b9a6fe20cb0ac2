"""Whom a call is for: peers as a session knows them, and what a caller may write to name one.

A peer ref is read without asking anybody, and never guessed: digits alone are a marked id, a phone number has a
plus (or blanks, dashes or brackets as people write them). Marked ids: https://core.telegram.org/api/bots/ids
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import msgspec

from teleflow.errors import Invalid

_BLANKS = re.compile(r"[\s\-().\u00a0]+")
_DIGITS = re.compile(r"[0-9]{5,15}")
_NUMBER = re.compile(r"-?[0-9]{1,20}")
_WRITTEN_PHONE = re.compile(r"\+?[0-9\s\-().\u00a0]+")
_USERNAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,31}")
_HASH = re.compile(r"[A-Za-z0-9_-]{8,64}")
_LINK = re.compile(r"(?:https?://)?(?:www\.)?(?:t\.me|telegram\.me|telegram\.dog)/(.*)", re.IGNORECASE | re.DOTALL)
_NAMED_HOST = re.compile(r"(?:https?://)?([A-Za-z0-9_]{4,32})\.t\.me(?:/.*)?", re.IGNORECASE | re.DOTALL)
_LONGEST = 256
# First parts of t.me links that lead to something else than a peer.
_OTHER_LINKS = re.compile(
    "addemoji|addlist|addstickers|addtheme|bg|boost|call|confirmphone|contact|giftcode|invoice|iv|joinchat|login|m|nft|proxy|"
    "setlanguage|share|socks|stickers|web"
)

_CHANNEL_MARK = 10**12
_LAST_USER = 2**40 - 1
_LAST_MARKED = -4 * 10**12


class PeerKind(enum.StrEnum):
    """`channel` are channels and supergroups, `chat` basic groups: Telegram's own words."""

    USER = "user"
    CHAT = "chat"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer as one session can address it. The access hash is good for that session alone; basic groups have none.

    `is_self`: the session's own account.
    """

    kind: PeerKind
    id: int
    access_hash: int = 0
    is_self: bool = False

    @property
    def marked_id(self) -> int:
        return marked_id(self.kind, self.id)

    @classmethod
    def of(cls, marked: int, access_hash: int = 0, *, is_self: bool = False) -> Peer:
        kind, bare = unmarked(marked)
        return cls(kind, bare, access_hash, is_self)


class Known(msgspec.Struct, frozen=True, gc=False):
    """What a session knows of a peer: enough to address it. `peer_id` is marked.

    `migrated_to`: the marked id of the supergroup that this basic group has become.
    """

    peer_id: int
    access_hash: int
    phone: str | None = None
    username: str | None = None
    name: str | None = None
    migrated_to: int | None = None
    is_self: bool = False


class RefForm(enum.StrEnum):
    ME = "me"
    ID = "id"
    USERNAME = "username"
    PHONE = "phone"
    INVITE = "invite"


class PeerRef(msgspec.Struct, frozen=True, gc=False):
    """A peer as a caller names it.

    `value`: a marked id (an int), a username in lower case without @, a phone number with its plus, or the hash of
    an invite link; of `me` nothing.
    """

    form: RefForm
    value: int | str = ""

    def __str__(self) -> str:
        match self.form:
            case RefForm.ME:
                return "me"
            case RefForm.USERNAME:
                return f"@{self.value}"
            case RefForm.INVITE:
                return f"https://t.me/+{self.value}"
            case _:
                return str(self.value)


ME = PeerRef(RefForm.ME)


def marked_id(kind: PeerKind, bare: int) -> int:
    if kind is PeerKind.USER:
        return bare
    return -bare if kind is PeerKind.CHAT else -(_CHANNEL_MARK + bare)


def unmarked(marked: int) -> tuple[PeerKind, int]:
    if marked > 0:
        return PeerKind.USER, marked
    if marked >= -_CHANNEL_MARK:
        return PeerKind.CHAT, -marked
    return PeerKind.CHANNEL, -marked - _CHANNEL_MARK


def phone_ref(phone: str) -> PeerRef:
    """For a number that is normalised already."""
    return PeerRef(RefForm.PHONE, phone)


def parse_ref(written: str | int, *, field: str = "chatId") -> PeerRef:
    """Read what a caller wrote. Raises Invalid, which names the field."""
    if isinstance(written, int) and not isinstance(written, bool):
        return _id(written, field)
    if not isinstance(written, str):
        raise _no_ref(field)
    text = written.strip()
    if len(text) > _LONGEST:
        raise _no_ref(field)
    if text.lower() == "me":
        return ME
    if _NUMBER.fullmatch(text):
        if text.lstrip("-").startswith("0"):
            raise _no_ref(field)
        return _id(int(text), field)
    if _WRITTEN_PHONE.fullmatch(text) and not text.startswith("-"):
        return PeerRef(RefForm.PHONE, normalize_phone(text, field=field))
    if text.startswith("@"):
        return _username(text[1:], field)
    if text.lower().startswith("tg:"):
        return _tg_link(text, field)
    link = _LINK.fullmatch(text)
    if link is not None:
        return _web_link(link.group(1), field)
    named = _NAMED_HOST.fullmatch(text)
    return _username(named.group(1) if named is not None else text, field)


def _id(number: int, field: str) -> PeerRef:
    if not _LAST_MARKED <= number <= _LAST_USER or number in {0, -_CHANNEL_MARK}:
        raise _no_ref(field)
    return PeerRef(RefForm.ID, number)


def _username(text: str, field: str) -> PeerRef:
    if not _USERNAME.fullmatch(text):
        raise _no_ref(field)
    return PeerRef(RefForm.USERNAME, text.lower())


def _invite(text: str, field: str) -> PeerRef:
    if not _HASH.fullmatch(text):
        raise _no_ref(field)
    return PeerRef(RefForm.INVITE, text)


def _web_link(path: str, field: str) -> PeerRef:
    """What stands after t.me/ . A number of a message or topic at the end is not part of the peer."""
    parts = [part for part in re.split(r"[?#]", path, maxsplit=1)[0].split("/") if part]
    if not parts:
        raise _no_ref(field)
    first, rest = parts[0], parts[1:]
    lower = first.lower()
    if lower == "joinchat" and rest:
        return _invite(rest[0], field)
    if first.startswith(("+", "%20", " ")):
        return _plus(first.lstrip("+ ").removeprefix("%20"), field)
    if lower == "c" and rest and rest[0].isascii() and rest[0].isdigit() and len(rest[0]) <= 13:
        return _id(-(_CHANNEL_MARK + int(rest[0])), field)
    if lower == "s" and rest:
        return _username(rest[0], field)
    if _OTHER_LINKS.fullmatch(lower):
        raise _no_ref(field)
    return _username(first, field)


def _plus(text: str, field: str) -> PeerRef:
    """t.me/+… is a phone number when it is one, else an invite."""
    return PeerRef(RefForm.PHONE, f"+{text}") if _DIGITS.fullmatch(text) else _invite(text, field)


def _tg_link(text: str, field: str) -> PeerRef:
    try:
        parts = urlsplit(text.replace("tg:", "tg://", 1) if not text.lower().startswith("tg://") else text)
        given = {name.lower(): values[0] for name, values in parse_qs(parts.query, max_num_fields=20).items()}
    except ValueError:
        raise _no_ref(field) from None
    match parts.netloc.lower():
        case "resolve" if "domain" in given:
            return _username(given["domain"], field)
        case "resolve" if _DIGITS.fullmatch(given.get("phone", "").strip().lstrip("+")):
            return PeerRef(RefForm.PHONE, f"+{given['phone'].strip().lstrip('+')}")
        case "join" if "invite" in given:
            return _invite(given["invite"], field)
        case "user" if _NUMBER.fullmatch(given.get("id", "")):
            return _id(int(given["id"]), field)
        case "privatepost" if re.fullmatch(r"[0-9]{1,13}", given.get("channel", "")):
            return _id(-(_CHANNEL_MARK + int(given["channel"])), field)
    raise _no_ref(field)


def _no_ref(field: str) -> Invalid:
    return Invalid(
        "Name a chat by its marked id, @username, a phone number with its plus, me, or a t.me link",
        details={"field": field},
    )


def normalize_phone(text: str, *, field: str = "phone") -> str:
    """Return ``+`` and 5 to 15 digits. Raises Invalid.

    Blanks, dashes, dots and brackets are dropped, as people write them; whether the number exists is for the
    data centre to say.
    """
    digits = _BLANKS.sub("", text).removeprefix("+")
    if not _DIGITS.fullmatch(digits):
        raise Invalid(
            "A phone number is an optional + and 5 to 15 digits",
            code="PHONE_NUMBER_INVALID",
            details={"field": field},
        )
    return f"+{digits}"
