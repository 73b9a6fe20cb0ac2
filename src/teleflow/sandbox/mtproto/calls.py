"""Requests: read, disturbed where a fault rule says so, answered by the methods, answer sent.

Promises: requests begin in the order of their session, and what waits for nothing is answered on the spot, without
a task; whatever a method does, its client gets an answer (unless a rule takes it away) and no other request is held
up; each request has a row in the ledger. It does not know what any method means.
"""

from __future__ import annotations

import types
from collections.abc import Coroutine, Generator
from typing import Any

import structlog
from telethon.tl import functions

from teleflow.kit.clock import Clock
from teleflow.kit.tasks import Tasks
from teleflow.sandbox.faults import Call, Faults, digits, random_id_of
from teleflow.sandbox.mtproto import layers, tl
from teleflow.sandbox.mtproto.after import wait_for
from teleflow.sandbox.mtproto.disturb import NOBODYS, Disturb, LostError, Plan
from teleflow.sandbox.mtproto.gate import Gate
from teleflow.sandbox.mtproto.ledger import CallRow, Ledger
from teleflow.sandbox.mtproto.session import Outgoing, Session
from teleflow.sandbox.mtproto.wrappers import Unwrapped, unwrap
from teleflow.sandbox.rpc.base import Caller, Rpc, RpcError
from teleflow.sandbox.transport.connection import Connection

_log = structlog.get_logger(__name__)

MAX_RUNNING = 1000
MAX_RUNNING_BYTES = 64 * 1024 * 1024
"""Requests of one session at work at a time, and their bytes; what comes on top is refused."""


