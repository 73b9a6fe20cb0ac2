"""Broadcasts: prepared, looked at beforehand, started and ended; and who wants none.

Nothing here sends: `teleflow.broadcasts` does. Promises: a broadcast is the principal's own, and of a session that what
proves them reaches; what is wrong with one recipient is told of that one, and the others go.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from teleflow.errors import Conflict, Invalid, NotFound, TeleFlowError
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.ids import id_of
from teleflow.model.audit import Act, AuditEntry
from teleflow.model.broadcasts import (
    MOST_RECIPIENTS,
    Broadcast,
    BroadcastState,
    OptOut,
    Plan,
    Recipient,
    RecipientState,
)
from teleflow.model.parcels import attachment_of
from teleflow.model.peers import PeerRef, RefForm, parse_ref
from teleflow.model.templates import Template
from teleflow.model.users import Principal
from teleflow.services.owned import MOST_ID, owned_session
from teleflow.services.ports import Reach
from teleflow.storage.base import BroadcastStore, PacingStore, PeerStore, SessionStore
from teleflow.wire.files import FileIds

_log = structlog.get_logger(__name__)
MOST_OPT_OUTS = 100_000
BROADCAST, OPT_OUT = "bct", "out"
_PAGE = 500
_RESOLVE_S = 20.0
_DUPLICATE = "The same recipient stands further up"
_ACTS = {
    BroadcastState.RUNNING: Act.BROADCAST_STARTED,
    BroadcastState.PAUSED: Act.BROADCAST_PAUSED,
    BroadcastState.CANCELLED: Act.BROADCAST_CANCELLED,
}


class Store(BroadcastStore, SessionStore, PeerStore, PacingStore, Protocol):
    """What broadcasts need of the storage."""


class Bell(Protocol):
    """Implemented by `broadcasts.worker`."""

    def rung(self, broadcast_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Named:
    """A recipient as the caller wrote them."""

    to: str
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one recipient would be sent, or why nothing: `error` and its `reason`."""

    number: int
    to: str
    text: str | None = None
    error: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of a dry run. `unknown`: those whom Telegram would have to be asked about; `strangers`: at least so many."""

    recipients: int
    would_send: int
    unknown: int
    strangers: int
    skipped: tuple[Seen, ...]


class Broadcasts:
    """All raise NotFound(BROADCAST_NOT_FOUND) where one is named that is not the principal's."""

    def __init__(
        self, storage: Store, reach: Reach, bell: Bell, file_ids: FileIds, clock: Clock, *, per_minute: int
    ) -> None:
        self._file_ids = file_ids
        self._storage = storage
        self._reach = reach
        self._bell = bell
        self._clock = clock
        self._per_minute = per_minute

    async def create(
        self, principal: Principal, session_id: str, name: str, plan: Plan, named: Sequence[Named], *, start: bool
    ) -> Broadcast:
        """A draft; started at once if asked. Raises Invalid, NotFound(SESSION_NOT_FOUND)."""
        template = await self._checked(principal, session_id, plan)
        now = self._now()
        id_ = id_of(BROADCAST, principal.act)
        made = await self._storage.broadcast(principal.user_id, id_) if principal.act is not None else None
        if made is not None and made.state is not BroadcastState.DRAFT:
            return made  # by the same request, whose answer nobody got: it runs already
        broadcast = Broadcast(
            id=id_,
            user_id=principal.user_id,
            session_id=session_id,
            name=name,
            plan=plan,
            state=BroadcastState.DRAFT,
            created_at=now,
            updated_at=now,
        )
        recipients = _read(template, named, now)
        entry = self._entry(principal, Act.BROADCAST_CREATED, broadcast, recipients=len(recipients))
        await self._storage.add_broadcast(broadcast, recipients, audit=entry)
        if start:
            return await self.move(principal, broadcast.id, BroadcastState.RUNNING)
        return broadcast

    async def add(self, principal: Principal, broadcast_id: str, named: Sequence[Named]) -> int:
        """Further recipients of a draft; how many there are then. Raises Conflict(BROADCAST_NOT_DRAFT …)."""
        broadcast = await self.get(principal, broadcast_id)
        template = _template(broadcast.plan)
        now = self._now()
        return await self._storage.add_recipients(
            principal.user_id, broadcast_id, _read(template, named, now), most=MOST_RECIPIENTS
        )

    async def preview(self, principal: Principal, session_id: str, plan: Plan, named: Sequence[Named]) -> list[Seen]:
        """What each would be sent. Raises as `create`."""
        template = await self._checked(principal, session_id, plan)
        return [_seen(template, number, one) for number, one in enumerate(named, 1)]

    async def dry_run(self, principal: Principal, session_id: str, plan: Plan, named: Sequence[Named]) -> Forecast:
        """Who would be skipped, as far as it is known without asking Telegram. Raises as `create`."""
        template = await self._checked(principal, session_id, plan)
        met: dict[str, int] = {}
        skipped: list[Seen] = []
        unknown = strangers = 0
        for number, one in enumerate(named, 1):
            if number % 50 == 0:
                await asyncio.sleep(0)
            seen = _seen(template, number, one)
            if seen.error is None:
                ref = parse_ref(one.to)
                names, chat_id = await self._names(session_id, ref)
                if any(each in met for each in names):
                    seen = dataclasses.replace(seen, text=None, error="DUPLICATE", reason=_DUPLICATE)
                elif await self._storage.opted_out(principal.user_id, names):
                    seen = dataclasses.replace(
                        seen, text=None, error="OPTED_OUT", reason="They are on the opt-out list"
                    )
                elif chat_id is None:
                    unknown += ref.form is not RefForm.ME
                elif chat_id > 0 and not await self._storage.is_acquainted(session_id, chat_id):
                    strangers += 1
                met |= dict.fromkeys(names, number)
            if seen.error is not None:
                skipped.append(seen)
        return Forecast(len(named), len(named) - len(skipped), unknown, strangers, tuple(skipped))

    async def get(self, principal: Principal, broadcast_id: str) -> Broadcast:
        found = None
        if len(broadcast_id) <= MOST_ID and broadcast_id.isascii():
            found = await self._storage.broadcast(principal.user_id, broadcast_id)
        if found is None or not principal.sees(found.session_id):
            raise _unknown()
        return found

    async def counts(self, broadcast: Broadcast) -> Mapping[RecipientState, int]:
        return await self._storage.recipient_counts(broadcast.id)

    async def mine(
        self,
        principal: Principal,
        *,
        limit: int,
        session_id: str | None = None,
        state: BroadcastState | None = None,
        before: str | None = None,
    ) -> list[Broadcast]:
        """Newest first. Raises NotFound(SESSION_NOT_FOUND)."""
        if session_id is not None:
            await owned_session(self._storage, principal, session_id)
        allowed = principal.session_ids if session_id is None else frozenset({session_id})
        return await self._storage.broadcasts(
            principal.user_id, limit=limit, session_ids=allowed, state=state, before=before
        )

    async def move(self, principal: Principal, broadcast_id: str, state: BroadcastState) -> Broadcast:
        """Start or resume, pause, cancel. A second time changes nothing. Raises Conflict(BROADCAST_STATE)."""
        broadcast = await self.get(principal, broadcast_id)
        if state is BroadcastState.RUNNING and broadcast.state is not state:
            await owned_session(self._storage, principal, broadcast.session_id)
        entry = self._entry(principal, _ACTS[state], broadcast)
        moved = await self._storage.move_broadcast(principal.user_id, broadcast_id, state, now=self._now(), audit=entry)
        broadcast = await self.get(principal, broadcast_id)
        if not moved and broadcast.state is not state:
            raise Conflict(f"The broadcast is {broadcast.state.value}", code="BROADCAST_STATE")
        if moved:
            _log.info("broadcast.moved", id=broadcast_id, state=state.value, user=principal.user_id)
        self._bell.rung(broadcast_id)
        return broadcast

    async def recipients(
        self,
        principal: Principal,
        broadcast_id: str,
        *,
        limit: int,
        state: RecipientState | None = None,
        after: int = 0,
    ) -> list[Recipient]:
        """The report, by number."""
        await self.get(principal, broadcast_id)
        return await self._storage.broadcast_recipients(broadcast_id, limit=limit, state=state, after=after)

    async def report(self, principal: Principal, broadcast_id: str) -> AsyncIterator[list[Recipient]]:
        """All of it, in pages."""
        await self.get(principal, broadcast_id)
        return self._pages(broadcast_id)

    async def opt_out(self, principal: Principal, peer: PeerRef, note: str, *, session_id: str | None = None) -> OptOut:
        """Put somebody on the list; found through a session, they are known by whatever name. Raises what that does."""
        written = str(peer)
        if session_id is not None:
            session = await owned_session(self._storage, principal, session_id)
            written = str((await self._reach.peer(session.id, peer, within=_RESOLVE_S)).marked_id)
        wish = OptOut(
            id_of(OPT_OUT, principal.act),
            principal.user_id,
            written,
            note,
            self._now(),
        )
        return await self._storage.add_opt_out(wish, most=MOST_OPT_OUTS)

    async def opt_outs(self, principal: Principal, *, limit: int, before: str | None = None) -> list[OptOut]:
        """Newest first."""
        return await self._storage.opt_outs(principal.user_id, limit=limit, before=before)

    async def opt_in(self, principal: Principal, opt_out_id: str) -> None:
        """Raises NotFound(OPT_OUT_NOT_FOUND)."""
        known = len(opt_out_id) <= MOST_ID and opt_out_id.isascii()
        if not known or not await self._storage.remove_opt_out(principal.user_id, opt_out_id):
            raise NotFound("There is no opt-out of this id", code="OPT_OUT_NOT_FOUND")

    async def _pages(self, broadcast_id: str) -> AsyncIterator[list[Recipient]]:
        after = 0
        while True:
            page = await self._storage.broadcast_recipients(broadcast_id, limit=_PAGE, after=after)
            if page:
                yield page
            if len(page) < _PAGE:
                return
            after = page[-1].number
            await asyncio.sleep(0)

    async def _checked(self, principal: Principal, session_id: str, plan: Plan) -> Template:
        await owned_session(self._storage, principal, session_id)
        if plan.pace.per_minute > self._per_minute:
            raise Invalid(
                f"This service paces broadcasts to at most {self._per_minute} messages a minute",
                details={"field": "pace.perMinute", "limit": self._per_minute},
            )
        if plan.file_id is not None:
            attachment_of(self._file_ids.read(session_id, plan.file_id))
        return _template(plan)

    async def _names(self, session_id: str, ref: PeerRef) -> tuple[frozenset[str], int | None]:
        """By what this recipient may be on a list, and their marked id where the session knows it."""
        known = None
        if isinstance(ref.value, int):
            known = await self._storage.peer(session_id, ref.value)
        elif ref.form is RefForm.USERNAME:
            known = await self._storage.peer_named(session_id, ref.value, since=0)
        elif ref.form is RefForm.PHONE:
            looked = await self._storage.phone_lookup(session_id, ref.value)
            known = None if looked is None else looked.known
        if known is None:
            return frozenset({str(ref)}), ref.value if isinstance(ref.value, int) else None
        names = {str(ref), str(known.peer_id)}
        names |= {f"@{known.username}"} if known.username else set()
        names |= {f"+{known.phone.lstrip('+')}"} if known.phone else set()
        return frozenset(names), known.peer_id

    def _now(self) -> int:
        return milliseconds(self._clock.time())

    def _entry(self, principal: Principal, act: Act, broadcast: Broadcast, **details: Any) -> AuditEntry:
        return AuditEntry.by(
            principal, act, now=self._now(), target=broadcast.id, session=broadcast.session_id, **details
        )


