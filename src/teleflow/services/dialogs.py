"""How chats stand in the account's own list: archived, pinned, muted, marked; drafts, history, folders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from teleflow.errors import Conflict, Invalid, NotFound, TeleFlowError, Unavailable
from teleflow.model.audit import Act
from teleflow.model.chats import Chat, ChatFolder, FolderKind
from teleflow.model.drafts import Draft
from teleflow.model.entities import Entity
from teleflow.model.formatting import ParseMode, formatted
from teleflow.model.messages import check_text
from teleflow.model.operations.acts import Done
from teleflow.model.operations.base import Operation
from teleflow.model.operations.chats import ListFolders
from teleflow.model.operations.dialogs import (
    DeleteHistory,
    DropFolder,
    FolderPeers,
    GetDraft,
    ListDrafts,
    OrderFolders,
    SaveDraft,
    SaveFolder,
    SetArchived,
    SetMarkedUnread,
    SetMuted,
    SetPinned,
)
from teleflow.model.peers import Peer, PeerRef, parse_ref
from teleflow.model.sessions import Session
from teleflow.model.users import Principal
from teleflow.services.groups import Rooms

_WITHIN_S = 30.0
# Telegram's clients give their folders these numbers; 0 is the list without any filter, 1 the archive.
_FIRST_FOLDER, _LAST_FOLDER = 2, 255


@dataclass(frozen=True, slots=True)
class DialogChanges:
    """None stays as it is. `mute_until` in Unix seconds, 0: not muted."""

    archived: bool | None = None
    pinned: bool | None = None
    mute_until: int | None = None
    marked_unread: bool | None = None


@dataclass(frozen=True, slots=True)
class NewFolder:
    """A folder as it is to be."""

    title: str
    emoticon: str | None = None
    color: int | None = None
    kinds: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    pinned: tuple[PeerRef, ...] = ()
    included: tuple[PeerRef, ...] = ()
    excluded: tuple[PeerRef, ...] = ()


class Dialogs:
    """All raise NotFound(SESSION_NOT_FOUND, PEER_NOT_FOUND), and what the call raises."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def change(self, principal: Principal, session_id: str, chat: PeerRef, changes: DialogChanges) -> Chat:
        """One after the other; where one fails, `applied` in the error's details names what is done."""
        rooms = self._rooms
        session = await rooms.session(principal, session_id)
        steps: list[tuple[str, Callable[[Peer], Operation[Done]]]] = []
        archived, pinned, until, unread = (
            changes.archived,
            changes.pinned,
            changes.mute_until,
            changes.marked_unread,
        )
        if archived is not None:
            steps.append(("isArchived", lambda peer: SetArchived(peer, archived)))
        if pinned is not None:
            steps.append(("isPinned", lambda peer: SetPinned(peer, pinned)))
        if until is not None:
            steps.append(("muteUntil", lambda peer: SetMuted(peer, until)))
        if unread is not None:
            steps.append(("isMarkedUnread", lambda peer: SetMarkedUnread(peer, unread)))
        if not steps:
            await rooms.peers(session, [chat])
            raise Invalid("Say what is to change", details={"field": "body"})
        applied: list[str] = []
        for name, make in steps:
            try:
                await rooms.on(principal, session_id, chat, make)
            except TeleFlowError as error:
                error.details.setdefault("field", name)
                error.details["applied"] = applied
                raise
            applied.append(name)
        return await rooms.described(session, chat)

    # -- drafts -------------------------------------------------------------------------------------------

    async def drafts(self, principal: Principal, session_id: str) -> tuple[Draft, ...]:
        """Newest first."""
        session = await self._rooms.session(principal, session_id)
        found = await self._rooms.call(session, ListDrafts(session.account_id or 0))
        return tuple(sorted(found.drafts, key=lambda one: (-one.at, one.chat_id)))

    async def draft(self, principal: Principal, session_id: str, chat: PeerRef) -> Draft:
        """Raises NotFound(DRAFT_NOT_FOUND)."""
        found = await self._rooms.on(principal, session_id, chat, GetDraft)
        if not found.drafts:
            raise NotFound("Nothing was begun in this chat", code="DRAFT_NOT_FOUND")
        return found.drafts[0]

    async def save_draft(
        self,
        principal: Principal,
        session_id: str,
        chat: PeerRef,
        text: str,
        *,
        parse_mode: ParseMode | None,
        entities: Sequence[Entity],
        reply_to: int | None,
        link_preview: bool,
    ) -> Done:
        shown, marks = formatted(text, parse_mode, entities)
        check_text(shown)
        session = await self._rooms.session(principal, session_id)
        people = sorted({mark.user_id for mark in marks if mark.user_id is not None})
        mentioned = await self._rooms.peers(session, [parse_ref(one) for one in people])
        return await self._rooms.on(
            principal,
            session_id,
            chat,
            lambda peer: SaveDraft(peer, shown, marks, reply_to, link_preview, mentioned),
        )

    async def drop_draft(self, principal: Principal, session_id: str, chat: PeerRef) -> Done:
        """There being none is no error."""
        return await self._rooms.on(principal, session_id, chat, SaveDraft)

    async def delete_history(
        self, principal: Principal, session_id: str, chat: PeerRef, *, for_everyone: bool, up_to: int
    ) -> Done:
        """Up to this message; 0: all of it. There is no way back."""
        return await self._rooms.on(
            principal,
            session_id,
            chat,
            lambda peer: DeleteHistory(peer, for_everyone, up_to),
            act=Act.CHAT_HISTORY_DELETED,
            forEveryone=for_everyone,
            upTo=up_to,
        )

    # -- folders ------------------------------------------------------------------------------------------

    async def create_folder(self, principal: Principal, session_id: str, new: NewFolder) -> ChatFolder:
        """Raises Conflict(FOLDERS_TOO_MUCH). One after the other, so that no two get one number.

        With an idempotency key that comes again after a crash, what stands as it was asked for is not made twice.
        """
        session = await self._rooms.session(principal, session_id)
        peers = await self._named(session, new)
        async with _one_at_a_time(self._locks, session_id):
            standing = await self._folders(session)
            wanted = _folder(0, new, peers)
            if principal.act is not None:
                for one in standing:
                    if replace(one, id=0) == wanted:
                        return one
            taken = {one.id for one in standing}
            free = next((id_ for id_ in range(_FIRST_FOLDER, _LAST_FOLDER + 1) if id_ not in taken), None)
            if free is None:
                raise Conflict("The account has as many folders as it may", code="FOLDERS_TOO_MUCH")
            folder = replace(wanted, id=free)
            await self._rooms.call(session, SaveFolder(folder, peers))
        return folder

    async def save_folder(self, principal: Principal, session_id: str, folder_id: int, new: NewFolder) -> ChatFolder:
        """In place of what it was. Raises NotFound(FOLDER_NOT_FOUND), Conflict(FOLDER_SHARED)."""
        session = await self._rooms.session(principal, session_id)
        peers = await self._named(session, new)
        async with _one_at_a_time(self._locks, session_id):
            await self._own(session, folder_id)
            folder = _folder(folder_id, new, peers)
            await self._rooms.call(session, SaveFolder(folder, peers))
        return folder

    async def drop_folder(self, principal: Principal, session_id: str, folder_id: int) -> Done:
        """The chats in it stay. Raises NotFound(FOLDER_NOT_FOUND), Conflict(FOLDER_SHARED)."""
        session = await self._rooms.session(principal, session_id)
        async with _one_at_a_time(self._locks, session_id):
            await self._own(session, folder_id)
            return await self._rooms.call(session, DropFolder(folder_id))

    async def order_folders(
        self, principal: Principal, session_id: str, folder_ids: Sequence[int]
    ) -> tuple[ChatFolder, ...]:
        """All of them, each once; 0 is the list without any filter. Raises NotFound, Invalid."""
        session = await self._rooms.session(principal, session_id)
        async with _one_at_a_time(self._locks, session_id):
            standing = {one.id for one in await self._folders(session)}
            for one in folder_ids:
                if one not in standing:
                    raise _no_folder()
            if len(set(folder_ids)) != len(folder_ids) or set(folder_ids) | {0} != standing | {0}:
                raise Invalid("Name all folders, each once", details={"field": "folderIds"})
            await self._rooms.call(session, OrderFolders(tuple(folder_ids)))
            return await self._folders(session)

    async def _folders(self, session: Session) -> tuple[ChatFolder, ...]:
        return (await self._rooms.call(session, ListFolders(session.account_id or 0))).folders

    async def _own(self, session: Session, folder_id: int) -> ChatFolder:
        for one in await self._folders(session):
            if one.id == folder_id and one.kind is not FolderKind.ALL:
                if one.kind is FolderKind.SHARED:
                    raise Conflict("The folder came by a link: only Telegram's apps change it", code="FOLDER_SHARED")
                return one
        raise _no_folder()

    async def _named(self, session: Session, new: NewFolder) -> FolderPeers:
        rooms = self._rooms
        return FolderPeers(
            await rooms.peers(session, new.pinned),
            await rooms.peers(session, new.included),
            await rooms.peers(session, new.excluded),
        )


class _one_at_a_time:  # noqa: N801 - read as a verb
    """Hold the session's lock. Raises Unavailable when it takes too long."""

    def __init__(self, locks: WeakValueDictionary[str, asyncio.Lock], session_id: str) -> None:
        self._lock = locks.setdefault(session_id, asyncio.Lock())

    async def __aenter__(self) -> None:
        try:
            async with asyncio.timeout(_WITHIN_S):
                await self._lock.acquire()
        except TimeoutError:
            raise Unavailable("The folders are being changed: try again") from None

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()


def _folder(id_: int, new: NewFolder, peers: FolderPeers) -> ChatFolder:
    return ChatFolder(
        id_,
        FolderKind.CUSTOM,
        new.title.strip(),
        new.emoticon or None,
        new.color,
        new.kinds,
        new.without,
        tuple(one.marked_id for one in peers.pinned),
        tuple(one.marked_id for one in peers.included),
        tuple(one.marked_id for one in peers.excluded),
    )


def _no_folder() -> NotFound:
    return NotFound("The account has no such folder", code="FOLDER_NOT_FOUND")