class Calls:
    """Runs requests against `rpc`."""

    def __init__(
        self,
        rpc: Rpc,
        *,
        gate: Gate,
        faults: Faults,
        disturb: Disturb,
        ledger: Ledger,
        tasks: Tasks,
        clock: Clock,
    ) -> None:
        self._rpc = rpc
        self._gate = gate
        self._clock = clock
        self._faults = faults
        self._disturb = disturb
        self._ledger = ledger
        self._tasks = tasks
        self._unwanted: set[tuple[int, int]] = set()
        self._late: dict[Session, list[Outgoing]] = {}

    def start(self, session: Session, connection: Connection, msg_id: int, body: bytes, budget: tl.Budget) -> None:
        """Begin to answer one message."""
        try:
            if len(session.running) >= MAX_RUNNING or session.load > MAX_RUNNING_BYTES:
                raise RpcError(420, "FLOOD_WAIT_1")
            work = unwrap(session.key.standing, tl.read_object(body, budget))
            if not tl.is_request(work.request):
                raise RpcError(400, "INPUT_METHOD_INVALID")
            if work.news:
                self._gate.introduced(session.key)
            self._gate.admit(session.key, work.request)
        except tl.BadObjectError as error:
            self._refuse(session, msg_id, RpcError(400, error.rpc_error))
            return
        except RpcError as error:
            self._refuse(session, msg_id, error)
            return
        if not work.without_updates:
            session.wants_updates = True
        method = tl.method_name(work.request.__class__)
        row = self._row(session, connection, msg_id, method, work.request)
        session.load += len(body)
        run = self._run(session, connection, work, row, len(body))
        if work.after or self._faults.active:
            session.begin(msg_id, self._tasks.start(run, method))
            return
        try:
            awaited = run.send(None)
        except StopIteration:
            session.arrived(msg_id)
        else:
            session.begin(msg_id, self._tasks.start(_rest(run, awaited), method))

    def drop(self, session: Session, msg_id: int) -> None:
        """The client does not want the answer to a running request any more. The request is not stopped."""
        if msg_id in session.running:
            self._unwanted.add((session.id, msg_id))

    def _refuse(self, session: Session, msg_id: int, error: RpcError) -> None:
        session.send(tl.rpc_result(msg_id, tl.rpc_error(error.code, error.message)), request=msg_id)
        session.arrived(msg_id)

    def _row(self, session: Session, connection: Connection, msg_id: int, method: str, request: Any) -> CallRow:
        phone = self._rpc.person_of(session.key.login)
        if phone is None:
            phone = getattr(request, "phone_number", None)
        row = self._ledger.call(digits(phone) if phone else None, method)
        row.key_id, row.session_id, row.msg_id = session.key.key_id, session.id, msg_id
        row.connection = connection.number
        row.random_id = random_id_of(request)
        return row

    async def _run(self, session: Session, connection: Connection, work: Unwrapped, row: CallRow, size: int) -> bool:
        msg_id = row.msg_id
        plan: Plan | None = None
        try:
            if self._faults.active:
                fired = self._faults.fire(Call(row.phone, row.method or "", work.request))
                if fired:
                    row.faults = [(rule.number, rule.verb) for rule, _ in fired]
                    plan = Plan()
                    await self._disturb.before(plan, fired, session, connection, row)
            if work.after:
                await wait_for(session, work.after, self._clock, self._tasks)
            body = await self._answer(session, connection, work, row, plan)
            if plan is not None and plan.unknown:
                body = NOBODYS
        except LostError:
            row.outcome = "lost"
            self._unwanted.discard((session.id, msg_id))
            session.received.forget(msg_id)
            return False
        except RpcError as error:
            row.outcome, row.error, row.code = "error", error.message, error.code
            body = tl.rpc_error(error.code, error.message)
        except Exception as error:  # noqa: BLE001 - whatever a method does, its client is answered
            _log.exception("call.failed", method=row.method)
            row.outcome, row.error = "error", type(error).__name__
            body = tl.rpc_error(500, "INTERNAL")
        finally:
            session.running.pop(msg_id, None)
            session.load -= size
            row.ended = self._ledger.now()
        self._reply(session, msg_id, body, plan, row)
        return row.outcome == "ok"

    async def _answer(
        self, session: Session, connection: Connection, work: Unwrapped, row: CallRow, plan: Plan | None
    ) -> bytes:
        if isinstance(work.request, functions.auth.BindTempAuthKeyRequest):
            self._gate.bind(session, row.msg_id, work.request)
            row.outcome = "ok"
            return tl.result_bytes(True, work.request)
        if isinstance(work.request, functions.auth.DropTempAuthKeysRequest):
            self._gate.drop_temporary(session.key, work.request.except_auth_keys)
            row.outcome = "ok"
            return tl.result_bytes(True, work.request)
        client = session.key.standing
        caller = Caller(
            session.key.login,
            session.id,
            client.layer,
            client.api_id,
            client.device_model,
            client.system_version,
            client.app_version,
            client.lang_code,
            client.system_lang_code,
            connection.address,
            row.msg_id,
            not work.without_updates,
            work.takeout,
            None if plan is None else plan.of_method,
        )
        result = await self._rpc.answer(caller, work.request)
        older = layers.dialect(client.layer)
        body = tl.result_bytes(result if older is None else older.said(result), work.request)
        row.outcome = "ok"
        return body

    def _reply(self, session: Session, msg_id: int, body: bytes, plan: Plan | None, row: CallRow) -> None:
        if (session.id, msg_id) in self._unwanted:
            self._unwanted.discard((session.id, msg_id))
            row.outcome = "unwanted"
            return
        late = None if plan is None or plan.withhold else plan.late
        withheld = plan is not None and (plan.withhold or late is not None)
        message = session.send(tl.rpc_result(msg_id, body), request=msg_id, withheld=withheld)
        if plan is not None and plan.duplicate and not withheld:
            session.flush()
            session.repeat(message)
        if late is not None:
            self._late.setdefault(session, []).append(message)
            self._tasks.start(self._send_late_after(session, message, late), "late answer")
        elif self._late:
            self._send_late(session)

    def _send_late(self, session: Session) -> None:
        """The answers that waited for this one."""
        for message in self._late.pop(session, ()):
            if message.msg_id in session.unacked:
                session.repeat(message)

    async def _send_late_after(self, session: Session, message: Outgoing, seconds: float) -> None:
        await self._clock.sleep(seconds)
        if message in self._late.get(session, ()):
            self._send_late(session)


async def _rest(run: Coroutine[Any, Any, bool], awaited: Any) -> bool:
    """What is left of a step that was begun outside of any task and has come to wait for `awaited`."""
    return await _going_on(run, awaited)


@types.coroutine
def _going_on(run: Coroutine[Any, Any, bool], awaited: Any) -> Generator[Any, Any, bool]:
    while True:
        try:
            try:
                sent = yield awaited
            except BaseException as error:  # noqa: BLE001 - it is the step's own affair, cancelling too
                awaited = run.throw(error)
            else:
                awaited = run.send(sent)
        except StopIteration as done:
            return bool(done.value)
