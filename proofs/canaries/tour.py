"""The way through all routes, right and wrong, in good times and in bad ones; whatever an error says is looked at."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from proofs.api.fields import Field, Operation, operations
from proofs.api.matrix import NOBODYS
from proofs.api.rounds import ENDS, ENDS_LOGINS, STREAMS, THROWN_AWAY
from proofs.api.stand import PHONES, Owner, Stand
from proofs.canaries.asking import Request, Writer
from proofs.canaries.flock import Flock
from proofs.people import PASSWORD, log_in
from proofs.wire import Wire, connect, request
from teleflow.sandbox.rpc.register import METHODS

WITHIN, WITHIN_STREAM = 25.0, 0.3
AT_ONCE = 8
SPACES = frozenset({"messages", "contacts", "channels", "account", "photos", "stories", "upload"})
KEPT = frozenset({"account.updateStatus"})


class Tour:
    """What was asked, what came of it, and what was found in the answers that were errors."""

    def __init__(self, stand: Stand, flock: Flock, document: Mapping[str, Any]) -> None:
        self._stand = stand
        self._flock = flock
        self._writer = Writer(flock, document)
        self.operations = list(operations(document))
        self._spare: dict[str, Iterator[Any]] = {}
        self._throwaway = ""
        self.asked: set[str] = set()
        self.done: set[str] = set()
        self.sent: set[str] = set()
        self.answers: Counter[str] = Counter()
        self.requests = 0
        self.silent = 0
        self.error_bytes = 0
        self.findings: list[str] = []

    async def prepare(self) -> None:
        """What may be ended, and a login that may be."""
        ann = self._stand.owners["ann"]
        spare: dict[str, Sequence[Any]] = {
            "session": [await self._stand.waiting_session(ann, f"spare {n}") for n in range(THROWN_AWAY)],
            "key": [await self._stand.spare_key(ann) for _ in range(THROWN_AWAY)],
            "webhook": [await self._stand.webhook(ann) for _ in range(THROWN_AWAY)],
            "broadcast": [await self._stand.broadcast(ann) for _ in range(THROWN_AWAY)],
            "chat": [ann.ids["spare group"]],
        }
        users = [await self._stand.made_user(f"spare{number}") for number in range(THROWN_AWAY + 1)]
        spare["user"] = [one["id"] for one in users[1:]]
        spare["username"] = [one["name"] for one in users[1:]]
        self._spare = {kind: itertools.cycle(values) for kind, values in spare.items()}
        self._throwaway = await log_in(self._stand.gateway.port, users[0]["name"], PASSWORD)

    # -- ways ---------------------------------------------------------------------------------------------

    async def in_order(self) -> None:
        """Everything as it is meant."""
        last = [one for one in self.operations if one.name in ENDS | ENDS_LOGINS]
        for operation in [one for one in self.operations if one not in last] + last:
            await self._ask(self._writer.right(operation, self._ids(operation)), self._by(operation), 10)

    async def in_error(self) -> None:
        await self._each(lambda one: self._writer.wrong(one, self._nobodys(one)), by_whom=True)

    async def by_strangers(self) -> None:
        await self._each(lambda one: self._writer.strangers(one, self._nobodys(one)), by_whom=False)

    async def in_bad_times(self, way: str, within: float = WITHIN) -> None:
        """As in order, with what may not be ended left alone."""

        def asked(one: Operation) -> Iterator[Request]:
            ids = self._nobodys(one) if one.name in ENDS | ENDS_LOGINS or one.needs_admin else self._ids(one)
            yield self._writer.right(one, ids, way)

        await self._each(asked, by_whom=True, within=within)

    # -- asking -------------------------------------------------------------------------------------------

    async def _each(
        self, made: Callable[[Operation], Iterator[Request]], *, by_whom: bool, within: float = WITHIN
    ) -> None:
        waiting = iter([(one, asked) for one in self.operations for asked in made(one)])

        async def work() -> None:
            for operation, asked in waiting:
                await self._ask(asked, self._by(operation) if by_whom else {}, within)

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))

    async def _ask(self, asked: Request, by: Mapping[str, str], within: float = WITHIN) -> None:
        self.asked.add(asked.operation)
        self.requests += 1
        self.sent |= self._flock.found_in(asked.path.encode() + asked.body + repr(asked.headers).encode())
        if asked.operation in STREAMS:
            within = WITHIN_STREAM
        wire: Wire | None = None
        try:
            async with asyncio.timeout(within):
                wire = await connect(self._stand.gateway.port)
                reply = await wire.ask(request(asked.method, asked.path, {**by, **asked.headers}, asked.body))
        except (OSError, TimeoutError):
            self.silent += 1
            return
        finally:
            if wire is not None:
                wire.close()
        self.answers[f"{reply.status // 100}xx"] += 1
        if reply.status < 300:
            self.done.add(asked.operation)
            self._flock.keep(reply.body)
        if reply.status < 400:
            return
        told = reply.head + reply.body
        self.error_bytes += len(told)
        for name in sorted(self._flock.found_in(told)):
            self.findings.append(f"{asked.operation}, {asked.way}: {name} in {reply.status} {reply.body[:200]!r}")

    def _by(self, operation: Operation) -> dict[str, str]:
        if operation.name in ENDS_LOGINS:
            return {"authorization": f"Bearer {self._throwaway}"}
        return {"authorization": f"Bearer {self._stand.owners['admin' if operation.needs_admin else 'ann'].token}"}

    def _ids(self, operation: Operation) -> Callable[[Field], Any]:
        """The caller's own; what the operation ends is spare."""
        owner: Owner = self._stand.owners["admin" if operation.needs_admin else "ann"]
        # A session that was told to take a proxy that is none would be asked nothing more.
        ends = operation.name in ENDS or any(field.name == "proxy" for field in operation.fields)

        def one(field: Field) -> Any:
            kind = str(field.kind)
            if kind in self._spare and (ends or kind in {"user", "username"}):
                return next(self._spare[kind])
            return owner.ids.get(kind, NOBODYS[kind])

        return one

    @staticmethod
    def _nobodys(_: Operation) -> Callable[[Field], Any]:
        return lambda field: NOBODYS[str(field.kind)]


async def with_faults(stand: Stand, tour: Tour, faults: Mapping[str, Mapping[str, Any]], within: float) -> None:
    """The tour once for each trouble of the data centre: verb and arguments by the name of the way.

    It befalls what is asked for a caller; what keeps a session connected goes well, or nothing would be asked.
    """
    for way, fault in faults.items():
        for method in _methods():
            match = {"phone": PHONES["ann"], "method": method, **fault.get("match", {})}
            await stand.sandbox.fault(fault["verb"], match, **fault.get("args", {}))
        try:
            await tour.in_bad_times(way, within)
        finally:
            await stand.sandbox.clear_faults()


def _methods() -> list[str]:
    found = [(one.__module__.rpartition(".")[2], one.__name__.removesuffix("Request")) for one in METHODS]
    names = [f"{space}.{name[0].lower()}{name[1:]}" for space, name in found if space in SPACES]
    return [name for name in names if name not in KEPT]
