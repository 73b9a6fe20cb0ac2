"""A world without sockets: callers are made by hand, pushes are written down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from telethon import password as telethon_password
from telethon.extensions import BinaryReader
from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller
from teleflow.sandbox.rpc.register import build
from teleflow.sandbox.world.records import Person
from teleflow.sandbox.world.world import World

EPOCH = 1_700_000_000.0


class HandClock:
    """Time that moves when a test says so; sleeping moves it."""

    def __init__(self) -> None:
        self.now = EPOCH

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += max(0.0, seconds)
        await asyncio.sleep(0)


class Pushes:
    """Every key counts as connected unless it is named in `away`."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, Any, int | None]] = []
        self.away: set[int] = set()
        self.revoked: list[int] = []

    def push(self, key_id: int, updates: Any, *, except_session: int | None = None) -> None:
        self.sent.append((key_id, wired(updates), except_session))

    def revoke(self, key_id: int) -> None:
        self.revoked.append(key_id)

    def live(self, key_id: int) -> bool:
        return key_id not in self.away

    def take(self, key_id: int) -> list[Any]:
        found = [updates for key, updates, _ in self.sent if key == key_id]
        self.sent = [each for each in self.sent if each[0] != key_id]
        return found


def wired(answer: Any) -> Any:
    """What a client reads of an answer: through bytes and back."""
    if isinstance(answer, bool):
        return answer
    if isinstance(answer, list):
        return [wired(each) for each in answer]
    with BinaryReader(bytes(answer)) as reader:
        return reader.tgread_object()


class Rig:
    """World, methods and pushes, wired together."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.world = World(clock=self.clock, seed=7)
        self.rpc = build(self.world, dc_id=2, address=lambda: ("127.0.0.1", 443))
        self.pushes = Pushes()
        self.world.attach(self.pushes)
        self._keys = 0

    def caller(self, *, key_id: int | None = None, session_id: int = 1) -> Caller:
        if key_id is None:
            self._keys += 1
            key_id = self._keys
        return Caller(key_id=key_id, session_id=session_id, api_id=1, device_model="rig", address="127.0.0.1:1000")

    async def ask(self, caller: Caller, request: Any) -> Any:
        """One request, both ways through bytes."""
        with BinaryReader(bytes(request)) as reader:
            received = reader.tgread_object()
        return wired(await self.rpc.answer(caller, received))

    def person(self, phone: str, name: str, **more: Any) -> Person:
        return self.world.create_person(phone, name, **more)

    def logged_in(self, person: Person, *, key_id: int | None = None) -> Caller:
        caller = self.caller(key_id=key_id)
        self.world.authorize(person, caller)
        self.pushes.sent.clear()
        return caller

    def input_peer(self, viewer: Person, person: Person) -> Any:
        return types.InputPeerUser(person.id, self.world.people.access_hash(viewer.id, person.id))

    async def say(self, caller: Caller, to: Any, text: str, random_id: int = 0, **more: Any) -> Any:
        self._keys += 1
        request = f.messages.SendMessageRequest(to, text, random_id=random_id or 10_000 + self._keys, **more)
        return await self.ask(caller, request)

    async def difference(self, caller: Caller, pts: int, **more: Any) -> Any:
        return await self.ask(caller, f.updates.GetDifferenceRequest(pts=pts, date=int(EPOCH), qts=0, **more))


async def until(condition: Callable[[], bool], turns: int = 10_000) -> None:
    """Let the loop turn until something is so; a test fails rather than waits for ever."""
    for _ in range(turns):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to be")


async def srp_answer(rig: Rig, caller: Caller, password: str) -> Any:
    """What a client computes from account.getPassword."""
    return telethon_password.compute_check(await rig.ask(caller, f.account.GetPasswordRequest()), password)
