"""Groups and channels set up, their members and admins, as far as the account's rights in them go.

Promises: everybody who is named is looked up before anything is done; who gets rights, is shut out, or loses a chat is
in the audit log before Telegram is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from teleflow.errors import Invalid, TeleFlowError
from teleflow.kit.clock import Clock, loop_time, milliseconds
from teleflow.model.audit import Act, AuditEntry
from teleflow.model.chats import Chat, Member
from teleflow.model.groups import ChatChanges
from teleflow.model.operations.acts import Done
from teleflow.model.operations.base import Operation
from teleflow.model.operations.chats import DescribeChat
from teleflow.model.operations.groups import (
    DeleteChat,
    LinkDiscussion,
    SetAbout,
    SetPermissions,
    SetSlowMode,
    SetSwitch,
    SetTitle,
    SetUsername,
    Upgrade,
)
from teleflow.model.operations.members import (
    Added,
    AddMembers,
    GetMember,
    RemoveMember,
    SetBan,
    SetRestriction,
    SetRights,
)
from teleflow.model.peers import Peer, PeerKind, PeerRef, RefForm, parse_ref, unmarked
from teleflow.model.sessions import Session
from teleflow.model.users import Principal
from teleflow.services.in_use import SessionsInUse
from teleflow.services.ports import Reach
from teleflow.storage.base import AuditStore

R = TypeVar("R")
_WITHIN_S = 30.0
_LEAST_S = 0.5
# Telegram takes what is nearer or farther for "for ever".
_SHORTEST_S, _LONGEST_S = 60, 366 * 24 * 3600


class Rooms:
    """What all use cases on a chat of one's own session share."""

    def __init__(self, sessions: SessionsInUse, reach: Reach, audit: AuditStore, clock: Clock) -> None:
        self._sessions = sessions
        self._reach = reach
        self._audit = audit
        self._clock = clock

    async def on(
        self,
        principal: Principal,
        session_id: str,
        chat: PeerRef,
        make: Callable[[Peer], Operation[R]],
        *,
        act: Act | None = None,
        **details: Any,
    ) -> R:
        """Do it there; what has an `act` is written down before."""
        session = await self._sessions.of(principal, session_id)
        if act is not None:
            peer = await self._reach.peer(session.id, chat, within=_WITHIN_S)
            await self.note(principal, act, session.id, chat=str(peer.marked_id), **details)
        return await self._reach.on(session.id, chat, make, within=_WITHIN_S)

    async def on_both(
        self,
        principal: Principal,
        session_id: str,
        chat: PeerRef,
        other: PeerRef,
        make: Callable[[Peer, Peer], Operation[R]],
        *,
        act: Act | None = None,
        **details: Any,
    ) -> R:
        """The same with a second peer: a person in the chat, another chat."""
        session = await self._sessions.of(principal, session_id)
        (second,) = await self.peers(session, [other])
        if act is not None:
            details["peer"] = str(second.marked_id)
        return await self.on(principal, session_id, chat, lambda peer: make(peer, second), act=act, **details)

    async def call(self, session: Session, operation: Operation[R]) -> R:
        """What needs no chat, or has its peers already."""
        return await self._reach.call(session.id, operation, within=_WITHIN_S)

    async def peers(self, session: Session, refs: Sequence[PeerRef]) -> tuple[Peer, ...]:
        until = loop_time() + _WITHIN_S
        return tuple(
            [await self._reach.peer(session.id, ref, within=max(_LEAST_S, until - loop_time())) for ref in refs]
        )

    async def note(self, principal: Principal, act: Act, target: str, **details: Any) -> None:
        now = milliseconds(self._clock.time())
        await self._audit.add_audit(AuditEntry.by(principal, act, now=now, target=target, **details))

    async def described(self, session: Session, chat: PeerRef) -> Chat:
        now, me = int(self._clock.time()), session.account_id or 0
        found = await self._reach.on(session.id, chat, lambda peer: DescribeChat(peer, me, now), within=_WITHIN_S)
        return found.chat

    async def session(self, principal: Principal, session_id: str) -> Session:
        return await self._sessions.of(principal, session_id)

    def soon(self) -> int:
        """As near as Telegram does not take for "for ever", whatever its clock says."""
        return int(self._clock.time()) + 2 * _SHORTEST_S

    def until(self, wanted: int | None) -> int:
        """0 for ever. Raises Invalid for what Telegram would silently take for that."""
        if wanted is None:
            return 0
        left = wanted - self._clock.time()
        if not _SHORTEST_S <= left <= _LONGEST_S:
            raise Invalid(
                "Between a minute and 366 days from now, or left out for ever",
                code="UNTIL_INVALID",
                details={"field": "until"},
            )
        return wanted


