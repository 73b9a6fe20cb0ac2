"""Operations that find people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from teleflow.model.operations.base import Operation
from teleflow.model.peers import Peer


@dataclass(frozen=True, slots=True)
class Found:
    """A Telegram user, as this session sees them."""

    user_id: int
    access_hash: int
    phone: str | None
    username: str | None
    name: str


@dataclass(frozen=True, slots=True)
class ResolvePhone(Operation[Found | None]):
    """contacts.resolvePhone. None: not on Telegram, or hidden from us."""

    phone: str
    method: ClassVar[str] = "contacts.resolvePhone"


@dataclass(frozen=True, slots=True)
class ImportContact(Operation[Found | None]):
    """contacts.importContacts with one number: it becomes a contact of the account. None as above."""

    phone: str
    method: ClassVar[str] = "contacts.importContacts"


@dataclass(frozen=True, slots=True)
class HaveTalked(Operation[bool]):
    """messages.getPeerDialogs: is there a conversation with this user, or are they a mutual contact, or a bot?"""

    peer: Peer
    method: ClassVar[str] = "messages.getPeerDialogs"
