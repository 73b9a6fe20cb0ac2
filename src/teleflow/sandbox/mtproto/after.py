"""`invokeAfterMsg` and `invokeAfterMsgs`: a request that waits for others of its session.

Promises that a waiting request begins when all it waits for have been answered well, whether they came before it or
come later, and that it waits no longer than `DEADLINE`.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Any

from teleflow.kit.clock import Clock
from teleflow.kit.tasks import Tasks
from teleflow.sandbox.mtproto.session import Session
from teleflow.sandbox.rpc.base import RpcError

DEADLINE = 30.0
MOST = 1000
"""Requests that one may wait for."""
_NOT_COME = frozenset((2, 3))
_RPC_ERROR = struct.pack("<I", 0x2144CA19)


async def wait_for(session: Session, after: tuple[int, ...], clock: Clock, tasks: Tasks) -> None:
    """Raises RpcError when one of them has failed, fails, or takes too long."""
    if len(after) > MOST:
        raise RpcError(400, "INPUT_REQUEST_TOO_LONG")
    alarm = tasks.start(_sleep(clock), "patience")
    try:
        for msg_id in after:
            if not await _ends_well(session, msg_id, alarm):
                raise RpcError(400, "MSG_WAIT_FAILED")
    finally:
        alarm.cancel()


async def _ends_well(session: Session, msg_id: int, alarm: asyncio.Future[None]) -> bool:
    if msg_id not in session.running and session.received.state(msg_id) in _NOT_COME:
        arrival = session.arrival(msg_id)
        if not await _before(alarm, arrival):
            session.arrived(msg_id)  # nobody is left to keep it for, or is woken to look again
            raise RpcError(500, "MSG_WAIT_TIMEOUT")
    work = session.running.get(msg_id)
    if work is not None and work is not asyncio.current_task():
        if not await _before(alarm, work):
            raise RpcError(500, "MSG_WAIT_TIMEOUT")
        return work.result()
    answer = session.answer_to(msg_id)
    # an answer that the client has acknowledged is forgotten, and the client has judged it
    return answer is None or answer.body[12:16] != _RPC_ERROR


async def _sleep(clock: Clock) -> None:
    await clock.sleep(DEADLINE)


async def _before(alarm: asyncio.Future[None], wanted: asyncio.Future[Any]) -> bool:
    """Whether it is done before the alarm goes off."""
    both: set[asyncio.Future[Any]] = {alarm, wanted}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    return wanted.done()