class Groups:
    """All raise NotFound(SESSION_NOT_FOUND, PEER_NOT_FOUND), Forbidden for want of a right, what the call raises."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def change(self, principal: Principal, session_id: str, chat: PeerRef, changes: ChatChanges) -> Chat:
        """One thing after the other. Where one fails, `applied` in the error's details names what is done already."""
        rooms = self._rooms
        session = await rooms.session(principal, session_id)
        other = None
        if changes.discussion is not None:
            (other,) = await rooms.peers(session, [changes.discussion])
        (peer,) = await rooms.peers(session, [chat])
        steps = _steps(changes, other)
        if not steps:
            raise Invalid("Say what is to change", details={"field": "body"})
        await rooms.note(
            principal, Act.CHAT_CHANGED, session.id, chat=str(peer.marked_id), fields=[name for name, _ in steps]
        )
        applied: list[str] = []
        for name, make in steps:
            try:
                await rooms.on(principal, session_id, chat, make)
            except TeleFlowError as error:
                error.details.setdefault("field", name)
                error.details["applied"] = applied
                raise
            applied.append(name)
        # Its username may have been what it was named by.
        return await rooms.described(session, parse_ref(peer.marked_id))

    async def upgrade(self, principal: Principal, session_id: str, chat: PeerRef) -> Chat:
        """A basic group becomes a supergroup: what it is from now on. Raises Conflict(ALREADY_SUPERGROUP).

        One that had been upgraded already, named by the id that it had before, is told as it is.
        """
        session = await self._rooms.session(principal, session_id)
        (peer,) = await self._rooms.peers(session, [chat])
        was_group = chat.form is RefForm.ID and unmarked(int(chat.value))[0] is PeerKind.CHAT
        if was_group and peer.kind is PeerKind.CHANNEL:
            return await self._rooms.described(session, chat)
        made = await self._rooms.on(principal, session_id, chat, Upgrade, act=Act.CHAT_UPGRADED)
        return await self._rooms.described(session, parse_ref(made.chat_id))

    async def delete(self, principal: Principal, session_id: str, chat: PeerRef) -> Done:
        """For everybody. Only its creator may."""
        return await self._rooms.on(principal, session_id, chat, DeleteChat, act=Act.CHAT_DELETED)

    # -- members ------------------------------------------------------------------------------------------

    async def add(self, principal: Principal, session_id: str, chat: PeerRef, people: Sequence[PeerRef]) -> Added:
        """Being in it already is no error; those who can't be added are `missing`, with the reason."""
        session = await self._rooms.session(principal, session_id)
        found = await self._rooms.peers(session, people)
        return await self._rooms.on(principal, session_id, chat, lambda peer: AddMembers(peer, found))

    async def member(self, principal: Principal, session_id: str, chat: PeerRef, person: PeerRef) -> Member:
        """Raises NotFound(MEMBER_NOT_FOUND)."""
        return (await self._rooms.on_both(principal, session_id, chat, person, GetMember)).member

    async def remove(self, principal: Principal, session_id: str, chat: PeerRef, person: PeerRef) -> Done:
        """They may come again. Where it can't be ended, they are let again by Telegram a little later."""
        until = self._rooms.soon()
        return await self._rooms.on_both(
            principal, session_id, chat, person, lambda peer, who: RemoveMember(peer, who, until)
        )

    async def set_admin(
        self,
        principal: Principal,
        session_id: str,
        chat: PeerRef,
        person: PeerRef,
        rights: Mapping[str, bool] | None,
        title: str,
    ) -> Done:
        """`rights` that are true are had; None is for basic groups. Raises Invalid(RIGHTS_INVALID) where none is."""
        held = None if rights is None else frozenset(name for name, has in rights.items() if has)
        if held is not None and not held:
            raise Invalid(
                "Name a right that the admin has; to take all away, delete the admin",
                code="RIGHTS_INVALID",
                details={"field": "rights"},
            )
        return await self._rooms.on_both(
            principal,
            session_id,
            chat,
            person,
            lambda peer, who: SetRights(peer, who, held, title),
            act=Act.ADMIN_CHANGED,
            rights=sorted(held or ()),
        )

    async def remove_admin(self, principal: Principal, session_id: str, chat: PeerRef, person: PeerRef) -> Done:
        return await self._rooms.on_both(
            principal,
            session_id,
            chat,
            person,
            lambda peer, who: SetRights(peer, who, frozenset()),
            act=Act.ADMIN_CHANGED,
            rights=[],
        )

    async def restrict(
        self,
        principal: Principal,
        session_id: str,
        chat: PeerRef,
        person: PeerRef,
        permissions: Mapping[str, bool],
        until: int | None = None,
    ) -> Done:
        """Raises Invalid(UNTIL_INVALID)."""
        end = self._rooms.until(until)
        return await self._rooms.on_both(
            principal, session_id, chat, person, lambda peer, who: SetRestriction(peer, who, permissions, end)
        )

    async def ban(
        self, principal: Principal, session_id: str, chat: PeerRef, person: PeerRef, until: int | None = None
    ) -> Done:
        """Raises Invalid(UNTIL_INVALID)."""
        end = self._rooms.until(until)
        return await self._rooms.on_both(
            principal,
            session_id,
            chat,
            person,
            lambda peer, who: SetBan(peer, who, banned=True, until=end),
            act=Act.MEMBER_BANNED,
            until=end,
        )

    async def unban(self, principal: Principal, session_id: str, chat: PeerRef, person: PeerRef) -> Done:
        return await self._rooms.on_both(
            principal, session_id, chat, person, lambda peer, who: SetBan(peer, who, banned=False)
        )


Step = tuple[str, Callable[[Peer], Operation[Done]]]


def _steps(changes: ChatChanges, other: Peer | None) -> list[Step]:
    """In the order in which they are done: a public name comes last, when all else stands."""
    steps: list[Step] = []
    title, about, permissions = changes.title, changes.about, changes.permissions
    seconds, username = changes.slow_mode_seconds, changes.username
    if title is not None:
        steps.append(("title", lambda peer: SetTitle(peer, title)))
    if about is not None:
        steps.append(("about", lambda peer: SetAbout(peer, about)))
    if permissions:
        steps.append(("permissions", lambda peer: SetPermissions(peer, permissions)))
    if seconds is not None:
        steps.append(("slowModeSeconds", lambda peer: SetSlowMode(peer, seconds)))
    for switch, on in changes.switches.items():
        steps.append((switch.value, lambda peer, switch=switch, on=on: SetSwitch(peer, switch, on)))  # type: ignore[misc]
    if other is not None or changes.unlink:
        steps.append(("discussionChatId", lambda peer: LinkDiscussion(peer, other)))
    if username is not None:
        steps.append(("username", lambda peer: SetUsername(peer, username)))
    return steps
