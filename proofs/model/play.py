"""The play: deeds one after the other, people who go away and come back, time that passes, and looks at everything."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from proofs.model.deeds import Deed
from proofs.model.line import STEP, RefusedError
from proofs.model.records import No, is_channel
from proofs.model.seat import Seat
from proofs.model.stage import Stage

WATCHED_CLOSELY = 5
"""Every so many deeds are watched for pushes to the very session that asked."""
AWAY_AT_ONCE = 8
SENT_WITHIN = 20.0
GIVE_UP = 100
MOST_MOVED = 40 * STEP
"""Messages can be edited for two days: the play's time does not pass that."""


@dataclass(frozen=True, slots=True)
class Scale:
    deeds: int
    look_every: int
    away_every: int
    later_every: int
    history: int
    """How many of the newest messages are compared in each chat of each person at the end."""


class Play:
    """See the module."""

    def __init__(self, stage: Stage, scale: Scale) -> None:
        self.stage, self.scale = stage, scale
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.differences = self.too_long = self.looks = self.moves = 0
        self.back_at: dict[Seat, int] = {}
        self._last_send: dict[Seat, tuple[Any, int]] = {}

    async def run(self) -> None:
        rng, scale = self.stage.rng, self.scale
        for number in range(1, scale.deeds + 1):
            seat = rng.choice([each for each in self.stage.seats if each.there])
            await self._one(seat, number)
            for away in [each for each, when in self.back_at.items() if when <= number]:
                await self._back(away)
            if number % scale.away_every == 0:
                await self._away(number)
            if number % scale.later_every == 0:
                await self._later()
            if number % scale.look_every == 0:
                await self._look()
            if len(self.stage.checker.wrong) > GIVE_UP:
                return  # one mistake makes the next: more of them tell nothing
        for away in list(self.back_at):
            await self._back(away)
        await self._end()

    # deeds

    async def _one(self, seat: Seat, number: int) -> None:
        stage = self.stage
        if number % 50 == 0 and seat in self._last_send:
            await self._repeat(seat)
            return
        deed = stage.dice.deed(seat.me)
        watched = number % WATCHED_CLOSELY == 0
        if watched:
            await seat.line.sync()
        heard = seat.client.heard
        refusal: No | None = None
        result: Any = None
        try:
            result = deed.effect()
        except No as no:
            refusal = no
        try:
            answer = await seat.line.ask(deed.request)
        except RefusedError as error:
            self._was_refused(deed, error, refusal)
            return
        if refusal is not None:
            self._complain(f"{deed.kind} by {seat.name} in {deed.peer} was allowed, should be refused: {refusal}")
        self.done[deed.kind] += 1
        if watched:
            await seat.line.sync()
            stage.checker.same(f"pushes to {seat.name}, who asked ({deed.kind})", seat.client.heard - heard, 0)
        if deed.affected[0]:
            count = getattr(answer, "pts_count", None)
            if count is not None:
                stage.checker.same(f"pts_count of {deed.kind} by {seat.name}", count, result)
        seat.learn(deed, answer)
        if deed.local is not None:
            deed.local(seat.client, answer)
        if deed.kind == "send" and deed.peer > 0:
            self._last_send[seat] = deed.request, answer.id if hasattr(answer, "id") else 0
        if deed.touches:
            await stage.settle(deed.touches)

    def _was_refused(self, deed: Deed, error: RefusedError, refusal: No | None) -> None:
        self.refused[error.name.rstrip("0123456789")] += 1
        self.stage.checker.checks += 1
        if refusal is None:
            self._complain(f"{deed.kind} in {deed.peer} was refused with {error}, should be allowed: {deed.request}")
        elif not refusal.allows(error.name):
            self._complain(f"{deed.kind} in {deed.peer} was refused with {error}, should be {refusal}")

    def _complain(self, what: str) -> None:
        self.stage.checker.wrong.append(what)

    async def _repeat(self, seat: Seat) -> None:
        """The same random_id again: the same number, and no second message."""
        request, number = self._last_send[seat]
        answer = await seat.line.ask(request)
        self.done["send again with the same random_id"] += 1
        if number:
            self.stage.checker.same("the number of what was sent again", getattr(answer, "id", None), number)

    # away and back

    async def _away(self, number: int) -> None:
        rng = self.stage.rng
        there = [each for each in self.stage.seats if each.there]
        if len(self.back_at) >= AWAY_AT_ONCE:
            return
        seat = rng.choice(there)
        await seat.line.sync()
        self.stage.checker.client(seat)
        await seat.leave()
        self._last_send.pop(seat, None)
        self.back_at[seat] = number + rng.randrange(20, 12 * self.scale.away_every)
        self.done["go away"] += 1

    async def _back(self, seat: Seat) -> None:
        stage = self.stage
        del self.back_at[seat]
        beside = next((each for each in stage.seats if each.me == seat.me and each.there), None)
        if beside is not None:
            await beside.line.sync()
        known = {box: each.pts for box, each in seat.client.boxes.items()}
        for missed in await seat.come_back(stage.rng.choice([1000, 1000, 20])):
            stage.checker.missed(seat, missed, beside)
            known[missed.box] = missed.until
            self.differences += 1
            self.too_long += missed.too_long
        for box, pts in known.items():
            if box in seat.client.boxes and is_channel(box):
                stage.checker.same(f"{seat.name} back, told of {box}", pts, stage.model.boxes[box].pts)
        chosen = self._chosen(seat.me)
        named = {each: stage.at.peer(seat.me, each) for each in sorted(chosen) if stage.model.sees(seat.me, each)}
        seat.client.out_of_sight = chosen - set(named)
        waiting = sorted({each.peer for each in stage.model.waiting.values() if each.owner == seat.me} & set(named))
        mine = [each for each in stage.model.waiting.values() if each.owner == seat.me]
        seat.client.waiting_out_of_sight = {each.number for each in mine if each.peer not in named}
        await seat.refresh(named, waiting)
        for channel, access_hash in seat.client.hashes.items():
            stage.at.channels[seat.me, channel] = access_hash
        self.done["come back"] += 1

    def _chosen(self, me: int) -> set[int]:
        """Whatever `me` may have set something for, and can name."""
        mine = self.stage.model.people[me]
        some = {*mine.drafts, *mine.marked, *mine.muted, *mine.archived, *self.stage.checker.chats(me)}
        some |= {each.peer for each in self.stage.model.waiting.values() if each.owner == me}
        return {each for each in some if self.stage.at.knows(me, each)}

    # time

    async def _later(self) -> None:
        """Time passes: what waits and is due goes out, in its order."""
        stage = self.stage
        if stage.clock.moved + STEP > MOST_MOVED:
            return
        await stage.sandbox.control.post("/world/time", {"by": STEP})
        stage.clock.moved += STEP
        self.moves += 1
        due = [each for each in stage.model.waiting.values() if each.date <= stage.clock.now()]
        for each in sorted(due, key=lambda waiting: (waiting.date, waiting.number)):
            sent = stage.model.go_out(each, stage.clock.now())
            self.done["scheduled: went out" if sent else "scheduled: could not go out"] += 1
            await self._gone(each.owner, each.number)

    async def _gone(self, owner: int, number: int) -> None:
        seat = next((each for each in self.stage.seats if each.me == owner and each.there), None)
        until = time.monotonic() + SENT_WITHIN
        while seat is not None and number in seat.client.scheduled:
            if time.monotonic() > until:
                self._complain(f"the scheduled message {number} of {seat.name} did not go out")
                return
            await asyncio.sleep(0.05)
        if seat is None or number in seat.client.waiting_out_of_sight:
            await asyncio.sleep(2)  # nobody is told: the sweep comes every second

    # looks

    async def _look(self) -> None:
        stage, rng = self.stage, self.stage.rng
        there = [each for each in stage.seats if each.there]
        for seat in there:
            await seat.line.sync()
        for seat in there:
            stage.checker.client(seat)
        for seat in rng.sample(there, 3):
            await stage.checker.state(seat)
            chats = self._chats(seat)
            await self._served(seat, rng.sample(chats, min(3, len(chats))), 200)
        self.looks += 1

    def _chats(self, seat: Seat) -> list[int]:
        return [each for each in self.stage.checker.chats(seat.me) if self.stage.at.knows(seat.me, each)]

    async def _served(self, seat: Seat, peers: list[int], most: int) -> None:
        for peer in peers:
            await self.stage.checker.history(seat, peer, most)
        await self.stage.checker.dialogs(seat, peers)

    async def _end(self) -> None:
        """Everything of everybody; a channel's whole history by one member, as it is the same for all."""
        stage = self.stage
        await self._look()
        whole: set[int] = set()
        for me in stage.model.people:
            seat = stage.seat(me)
            await stage.checker.state(seat)
            chats = self._chats(seat)
            for peer in chats:
                everything = not is_channel(peer) or peer not in whole
                whole.add(peer)
                await stage.checker.history(seat, peer, 10**9 if everything else self.scale.history)
            await stage.checker.dialogs(seat, chats)
            for peer, chat in stage.model.chats.items():
                shut = is_channel(peer) and me not in chat.members and (not chat.public or me in chat.kicked)
                if shut and stage.at.knows(me, peer):
                    await stage.checker.refused_history(seat, peer)
