"""Asking Telegram how to address a peer, no oftener than is wise.

Promises: what Telegram makes dear is budgeted for each session: imports of contacts by the hour, walks through the
dialogs (five pages at most) once a minute. Each answer is handed to `learn`, whoever was looked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from teleflow.errors import Limited, NotFound, Upstream
from teleflow.kit.clock import Clock, loop_time
from teleflow.model.operations.account import GetMe
from teleflow.model.operations.contacts import Found, ImportContact, ResolvePhone
from teleflow.model.operations.peers import CheckInvite, ListContacts, LookAtGroup, Place, ResolveUsername, WalkDialogs
from teleflow.model.peers import Known, PeerKind, unmarked
from teleflow.telegram.base import Call

_HOUR_S = 3600.0
_PAGES = 5
_WALK_EVERY_S = 60.0
_LEAST_S = 0.5

Learn = Callable[[str, Sequence[Known]], None]


class Lookups:
    """The questions. They raise NotFound(PEER_NOT_FOUND) with `missing` in the details, and what `Call` raises."""

    def __init__(self, call: Call, learn: Learn, clock: Clock, *, imports_per_hour: int) -> None:
        self._call = call
        self._learn = learn
        self._clock = clock
        self._imports_per_hour = imports_per_hour
        self._imports: dict[str, deque[float]] = {}
        self._walked: dict[str, float] = {}

    def forget_session(self, session_id: str) -> None:
        self._imports.pop(session_id, None)
        self._walked.pop(session_id, None)

    async def me(self, session_id: str, *, within: float) -> Known:
        found = await self._call(session_id, GetMe(), within=within)
        known = Known(found.user_id, found.access_hash, found.phone, found.username, found.name, is_self=True)
        self._learn(session_id, [known])
        return known

    async def username(self, session_id: str, username: str, *, within: float) -> Known:
        answer = await self._call(session_id, ResolveUsername(username), within=within)
        self._learn(session_id, answer.known)
        for one in answer.known:
            if one.peer_id == answer.peer_id:
                return one
        raise nobody(f"Nobody has the username @{username}", "username")

    async def invite(self, session_id: str, hash_: str, *, within: float) -> Known:
        answer = await self._call(session_id, CheckInvite(hash_), within=within)
        self._learn(session_id, answer.known)
        for one in answer.known:
            if one.peer_id == answer.peer_id:
                return one
        raise nobody(
            "This account is not in the chat of this invite link, or the link is dead: join first", "membership"
        )

    async def marked(self, session_id: str, peer_id: int, *, within: float) -> Known:
        """By marked id: a basic group by a call of its own, others where a list tells their access hash."""
        kind, bare = unmarked(peer_id)
        until = loop_time() + within
        if kind is PeerKind.CHAT:
            answer = await self._call(session_id, LookAtGroup(bare), within=within)
            self._learn(session_id, answer.known)
            found = next((one for one in answer.known if one.peer_id == peer_id), None)
            if found is None:
                raise nobody(f"This account has no basic group {peer_id}", "membership")
            return found
        self._spend_walk(session_id, peer_id)
        if kind is PeerKind.USER:
            contacts = await self._call(session_id, ListContacts(), within=within)
            self._learn(session_id, contacts.known)
            for one in contacts.known:
                if one.peer_id == peer_id:
                    return one
        return await self._walk(session_id, peer_id, until)

    async def _walk(self, session_id: str, peer_id: int, until: float) -> Known:
        after: Place | None = None
        for _ in range(_PAGES):
            left = max(_LEAST_S, until - loop_time())
            page = await self._call(session_id, WalkDialogs(after), within=left)
            self._learn(session_id, page.known)
            for one in page.known:
                if one.peer_id == peer_id:
                    return one
            after = page.after
            if after is None:
                break
        raise no_access_hash(peer_id)

    def _spend_walk(self, session_id: str, peer_id: int) -> None:
        """The last walk learnt all that there is: soon after, another would find no more."""
        now = self._clock.monotonic()
        if now - self._walked.get(session_id, -_WALK_EVERY_S) < _WALK_EVERY_S:
            raise no_access_hash(peer_id)
        self._walked[session_id] = now

    async def phone(self, session_id: str, phone: str, *, within: float) -> Found | None:
        """None: not on Telegram, or hidden."""
        until = loop_time() + within
        try:
            found = await self._call(session_id, ResolvePhone(phone), within=within)
        except Upstream as error:
            if error.code != "TELEGRAM_ERROR":
                raise
            found = None  # a data centre that does not know the method may know the older way
        if found is not None:
            return found
        self._spend_import(session_id)
        return await self._call(session_id, ImportContact(phone), within=max(_LEAST_S, until - loop_time()))

    def _spend_import(self, session_id: str) -> None:
        now = self._clock.monotonic()
        spent = self._imports.setdefault(session_id, deque())
        while spent and spent[0] <= now - _HOUR_S:
            spent.popleft()
        if len(spent) >= self._imports_per_hour:
            retry = max(1.0, spent[0] + _HOUR_S - now) if spent else _HOUR_S
            raise Limited(
                "This account has looked up as many strangers as it may in an hour",
                code="CONTACT_BUDGET",
                retry_after=retry,
            )
        spent.append(now)


def nobody(message: str, missing: str) -> NotFound:
    return NotFound(message, code="PEER_NOT_FOUND", details={"missing": missing})


def no_access_hash(peer_id: int) -> NotFound:
    return nobody(
        f"This account has not met {peer_id}, and Telegram tells no access hash for it: name it by @username, phone "
        "number or link",
        "access hash",
    )
