"""Messages sent by some clients and counted where they arrive, decrypted, at others.

Each sender has one request under way. `private`: to one person. `group` and `supergroup`: to a chat of 20, and so
to 19. `mix`: in turn to a person and to the group. Nothing may be missing at the end.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import secrets
import struct
import time
from typing import Any

from telethon.tl import functions, types

from proofs.bench.sandbox_child import phone_of
from proofs.bench.sandbox_meter import Figures, Meter, Plan, introduced
from proofs.lean import Lean, is_error, template, unpacked

GROUP = 20
SENDERS_OF_GROUP = 5
MARK = b"bench: "
TEXT = "bench: your verification code is 482917, good for five minutes"
DRAIN = 30.0
_RANDOM = 0x1122334455667788
_LONG = struct.Struct("<q")
Way = tuple[tuple[bytes, bytes], int]
"""A request but for its random_id, and how many it reaches."""


class Counted:
    """Everything that has been sent, and what has arrived of it."""

    def __init__(self, links: list[Lean]) -> None:
        self.delivered = self.expected = self.sends = self.refused = 0
        self.took: list[float] = []
        self.ids = itertools.count(secrets.randbits(62))
        for link in links:
            link.pushed = self._pushed

    def _pushed(self, body: bytes) -> None:
        if MARK in body or MARK in unpacked(body):
            self.delivered += 1

    async def drained(self) -> int:
        """How many have not arrived when nothing comes any more."""
        for _ in range(int(DRAIN / 0.02)):
            if self.delivered == self.expected:
                break
            await asyncio.sleep(0.02)
        return self.expected - self.delivered


class Sender:
    """Sends the next when the last one is answered, the ways in turn."""

    def __init__(self, link: Lean, ways: list[Way], counted: Counted) -> None:
        self._link, self._counted = link, counted
        self._ways = itertools.cycle(ways)
        self._until = self._began = 0.0
        self._over = asyncio.Event()

    async def run(self, until: float) -> None:
        self._until = until
        self._over.clear()
        self._next()
        await self._over.wait()

    def _next(self) -> None:
        (before, after), reach = next(self._ways)
        counted = self._counted
        counted.sends += 1
        counted.expected += reach
        self._began = time.perf_counter()
        self._link.send(before + _LONG.pack(next(counted.ids)) + after, self._answered)

    def _answered(self, answer: bytes) -> None:
        now = time.perf_counter()
        self._counted.took.append(now - self._began)
        self._counted.refused += is_error(answer)
        if now < self._until:
            self._next()
        else:
            self._over.set()


async def messages(plan: Plan) -> dict[str, Any]:
    """`plan`: people (a multiple of 40), kinds, warmUp and seconds."""
    links = await introduced(plan, range(plan["people"]))
    rooms = await _rooms(links)
    counted = Counted(links)
    found = {}
    for kind in plan["kinds"]:
        senders = [Sender(link, ways, counted) for link, ways in await _ways(links, rooms, kind)]
        found[kind] = await _measured(senders, counted, plan)
    return found


async def _measured(senders: list[Sender], counted: Counted, plan: Plan) -> Figures:
    await _all(senders, plan["warmUp"])
    lost = await counted.drained()
    gc.collect()
    gc.freeze()
    counted.took.clear()
    sends, delivered, meter = counted.sends, counted.delivered, Meter(plan["pid"])
    with meter.running():
        await _all(senders, plan["seconds"])
        delivered = counted.delivered - delivered
    sends = counted.sends - sends
    took = sorted(counted.took)
    return {
        **meter.figures(delivered),
        "sends": sends / meter.seconds,
        "sendCpu": meter.cpu / sends * 1e6,
        "p50": took[len(took) // 2] * 1000,
        "p99": took[int(len(took) * 0.99)] * 1000,
        "lost": lost + await counted.drained(),
        "refused": counted.refused,
    }


async def _all(senders: list[Sender], seconds: float) -> None:
    until = time.perf_counter() + seconds
    await asyncio.gather(*(sender.run(until) for sender in senders))


async def _ways(links: list[Lean], rooms: list[dict[str, Any]], kind: str) -> list[tuple[Lean, list[Way]]]:
    """Who sends, and where."""
    if kind != "private":
        chosen = [number for number in range(len(links)) if number % GROUP < SENDERS_OF_GROUP]
    else:
        chosen = list(range(len(links) // 2))
    found = []
    for number in chosen:
        ways: list[Way] = []
        if kind in {"private", "mix"}:
            peer = await _person(links[number], (number + len(links) // 2) % len(links))
            ways.append((_request(peer), 1))
        if kind == "supergroup":
            ways.append((_request(rooms[number]["supergroup"]), GROUP - 1))
        if kind in {"group", "mix"}:
            ways.append((_request(rooms[number]["group"]), GROUP - 1))
        found.append((links[number], ways))
    return found


def _request(peer: Any) -> tuple[bytes, bytes]:
    return template(functions.messages.SendMessageRequest(peer, TEXT, random_id=_RANDOM), _RANDOM)


async def _person(link: Lean, number: int) -> Any:
    found = (await link.call(functions.contacts.ResolvePhoneRequest(phone_of(number)))).users[0]
    return types.InputPeerUser(found.id, found.access_hash)


async def _rooms(links: list[Lean]) -> list[dict[str, Any]]:
    """A basic group and a supergroup for each twenty, and each person's way to name them."""
    for start in range(0, len(links), GROUP):
        owner = links[start]
        people = [await _person(owner, number) for number in range(start + 1, start + GROUP)]
        users = [types.InputUser(each.user_id, each.access_hash) for each in people]
        await owner.call(functions.messages.CreateChatRequest(users, "Twenty"))
        made = await owner.call(functions.channels.CreateChannelRequest("Twenty", "", megagroup=True))
        channel = types.InputChannel(made.chats[0].id, made.chats[0].access_hash)
        await owner.call(functions.channels.InviteToChannelRequest(channel, users))
    return list(await asyncio.gather(*map(_known, links)))


async def _known(link: Lean) -> dict[str, Any]:
    dialogs = await link.call(functions.messages.GetDialogsRequest(None, 0, types.InputPeerEmpty(), limit=100, hash=0))
    found: dict[str, Any] = {}
    for chat in dialogs.chats:
        if isinstance(chat, types.Channel):
            found["supergroup"] = types.InputPeerChannel(chat.id, chat.access_hash)
        else:
            found["group"] = types.InputPeerChat(chat.id)
    return found


async def sample(links: list[Lean], count: int) -> int:
    """One message each from the first `count` to the last ones. How many arrived."""
    counted = Counted(links)
    for number in range(count):
        other = len(links) - 1 - number
        way = _request(await _person(links[number], other)), 1
        await Sender(links[number], [way], counted).run(0)
    return count - await counted.drained()