def _unknown() -> NotFound:
    return NotFound("There is no broadcast of this id", code="BROADCAST_NOT_FOUND")


def _template(plan: Plan) -> Template:
    return Template(plan.text, plan.parse_mode, may_be_empty=plan.file_id is not None)


def _seen(template: Template, number: int, one: Named) -> Seen:
    try:
        parse_ref(one.to, field="to")
        text, _ = template.fill(one.variables)
    except TeleFlowError as error:
        return Seen(number, one.to, error=error.code, reason=error.message)
    return Seen(number, one.to, text=text)


def _read(template: Template, named: Sequence[Named], now: int) -> list[Recipient]:
    """As rows; one who can't be sent to as written has failed already, and one who is there twice is skipped."""
    found: list[Recipient] = []
    met: set[str] = set()
    for number, one in enumerate(named, 1):
        seen = _seen(template, number, one)
        to = one.to if seen.error is not None else str(parse_ref(one.to))
        recipient = Recipient(number, to, dict(one.variables))
        if seen.error is not None:
            recipient = dataclasses.replace(
                recipient, state=RecipientState.FAILED, code=seen.error, reason=seen.reason, ended_at=now
            )
        elif to in met:
            recipient = dataclasses.replace(
                recipient, state=RecipientState.SKIPPED, code="DUPLICATE", reason=_DUPLICATE, ended_at=now
            )
        met.add(to)
        found.append(recipient)
    return found
