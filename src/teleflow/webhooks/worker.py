"""Carries deliveries to their endpoints.

Promises: what is planned is attempted until it is delivered, given up by its policy or cancelled, whatever becomes of
this process; each attempt is recorded; a slow or dead endpoint takes no more than its share: so many attempts at once
for an endpoint and for a user. The storage is the truth: what is under way here is there as well, and is due
again soon after a process that made it has died.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from teleflow.errors import StorageUnavailable
from teleflow.kit.backoff import FullJitter
from teleflow.kit.clock import Clock, loop_time, milliseconds
from teleflow.kit.tasks import Tasks
from teleflow.meters import Meters
from teleflow.model.webhooks import Disabled, Due, Ordering, RetryPolicy, Tried, Webhook
from teleflow.storage.base.webhooks import Settled, WebhookStore
from teleflow.tracing import Tracing
from teleflow.webhooks import attempt, traces
from teleflow.webhooks.egress import WITHIN_S, Egress
from teleflow.webhooks.lane import NEVER, Lane

_log = structlog.get_logger(__name__)

WEBHOOK, RECOVERY = "whk", "rcv"  # the words that ids made here begin with
_RECOVERIES, _USERS = f"{RECOVERY}_", "usr_"
TAKEN_MS = round((WITHIN_S + 5.0) * 1000)  # then whoever took a delivery is believed to have died
_SETTLED_AT_ONCE = 256
_PAGE = 500
_RECOVERED_AT_ONCE = 500
_LOOK_FOR_RECOVERIES_S = 600.0  # those that nobody rang for
_AGAIN = FullJitter(first=0.2, most=5.0)
_BROKEN_AGAIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Attempts that may be under way at once."""

    endpoint: int = 20
    user: int = 100
    all: int = 1_000


