"""Chats of a session, and the people in them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from teleflow.errors import Invalid, TeleFlowError
from teleflow.kit.clock import Clock
from teleflow.model.chats import Chat, ChatFolder, Person
from teleflow.model.messages import Message
from teleflow.model.operations.base import Operation
from teleflow.model.operations.chats import (
    DescribeChat,
    DescribeMe,
    GetContacts,
    JoinByInvite,
    JoinChat,
    Joined,
    LeaveChat,
    ListChats,
    ListFolders,
    ListMembers,
    MemberFilter,
    Members,
)
from teleflow.model.operations.history import SearchChat, SearchEverywhere, Spot
from teleflow.model.operations.peers import Place
from teleflow.model.peers import Peer, PeerRef, RefForm, parse_ref
from teleflow.model.sessions import Session
from teleflow.model.users import Principal
from teleflow.services.in_use import SessionsInUse
from teleflow.services.ports import Reach

R = TypeVar("R")
_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class ChatPage:
    chats: tuple[Chat, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class SearchPage:
    messages: tuple[Message, ...]
    next_cursor: str | None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class PeoplePage:
    people: tuple[Person, ...]
    total: int


class Chats:
    """All raise NotFound(SESSION_NOT_FOUND), what `usable` and `Reach` raise."""

    def __init__(self, sessions: SessionsInUse, reach: Reach, clock: Clock) -> None:
        self._sessions = sessions
        self._reach = reach
        self._clock = clock

    async def list(
        self, principal: Principal, session_id: str, *, limit: int, cursor: str | None, folder: int | None
    ) -> ChatPage:
        """Pinned ones first, then by their last message. `folder`: 0 the main list, 1 the archive, None both.

        Raises Invalid for a cursor that is none.
        """
        session = await self._sessions.of(principal, session_id)
        after = None
        if cursor is not None:
            date, message_id, marked = _read_cursor(cursor)
            after = Place(date, message_id, await self._place(session_id, marked))
        operation = ListChats(_me(session), int(self._clock.time()), limit, after, folder)
        page = await self._reach.call(session_id, operation, within=_WITHIN_S)
        end = page.after
        cursor = _cursor(end.date, end.message_id, end.peer.marked_id) if end is not None else None
        return ChatPage(page.chats, cursor)

    async def folders(self, principal: Principal, session_id: str) -> tuple[ChatFolder, ...]:
        """The account's own, in its order."""
        session = await self._sessions.of(principal, session_id)
        return (await self._reach.call(session_id, ListFolders(_me(session)), within=_WITHIN_S)).folders

    async def get(self, principal: Principal, session_id: str, chat: PeerRef) -> Chat:
        now = int(self._clock.time())
        return (await self._on(principal, session_id, chat, lambda me, peer: DescribeChat(peer, me, now))).chat

    async def join(self, principal: Principal, session_id: str, chat: PeerRef) -> Joined:
        """Being in it already is no error."""
        if chat.form is RefForm.INVITE:
            await self._sessions.of(principal, session_id)
            return await self._reach.call(session_id, JoinByInvite(str(chat.value)), within=_WITHIN_S)
        return await self._on(principal, session_id, chat, lambda _, peer: JoinChat(peer))

    async def leave(self, principal: Principal, session_id: str, chat: PeerRef) -> Joined:
        """Not being in it is no error."""
        return await self._on(principal, session_id, chat, lambda _, peer: LeaveChat(peer))

    async def members(
        self,
        principal: Principal,
        session_id: str,
        chat: PeerRef,
        *,
        limit: int,
        offset: int,
        wanted: MemberFilter,
        query: str,
    ) -> Members:
        return await self._on(
            principal, session_id, chat, lambda _, peer: ListMembers(peer, limit, offset, wanted, query)
        )

    async def search(
        self,
        principal: Principal,
        session_id: str,
        chat: PeerRef | None,
        query: str,
        *,
        limit: int,
        before_id: int = 0,
        sender: PeerRef | None = None,
        cursor: str | None = None,
    ) -> SearchPage:
        """In one chat, or everywhere. Raises Invalid for what contradicts itself."""
        session = await self._sessions.of(principal, session_id)
        if chat is None:
            if sender is not None or before_id:
                raise Invalid("fromId and offsetId are for a search in one chat", details={"field": "chatId"})
            return await self._search_everywhere(session, query, limit, cursor)
        if cursor is not None:
            raise Invalid("In one chat, go on with offsetId", details={"field": "cursor"})
        who = None if sender is None else await self._reach.peer(session_id, sender, within=_WITHIN_S)
        found = await self._reach.on(
            session_id,
            chat,
            lambda peer: SearchChat(peer, _me(session), query, limit, before_id, who),
            within=_WITHIN_S,
        )
        return SearchPage(found.messages, None, found.total)

    async def _search_everywhere(self, session: Session, query: str, limit: int, cursor: str | None) -> SearchPage:
        after = None
        if cursor is not None:
            rate, message_id, marked = _read_cursor(cursor)
            after = Spot(rate, message_id, await self._place(session.id, marked))
        operation = SearchEverywhere(_me(session), query, limit, after)
        found = await self._reach.call(session.id, operation, within=_WITHIN_S)
        end = found.messages[-1] if found.messages else None
        more = end is not None and len(found.messages) >= limit
        rate = found.next_rate if found.next_rate is not None else (end.date if end else 0)
        return SearchPage(
            found.messages, _cursor(rate, end.id, end.chat_id) if more and end is not None else None, found.total
        )

    async def contacts(self, principal: Principal, session_id: str, *, limit: int, offset: int) -> PeoplePage:
        await self._sessions.of(principal, session_id)
        found = await self._reach.call(session_id, GetContacts(), within=_WITHIN_S)
        return PeoplePage(found.people[offset : offset + limit], len(found.people))

    async def me(self, principal: Principal, session_id: str) -> Person:
        await self._sessions.of(principal, session_id)
        found = await self._reach.call(session_id, DescribeMe(), within=_WITHIN_S)
        return found.people[0]

    async def _on(
        self, principal: Principal, session_id: str, chat: PeerRef, make: Callable[[int, Peer], Operation[R]]
    ) -> R:
        session = await self._sessions.of(principal, session_id)
        return await self._reach.on(session_id, chat, lambda peer: make(_me(session), peer), within=_WITHIN_S)

    async def _place(self, session_id: str, marked: int) -> Peer:
        """The peer at the end of the page before: it was in an answer of ours."""
        try:
            return await self._reach.peer(session_id, parse_ref(marked), within=_WITHIN_S)
        except TeleFlowError as error:
            raise _no_cursor() from error


def _me(session: Session) -> int:
    return session.account_id or 0


def _cursor(first: int, message_id: int, marked: int) -> str:
    return base64.urlsafe_b64encode(f"{first}.{message_id}.{marked}".encode()).rstrip(b"=").decode()


def _read_cursor(cursor: str) -> tuple[int, int, int]:
    """Raises Invalid."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        first, message_id, marked = (int(part) for part in raw.split("."))
    except (binascii.Error, ValueError):
        raise _no_cursor() from None
    if not (0 <= first < 2**31 and 0 <= message_id < 2**31 and -(2**43) < marked < 2**41):
        raise _no_cursor()
    return first, message_id, marked


def _no_cursor() -> Invalid:
    return Invalid("This is no cursor of ours", details={"field": "cursor"})
