"""Operations on contacts, and on the account's own profile, privacy and logins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from teleflow.model.account import Authorization, PrivacyKey, Rule, ShownRule
from teleflow.model.chats import Chat, Person
from teleflow.model.media import FileRef
from teleflow.model.operations.base import Operation
from teleflow.model.operations.chats import People
from teleflow.model.operations.files import Upload
from teleflow.model.peers import Known, Peer


@dataclass(frozen=True, slots=True)
class NewContact:
    """Somebody of an address book. `phone` with its plus."""

    phone: str
    first_name: str
    last_name: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """For each that was asked for, in order: the person, None who is not on Telegram or hides it.

    `retry`: places of those that Telegram wants to be asked for once more, later.
    """

    people: tuple[Person | None, ...]
    retry: frozenset[int]
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportContacts(Operation[Imported]):
    """contacts.importContacts."""

    contacts: tuple[NewContact, ...]
    method: ClassVar[str] = "contacts.importContacts"


@dataclass(frozen=True, slots=True)
class AddContact(Operation[People]):
    """contacts.addContact: somebody who can be addressed. `share_phone` lets them see the account's own number."""

    peer: Peer
    first_name: str
    last_name: str
    phone: str
    share_phone: bool
    method: ClassVar[str] = "contacts.addContact"


@dataclass(frozen=True, slots=True)
class DeleteContacts(Operation[None]):
    """contacts.deleteContacts."""

    peers: tuple[Peer, ...]
    method: ClassVar[str] = "contacts.deleteContacts"


@dataclass(frozen=True, slots=True)
class Block(Operation[None]):
    """contacts.block, contacts.unblock."""

    peer: Peer
    blocked: bool
    method: ClassVar[str] = "contacts.block"


@dataclass(frozen=True, slots=True)
class Blocked:
    """`chats` are people and channels, in the order in which they were blocked, the newest first."""

    chats: tuple[tuple[Chat, int], ...]
    total: int
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class ListBlocked(Operation[Blocked]):
    """contacts.getBlocked."""

    offset: int
    limit: int
    method: ClassVar[str] = "contacts.getBlocked"


@dataclass(frozen=True, slots=True)
class FoundChats:
    """`mine` are those that the account has to do with already, `others` the rest of Telegram."""

    mine: tuple[Chat, ...]
    others: tuple[Chat, ...]
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchPeople(Operation[FoundChats]):
    """contacts.search: by name and username."""

    query: str
    limit: int
    method: ClassVar[str] = "contacts.search"


@dataclass(frozen=True, slots=True)
class UpdateProfile(Operation[People]):
    """account.updateProfile: what is None stays. One person: the account."""

    first_name: str | None = None
    last_name: str | None = None
    about: str | None = None
    method: ClassVar[str] = "account.updateProfile"


@dataclass(frozen=True, slots=True)
class UpdateUsername(Operation[People]):
    """account.updateUsername; "" takes it off. One person: the account."""

    username: str
    method: ClassVar[str] = "account.updateUsername"


@dataclass(frozen=True, slots=True)
class ShownPhoto:
    """`at`: Unix seconds, by Telegram's clock."""

    file: FileRef
    at: int


@dataclass(frozen=True, slots=True)
class GetProfilePhoto(Operation[ShownPhoto | None]):
    """photos.getUserPhotos of oneself: the newest."""

    method: ClassVar[str] = "photos.getUserPhotos"


@dataclass(frozen=True, slots=True)
class SetProfilePhoto(Operation[FileRef]):
    """photos.uploadProfilePhoto. It has no id of ours: asked for twice, the account has two."""

    upload: Upload
    method: ClassVar[str] = "photos.uploadProfilePhoto"
    repeatable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class DeleteProfilePhoto(Operation[bool]):
    """photos.deletePhotos of the one that is shown; False when there is none."""

    method: ClassVar[str] = "photos.deletePhotos"


@dataclass(frozen=True, slots=True)
class GetPrivacy(Operation[tuple[ShownRule, ...]]):
    """account.getPrivacy."""

    key: PrivacyKey
    method: ClassVar[str] = "account.getPrivacy"


@dataclass(frozen=True, slots=True)
class SetPrivacy(Operation[tuple[ShownRule, ...]]):
    """account.setPrivacy: these rules instead of those that were."""

    key: PrivacyKey
    rules: tuple[Rule, ...]
    method: ClassVar[str] = "account.setPrivacy"


@dataclass(frozen=True, slots=True)
class ListAuthorizations(Operation[tuple[Authorization, ...]]):
    """account.getAuthorizations: all logins of the account; this session's own is the first."""

    method: ClassVar[str] = "account.getAuthorizations"


@dataclass(frozen=True, slots=True)
class EndAuthorization(Operation[None]):
    """account.resetAuthorization; with `hash` None auth.resetAuthorizations: all but this session's own."""

    hash: int | None
    method: ClassVar[str] = "account.resetAuthorization"
