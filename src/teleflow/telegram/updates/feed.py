"""One session's updates as batches that are ready for the log: what was pushed, what was missed, what was told late.

The only caller of updates.getState, getDifference and getChannelDifference besides the pulse. Promises: `next` yields
events in the order of their box; a batch's positions hold once its events are stored, and not before; what is pushed
faster than it is taken is let go and asked for later, so that memory stays flat; every request has a deadline, and one
that fails is made again, later and later.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog
from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.errors import TeleFlowError, Unavailable
from teleflow.kit.backoff import FullJitter
from teleflow.kit.clock import loop_time, milliseconds
from teleflow.model.events import NewEvent
from teleflow.model.updates import ACCOUNT, BoxPosition, Face
from teleflow.telegram import errors
from teleflow.telegram.convert.peers import known_from
from teleflow.telegram.convert.plain import seconds
from teleflow.telegram.mtproto.reader import Reader
from teleflow.telegram.mtproto.requests import RpcFault, Unreadable
from teleflow.telegram.updates.boxes import Boxes, Origin, Ready
from teleflow.telegram.updates.channels import Channels
from teleflow.telegram.updates.first_sight import first_sight
from teleflow.telegram.updates.gaps import Batch, Surroundings
from teleflow.telegram.updates.history import CLOSED, DialogWalk, Page, dialog_page, joined_at
from teleflow.telegram.updates.holes import Holes
from teleflow.telegram.updates.own import effect, lacks, messages_of, whole
from teleflow.telegram.updates.teller import Teller

_log = structlog.get_logger(__name__)

QUEUE_ITEMS = 4_096
QUEUE_BYTES = 8 * 1024 * 1024
_AT_ONCE = 256  # items that one batch takes from the queue
_ANSWER_WITHIN_S = 20.0
_COMPARE_EVERY_S = 60.0
_CHANNEL_LIMIT = 100
_AUDIT_AFTER_S = (3.0, 15.0)  # after each new link, and then
_AUDIT_EVERY_S = 3600.0
_AUDIT_PAGES = 5  # of a hundred chats; then on only while there is something to find
_SURELY_S = 1.0  # between two questions after a state that went back
_NOTHING_NEW = Unavailable("the difference brings nothing and says that there is more")
_AGAIN = FullJitter(first=5.0, most=300.0, floor=1.0)
# The data centre has lost its place: https://core.telegram.org/method/updates.getDifference
_TOO_OLD = frozenset({"PERSISTENT_TIMESTAMP_EMPTY", "PERSISTENT_TIMESTAMP_INVALID"})


class Feed:
    """See the module."""

    def __init__(
        self, teller: Teller, positions: Sequence[BoxPosition], faces: Sequence[Face], around: Surroundings
    ) -> None:
        self._teller = teller
        self._around = around
        self._boxes = Boxes(positions)
        self._faces: dict[int, Face] = {face.chat_id: face for face in faces}
        self._channels = Channels(around.recall)
        self._queue: deque[tuple[Any, Origin, float]] = deque()
        self._came_at: float | None = None  # what was taken from the queue and is in no batch yet
        self._bytes = 0
        self._wake = asyncio.Event()
        self._since = self._boxes.date  # what happened before is not ours to tell
        self._walk: DialogWalk | None = None if faces else DialogWalk()
        self._walks: deque[DialogWalk] = deque(maxlen=1)
        self._audit_at = float("inf")
        self._holes = Holes(self._boxes, teller.session_id, around.clock)
        self._tries: dict[int, int] = {}
        self._again_at: dict[int, float] = {}
        self._lower = False  # the data centre has said that it counts less than it had told
        self._new_faces: dict[int, Face] = {}
        self._up = False
        self._ended = False
        self._compared_at = loop_time()
        self.overflows = 0

    # -- what comes, on the loop and at once --------------------------------------------------------------

    def push(self, body: memoryview) -> None:
        """Something that the data centre sent by itself."""
        if len(self._queue) >= QUEUE_ITEMS or self._bytes + len(body) > QUEUE_BYTES:
            self._overflow()
            return
        self._bytes += len(body)
        self._queue.append((bytes(body), "device", loop_time()))
        self._wake.set()

    def own(self, request: Any, answer: Any) -> None:
        """The answer to a request of the session's own, at its place among what is pushed."""
        if len(self._queue) >= QUEUE_ITEMS:
            self._overflow()
            return
        self._queue.append(((request, answer), "api", loop_time()))
        self._wake.set()

    def _overflow(self) -> None:
        self._queue.clear()
        self._bytes = 0
        self.overflows += 1
        self.behind()

    def up(self) -> None:
        """The link stands, anew: what was pushed meanwhile is missing."""
        self._up = True
        self._again_at.clear()
        self._audit_at = loop_time() + self._around.chance.uniform(*_AUDIT_AFTER_S)
        self.behind()

    def down(self) -> None:
        self._up = False

    def behind(self) -> None:
        """Something may have been missed."""
        self._boxes.miss()
        self._wake.set()

    def compare(self, state: Any) -> None:
        """What updates.getState answered to whoever asked it."""
        self._compared_at = loop_time()
        if isinstance(state, tl.updates.State):
            self._boxes.compare(state.pts, loop_time())
            if state.pts < self._boxes.pts(ACCOUNT) and not self._lower:
                self._compared_at = loop_time() - _COMPARE_EVERY_S
            self._wake.set()

    # -- what goes ----------------------------------------------------------------------------------------

    async def next(self) -> Batch | None:
        """The next batch; waits for one. None after `end`."""
        while not self._ended:
            self._drain()
            batch = self._batch()
            if batch is not None:
                return batch
            if not (self._up and await self._work()):
                await self._wait()
        return None

    def end(self) -> None:
        """Nobody takes batches any more."""
        self._ended = True
        self._wake.set()

    def _drain(self) -> None:
        now = loop_time()
        for taken in range(min(len(self._queue), _AT_ONCE)):
            item, origin, came_at = self._queue[0]
            if isinstance(item, Page):
                if taken:
                    return  # what came before it is told first: how chats look now is no news of them
                self._queue.popleft()
                self._see(item)
                return
            self._queue.popleft()
            self._came_at = self._came_at or came_at
            if origin == "api":
                request, answer = item
                updates = effect(request, answer, self._teller.me)
                lacking = lacks(request, updates)
                if lacking is not None:
                    self._boxes.miss(lacking)
            else:
                self._bytes -= len(item)
                updates = self._read(item)
            if updates is not None:
                self._boxes.feed(updates, now, origin)

    def _read(self, body: bytes) -> Any:
        try:
            return whole(Reader(body).tgread_object(), self._teller.me)
        except Exception as error:  # noqa: BLE001 - a data centre's bytes may fail in any way
            # Of another layer, or broken: what it numbered is missing then, and a difference brings it.
            _log.warning("updates.unreadable", session=self._teller.session_id, cause=type(error).__name__)
            self._boxes.miss()
            return None

    def _batch(self) -> Batch | None:
        ready, positions = self._boxes.take()
        events: list[NewEvent] = self._holes.take()
        for one in ready:
            events.extend(self._tell(one))
        faces, self._new_faces = list(self._new_faces.values()), {}
        came_at, self._came_at = self._came_at, None
        if not events and not positions and not faces:
            return None
        return Batch(events, positions, faces, came_at)

    def _tell(self, one: Ready) -> Sequence[NewEvent]:
        if one.everybody:
            self._learn(one.everybody)
        at = one.at * 1000 if one.at else milliseconds(self._around.clock.time())
        told = self._teller.tell(one.update, one.everybody, self._faces, at=at, origin=one.origin)
        for face in told.faces:
            self._faces[face.chat_id] = self._new_faces[face.chat_id] = face
        return told.events

    def _learn(self, everybody: Mapping[int, Any]) -> None:
        users = [one for id_, one in everybody.items() if id_ > 0]
        chats = [one for id_, one in everybody.items() if id_ < 0]
        self._channels.see(chats)
        self._around.learn(known_from(users, chats))

    # -- asking -------------------------------------------------------------------------------------------

    async def _work(self) -> bool:
        """One request that is due; False when none is."""
        now = loop_time()
        for box in self._boxes.behind(now):
            if self._again_at.get(box, 0.0) <= now:
                await self._ask_box(box)
                return True
        if self._boxes.unmet and self._again_at.get(-5, 0.0) <= now:
            await self._guarded(-5, self._meet)
            return True
        if self._walk is not None and self._again_at.get(-1, 0.0) <= now:
            await self._guarded(-1, self._first_walk)
            return True
        if self._holes and self._again_at.get(-2, 0.0) <= now:
            await self._guarded(-2, partial(self._holes.step, self._call))
            return True
        if now >= self._audit_at:
            self._audit_at = now + _AUDIT_EVERY_S
            self._walks.extend([DialogWalk()] if self._boxes.channels else [])
        if self._walks and self._again_at.get(-4, 0.0) <= now:
            await self._guarded(-4, self._audit)
            return True
        if now - self._compared_at >= _COMPARE_EVERY_S:
            self._compared_at = now
            await self._guarded(-3, self._ask_state)
            return True
        return False

    async def _wait(self) -> None:
        self._wake.clear()
        if self._queue or self._ended:
            return
        now = loop_time()
        times = [self._compared_at + _COMPARE_EVERY_S, self._audit_at]
        times += [at for at in self._again_at.values() if at > now]
        late = self._boxes.next_late()
        if late is not None:
            times.append(late)
        timer = asyncio.get_running_loop().call_at(max(min(times), now + 0.01), self._wake.set) if self._up else None
        try:
            await self._wake.wait()
        finally:
            if timer is not None:
                timer.cancel()

    async def _call(self, request: Any) -> Any:
        async with self._around.turn:
            return await self._around.ask(request, within=_ANSWER_WITHIN_S)

    async def _guarded(self, what: int, work: Callable[[], Awaitable[None]]) -> None:
        """Do it; what fails is done again later."""
        try:
            await work()
        except (RpcFault, TeleFlowError, Unreadable) as error:
            self._later(what, error)
        else:
            self._tries.pop(what, None)
            self._again_at.pop(what, None)

    def _later(self, what: int, error: Exception) -> None:
        attempt = self._tries[what] = self._tries.get(what, -1) + 1
        wait = errors.wait_of(error) if isinstance(error, RpcFault) else None
        delay = max(_AGAIN.delay(attempt, self._around.chance), wait or 0.0)
        self._again_at[what] = loop_time() + delay
        _log.warning("updates.ask_failed", session=self._teller.session_id, box=what, cause=str(error)[:80])

    async def _ask_box(self, box: int) -> None:
        before = self._boxes.progress(box)
        try:
            await (self._ask_account() if box == ACCOUNT else self._ask_channel(box))
        except (RpcFault, TeleFlowError, Unreadable) as error:
            name = errors.name_of(error) if isinstance(error, RpcFault) else ""
            if box != ACCOUNT and name in CLOSED:
                self._boxes.forget(box)
            elif name in _TOO_OLD or (isinstance(error, Unreadable) and self._tries.get(box, -1) >= 0):
                await self._guarded(box, partial(self._ask_anew, box))
            else:
                self._later(box, error)
        else:
            if before and self._boxes.progress(box) == before:
                self._later(box, _NOTHING_NEW)  # there is more, it says, and brings none of it
                return
            self._tries.pop(box, None)
            self._again_at.pop(box, None)

    async def _ask_account(self) -> None:
        if not self._boxes.knows(ACCOUNT):
            await self._begin()
            return
        place = self._boxes.place(ACCOUNT)
        pts = self._boxes.pts(ACCOUNT)
        date = datetime.fromtimestamp(self._boxes.date or place.date, UTC)
        answer = await self._call(f.updates.GetDifferenceRequest(pts, date, self._boxes.qts))
        self._compared_at = loop_time()
        if isinstance(answer, tl.updates.DifferenceTooLong):
            self._holes.account(answer.pts)
            self._boxes.miss()  # whatever came after that state
            return
        self._boxes.difference(answer, messages_of(self._queue, self._teller.me))

    async def _begin(self) -> None:
        """The first time: everything from now on is followed."""
        state = await self._call(f.updates.GetStateRequest())
        self._boxes.begin(BoxPosition(ACCOUNT, state.pts, state.qts, seconds(state.date) or 0, state.seq))
        self._since = self._boxes.date

    async def _ask_anew(self, box: int) -> None:
        """No difference can be had: where does the box stand now?"""
        if box == ACCOUNT:
            self._holes.account((await self._call(f.updates.GetStateRequest())).pts)
            return
        channel = await self._channels.named(box)
        page = None if channel is None else await dialog_page(channel, self._call)
        if channel is None or page is None:
            self._boxes.forget(box)
            return
        self._holes.channel(channel, page.dialogs[0])

    async def _meet(self) -> None:
        """A channel that was never heard of has had much: what it had since then is in its history."""
        number, since = next(iter(self._boxes.unmet.items()))
        channel = await self._channels.named(number)
        page = None if channel is None else await dialog_page(channel, self._call)
        del self._boxes.unmet[number]
        if page is not None:
            self._see(page, since=max(since, joined_at(page)) - 1)

    async def _audit(self) -> None:
        """Are all channels where the data centre has them, and read as far as is told? The busiest come first."""
        page = await self._walks[0].page(self._call)
        self._queue.append((page, "api", loop_time()))
        found = False
        for dialog in page.dialogs:
            number = getattr(dialog.peer, "channel_id", ACCOUNT)
            if number == ACCOUNT or not self._boxes.knows(number):
                continue
            found = self._boxes.compare_channel(number, dialog) or found
        if not (page.more and (found or self._walks[0].pages < _AUDIT_PAGES)):
            self._walks.clear()

    async def _ask_state(self) -> None:
        had = self._boxes.pts(ACCOUNT)
        state = await self._call(f.updates.GetStateRequest())
        lower, self._lower = self._lower, isinstance(state, tl.updates.State) and state.pts < had
        self.compare(state)
        if self._lower and lower:
            self._lower = False
            self._holes.back(ACCOUNT, state.pts)
        elif self._lower:
            self._compared_at = loop_time() - _COMPARE_EVERY_S + _SURELY_S

    async def _ask_channel(self, box: int) -> None:
        channel = await self._channels.named(box)
        if channel is None:
            self._boxes.forget(box)  # it cannot be named, so nothing can be asked of it
            return
        pts = max(1, self._boxes.pts(box))
        request = f.updates.GetChannelDifferenceRequest(
            channel, tl.ChannelMessagesFilterEmpty(), pts, _CHANNEL_LIMIT, force=True
        )
        answer = await self._call(request)
        if isinstance(answer, tl.updates.ChannelDifferenceTooLong):
            self._holes.channel(channel, answer.dialog)
            return
        if answer.final and answer.pts < pts:
            self._holes.back(box, answer.pts)
        self._boxes.channel_difference(box, answer, messages_of(self._queue, self._teller.me))

    async def _first_walk(self) -> None:
        """Every channel's place, and how every chat looks, so that what changes later can be told."""
        if self._walk is not None:
            page = await self._walk.page(self._call)
            self._queue.append((page, "api", loop_time()))  # at its place among what is pushed
            self._walk = self._walk if page.more else None

    def _see(self, page: Page, since: int | None = None) -> None:
        self._learn(page.everybody)
        seen = first_sight(page, self._boxes, self._faces, since=self._since if since is None else since)
        for face in seen.faces:
            self._faces[face.chat_id] = self._new_faces[face.chat_id] = face
        for fill in seen.fills:
            self._holes.fill(fill)
