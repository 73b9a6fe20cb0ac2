"""Messages that are there: reading them, and what may be done to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from teleflow.errors import Invalid, NotFound
from teleflow.model.entities import Entity, mentioned_in, not_mentionable
from teleflow.model.formatting import ParseMode, formatted
from teleflow.model.messages import Message, check_text
from teleflow.model.operations.acts import (
    CancelScheduled,
    DeleteMessages,
    EditText,
    MarkRead,
    Pin,
    React,
    SendScheduledNow,
    ShowTyping,
)
from teleflow.model.operations.base import Operation
from teleflow.model.operations.history import GetMessages, ReadHistory, ReadScheduled
from teleflow.model.peers import Peer, PeerRef, RefForm
from teleflow.model.sessions import Session
from teleflow.model.users import Principal
from teleflow.services.in_use import SessionsInUse
from teleflow.services.ports import Reach

R = TypeVar("R")
WITHIN_S = 30.0
MOST_MESSAGES = 100


class History:
    """Use cases on the messages of a chat. All raise NotFound(SESSION_NOT_FOUND), what `usable` and `Reach` raise."""

    def __init__(self, sessions: SessionsInUse, reach: Reach) -> None:
        self._sessions = sessions
        self._reach = reach

    async def read(
        self,
        principal: Principal,
        session_id: str,
        chat: PeerRef,
        *,
        limit: int,
        before_id: int = 0,
        after_id: int = 0,
        before_date: int = 0,
    ) -> tuple[Message, ...]:
        """Newest first: before an id or a date, or the nearest ones after an id."""
        if after_id and (before_id or before_date):
            raise Invalid("Page in one direction: offsetId or afterId", details={"field": "afterId"})
        found = await self._on(
            principal,
            session_id,
            chat,
            lambda me, peer: ReadHistory(peer, me, limit, before_id, after_id, before_date),
        )
        return found.messages

    async def some(
        self, principal: Principal, session_id: str, chat: PeerRef, ids: Sequence[int]
    ) -> tuple[Message, ...]:
        """Those of these ids that are in this chat."""
        wanted = _ids(ids)
        found = await self._on(principal, session_id, chat, lambda me, peer: GetMessages(peer, me, wanted))
        return found.messages

    async def edit(
        self,
        principal: Principal,
        session_id: str,
        chat: PeerRef,
        message_id: int,
        text: str,
        *,
        parse_mode: ParseMode | None = None,
        entities: Sequence[Entity] = (),
        link_preview: bool = True,
        schedule: int | None = None,
    ) -> Message:
        """Raises NotFound(MESSAGE_NOT_FOUND), Forbidden(MESSAGE_AUTHOR_REQUIRED), Invalid, Conflict too."""
        shown, marks = formatted(text, parse_mode, entities)
        check_text(shown)
        session = await self._sessions.of(principal, session_id)
        mentioned = await self._mentioned(session_id, marks)
        edited = await self._reach.on(
            session_id,
            chat,
            lambda peer: EditText(
                peer, _me(session), message_id, shown, marks, link_preview, schedule, mentioned=mentioned
            ),
            within=WITHIN_S,
        )
        return edited.message

    async def delete(
        self, principal: Principal, session_id: str, chat: PeerRef, ids: Sequence[int], *, for_everyone: bool = True
    ) -> tuple[int, ...]:
        """The ids that were there. Raises NotFound(MESSAGE_NOT_FOUND) when none was."""
        wanted = _ids(ids)
        deleted = await self._on(
            principal, session_id, chat, lambda _, peer: DeleteMessages(peer, wanted, for_everyone)
        )
        return deleted.ids

    async def react(
        self,
        principal: Principal,
        session_id: str,
        chat: PeerRef,
        message_id: int,
        *,
        emoji: str | None,
        custom_emoji_id: int | None = None,
        big: bool = False,
    ) -> None:
        """Neither kind of emoji takes the reaction back."""
        await self._on(
            principal, session_id, chat, lambda _, peer: React(peer, message_id, emoji, custom_emoji_id, big)
        )

    async def pin(
        self,
        principal: Principal,
        session_id: str,
        chat: PeerRef,
        message_id: int,
        *,
        unpin: bool,
        silent: bool = True,
        one_side: bool = False,
    ) -> None:
        await self._on(principal, session_id, chat, lambda _, peer: Pin(peer, message_id, unpin, silent, one_side))

    async def mark_read(self, principal: Principal, session_id: str, chat: PeerRef, *, up_to: int = 0) -> int:
        """Everything, or up to an id; the chat's marked id."""
        return await self._at(principal, session_id, chat, lambda peer: MarkRead(peer, up_to))

    async def show_typing(
        self, principal: Principal, session_id: str, chat: PeerRef, action: str, *, topic: int | None = None
    ) -> int:
        """The chat's marked id."""
        return await self._at(principal, session_id, chat, lambda peer: ShowTyping(peer, action, topic))

    # -- scheduled ----------------------------------------------------------------------------------------

    async def scheduled(self, principal: Principal, session_id: str, chat: PeerRef) -> tuple[Message, ...]:
        """Soonest first."""
        found = await self._on(principal, session_id, chat, lambda me, peer: ReadScheduled(peer, me))
        return found.messages

    async def cancel_scheduled(
        self, principal: Principal, session_id: str, chat: PeerRef, ids: Sequence[int]
    ) -> tuple[int, ...]:
        """The ids that waited. Raises NotFound(MESSAGE_NOT_FOUND) when none did."""
        wanted = _ids(ids)
        return (await self._on(principal, session_id, chat, lambda _, peer: CancelScheduled(peer, wanted))).ids

    async def send_scheduled_now(
        self, principal: Principal, session_id: str, chat: PeerRef, ids: Sequence[int]
    ) -> tuple[Message, ...]:
        wanted = _ids(ids)
        sent = await self._on(principal, session_id, chat, lambda me, peer: SendScheduledNow(peer, me, wanted))
        return sent.messages

    # -- inside -------------------------------------------------------------------------------------------

    async def _on(
        self, principal: Principal, session_id: str, chat: PeerRef, make: Callable[[int, Peer], Operation[R]]
    ) -> R:
        session = await self._sessions.of(principal, session_id)
        return await self._reach.on(session_id, chat, lambda peer: make(_me(session), peer), within=WITHIN_S)

    async def _at(
        self, principal: Principal, session_id: str, chat: PeerRef, make: Callable[[Peer], Operation[R]]
    ) -> int:
        """Which chat it turned out to be."""
        seen: list[Peer] = []

        def made(_me: int, peer: Peer) -> Operation[R]:
            seen.append(peer)
            return make(peer)

        await self._on(principal, session_id, chat, made)
        return seen[-1].marked_id

    async def _mentioned(self, session_id: str, marks: Sequence[Entity]) -> tuple[Peer, ...]:
        """A mention without a username needs the person's access hash."""
        found = []
        for id_ in mentioned_in(marks):
            try:
                found.append(await self._reach.peer(session_id, PeerRef(RefForm.ID, id_), within=WITHIN_S))
            except NotFound as error:
                raise not_mentionable(id_, error) from error
        return tuple(found)


def _me(session: Session) -> int:
    return session.account_id or 0


def _ids(ids: Sequence[int]) -> tuple[int, ...]:
    wanted = tuple(dict.fromkeys(ids))
    if not 0 < len(wanted) <= MOST_MESSAGES:
        raise Invalid(f"1 to {MOST_MESSAGES} message ids at once", details={"field": "messageIds"})
    return wanted
