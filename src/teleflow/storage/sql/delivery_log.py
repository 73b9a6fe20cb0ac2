"""What became of deliveries: listed, told one by one, begun again, counted, forgotten in time."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from teleflow.errors import Conflict, NotFound
from teleflow.model.webhooks import Attempt, Delivery, DeliveryState, DeliveryStats
from teleflow.storage.common.webhooks import UNDER_WAY
from teleflow.storage.sql import deliveries
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, every, one, page
from teleflow.storage.sql.statement import NO, Row, Statement, Tx, given

_w = t.webhooks.c
_d = t.webhook_deliveries.c
_a = t.webhook_attempts.c
_e = t.events.c
_S = DeliveryState
PURGED_AT_ONCE = 500
_ATTEMPTS_SHOWN = 50
_NAMES = (
    *("id", "webhook_id", "user_id", "event_id", "event_type", "session_id", "state", "attempts", "earlier", "due_at"),
    *("created_at", "ended_at", "status", "error", "duration_ms"),
)
_COLUMNS = [_d[name] for name in _NAMES]
_OF_MINE = and_(_d.webhook_id == given("of_webhook"), _d.user_id == given("of_user"))
_last = and_(_a.delivery_id == _d.id, _a.number == _d.attempts)
_from = t.webhook_deliveries.outerjoin(t.webhook_attempts, _last)


def _no(name: str) -> ColumnElement[bool]:
    """A filter that is not asked for."""
    return given(f"any_{name}") == 1


_LIST = Statement(
    select(*_COLUMNS, _a.response)
    .select_from(_from)
    .where(
        _OF_MINE,
        _d.created_at >= given("since"),
        tuple_(_d.created_at, _d.id) < tuple_(given("before_at"), given("before_id")),
        or_(_no("state"), _d.state.in_([given(f"state_{place}") for place in range(len(_S))])),
        or_(_no("type"), _d.event_type == given("of_type")),
        or_(_no("session"), _d.session_id == given("of_session")),
    )
    .order_by(_d.created_at.desc(), _d.id.desc())
    .limit(given("most"))
)
_WHEN = Statement(select(_d.created_at).where(_OF_MINE, _d.id == given("this")))
_ONE = Statement(
    select(*_COLUMNS, _a.response, _e.body, _d.body)
    .select_from(_from.outerjoin(t.events, and_(_e.user_id == _d.user_id, _e.number == _d.event_number)))
    .where(_OF_MINE, _d.id == given("this"))
)
_ATTEMPTS = Statement(
    select(*[c for c in _a if c.name != "delivery_id"])
    .where(_a.delivery_id == given("this"))
    .order_by(_a.number.desc())
    .limit(given("most"))
)
_ADD = Statement(insert(t.webhook_deliveries).values({c.name: given(c.name) for c in _d}))
_OWNED = Statement(select(_w.id).where(_w.id == given("of_webhook"), _w.user_id == given("of_user")))
_SINCE = and_(_OF_MINE, _d.created_at >= given("since"))
_COUNTS = Statement(
    select(
        _d.state,
        func.count(),
        func.sum(_d.attempts),
        func.sum(_d.duration_ms),
        func.count(_d.duration_ms),
        func.max(_d.duration_ms),
        func.max(_d.ended_at),
    )
    .where(_SINCE)
    .group_by(_d.state)
)
_IDS = Statement(select(_w.id).where(_w.id > given("after")).order_by(_w.id).limit(given("most")))
_ended_before = (
    select(_d.id)
    .where(
        _d.webhook_id == given("of_webhook"),
        _d.created_at < given("before"),
        _d.ended_at < given("before"),  # the history of an older service came to its end here when it was adopted
        _d.is_open == NO,
    )
    .order_by(_d.created_at)
    .limit(given("most"))
)
_ENDED = Statement(_ended_before)
_PURGE = Statement(delete(t.webhook_deliveries).where(_d.id.in_(_ended_before)))


class DeliveryLog(Part):
    async def deliveries(
        self,
        user_id: str,
        webhook_id: str,
        *,
        limit: int,
        before: str | None = None,
        states: frozenset[DeliveryState] | None = None,
        event_type: str | None = None,
        session_id: str | None = None,
        since: int | None = None,
    ) -> list[Delivery]:
        before_at = 2**62
        if before is not None:
            row = await self._db.read(one, _WHEN, of_webhook=webhook_id, of_user=user_id, this=before)
            if row is None:
                return []
            before_at = int(row[0])
        names = [state.value for state in states or ()]
        asked: dict[str, Any] = {f"state_{place}": "" for place in range(len(_S))}
        asked |= {f"state_{place}": name for place, name in enumerate(names)}
        rows = await self._db.read_heavy(
            every,
            _LIST,
            of_webhook=webhook_id,
            of_user=user_id,
            since=since or 0,
            before_at=before_at,
            before_id=before or "",
            any_state=int(states is None),
            any_type=int(event_type is None),
            of_type=event_type or "",
            any_session=int(session_id is None),
            of_session=session_id or "",
            most=page(limit),
            **asked,
        )
        return [_delivery(row) for row in rows]

    async def delivery(
        self, user_id: str, webhook_id: str, delivery_id: str
    ) -> tuple[Delivery, bytes | None, list[Attempt]] | None:
        row = await self._db.read(one, _ONE, of_webhook=webhook_id, of_user=user_id, this=delivery_id)
        if row is None:
            return None
        logged, own = row[-2:]
        body = own if own is not None else logged
        attempts = await self._db.read(every, _ATTEMPTS, this=delivery_id, most=_ATTEMPTS_SHOWN)
        return _delivery(row[:-2]), None if body is None else bytes(body), [_attempt(r) for r in reversed(attempts)]

    async def begin_again(self, user_id: str, webhook_id: str, delivery_id: str, *, now: int) -> Delivery | None:
        row = await self._db.write(_begin_again, user_id, webhook_id, delivery_id, now)
        return None if row is None else _delivery(row[:-2])

    async def add_test(self, delivery: Delivery, body: bytes) -> None:
        await self._db.write(_add_test, delivery, body)

    async def delivery_stats(self, user_id: str, webhook_id: str, *, since: int) -> DeliveryStats:
        rows = await self._db.read_heavy(every, _COUNTS, of_webhook=webhook_id, of_user=user_id, since=since)
        by_state = {row[0]: row for row in rows}

        def of(state: DeliveryState, place: int, missing: int | None) -> Any:
            row = by_state.get(state.value)
            return missing if row is None or row[place] is None else int(row[place])

        timed = sum(row[4] for row in rows)
        return DeliveryStats(
            pending=of(_S.PENDING, 1, 0),
            delivered=of(_S.DELIVERED, 1, 0),
            failed=of(_S.FAILED, 1, 0),
            cancelled=of(_S.CANCELLED, 1, 0),
            attempts=sum(int(row[2]) for row in rows),
            mean_ms=round(sum(int(row[3] or 0) for row in rows) / timed) if timed else None,
            slowest_ms=max((int(row[5]) for row in rows if row[5] is not None), default=None),
            last_success_at=of(_S.DELIVERED, 6, None),
            last_failure_at=of(_S.FAILED, 6, None),
        )

    async def purge_deliveries(self, *, before: int, now: int) -> int:
        """Reads first: the writer is asked only for what there is."""
        gone = 0
        for webhook_id in await self._db.read(deliveries.left_open, 100):
            gone += await self._db.write_heavy(deliveries.cancel_some, webhook_id, now)
        after = ""
        while ids := [row[0] for row in await self._db.read(every, _IDS, after=after, most=page(1000))]:
            for webhook_id in ids:
                asked = {"of_webhook": webhook_id, "before": before, "most": PURGED_AT_ONCE}
                if await self._db.read(every, _ENDED, **asked):
                    gone += await self._db.write_heavy(_purge, asked)
                if gone >= PURGED_AT_ONCE:
                    return gone
            after = ids[-1]
        return gone


async def _purge(tx: Tx, asked: dict[str, Any]) -> int:
    return await tx.run(_PURGE, **asked)


async def _begin_again(tx: Tx, user_id: str, webhook_id: str, delivery_id: str, now: int) -> Row | None:
    asked = {"of_webhook": webhook_id, "of_user": user_id, "this": delivery_id}
    row = await tx.one(_ONE, **asked)
    if row is None:
        return None
    if row[-1] is None and row[-2] is None:
        raise Conflict("The log no longer has this event", code="EVENT_GONE")
    await tx.run(deliveries.BEGIN_AGAIN, this=delivery_id, now=now)
    tx.ring(webhook_id)
    return await tx.one(_ONE, **asked)


async def _add_test(tx: Tx, delivery: Delivery, body: bytes) -> None:
    if await tx.one(_OWNED, of_webhook=delivery.webhook_id, of_user=delivery.user_id) is None:
        raise NotFound("There is no webhook of this id", code="WEBHOOK_NOT_FOUND")
    row: dict[str, Any] = {name: getattr(delivery, name) for name in _NAMES}
    row |= {"state": delivery.state.value, "is_open": 1, "taken": UNDER_WAY}
    row |= {"event_number": None, "order_key": None, "body": body}
    await tx.run(_ADD, **row)
    tx.ring(delivery.webhook_id)


def _delivery(row: Row) -> Delivery:
    """A row of the columns, and the last attempt's response."""
    values = dict(zip(_NAMES, row, strict=False))
    values["state"] = DeliveryState(values["state"])
    return Delivery(**values, response=row[len(_NAMES)])


def _attempt(row: Row) -> Attempt:
    number, at, duration_ms, status, error, request_headers, response_headers, response = row
    return Attempt(
        number, at, duration_ms, status, error, json.loads(request_headers), json.loads(response_headers), response
    )