class Worker:
    """The deliveries of this node. `rung` belongs to the storage's bell."""

    def __init__(
        self,
        storage: WebhookStore,
        egress: Egress,
        clock: Clock,
        chance: random.Random,
        *,
        agent: str,
        disable_after_s: float,
        limits: Limits | None = None,
        meters: Meters | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self._storage = storage
        self._egress = egress
        self._clock = clock
        self._chance = chance
        self._agent = agent
        self._disable_after = round(disable_after_s * 1000)
        self._limits = limits or Limits()
        self._meters = meters
        self._tracing = tracing or Tracing()
        self._tasks = Tasks("webhooks")
        self._lanes: dict[str, Lane] = {}
        self._by_user: Counter[str] = Counter()
        self._flying = 0
        self._dirty: set[str] = set()
        self._short: set[str] = set()
        self._later: list[tuple[float, str]] = []
        self._wake = asyncio.Event()
        self._results: list[tuple[Lane, Tried]] = []
        self._has_results = asyncio.Event()
        self._recover = asyncio.Event()
        self._expected: dict[str, asyncio.Future[None]] = {}
        self._draining = False
        self._came_down = asyncio.Event()

    # -- life ---------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Returns at once; what was left by an earlier process is found in the background."""
        self._tasks.start(self._pump(), "pump")
        self._tasks.start(self._settle(), "settle")
        self._tasks.start(self._find_lanes(), "find")
        self._tasks.start(self._run_recoveries(), "recover")

    async def drain(self, *, within: float) -> int:
        """Begin no other attempt, and record those under way, at most so many seconds. How many are left."""
        self._draining = True
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, within)):
                while self._flying:
                    self._came_down.clear()
                    await self._came_down.wait()
        return self._flying

    async def stop(self) -> None:
        """What is under way is broken off: it is due again in a moment, for whoever comes next."""
        await self._tasks.close()

    async def _find_lanes(self) -> None:
        after = None
        while True:
            try:
                ids = await self._storage.webhooks_to_serve(limit=_PAGE, after=after)
            except StorageUnavailable:
                await self._clock.sleep(1.0)
                continue
            self.rung(ids)
            if len(ids) < _PAGE:
                return
            after = ids[-1]

    @property
    def under_way(self) -> int:
        """Attempts that are being made."""
        return sum(len(lane.flying) for lane in self._lanes.values())

    def rung(self, ids: Collection[str]) -> None:
        """There may be something to do for these."""
        for id_ in ids:
            if id_.startswith(_RECOVERIES):
                self._recover.set()
            elif not id_.startswith(_USERS):  # a webhook that came from elsewhere has kept the id that it had
                if id_ not in self._lanes:
                    self._lanes[id_] = Lane(id_)
                self._look(self._lanes[id_])

    async def try_now(self, webhook: Webhook, due: Due, *, within: float) -> None:
        """Make an attempt at a delivery that is stored and taken, whatever waits or is held; until it is recorded.

        Raises TimeoutError; the attempt goes on.
        """
        lane = self._lanes.setdefault(webhook.id, Lane(webhook.id, user_id=webhook.user_id))
        recorded = self._expected[due.id] = asyncio.get_running_loop().create_future()
        try:
            self._fly(lane, webhook, due)
            async with asyncio.timeout(within):
                await recorded
        finally:
            self._expected.pop(due.id, None)

    # -- what is due --------------------------------------------------------------------------------------

    def _look(self, lane: Lane) -> None:
        if lane.asking:
            lane.again = True
            return
        self._dirty.add(lane.webhook_id)
        self._wake.set()

    def _look_at(self, lane: Lane, at: float) -> None:
        if at < lane.look_at or lane.look_at <= loop_time():
            lane.look_at = at
            if at < NEVER:
                heapq.heappush(self._later, (at, lane.webhook_id))
                self._wake.set()

    async def _pump(self) -> None:
        while True:
            self._wake.clear()
            now = loop_time()
            while self._later and self._later[0][0] <= now:
                self._dirty.add(heapq.heappop(self._later)[1])
            dirty, self._dirty = self._dirty, set()
            for webhook_id in dirty:
                lane = self._lanes.get(webhook_id)
                if lane is not None and not lane.asking:
                    self._begin(lane, now)
            try:
                async with asyncio.timeout_at(self._later[0][0] if self._later else None):
                    await self._wake.wait()
            except TimeoutError:
                pass

    def _begin(self, lane: Lane, now: float) -> None:
        if self._draining:
            return
        if lane.held_until > now:
            self._look_at(lane, lane.held_until)
            return
        limits = self._limits
        room = min(lane.room(limits.endpoint), limits.user - self._by_user[lane.user_id], limits.all - self._flying)
        if room <= 0:
            self._short.add(lane.webhook_id)  # whoever lands makes room
            return
        lane.asking, lane.again, lane.look_at = True, False, NEVER
        # Counted before they are known, so that many lanes that ask at once do not share one room.
        self._flying += room
        self._by_user[lane.user_id] += room
        self._tasks.start(self._claim(lane, lane.user_id, room), f"claim:{lane.webhook_id}")

    async def _claim(self, lane: Lane, counted_for: str, room: int) -> None:
        now = milliseconds(self._clock.time())
        due: Sequence[Due] = ()
        webhook: Webhook | None = None
        next_in: float | None = None
        try:
            claim = await self._storage.claim_deliveries(lane.webhook_id, now=now, until=now + TAKEN_MS, limit=room)
        except StorageUnavailable:
            next_in = _AGAIN.delay(2, self._chance)
        except Exception:  # noqa: BLE001 - one endpoint's trouble is not the others'
            _log.exception("webhook.claim_failed", webhook=lane.webhook_id)
            next_in = _BROKEN_AGAIN_S
        else:
            webhook = claim.webhook
            due = [one for one in claim.due if one.id not in lane.flying]
            if claim.next_due is not None:
                next_in = max(0.0, (claim.next_due - milliseconds(self._clock.time())) / 1000)
        finally:
            lane.asking = False
            self._flying -= room
            self._by_user[counted_for] -= room
            self._came_down.set()
        if webhook is not None:
            lane.user_id, lane.ordering = webhook.user_id, webhook.ordering
            for one in due:
                self._fly(lane, webhook, one)
        elif next_in is None and not lane.again and not lane.flying:
            self._lanes.pop(lane.webhook_id, None)
            return
        if lane.again or len(due) >= room:
            self._look(lane)
        elif next_in is not None:
            self._look_at(lane, loop_time() + next_in)

    # -- attempts -----------------------------------------------------------------------------------------

    def _fly(self, lane: Lane, webhook: Webhook, due: Due) -> None:
        lane.flying.add(due.id)
        self._flying += 1
        self._by_user[lane.user_id] += 1
        self._tasks.start(self._attempt(lane, webhook, due), f"deliver:{due.id}")

    async def _attempt(self, lane: Lane, webhook: Webhook, due: Due) -> None:
        try:
            tried = await self._try(lane, webhook, due)
        except Exception:  # noqa: BLE001 - as above; it is tried again, and does not stay under way for ever
            _log.exception("webhook.attempt_failed", webhook=lane.webhook_id, delivery=due.id)
            tried = attempt.broken(due, at=self._clock.time(), again_in=_BROKEN_AGAIN_S)
        self._results.append((lane, tried))
        self._has_results.set()

    async def _try(self, lane: Lane, webhook: Webhook, due: Due) -> Tried:
        at = self._clock.time()
        with self._tracing.span(f"webhook {due.event_type}", "PRODUCER", traces.cause(self._tracing, due)) as span:
            sent = attempt.request_headers(webhook, due, at=at, agent=self._agent) | self._tracing.carried()
            answer = await self._egress.post(webhook.url, due.body, sent)
            traces.tell(span, webhook, due, answer)
        policy = RetryPolicy.NONE if due.is_test else webhook.policy
        tried, asked = attempt.judged(
            webhook, due, sent, answer, policy, at=at, now=self._clock.time(), chance=self._chance
        )
        if self._meters is not None:
            first = tried.success and due.attempts == 0 and due.planned_at is not None
            lag = self._clock.time() - (due.planned_at or 0) / 1000 if first else None
            self._meters.attempt("delivered" if tried.success else "failed", lag=lag)
        if tried.success:
            lane.succeeded()
        elif not due.is_test:
            lane.failed(loop_time(), asked)
        return tried

    # -- what became of them ------------------------------------------------------------------------------

    async def _settle(self) -> None:
        while True:
            await self._has_results.wait()
            self._has_results.clear()
            while self._results:
                batch, self._results = self._results[:_SETTLED_AT_ONCE], self._results[_SETTLED_AT_ONCE:]
                settled = await self._stored([tried for _, tried in batch])
                self._landed(batch, settled)

    async def _stored(self, tried: list[Tried]) -> Settled:
        attempt_number = 0
        while True:
            try:
                return await self._storage.settle_deliveries(
                    tried, now=milliseconds(self._clock.time()), disable_after=self._disable_after
                )
            except StorageUnavailable:
                _log.warning("webhook.not_settled_yet", attempts=len(tried))
                await self._clock.sleep(_AGAIN.delay(attempt_number, self._chance))
                attempt_number += 1
            except Exception:  # noqa: BLE001 - what one of them breaks must not be all of theirs
                _log.exception("webhook.not_settled", attempts=len(tried))
                return await self._stored_one_by_one(tried)

    async def _stored_one_by_one(self, tried: list[Tried]) -> Settled:
        """Those that can't be settled are due again when whoever took them is believed to have died."""
        if len(tried) == 1:
            return Settled()
        disabled: dict[str, Disabled] = {}
        ready: set[str] = set()
        for one in tried:
            settled = await self._stored([one])
            disabled |= settled.disabled
            ready |= settled.ready
        return Settled(disabled, frozenset(ready))

    def _landed(self, batch: Sequence[tuple[Lane, Tried]], settled: Settled) -> None:
        now = milliseconds(self._clock.time())
        self._came_down.set()
        for lane, tried in batch:
            lane.flying.discard(tried.delivery_id)
            self._flying -= 1
            self._by_user[lane.user_id] -= 1
            expected = self._expected.get(tried.delivery_id)
            if expected is not None and not expected.done():
                expected.set_result(None)
            if tried.again_at is not None:
                self._look_at(lane, loop_time() + max(0.0, (tried.again_at - now) / 1000))
        for lane in {lane.webhook_id: lane for lane, _ in batch}.values():
            if lane.ordering is not Ordering.NONE or lane.room(self._limits.endpoint):
                self._look(lane)
        for webhook_id, because in settled.disabled.items():
            _log.warning("webhook.disabled", webhook=webhook_id, because=because.value)
        if self._short:
            short, self._short = self._short, set()
            self._dirty |= short
            self._wake.set()

    # -- recoveries ---------------------------------------------------------------------------------------

    async def _run_recoveries(self) -> None:
        while True:
            self._recover.clear()
            try:
                while ids := await self._storage.recoveries_to_run(limit=_PAGE):
                    for recovery_id in ids:
                        await self._storage.recover_some(
                            recovery_id, now=milliseconds(self._clock.time()), limit=_RECOVERED_AT_ONCE
                        )
                    await self._clock.sleep(0)
            except Exception:  # noqa: BLE001 - looked at again later
                _log.exception("webhook.recovery_failed")
            try:
                async with asyncio.timeout(_LOOK_FOR_RECOVERIES_S):
                    await self._recover.wait()
            except TimeoutError:
                pass
