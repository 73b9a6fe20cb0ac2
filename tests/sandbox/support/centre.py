"""A data centre with methods made for tests: they count, wait, fail and answer at length."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from telethon.tl import functions, types

from teleflow.sandbox.mtproto.rsa import ServerKey
from teleflow.sandbox.rpc.base import Caller, Rpc, RpcError
from teleflow.sandbox.server import Backend, DataCentre, Options

PHONE = "15550001"


class Methods(Rpc):
    """Counts what it is asked."""

    def __init__(self) -> None:
        super().__init__({}, frozenset(), lambda _: PHONE)
        self.runs: list[str] = []
        self.callers: list[Caller] = []
        self.gate = asyncio.Event()
        self.push: Any = None
        self.revoked: list[int] = []
        self.expired: list[str | None] = []

    async def answer(self, caller: Caller, request: Any) -> Any:
        self.runs.append(type(request).__name__)
        self.callers.append(caller)
        if isinstance(request, functions.help.GetNearestDcRequest):
            return types.NearestDc("XX", 2, 2)
        if isinstance(request, functions.help.GetSupportNameRequest):
            return types.help.SupportName("x" * 100_000)
        if isinstance(request, functions.help.GetInviteTextRequest):
            await self.gate.wait()
            return types.help.InviteText("late")
        if isinstance(request, functions.contacts.GetContactIDsRequest):
            return [1, 2, 3]
        if isinstance(request, functions.account.UpdateStatusRequest):
            return True
        if isinstance(request, functions.messages.SendMessageRequest):
            return types.UpdateShortSentMessage(1, 1, 1, None)
        if isinstance(request, functions.help.GetCdnConfigRequest):
            raise ZeroDivisionError
        raise RpcError(400, "INPUT_METHOD_INVALID")


NEAREST = functions.help.GetNearestDcRequest()
LONG = functions.help.GetSupportNameRequest()
LATE = functions.help.GetInviteTextRequest()


def sending(random_id: int, user: int = 5) -> Any:
    return functions.messages.SendMessageRequest(types.InputPeerUser(user, 0), "hello", random_id=random_id)


class Centre(DataCentre):
    """The data centre under test; `methods` is what answers."""

    methods: Methods


async def until(true: Callable[[], Any]) -> None:
    """Let the loop turn until `true()` is; fail after five seconds."""
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0)


@asynccontextmanager
async def centre(key: ServerKey, **options: Any) -> AsyncIterator[Centre]:
    methods = Methods()
    clock = options.pop("clock", None)

    def backend(_: DataCentre) -> Backend:
        return Backend(
            methods,
            attach=lambda push: setattr(methods, "push", push),
            revoke=methods.revoked.append,
            expire_code=methods.expired.append,
        )

    dc = Centre(Options(key=key, pq_bits=30, **options), backend, clock=clock)
    dc.methods = methods
    await dc.start()
    try:
        yield dc
    finally:
        await dc.stop()
