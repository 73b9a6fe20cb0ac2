"""The outbox: accept on disk, keep each chat's order, recover what a dead process left.

Promises: an accepted send ends in `sent` or a named failure; one accepted send is at most one message; sends to
one chat leave in the order of their acceptance, and a waiting chat blocks no other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from teleflow.errors import Conflict, NotFound, StorageUnavailable, TeleFlowError, Unavailable
from teleflow.kit.clock import Clock, loop_time, milliseconds
from teleflow.kit.ids import new_id, random_int64
from teleflow.kit.tasks import Tasks
from teleflow.model.jobs import Parcel, SendJob, SendState
from teleflow.model.sending import Sending
from teleflow.model.users import User
from teleflow.outbox.lanes import Lane, Lanes
from teleflow.outbox.ports import Peers
from teleflow.outbox.sender import Sender
from teleflow.outbox.settle import Settler
from teleflow.outbox.tickets import Ticket
from teleflow.storage.base import Storage
from teleflow.tracing import Tracing

_log = structlog.get_logger(__name__)
Store = Callable[[SendJob, str, int], Awaitable[bool]]
"""Given the job, the node and how long its lease is: store it."""

_OPEN_LIMIT = 20_000
_LANE_LIMIT = 1_000
_LEASE_MS = 60_000
_TEND_EVERY_S = 5.0
_CLAIM = 500
_POLL_S = 0.1
_SLACK_S = 5.0
_NOT_ITS_TURN = "Other messages to this chat took too long; this one was not sent and will not be"
_GONE = "Not sent: the account was removed"
_CANCELLED = "Cancelled before it was sent"


class Outbox:
    """Sends of this node. `node` names the process in leases."""

    def __init__(
        self,
        storage: Storage,
        sender: Sender,
        settler: Settler,
        lanes: Lanes,
        peers: Peers,
        clock: Clock,
        *,
        node: str,
        send_wait_seconds: float,
        tracing: Tracing | None = None,
    ) -> None:
        self._storage = storage
        self._sender = sender
        self._settler = settler
        self._lanes = lanes
        self._peers = peers
        self._clock = clock
        self._node = node
        self._send_wait = send_wait_seconds
        self._tickets: dict[str, Ticket] = {}
        self._carried: set[Ticket] = set()
        self._draining = False
        self._tracing = tracing or Tracing()
        self._tasks = Tasks("outbox")

    # -- life ---------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take over what a dead process left open. Call it before the first request is served."""
        freed = await self._storage.release_leases(except_node=self._node)
        if freed:
            _log.info("outbox.recovering", jobs=freed)
        await self._claim()
        self._tasks.start(self._tend(), "outbox")

    async def drain(self, *, within: float) -> int:
        """Begin no other send, and see those under way through, at most so many seconds. How many stay open.

        What is queued, or uncertain and to be repeated, stays as it is: whoever comes next carries on.
        """
        self._draining = True
        until = loop_time() + within
        while loop_time() < until:
            leaving = next((one for one in self._carried if one.job.state is SendState.SENDING), None)
            if leaving is None:
                break
            await leaving.outcome(until)
        await self._settler.written(within=max(1.0, until - loop_time()))
        return len(self._tickets)

    async def stop(self) -> None:
        """What is under way stays open in the database, and goes on at the next start."""
        await self._tasks.close()
        await self._settler.stop()

    async def written(self) -> None:
        """The fence for readers: what callers have been told by now is in the log."""
        await self._settler.written()

    @property
    def open(self) -> int:
        return len(self._tickets)

    # -- sending ------------------------------------------------------------------------------------------

    async def send(self, sending: Sending) -> SendJob:
        """Accept, send, and wait for the outcome, at most SEND_WAIT_SECONDS.

        The job is final or `uncertain` then. Raises Unavailable (nothing was stored), Invalid
        (IDEMPOTENCY_KEY_REUSED).
        """
        deadline = loop_time() + self._send_wait
        job, replayed = await self._accept(sending, waits=True)
        if replayed:
            return await self._first(job, deadline)
        ticket = Ticket(job, deadline=deadline, may_have_left=False)
        self._enter(ticket)
        job = await ticket.outcome(deadline)
        if job.state is SendState.QUEUED:
            return await self._withdraw(ticket)
        if job.state is SendState.SENDING:
            # The sender ends by the deadline too; the slack only covers its last writes.
            job = await ticket.outcome(deadline + _SLACK_S)
        return _told(job, ticket)

    async def post(self, sending: Sending) -> SendJob:
        """Accept, and send when its turn comes. Raises as `send`."""
        job, replayed = await self._accept(sending, waits=False)
        if not replayed:
            self._enter(Ticket(job, deadline=None, may_have_left=False))
            return job
        ticket = self._tickets.get(job.id)
        return ticket.job if ticket is not None else self._settler.known(job.id) or job

    async def deliver(self, sending: Sending) -> SendJob:
        """As `post`, for what may take long; the outcome if it comes within SEND_WAIT_SECONDS, else how it stands."""
        deadline = loop_time() + self._send_wait
        job, replayed = await self._accept(sending, waits=False)
        if replayed:
            return await self._first(job, deadline)
        ticket = Ticket(job, deadline=None, may_have_left=False)
        self._enter(ticket)
        return _told(await ticket.outcome(deadline), ticket)

    async def place(self, sending: Sending, random_id: int, store: Store) -> None:
        """Post what somebody else stores, with a random_id of theirs; False from `store`: it is not to be sent.

        Raises as `send`, and what `store` raises.
        """
        job = self._job(sending, random_id=random_id)
        if await store(job, self._node, job.created_at + _LEASE_MS):
            self._enter(Ticket(job, deadline=None, may_have_left=False))

    def withdrawn(self, job_id: str) -> None:
        """Somebody made it cancelled in the database."""
        ticket = self._tickets.get(job_id)
        if ticket is not None and not ticket.job.state.is_final:
            ticket.tell(replace(ticket.job, state=SendState.CANCELLED, due_at=None))

    async def replayed(self, sending: Sending) -> SendJob | None:
        """What became of the first request with this key, for one that could not be carried out now.

        None when it is the first. Raises Invalid(IDEMPOTENCY_KEY_REUSED).
        """
        if sending.idempotency_key is None:
            return None
        job = await self._storage.send_with_key(
            sending.user.id, sending.idempotency_key, fingerprint=sending.fingerprint
        )
        return None if job is None else await self._first(job, loop_time() + self._send_wait)

    async def cancel(self, user_id: str, job_id: str) -> SendJob:
        """Raises NotFound, Conflict when it has left or ended already."""
        job = await self.job(user_id, job_id)
        await self._settler.stored(job_id)
        if await self._storage.cancel_send(job.id, detail=_CANCELLED, now=milliseconds(self._clock.time())):
            job = replace(job, state=SendState.CANCELLED, due_at=None)
            ticket = self._tickets.get(job_id)
            if ticket is not None:
                ticket.tell(job)
            return job
        stored = await self.job(user_id, job_id)
        if stored.state is SendState.CANCELLED:
            return stored
        raise Conflict(f"The job is {stored.state.value}: only what has not left can be cancelled", code="JOB_NOT_OPEN")

    async def job(self, user_id: str, job_id: str) -> SendJob:
        """As its caller was told it. Raises NotFound."""
        stored = await self._storage.send_job(user_id, job_id)
        if stored is None:
            raise NotFound("There is no such job", code="JOB_NOT_FOUND")
        told = self._settler.known(job_id) or stored
        ticket = self._tickets.get(job_id)
        return told if ticket is None or told.state.is_final else replace(told, uploaded=ticket.job.uploaded)

    async def reject(self, *, user: User, from_phone: str, chat: str, text: str, error: TeleFlowError) -> None:
        """Log an attempt that failed before it became a job."""
        await self._storage.log_rejected(
            user_id=user.id,
            username=user.username,
            from_phone=from_phone,
            to_phone=chat,
            message=text,
            detail=error.message,
            now=milliseconds(self._clock.time()),
        )

    async def _accept(self, sending: Sending, *, waits: bool) -> tuple[SendJob, bool]:
        job = self._job(sending, alone_goes_at_once=waits)
        accepted = await self._storage.accept_send(
            job,
            username=sending.user.username,
            from_phone=sending.session.phone,
            idempotency_key=sending.idempotency_key,
            fingerprint=sending.fingerprint,
            node=self._node,
            lease_until=job.created_at + _LEASE_MS,
        )
        return accepted.job, accepted.replayed

    def _job(self, sending: Sending, *, alone_goes_at_once: bool = False, random_id: int | None = None) -> SendJob:
        """Raises Unavailable(QUEUE_FULL)."""
        session, chat = sending.session, str(sending.ref)
        peer = self._peers.recall(session.id, sending.ref)
        chat_id = peer.marked_id if peer is not None else None
        standing = self._lanes.standing(session.id, chat, chat_id)
        if len(self._tickets) >= _OPEN_LIMIT or (standing is not None and len(standing) >= _LANE_LIMIT):
            raise Unavailable("Too many messages are waiting to be sent", code="QUEUE_FULL", retry_after=5)
        return SendJob(
            id=sending.job_id or new_id("job"),
            user_id=sending.user.id,
            session_id=session.id,
            random_id=random_int64() if random_id is None else random_id,
            chat=chat,
            content=sending.content,
            # Who waits and is alone goes at once, and one write is saved.
            state=SendState.SENDING if alone_goes_at_once and standing is None else SendState.QUEUED,
            attempts=0,
            created_at=milliseconds(self._clock.time()),
            chat_id=chat_id,
            account_id=session.account_id,
        )

    async def _withdraw(self, ticket: Ticket) -> SendJob:
        """Its turn did not come in time. What can be promised now is that it never will."""
        if await self._storage.cancel_send(ticket.job.id, detail=_NOT_ITS_TURN, now=milliseconds(self._clock.time())):
            return ticket.update(
                state=SendState.CANCELLED,
                error_kind=Unavailable.kind.value,
                error_code="SEND_TIMEOUT",
                error_message=_NOT_ITS_TURN,
            )
        return _told(ticket.job, ticket)

    async def _first(self, job: SendJob, deadline: float) -> SendJob:
        """The outcome of the request that came first with this idempotency key."""
        ticket = self._tickets.get(job.id)
        if ticket is not None:
            return _told(await ticket.outcome(deadline), ticket)
        told = self._settler.known(job.id)
        if told is not None:
            return told
        while not job.state.is_final and loop_time() < deadline:
            await self._clock.sleep(_POLL_S)
            job = await self._storage.send_job(job.user_id, job.id) or job
        return job

    # -- lanes --------------------------------------------------------------------------------------------

    def _enter(self, ticket: Ticket) -> None:
        self._tickets[ticket.job.id] = ticket
        ticket.trace = self._tracing.here()
        self._tracing.remember(ticket.job.id)
        lane = self._lanes.enter(ticket)
        if lane is not None:
            name = f"lane:{ticket.job.session_id}"
            self._tasks.start(self._work(lane), name, on_failure=lambda _: self._abandon(lane))

    async def _work(self, lane: Lane) -> None:
        """One chat's sends, one after the other."""
        waiting = lane.tickets
        while waiting:
            ticket = waiting[0]
            try:
                with self._tracing.under(ticket.trace):
                    await self._see_through(ticket)
                    if ticket.job.message_id is not None:  # as the event of the message is known by
                        self._tracing.remember((ticket.job.session_id, ticket.job.chat_id, ticket.job.message_id))
            finally:
                waiting.popleft()
                self._tickets.pop(ticket.job.id, None)
            await self._sender.ended(ticket)
        self._lanes.close(lane)

    async def _see_through(self, ticket: Ticket) -> None:
        """Until it is final; a wait that Telegram asked for keeps the chat's order, and nothing else."""
        while not (ticket.job.state.is_final or self._draining):
            seconds = None
            if ticket.job.state is SendState.QUEUED:
                content = ticket.job.content
                if isinstance(content, Parcel) and content.to_upload:
                    seconds = await self._sender.prepare(ticket)
                if ticket.job.state.is_final or (seconds is None and not await self._begin(ticket)):
                    return
            if seconds is None:
                self._carried.add(ticket)
                try:
                    seconds = await self._sender.carry(ticket)
                finally:
                    self._carried.discard(ticket)
            if seconds is None:
                return
            await ticket.pause(seconds)

    async def _begin(self, ticket: Ticket) -> bool:
        """Queued → sending, unless it was cancelled meanwhile."""
        lease_until = milliseconds(self._clock.time()) + _LEASE_MS
        try:
            await self._settler.stored(ticket.job.id)
            mine = await self._storage.mark_sending(
                ticket.job.id, attempts=ticket.job.attempts, node=self._node, lease_until=lease_until
            )
        except StorageUnavailable:
            return True  # the state is for readers; the job's random_id is what makes it safe
        if mine:
            ticket.update(state=SendState.SENDING, due_at=None)
            return True
        stored = await self._storage.send_job(ticket.job.user_id, ticket.job.id)
        # Gone with its user, it was cancelled too: it has not left, and nobody will take it up again.
        ticket.tell(stored or replace(ticket.job, state=SendState.CANCELLED, error_message=_GONE))
        return False

    def _abandon(self, lane: Lane) -> None:
        """A lane's task failed (a bug): its jobs stay open in the database and are claimed again."""
        for ticket in self._lanes.close(lane):
            self._tickets.pop(ticket.job.id, None)

    # -- recovery -----------------------------------------------------------------------------------------

    async def _tend(self) -> None:
        """Renew the leases of what is under way; take what others left."""
        while True:
            await self._clock.sleep(_TEND_EVERY_S)
            try:
                lease_until = milliseconds(self._clock.time()) + _LEASE_MS
                await self._storage.renew_leases(list(self._tickets), node=self._node, lease_until=lease_until)
                await self._claim()
            except TeleFlowError as error:
                _log.warning("outbox.not_tended", cause=error.code)

    async def _claim(self) -> None:
        while not self._draining:
            now = milliseconds(self._clock.time())
            jobs = await self._storage.claim_sends(node=self._node, now=now, lease_until=now + _LEASE_MS, limit=_CLAIM)
            for job in jobs:
                if job.id not in self._tickets and job.id not in self._settler.storing:
                    self._enter(Ticket(job, deadline=None, may_have_left=job.state is not SendState.QUEUED))
            if len(jobs) < _CLAIM:
                return


def _told(job: SendJob, ticket: Ticket) -> SendJob:
    """What a waiting caller is told: an open state is told as uncertain, since it still may go out."""
    if job.state.is_final or job.state is SendState.UNCERTAIN:
        return job
    return replace(job, state=SendState.UNCERTAIN) if ticket.may_have_left else job
