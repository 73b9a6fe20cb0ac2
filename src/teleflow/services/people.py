"""Contacts of a session, and the account behind it: profile, privacy, logins.

Promises: ending logins of the account is in the audit log before it is done, and never ends the session's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from teleflow.errors import Invalid, TeleFlowError, Uncertain
from teleflow.fleet.pieces import Pieces
from teleflow.fleet.small_upload import uploaded
from teleflow.kit.clock import Clock, milliseconds
from teleflow.model.account import Authorization, PrivacyKey, PrivacyRule, Rule, ShownRule
from teleflow.model.audit import Act, AuditEntry
from teleflow.model.chats import Person
from teleflow.model.media import FileKind, FileRef
from teleflow.model.operations.base import Operation
from teleflow.model.operations.people import (
    AddContact,
    Block,
    Blocked,
    DeleteContacts,
    DeleteProfilePhoto,
    EndAuthorization,
    FoundChats,
    GetPrivacy,
    GetProfilePhoto,
    ImportContacts,
    Imported,
    ListAuthorizations,
    ListBlocked,
    NewContact,
    SearchPeople,
    SetPrivacy,
    SetProfilePhoto,
    UpdateProfile,
    UpdateUsername,
)
from teleflow.model.peers import Peer, PeerKind, PeerRef
from teleflow.model.users import Principal
from teleflow.services.begun import begun_at
from teleflow.services.files import MOST_PICTURE
from teleflow.services.in_use import SessionsInUse
from teleflow.services.ports import Reach
from teleflow.storage.base import AuditStore
from teleflow.wire.files import FileIds

R = TypeVar("R")
_WITHIN_S = 30.0
_PHOTO_WITHIN_S = 60.0
_LOOK_S = 15.0


class People:
    """All raise NotFound(SESSION_NOT_FOUND), what `usable` and `Reach` raise."""

    def __init__(
        self, sessions: SessionsInUse, reach: Reach, audit: AuditStore, file_ids: FileIds, clock: Clock
    ) -> None:
        self._sessions = sessions
        self._reach = reach
        self._audit = audit
        self._file_ids = file_ids
        self._clock = clock

    # -- contacts -----------------------------------------------------------------------------------------

    async def import_(self, principal: Principal, session_id: str, contacts: Sequence[NewContact]) -> Imported:
        """Into the account's address book, at Telegram."""
        return await self._call(principal, session_id, ImportContacts(tuple(contacts)))

    async def add(
        self,
        principal: Principal,
        session_id: str,
        who: PeerRef,
        *,
        first_name: str,
        last_name: str,
        phone: str,
        share_phone: bool,
    ) -> Person:
        """Raises NotFound(PEER_NOT_FOUND) too for what is no person."""
        added = await self._on(
            principal,
            session_id,
            who,
            lambda peer: AddContact(_person(peer), first_name, last_name, phone, share_phone),
        )
        return added.people[0]

    async def delete(self, principal: Principal, session_id: str, who: Sequence[PeerRef]) -> None:
        """Not being a contact is no error."""
        await self._sessions.of(principal, session_id)
        peers = [_person(await self._reach.peer(session_id, ref, within=_WITHIN_S)) for ref in who]
        await self._reach.call(session_id, DeleteContacts(tuple(peers)), within=_WITHIN_S)

    async def block(self, principal: Principal, session_id: str, who: PeerRef, *, blocked: bool) -> None:
        await self._on(principal, session_id, who, lambda peer: Block(peer, blocked))

    async def blocked(self, principal: Principal, session_id: str, *, offset: int, limit: int) -> Blocked:
        return await self._call(principal, session_id, ListBlocked(offset, limit))

    async def search(self, principal: Principal, session_id: str, query: str, *, limit: int) -> FoundChats:
        """By name or username, first among those that the account knows."""
        return await self._call(principal, session_id, SearchPeople(query, limit))

    async def resolve(self, principal: Principal, session_id: str, ref: PeerRef) -> Peer:
        """Who that is, and nothing more. Raises NotFound(PEER_NOT_FOUND)."""
        await self._sessions.of(principal, session_id)
        return await self._reach.peer(session_id, ref, within=_WITHIN_S)

    # -- profile ------------------------------------------------------------------------------------------

    async def update(
        self,
        principal: Principal,
        session_id: str,
        *,
        first_name: str | None,
        last_name: str | None,
        about: str | None,
    ) -> Person:
        found = await self._call(principal, session_id, UpdateProfile(first_name, last_name, about))
        return found.people[0]

    async def set_username(self, principal: Principal, session_id: str, username: str) -> Person:
        """`username` without its @; "" takes it off."""
        return (await self._call(principal, session_id, UpdateUsername(username))).people[0]

    async def set_photo(self, principal: Principal, session_id: str, picture: bytes) -> FileRef:
        """Once: where the answer was lost, or a process died with it, the account is looked at for what came of it.

        Raises Uncertain where that tells nothing.
        """
        before = await self._call(principal, session_id, GetProfilePhoto())
        since = begun_at(principal)
        if before is not None and since is not None and before.at >= since:
            return before.file
        upload = await uploaded(self._reach, session_id, picture, "photo.jpg", within=_PHOTO_WITHIN_S)
        try:
            return await self._reach.call(session_id, SetProfilePhoto(upload), within=_WITHIN_S)
        except Uncertain as uncertain:
            try:
                now = await self._reach.call(session_id, GetProfilePhoto(), within=_LOOK_S)
            except TeleFlowError:
                raise uncertain from None
            if now is None or (before is not None and now.file.id == before.file.id):
                raise
            return now.file

    async def set_photo_by_id(self, principal: Principal, session_id: str, file_id: str) -> FileRef:
        """A photo that the session was told of. Raises NotFound(FILE_NOT_FOUND), Invalid.

        Telegram takes no photo of a message as it is: it is read and given back.
        """
        session = await self._sessions.of(principal, session_id)
        file = self._file_ids.read(session_id, file_id)
        if file.kind is not FileKind.PHOTO:
            raise Invalid("This file is no photo", details={"field": "fileId"})
        pieces = Pieces(self._reach, session_id, session.account_id or 0, file)
        return await self.set_photo(principal, session_id, await pieces.whole(most=MOST_PICTURE))

    async def delete_photo(self, principal: Principal, session_id: str) -> bool:
        """The one that is shown, and no other. Raises Uncertain where a process died while it was at it."""
        if principal.begun_at is not None:
            await self._sessions.of(principal, session_id)
            raise Uncertain("The photo may be deleted already: look at the one that is shown before asking again")
        return await self._call(principal, session_id, DeleteProfilePhoto())

    async def privacy(self, principal: Principal, session_id: str, key: PrivacyKey) -> tuple[ShownRule, ...]:
        return await self._call(principal, session_id, GetPrivacy(key))

    async def set_privacy(
        self,
        principal: Principal,
        session_id: str,
        key: PrivacyKey,
        rules: Sequence[tuple[PrivacyRule, Sequence[PeerRef]]],
    ) -> tuple[ShownRule, ...]:
        """These rules instead of those that were. Raises Invalid for names where a rule has none, and the reverse."""
        await self._sessions.of(principal, session_id)
        made = tuple([await self._rule(session_id, rule, refs) for rule, refs in rules])
        now = milliseconds(self._clock.time())
        entry = AuditEntry.by(principal, Act.PRIVACY_CHANGED, now=now, target=session_id, key=key.value)
        await self._audit.add_audit(entry)
        return await self._reach.call(session_id, SetPrivacy(key, made), within=_WITHIN_S)

    async def _rule(self, session_id: str, rule: PrivacyRule, refs: Sequence[PeerRef]) -> Rule:
        if bool(refs) is not (rule.names_users or rule.names_chats):
            raise Invalid(f"{rule.value}: names whom it is for, or nobody", details={"field": "rules"})
        peers = [await self._reach.peer(session_id, ref, within=_WITHIN_S) for ref in refs]
        if any((peer.kind is PeerKind.USER) is not rule.names_users for peer in peers):
            raise Invalid(
                f"{rule.value} is for {'people' if rule.names_users else 'groups'}", details={"field": "rules"}
            )
        return Rule(rule, tuple(peers))

    # -- logins -------------------------------------------------------------------------------------------

    async def authorizations(self, principal: Principal, session_id: str) -> tuple[Authorization, ...]:
        return await self._call(principal, session_id, ListAuthorizations())

    async def end_authorizations(self, principal: Principal, session_id: str, hash_: int | None) -> None:
        """One login of the account; None: all but the session's own.

        Raises Conflict(AUTHORIZATION_CURRENT), NotFound(AUTHORIZATION_NOT_FOUND), Forbidden(LOGIN_TOO_NEW).
        """
        session = await self._sessions.of(principal, session_id)
        now = milliseconds(self._clock.time())
        which = "all others" if hash_ is None else "one"
        entry = AuditEntry.by(principal, Act.AUTHORIZATION_ENDED, now=now, target=session.id, which=which)
        await self._audit.add_audit(entry)
        await self._reach.call(session_id, EndAuthorization(hash_), within=_WITHIN_S)

    async def _call(self, principal: Principal, session_id: str, operation: Operation[R]) -> R:
        await self._sessions.of(principal, session_id)
        return await self._reach.call(session_id, operation, within=_WITHIN_S)

    async def _on(self, principal: Principal, session_id: str, ref: PeerRef, make: Callable[[Peer], Operation[R]]) -> R:
        await self._sessions.of(principal, session_id)
        return await self._reach.on(session_id, ref, make, within=_WITHIN_S)


def _person(peer: Peer) -> Peer:
    """Raises Invalid."""
    if peer.kind is not PeerKind.USER:
        raise Invalid("Only people are contacts", details={"field": "chatId"})
    return peer
