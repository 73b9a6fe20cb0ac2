"""Groups and channels made, each once.

Telegram takes no id of ours for a new chat, so a lost answer can't be asked for again. Promises: that a chat was asked
for is on disk before Telegram hears of it; a request that comes again under its idempotency key, also after the process
was killed, never makes a second one: it is told the chat that came of it, found among the account's own by kind, title
and time, or that the outcome is unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakValueDictionary

import structlog

from teleflow.errors import Internal, Invalid, StorageUnavailable, TeleFlowError, Unavailable, Uncertain
from teleflow.kit.clock import Clock, loop_time, milliseconds
from teleflow.kit.ids import id_of
from teleflow.model.audit import Act, AuditEntry
from teleflow.model.chats import Chat, ChatType
from teleflow.model.groups import ChatCreation, Missing
from teleflow.model.operations.chats import DescribeChat
from teleflow.model.operations.groups import CreateChat, FindCreated
from teleflow.model.operations.members import AddMembers
from teleflow.model.peers import Peer, PeerRef, RefForm, parse_ref
from teleflow.model.sessions import Session
from teleflow.model.users import Principal
from teleflow.services.in_use import SessionsInUse
from teleflow.services.ports import Reach
from teleflow.storage.base import AuditStore, CreationStore

_log = structlog.get_logger(__name__)
CREATION = "crt"
MOST_MEMBERS = 100
_WITHIN_S = 30.0
_LOOK_S = 15.0
_LEAST_S = 0.5
_CLOCKS_DIFFER_S = 5  # Telegram's clock, which says when a chat was made, and ours
_REMEMBERED = 200


class Store(CreationStore, AuditStore, Protocol):
    """What it needs of the storage."""


@dataclass(frozen=True, slots=True)
class NewChat:
    """`members` are people; of a channel they are its first subscribers. `forum` is for supergroups."""

    kind: ChatType
    title: str
    about: str = ""
    members: tuple[PeerRef, ...] = ()
    forum: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    chat: Chat
    missing: tuple[Missing, ...] = ()


class Creations:
    """`create` is all."""

    def __init__(self, sessions: SessionsInUse, reach: Reach, storage: Store, clock: Clock) -> None:
        self._sessions = sessions
        self._reach = reach
        self._storage = storage
        self._clock = clock
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def create(self, principal: Principal, session_id: str, new: NewChat) -> Made:
        """Raises NotFound(SESSION_NOT_FOUND, PEER_NOT_FOUND), what the call raises; Uncertain when it may be made.

        In one session one is made at a time: else two of one title could not be told apart.
        """
        session = await self._sessions.of(principal, session_id)
        until = loop_time() + _WITHIN_S
        people = [
            await self._reach.peer(session_id, ref, within=max(_LEAST_S, until - loop_time())) for ref in new.members
        ]
        title = new.title.strip()
        if not title:
            raise Invalid("The title is empty", code="CHAT_TITLE_INVALID", details={"field": "title"})
        if new.kind is ChatType.GROUP and not people:
            raise Invalid("A group needs somebody to begin with", code="USERS_TOO_FEW", details={"field": "memberIds"})
        now = milliseconds(self._clock.time())
        creation = ChatCreation(
            id_of(CREATION, principal.act), principal.user_id, session_id, new.kind, title, began_at=now
        )
        lock = self._locks.setdefault(session_id, asyncio.Lock())
        try:
            async with asyncio.timeout_at(until):
                await lock.acquire()
        except TimeoutError:
            raise Unavailable("Other chats are being made in this session: try again") from None
        try:
            entry = AuditEntry.by(principal, Act.CHAT_CREATED, now=now, target=session_id, kind=new.kind.value)
            await self._storage.add_audit(entry)
            stands = await self._storage.begin_creation(creation)
            if stands is None:
                chat_id, missing = await self._make(creation, new, people)
            else:
                chat_id, missing = await self._made_before(stands), None
        finally:
            lock.release()
        if missing is None or new.kind is not ChatType.GROUP:
            missing = await self._add(session_id, chat_id, people)
        return Made(await self._described(session, chat_id, creation), missing)

    async def _make(
        self, creation: ChatCreation, new: NewChat, people: Sequence[Peer]
    ) -> tuple[int, tuple[Missing, ...] | None]:
        group = new.kind is ChatType.GROUP
        operation = CreateChat(new.kind, creation.title, new.about, tuple(people) if group else (), new.forum)
        try:
            made = await self._reach.call(creation.session_id, operation, within=_WITHIN_S)
        except TeleFlowError as error:
            if not _perhaps_done(error):
                await self._storage.drop_creation(creation.user_id, creation.id)
                raise
            _log.warning("chats.creation_uncertain", session=creation.session_id, cause=error.code)
            return await self._found(creation, error), None
        await self._settle(creation, made.chat_id)
        return made.chat_id, made.missing

    async def _made_before(self, stands: ChatCreation) -> int:
        """By the same request, whose answer nobody got."""
        return stands.chat_id if stands.chat_id is not None else await self._found(stands, None)

    async def _found(self, creation: ChatCreation, cause: TeleFlowError | None) -> int:
        """The chat that came of it. Raises Uncertain where none can be told to be it: it may come yet."""
        kept = await self._storage.creations(creation.user_id, creation.session_id, limit=_REMEMBERED)
        others = [one for one in kept if one.id != creation.id]
        claimed = {one.chat_id for one in others if one.chat_id is not None}
        alike = [
            one for one in others if one.chat_id is None and one.title == creation.title and one.kind is creation.kind
        ]
        since = creation.began_at // 1000 - _CLOCKS_DIFFER_S
        look = FindCreated(creation.kind, creation.title, since)
        try:
            found = (await self._reach.call(creation.session_id, look, within=_LOOK_S)).chat_ids
        except TeleFlowError as error:
            raise _unknown() from (cause or error)
        free = [one for one in found if one not in claimed]
        if len(free) != 1 or alike:
            raise _unknown() from cause
        await self._settle(creation, free[0])
        return free[0]

    async def _settle(self, creation: ChatCreation, chat_id: int) -> None:
        try:
            await self._storage.settle_creation(creation.user_id, creation.id, chat_id)
        except StorageUnavailable as error:  # it is made: its caller is told so, and a repeat finds it
            _log.error("chats.creation_not_kept", exc_info=error)

    async def _add(self, session_id: str, chat_id: int, people: Sequence[Peer]) -> tuple[Missing, ...]:
        """Whoever can't be added is told; the chat is there all the same."""
        if not people:
            return ()
        try:
            added = await self._reach.on(
                session_id, parse_ref(chat_id), lambda peer: AddMembers(peer, tuple(people)), within=_WITHIN_S
            )
        except TeleFlowError as error:
            return tuple(Missing(person.id, error.code) for person in people)
        return added.missing

    async def _described(self, session: Session, chat_id: int, creation: ChatCreation) -> Chat:
        """In full, or as far as it is known: that it was made has to be told whatever comes after."""
        now, me = int(self._clock.time()), session.account_id or 0
        ref = PeerRef(RefForm.ID, chat_id)
        try:
            described = await self._reach.on(
                session.id, ref, lambda peer: DescribeChat(peer, me, now), within=_WITHIN_S
            )
        except TeleFlowError as error:
            _log.warning("chats.created_not_described", session=session.id, cause=error.code)
            return Chat(chat_id, creation.kind, creation.title, creator=True)
        return described.chat


def _perhaps_done(error: TeleFlowError) -> bool:
    """Whether the request may have been carried out: it was lost, or failed in Telegram's own trouble."""
    told = "telegramError" in error.details
    return isinstance(error, Uncertain | Internal) or (isinstance(error, Unavailable) and told)


def _unknown() -> Uncertain:
    return Uncertain("Telegram may have made this chat: look into the list of chats before asking again")
