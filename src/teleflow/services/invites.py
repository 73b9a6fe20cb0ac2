"""Invite links of groups and channels, and requests to be let in, as far as the account's rights go."""

from __future__ import annotations

import re

from teleflow.errors import Invalid, NotFound, TeleFlowError, Uncertain
from teleflow.model.audit import Act
from teleflow.model.invites import LINK, Comer, Invite, InviteTerms
from teleflow.model.operations.acts import Done
from teleflow.model.operations.invites import (
    CreateInvite,
    DecideAll,
    DecideJoin,
    DeleteInvite,
    EditInvite,
    GetInvite,
    ListComers,
    ListInvites,
    OneInvite,
)
from teleflow.model.peers import ME, PeerRef, parse_ref
from teleflow.model.users import Principal
from teleflow.services.begun import begun_at
from teleflow.services.groups import Rooms

_HASH = re.compile(r"[A-Za-z0-9_-]{8,64}")
_AFTER_LINK = re.compile(r"([0-9]{1,10})\.([A-Za-z0-9_-]{8,64})")
_AFTER_PERSON = re.compile(r"([0-9]{1,10})\.([0-9]{1,15})")
_LAST = 2**31 - 1
_LOOKED_THROUGH = 50


class InviteLinks:
    """All raise what `Groups` raises, and NotFound(INVITE_NOT_FOUND) where a link is named that is none of the chat."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def create(self, principal: Principal, session_id: str, chat: PeerRef, terms: InviteTerms) -> Invite:
        """Raises Uncertain when the answer was lost: it is never asked for twice. After a crash it is looked for."""
        since = begun_at(principal)
        if since is not None:
            found = await self._made_before(principal, session_id, chat, terms, since)
            if found is not None:
                return found
        made = await self._rooms.on(
            principal, session_id, chat, lambda peer: CreateInvite(peer, terms), act=Act.INVITE_CREATED
        )
        return made.invite

    async def _made_before(
        self, principal: Principal, session_id: str, chat: PeerRef, terms: InviteTerms, since: int
    ) -> Invite | None:
        """Of these terms, since then, by oneself. Raises Uncertain where it may be any of several."""
        page = await self._rooms.on_both(
            principal, session_id, chat, ME, lambda peer, who: ListInvites(peer, who, _LOOKED_THROUGH)
        )
        found = [one for one in page.invites if one.created_at >= since and one.is_of(terms)]
        if len(found) > 1:
            raise Uncertain("Telegram may have made this link: look into the list of links before asking again")
        return found[0] if found else None

    async def list(
        self,
        principal: Principal,
        session_id: str,
        chat: PeerRef,
        *,
        admin: PeerRef | None,
        revoked: bool,
        limit: int,
        cursor: str,
    ) -> tuple[tuple[Invite, ...], int, str | None]:
        """Of one admin (oneself unless told otherwise), newest first: the page, how many there are, how to go on."""
        after = None
        if cursor:
            found = _AFTER_LINK.fullmatch(cursor)
            if found is None or int(found[1]) > _LAST:
                raise _no_cursor()
            after = (int(found[1]), LINK + found[2])
        page = await self._rooms.on_both(
            principal,
            session_id,
            chat,
            admin or ME,
            lambda peer, who: ListInvites(peer, who, limit, revoked, after),
        )
        last = page.invites[-1] if len(page.invites) >= limit else None
        return page.invites, page.total, f"{last.created_at}.{last.hash}" if last is not None else None

    async def get(self, principal: Principal, session_id: str, chat: PeerRef, hash_: str) -> Invite:
        link = _link(hash_)
        return (await self._rooms.on(principal, session_id, chat, lambda peer: GetInvite(peer, link))).invite

    async def edit(
        self, principal: Principal, session_id: str, chat: PeerRef, hash_: str, terms: InviteTerms
    ) -> Invite:
        link = _link(hash_)
        return (await self._rooms.on(principal, session_id, chat, lambda peer: EditInvite(peer, link, terms))).invite

    async def revoke(self, principal: Principal, session_id: str, chat: PeerRef, hash_: str) -> OneInvite:
        """Nobody comes by it any more. Being so already is no error."""
        link = _link(hash_)
        return await self._rooms.on(principal, session_id, chat, lambda peer: EditInvite(peer, link, revoke=True))

    async def delete(self, principal: Principal, session_id: str, chat: PeerRef, hash_: str) -> Done:
        """Raises Conflict(INVITE_NOT_REVOKED)."""
        link = _link(hash_)
        return await self._rooms.on(principal, session_id, chat, lambda peer: DeleteInvite(peer, link))

    async def comers(
        self,
        principal: Principal,
        session_id: str,
        chat: PeerRef,
        hash_: str | None,
        *,
        waiting: bool,
        limit: int,
        cursor: str,
        query: str = "",
    ) -> tuple[tuple[Comer, ...], int, str | None]:
        """Who came by this link; or who waits, by it or by any. Newest first."""
        link = None if hash_ is None else _link(hash_)
        rooms = self._rooms
        session = await rooms.session(principal, session_id)
        after = None
        if cursor:
            found = _AFTER_PERSON.fullmatch(cursor)
            if found is None or int(found[1]) > _LAST:
                raise _no_cursor()
            try:
                (person,) = await rooms.peers(session, [parse_ref(int(found[2]))])
            except TeleFlowError as error:
                raise _no_cursor() from error
            after = (int(found[1]), person)
        page = await rooms.on(
            principal, session_id, chat, lambda peer: ListComers(peer, limit, link, waiting, query, after)
        )
        last = page.comers[-1] if len(page.comers) >= limit else None
        return page.comers, page.total, f"{last.at}.{last.person.id}" if last is not None else None

    async def decide(
        self, principal: Principal, session_id: str, chat: PeerRef, person: PeerRef, *, approve: bool
    ) -> Done:
        """Raises NotFound(JOIN_REQUEST_NOT_FOUND)."""
        return await self._rooms.on_both(
            principal, session_id, chat, person, lambda peer, who: DecideJoin(peer, who, approve)
        )

    async def decide_all(
        self, principal: Principal, session_id: str, chat: PeerRef, hash_: str | None, *, approve: bool
    ) -> Done:
        link = None if hash_ is None else _link(hash_)
        return await self._rooms.on(principal, session_id, chat, lambda peer: DecideAll(peer, approve, link))


def _link(hash_: str) -> str:
    if not _HASH.fullmatch(hash_):
        raise NotFound("The invite link is not valid, or not any more", code="INVITE_NOT_FOUND")
    return LINK + hash_


def _no_cursor() -> Invalid:
    return Invalid("This is no cursor of ours", details={"field": "cursor"})
