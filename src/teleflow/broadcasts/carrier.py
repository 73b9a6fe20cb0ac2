"""One broadcast, from recipient to recipient.

Promises: a recipient's job is made in the transaction in which their row moves on, with the one random_id that is
theirs, so that no crash reaches anybody twice or leaves them out; at most `WINDOW` jobs are out; what rests (a wait of
Telegram's, quiet hours, a pause) has no job in the outbox that could leave.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import structlog

from teleflow.broadcasts.ports import FileOf, Outbox, Peers, Store, Strangers
from teleflow.errors import Forbidden, Invalid, Limited, NotFound, TeleFlowError, Unavailable, Uncertain
from teleflow.fleet.ended import refuse_ended
from teleflow.kit.clock import Clock, milliseconds
from teleflow.model.broadcasts import (
    ACCOUNT_WAITS,
    STOPS,
    Broadcast,
    BroadcastState,
    Outcome,
    Recipient,
    RecipientState,
    outcome_of,
    random_id_of,
)
from teleflow.model.jobs import Parcel, SendJob, SendState, Text
from teleflow.model.parcels import Part, attachment_of
from teleflow.model.peers import Peer, parse_ref
from teleflow.model.sending import Sending
from teleflow.model.sessions import Session, SessionState
from teleflow.model.templates import Template
from teleflow.model.users import User
from teleflow.outbox.sender import MAY_HAVE_GONE_OUT
from teleflow.storage.base import Placed

_log = structlog.get_logger(__name__)
WINDOW = 20
LOOK_S = 1.0  # how long a change that nobody rings for may take to be seen
_SOON_S = 0.05
_LONGEST_S = 15.0  # at a time, of a rest: whoever changes something rings
_AHEAD = 100
_ASK_S = 20.0
_AGAIN_S = 5.0
_DAY_MS = 86_400_000
_REST = frozenset({"floodWait", "budget", "connection"})
# Telegram may have said so to something else that this account did.
_IMPAIRED = {SessionState.RESTRICTED: "TELEGRAM_RESTRICTED", SessionState.FROZEN: "ACCOUNT_FROZEN"}
_WITHDRAWN = "Withdrawn: the broadcast rests, and this goes out when it goes on"
_BUDGET = "The account has written to as many people for the first time as it may in 24 hours"


class Carrier:
    """`step` is called again and again, by one task."""

    def __init__(
        self,
        broadcast: Broadcast,
        storage: Store,
        outbox: Outbox,
        peers: Peers,
        strangers: Strangers,
        clock: Clock,
        chance: random.Random,
        file_of: FileOf,
    ) -> None:
        self._broadcast = broadcast
        self._file_of = file_of
        plan = broadcast.plan
        self._template = Template(plan.text, plan.parse_mode, may_be_empty=plan.file_id is not None)
        self._storage = storage
        self._outbox = outbox
        self._peers = peers
        self._strangers = strangers
        self._clock = clock
        self._chance = chance
        self._ahead: deque[Recipient] = deque()
        self._account: tuple[User, Session] | None = None
        self._looks = False
        self._impaired: SessionState | None = None  # what the session was when this began to run
        self._looked_at = -LOOK_S
        self._settled_at = -LOOK_S
        self._open = 0

    async def step(self, *, others: bool) -> float | None:
        """One thing; after how many seconds the next. None: there is nothing left to do.

        `others`: another broadcast of this session runs before this one. Raises what the storage raises.
        """
        broadcast = await self._storage.broadcast(self._broadcast.user_id, self._broadcast.id)
        if broadcast is None:
            return None
        self._broadcast = broadcast
        if broadcast.state is not BroadcastState.RUNNING:
            return await self._wind_up(broadcast)
        due = self._open and self._clock.monotonic() - self._settled_at >= _SOON_S
        if due and await self._settle(broadcast):
            return 0.0
        now = milliseconds(self._clock.time())
        why, until = self._resting(broadcast, now, others=others)
        if why is not None:
            return await self._rest(broadcast, why, until, now)
        if broadcast.waiting_for is not None:
            await self._storage.rest_broadcast(broadcast.id, None, None, now=now)
        if self._open >= WINDOW:
            return _SOON_S
        if now < broadcast.next_at:
            return min((broadcast.next_at - now) / 1000, LOOK_S if not self._open else _SOON_S * 2)
        return await self._next(broadcast, now)

    async def begin(self) -> None:
        """What is out already, from before."""
        self._open = len(await self._storage.queued_recipients(self._broadcast.id, limit=WINDOW * 2))

    def _resting(self, broadcast: Broadcast, now: int, *, others: bool) -> tuple[str | None, int | None]:
        plan = broadcast.plan
        if plan.start_at is not None and plan.start_at > now:
            return "startAt", plan.start_at
        quiet = plan.quiet.until(now) if plan.quiet is not None else None
        if quiet is not None:
            return "quietHours", quiet
        if broadcast.waiting_for in _REST and (broadcast.waiting_until or 0) > now:
            return broadcast.waiting_for, broadcast.waiting_until
        return ("otherBroadcast", None) if others else (None, None)

    async def _rest(self, broadcast: Broadcast, why: str, until: int | None, now: int) -> float:
        if (why, until) != (broadcast.waiting_for, broadcast.waiting_until):
            await self._storage.rest_broadcast(broadcast.id, why, until, now=now)
        if self._open and why != "connection":
            await self._withdraw(broadcast)
        return LOOK_S if until is None else min(max((until - now) / 1000, _SOON_S), _LONGEST_S)

    async def _wind_up(self, broadcast: Broadcast) -> float | None:
        """Not running: call back what has not left, and wait for the ends of what has."""
        self._ahead.clear()
        self._account, self._looks = None, False
        await self._settle(broadcast)
        await self._withdraw(broadcast)
        return LOOK_S / 4 if self._open else None

    # -- what is out --------------------------------------------------------------------------------------

    async def _settle(self, broadcast: Broadcast) -> bool:
        """Write down what has ended. True when that changed the broadcast."""
        out = await self._storage.queued_recipients(broadcast.id, limit=WINDOW * 2)
        self._settled_at = self._clock.monotonic()
        now = milliseconds(self._clock.time())
        outcomes = [one for one in (_outcome(number, job) for number, job in out) if one is not None]
        self._open = len(out) - len(outcomes)
        if outcomes:
            await self._storage.settle_recipients(broadcast, outcomes, now=now)
        if any(one.state is RecipientState.PENDING for one in outcomes):
            self._ahead.clear()
        rests = await self._obey(broadcast, out, now)
        changes = rests or any(one.stop is not None or one.state is RecipientState.FAILED for one in outcomes)
        return changes and broadcast.state is BroadcastState.RUNNING

    async def _obey(self, broadcast: Broadcast, out: Sequence[tuple[int, SendJob]], now: int) -> bool:
        """Waits that jobs were told: the account's are the broadcast's; a spent budget skips who would spend it.

        True when the broadcast rests now.
        """
        until = 0
        for number, job in out:
            waits = job.state is SendState.QUEUED and job.due_at is not None
            if waits and job.error_code == "CONTACT_BUDGET":
                await self._call_back(broadcast, number, job, _BUDGET, skipped="CONTACT_BUDGET")
            elif waits and job.error_code in ACCOUNT_WAITS:
                until = max(until, job.due_at or 0)
            elif job.state is SendState.FAILED and job.error_code in ACCOUNT_WAITS:
                until = max(until, now + round((job.retry_after or _AGAIN_S) * 1000))
        if until <= now or broadcast.state is not BroadcastState.RUNNING:
            return False
        await self._storage.rest_broadcast(broadcast.id, "floodWait", until, now=now)
        return True

    async def _withdraw(self, broadcast: Broadcast) -> None:
        out = await self._storage.queued_recipients(broadcast.id, limit=WINDOW * 2)
        for number, job in out:
            if job.state is SendState.QUEUED:
                await self._call_back(broadcast, number, job, _WITHDRAWN)
        if out:
            self._ahead.clear()
            left = await self._storage.queued_recipients(broadcast.id, limit=WINDOW * 2)
            await self._close(broadcast, left)

    async def _close(self, broadcast: Broadcast, out: Sequence[tuple[int, SendJob]]) -> None:
        outcomes = [one for one in (_outcome(number, job) for number, job in out) if one is not None]
        if outcomes:
            await self._storage.settle_recipients(broadcast, outcomes, now=milliseconds(self._clock.time()))
        self._open = len(out) - len(outcomes)

    async def _call_back(
        self, broadcast: Broadcast, number: int, job: SendJob, detail: str, *, skipped: str | None = None
    ) -> None:
        now = milliseconds(self._clock.time())
        if await self._storage.withdraw_recipient(
            broadcast.id, number, job.id, detail=detail, now=now, skipped=skipped
        ):
            self._outbox.withdrawn(job.id)
            self._open = max(0, self._open - 1)

    # -- who is next --------------------------------------------------------------------------------------

    async def _next(self, broadcast: Broadcast, now: int) -> float | None:
        if not self._ahead:
            self._ahead.extend(
                await self._storage.broadcast_recipients(broadcast.id, limit=_AHEAD, state=RecipientState.PENDING)
            )
        if not self._ahead:
            if self._open:
                return _SOON_S
            await self._storage.move_broadcast(broadcast.user_id, broadcast.id, BroadcastState.FINISHED, now=now)
            _log.info("broadcast.finished", id=broadcast.id)
            return None
        recipient = self._ahead[0]
        try:
            text = self._content(recipient)
            user, session = await self._from(broadcast)
            peer = await self._peers.find(session.id, parse_ref(recipient.to), within=_ASK_S)
            stranger = await self._strangers.is_stranger(session.id, peer, within=_ASK_S)
        except TeleFlowError as error:
            return await self._refused(broadcast, recipient, error, now)
        sending = Sending(user, session, parse_ref(recipient.to), text)
        try:
            return await self._place(broadcast, recipient, sending, peer, stranger=stranger)
        except Unavailable as error:
            return await self._refused(broadcast, recipient, error, now)

    async def _place(
        self, broadcast: Broadcast, recipient: Recipient, sending: Sending, peer: Peer, *, stranger: bool
    ) -> float:
        now = milliseconds(self._clock.time())
        next_at = max(now, broadcast.next_at) + broadcast.plan.pace.distance(self._chance.random())

        async def store(job: SendJob, node: str, lease_until: int) -> bool:
            placed = await self._storage.place_recipient(
                broadcast,
                recipient.number,
                replace(job, chat_id=peer.marked_id),
                username=sending.user.username,
                from_phone=sending.session.phone,
                stranger=stranger,
                next_at=next_at,
                node=node,
                lease_until=lease_until,
            )
            if placed is Placed.NOT_NOW:
                self._ahead.clear()
            elif self._ahead:
                self._ahead.popleft()
            self._open += placed is Placed.QUEUED
            return placed is Placed.QUEUED

        await self._outbox.place(sending, random_id_of(broadcast.id, recipient.number), store)
        return 0.0

    def _content(self, recipient: Recipient) -> Text | Parcel:
        """Raises Invalid, and NotFound for a file that the session was never told of."""
        plan = self._broadcast.plan
        text, entities = self._template.fill(recipient.variables)
        if plan.file_id is not None:
            file = attachment_of(self._file_of(self._broadcast.session_id, plan.file_id), spoiler=plan.spoiler)
            return Parcel((Part(file, text, entities),), silent=plan.silent)
        return Text(text, entities=entities, silent=plan.silent, link_preview=plan.link_preview)

    async def _from(self, broadcast: Broadcast) -> tuple[User, Session]:
        """Who sends, looked at anew each second. Raises what `STOPS` names."""
        if self._account is not None and self._clock.monotonic() - self._looked_at < LOOK_S:
            return self._account
        session = await self._storage.session(broadcast.user_id, broadcast.session_id)
        user = await self._storage.user(broadcast.user_id)
        if session is None or user is None:
            raise NotFound("The session is gone", code="SESSION_NOT_FOUND")
        refuse_ended(session)
        if not session.authorised or session.state is SessionState.DISCONNECTED:
            raise Invalid("The session is not connected", code="SESSION_NOT_CONNECTED")
        if self._looks and session.impaired is not None and session.impaired is not self._impaired:
            raise Forbidden("Telegram limits this account since a moment ago", code=_IMPAIRED[session.impaired])
        self._looks, self._impaired = True, session.impaired
        self._account = user, session
        self._looked_at = self._clock.monotonic()
        return self._account

    async def _refused(self, broadcast: Broadcast, recipient: Recipient, error: TeleFlowError, now: int) -> float:
        """No job came of it: the broadcast stops, or rests, or this one recipient fails."""
        if error.code in STOPS:
            await self._storage.move_broadcast(
                broadcast.user_id, broadcast.id, BroadcastState.STOPPED, now=now, cause=error.code
            )
            _log.warning("broadcast.stopped", id=broadcast.id, cause=error.code)
            return 0.0
        if isinstance(error, Limited):
            why = "budget" if error.code == "CONTACT_BUDGET" else "floodWait"
            until = now + min(round((error.retry_after or _AGAIN_S) * 1000), _DAY_MS)
            await self._storage.rest_broadcast(broadcast.id, why, until, now=now)
            return 0.0
        if isinstance(error, Unavailable | Uncertain):
            until = now + round(_AGAIN_S * 1000)
            await self._storage.rest_broadcast(broadcast.id, "connection", until, now=now)
            return 0.0
        if self._ahead:
            self._ahead.popleft()
        await self._storage.end_recipient(
            broadcast.id, recipient.number, RecipientState.FAILED, code=error.code, reason=error.message, now=now
        )
        return 0.0


def _outcome(number: int, job: SendJob) -> Outcome | None:
    left = (job.error_message or "").endswith(MAY_HAVE_GONE_OUT)
    if job.state is SendState.FAILED and job.error_code in ACCOUNT_WAITS and not left:
        return Outcome(number, job.id, RecipientState.PENDING)
    return outcome_of(number, job, may_have_left=left)
