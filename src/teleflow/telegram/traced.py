"""`Call` in spans: one for each request to Telegram that a held, refused or repeated one does not count among."""

from __future__ import annotations

from typing import TypeVar

from teleflow.errors import TeleFlowError
from teleflow.model.operations.base import Operation
from teleflow.telegram.base import Call
from teleflow.tracing import Tracing

R = TypeVar("R")


class Traced:
    """A wrapper around `Call`."""

    def __init__(self, call: Call, tracing: Tracing) -> None:
        self._call = call
        self._tracing = tracing

    async def __call__(self, session_id: str, operation: Operation[R], *, within: float) -> R:
        with self._tracing.span(f"telegram {operation.method}", "CLIENT") as span:
            span.note(rpc__system="mtproto", rpc__method=operation.method)
            try:
                return await self._call(session_id, operation, within=within)
            except TeleFlowError as error:
                span.fail(error.code)
                raise
