"""Where an account stands in its updates, as a pure state machine.

Everything numbered belongs to a box: the account's (private chats and basic groups), or a channel's. An update fits
when `pts` follows what the box has; one that came before is dropped; one after a hole is held for half a second, in
which the missing may still come, and then the box is behind: a difference must be asked for. `seq` numbers whole
batches and `qts` a few rare kinds likewise; there, what is held back is only the advance. What has no number is handed
on as it comes.

Promises: what is handed on is in the order of its box, each once; `positions` never tell of more than what has been
handed on. Nothing here waits or asks: time and answers are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import msgspec
from telethon.tl import types as tl

from teleflow.model.updates import ACCOUNT, BoxPosition
from teleflow.telegram.convert.chats import by_id
from teleflow.telegram.convert.plain import seconds
from teleflow.telegram.updates.numbered import OF_CHANNEL, Moved, new, numbered, shown_in, unread_from

Origin = Literal["api", "device"]
PATIENCE_S = 0.5  # how long a hole may take to close by itself (the documentation's own figure)
_HELD_MOST = 1_000  # of one box; a difference brings all of them at once
_NOBODY: Mapping[int, Any] = {}


class Ready(msgspec.Struct, frozen=True):
    """An update whose turn it is. `at`: Unix seconds, 0 where nobody said; `everybody` by marked id."""

    update: Any
    everybody: Mapping[int, Any]
    at: int
    origin: Origin


@dataclass(slots=True)
class _Box:
    pts: int
    top_message: int = 0
    read_max: int = 0
    held: list[Ready] = field(default_factory=list)
    late_at: float | None = None  # when its hole has been there for too long
    behind: bool = False  # a difference is due
    frozen: BoxPosition | None = None  # what is stored of it while its history is filled in


class Boxes:
    """All boxes of one session. `feed` what came, `take` what is ready."""

    def __init__(self, positions: Iterable[BoxPosition]) -> None:
        self._boxes: dict[int, _Box] = {}
        self.qts = self.date = self.seq = 0
        for place in positions:
            self._boxes[place.box] = _Box(place.pts, place.top_message, place.read_max)
            if place.box == ACCOUNT:
                self.qts, self.date, self.seq = place.qts, place.date, place.seq
        self._boxes.setdefault(ACCOUNT, _Box(0))
        self._seqs: dict[int, int] = {}  # batches that came before their turn: from, to
        self._ready: list[Ready] = []
        self._changed: set[int] = set()
        self.unmet: dict[int, int] = {}  # channels of which only is known that much was missed: since when

    # -- what is there ------------------------------------------------------------------------------------

    def knows(self, box: int) -> bool:
        return box in self._boxes and (box != ACCOUNT or self._boxes[box].pts > 0)

    def place(self, box: int) -> BoxPosition:
        held = self._boxes[box]
        if held.frozen is not None:
            return held.frozen
        if box == ACCOUNT:
            return BoxPosition(box, held.pts, self.qts, self.date, self.seq, held.top_message)
        return BoxPosition(box, held.pts, top_message=held.top_message, read_max=held.read_max)

    def pts(self, box: int) -> int:
        return self._boxes[box].pts

    def progress(self, box: int) -> tuple[int, ...]:
        """Changes with whatever an answer brings for this box."""
        held = self._boxes.get(box)
        return (held.pts, self.qts, len(self._ready)) if held is not None and held.behind else ()

    @property
    def channels(self) -> list[int]:
        return [box for box in self._boxes if box != ACCOUNT]

    def take(self) -> tuple[list[Ready], list[BoxPosition]]:
        """What is ready, and where the boxes stand once that is in the log."""
        ready, self._ready = self._ready, []
        changed, self._changed = self._changed, set()
        return ready, [self.place(box) for box in changed if box in self._boxes]

    def behind(self, now: float) -> list[int]:
        """The boxes that need a difference, the account's first."""
        found = []
        for number, box in self._boxes.items():
            if box.frozen is not None:
                continue  # first what is older
            if box.late_at is not None and box.late_at <= now:
                box.behind, box.late_at = True, None
            if box.behind:
                found.append(number)
        return sorted(found)

    def next_late(self) -> float | None:
        """When a hole will have been there for too long."""
        return min((box.late_at for box in self._boxes.values() if box.late_at is not None), default=None)

    # -- what comes ---------------------------------------------------------------------------------------

    def begin(self, position: BoxPosition) -> None:
        """A box as it is told to stand; what it held before that is void."""
        box = self._boxes.setdefault(position.box, _Box(0))
        box.pts, box.behind, box.late_at = position.pts, False, None
        box.top_message = max(box.top_message, position.top_message)
        box.read_max = max(box.read_max, position.read_max)
        if position.box == ACCOUNT:
            self.qts, self.date, self.seq = position.qts, position.date, position.seq
            self._seqs.clear()
        self._changed.add(position.box)
        self._retry(position.box)

    def back(self, box: int, pts: int) -> None:
        """The data centre counts from here again."""
        held = self._boxes[box]
        held.pts, held.behind, held.late_at = pts, False, None
        held.held.clear()
        self._changed.add(box)

    def miss(self, box: int = ACCOUNT) -> None:
        """Something may have been missed: ask."""
        if box in self._boxes:
            self._boxes[box].behind = True

    def forget(self, box: int) -> None:
        """A channel that is out of reach."""
        if box != ACCOUNT:
            self._boxes.pop(box, None)

    def feed(self, updates: Any, now: float, origin: Origin = "device") -> None:
        """One of the forms in which updates come (https://core.telegram.org/type/Updates)."""
        match updates:
            case tl.UpdatesTooLong():
                self.miss()
            case tl.UpdateShort():
                self._one(Ready(updates.update, _NOBODY, seconds(updates.date) or 0, origin), now)
            case tl.Updates() | tl.UpdatesCombined():
                everybody = by_id(updates.users, updates.chats)
                at = seconds(updates.date) or 0
                for update in updates.updates:
                    self._one(Ready(update, everybody, at, origin), now)
                self._batch(getattr(updates, "seq_start", updates.seq), updates.seq, at, now)

    def _batch(self, first: int, last: int, at: int, now: float) -> None:
        if not last or last <= self.seq:
            return
        self._seqs[first] = last
        if len(self._seqs) > _HELD_MOST:
            self._seqs.clear()
            self.miss()
            return
        while (end := self._seqs.pop(self.seq + 1, None)) is not None:
            self.seq = end
            self.date = max(self.date, at)
            self._changed.add(ACCOUNT)
        account = self._boxes[ACCOUNT]
        if self._seqs and not account.behind and account.late_at is None:
            account.late_at = now + PATIENCE_S

    def _one(self, ready: Ready, now: float) -> None:
        update = ready.update
        if isinstance(update, tl.UpdateChannelTooLong):
            self._channel_too_long(ready)
            return
        number, pts, count = numbered(update)
        if pts is None:
            self._unnumbered(ready, now)
            return
        box = self._boxes.get(number)
        if box is None:  # the first that we hear of this channel
            box = self._boxes[number] = _Box(pts - count, read_max=unread_from(update))
        elif not box.pts:
            box.pts = pts - count
        if box.pts + count > pts or (not count and pts < box.pts):
            return  # it came before
        if box.pts + count == pts and box.frozen is None:
            self._apply(number, box, ready, pts)
            self._retry(number)
            return
        box.held.append(ready)
        if len(box.held) > _HELD_MOST:
            box.held.clear()
            box.behind = True
        elif not box.behind and box.late_at is None and box.frozen is None:
            box.late_at = now + PATIENCE_S

    def _unnumbered(self, ready: Ready, now: float) -> None:
        qts = getattr(ready.update, "qts", 0)
        if qts:
            if self.qts and qts <= self.qts:
                return
            if self.qts and qts > self.qts + 1:
                account = self._boxes[ACCOUNT]
                account.late_at = account.late_at or now + PATIENCE_S
                return
            self.qts = qts
            self._changed.add(ACCOUNT)
        if isinstance(ready.update, tl.UpdateReadChannelInbox):
            self._note_read(ready.update.channel_id, ready.update.max_id)
        self._ready.append(ready)

    def _note_read(self, channel_id: int, max_id: int) -> bool:
        """Whether that is news."""
        box = self._boxes.get(channel_id)
        if box is None or max_id <= box.read_max:
            return False
        box.read_max = max_id
        self._changed.add(channel_id)
        return True

    def compare_channel(self, channel_id: int, dialog: Any) -> bool:
        """The list of dialogs says that a channel stands so, and was read so far; whether nobody had told."""
        behind = dialog.pts is not None and dialog.pts != self._boxes[channel_id].pts
        if behind:
            self.miss(channel_id)
        known, read = self._boxes[channel_id].read_max, dialog.read_inbox_max_id
        if not self._note_read(channel_id, read) or not known:
            return behind
        self.hand_on(tl.UpdateReadChannelInbox(channel_id, read, dialog.unread_count, 0), _NOBODY)
        return True

    def _channel_too_long(self, ready: Ready) -> None:
        update = ready.update
        box = self._boxes.get(update.channel_id)
        if box is None:
            # How it stands has to be asked for, with what came beside this.
            self.unmet.setdefault(update.channel_id, self.date)
            self._ready.append(ready)
        elif update.pts is None or update.pts > box.pts:
            box.behind = True

    def _apply(self, number: int, box: _Box, ready: Ready, pts: int) -> None:
        box.pts = pts
        self._changed.add(number)
        _note_top(box, ready.update)
        if not isinstance(ready.update, Moved):
            self._ready.append(ready)

    def _retry(self, number: int) -> None:
        """What was held may fit now, or be old."""
        box = self._boxes[number]
        if box.held:
            waiting = sorted(box.held, key=lambda one: numbered(one.update)[1] or 0)
            box.held = []
            for one in waiting:
                _, pts, count = numbered(one.update)
                if pts is None or box.pts + count > pts:
                    continue
                if box.pts + count == pts:
                    self._apply(number, box, one, pts)
                else:
                    box.held.append(one)
        if not box.held and (number != ACCOUNT or not self._seqs):
            box.late_at = None

    # -- answers to what was asked ------------------------------------------------------------------------

    def difference(self, answer: Any, ours: frozenset[tuple[int, int]] = frozenset()) -> bool:
        """Take over the answer to updates.getDifference, other than "too long"; whether there is more to ask for.

        `ours`: (box, number) of messages that requests of our own sent, and that nothing has told yet.
        """
        account = self._boxes[ACCOUNT]
        ours |= self._held_of_ours(ACCOUNT)
        account.behind, account.late_at = False, None
        self._seqs.clear()
        self._changed.add(ACCOUNT)
        if isinstance(answer, tl.updates.DifferenceEmpty):
            self.date, self.seq = seconds(answer.date) or self.date, answer.seq
            self._retry(ACCOUNT)
            return False
        more = isinstance(answer, tl.updates.DifferenceSlice)
        state = answer.intermediate_state if more else answer.state
        everybody = by_id(answer.users, answer.chats)
        at = seconds(state.date) or 0
        for message in answer.new_messages:
            self._hand_on(new(message), everybody, at, _origin(ACCOUNT, message, ours))
        for update in answer.other_updates:
            if isinstance(update, (*OF_CHANNEL, tl.UpdateChannelTooLong)):
                self._one(Ready(update, everybody, at, "device"), 0.0)
            else:
                self._hand_on(update, everybody, at)
        account.pts, self.qts, self.date, self.seq = state.pts, state.qts, at, state.seq
        self._retry(ACCOUNT)
        account.behind = more
        return more

    def channel_difference(self, channel_id: int, answer: Any, ours: frozenset[tuple[int, int]] = frozenset()) -> bool:
        """Take over the answer to updates.getChannelDifference, other than "too long"; as `difference`."""
        box = self._boxes[channel_id]
        ours |= self._held_of_ours(channel_id)
        box.behind, box.late_at = False, None
        if isinstance(answer, tl.updates.ChannelDifference):
            everybody = by_id(answer.users, answer.chats)
            for message in answer.new_messages:
                self._hand_on(new(message, channel=True), everybody, 0, _origin(channel_id, message, ours))
                box.top_message = max(box.top_message, message.id)
            for update in answer.other_updates:
                self._hand_on(update, everybody, 0)
        box.pts = max(box.pts, answer.pts)
        self._changed.add(channel_id)
        self._retry(channel_id)
        box.behind = not answer.final
        return box.behind

    def _held_of_ours(self, box: int) -> frozenset[tuple[int, int]]:
        held = self._boxes[box].held
        return frozenset(place for one in held if one.origin == "api" for place in shown_in(one.update))

    def _hand_on(self, update: Any, everybody: Mapping[int, Any], at: int, origin: Origin = "device") -> None:
        """What a difference brings is the box's next, whatever numbers it bears."""
        if isinstance(update, tl.UpdateNewMessage):
            _note_top(self._boxes[ACCOUNT], update)
        self._ready.append(Ready(update, everybody, at, origin))

    # -- holes that cannot be closed ----------------------------------------------------------------------

    def freeze(self, box: int, pts: int) -> BoxPosition:
        """The box goes on from `pts`; what is stored stays where it was until `thaw`. Returns that.

        So a process that dies meanwhile finds the same hole again, and fills it from the beginning.
        """
        held = self._boxes[box]
        held.frozen = held.frozen or self.place(box)
        held.pts, held.behind, held.late_at = pts, False, None
        return held.frozen

    def filled(self, box: int, top_message: int) -> None:
        """Its history is handed on up to this message."""
        held = self._boxes.get(box)
        if held is not None and held.frozen is not None:
            held.frozen = replace(held.frozen, top_message=max(held.frozen.top_message, top_message))
            self._changed.add(box)

    def thaw(self, box: int) -> None:
        """All of its history is handed on; now what came meanwhile, in its order."""
        held = self._boxes.get(box)
        if held is not None:
            held.frozen, held.behind = None, True
            self._changed.add(box)
            self._retry(box)

    def note_top(self, box: int, top_message: int) -> None:
        """Messages up to this one were there before we followed."""
        self._boxes[box].top_message = max(self._boxes[box].top_message, top_message)
        self._changed.add(box)

    def hand_on(self, update: Any, everybody: Mapping[int, Any], at: int = 0) -> None:
        """Something that was found otherwise than by following."""
        self._ready.append(Ready(update, everybody, at, "device"))

    def compare(self, pts: int, now: float) -> None:
        """The data centre says that the account stands here: what is missing has half a second to come."""
        account = self._boxes[ACCOUNT]
        if account.pts and pts > account.pts and account.late_at is None:
            account.late_at = now + PATIENCE_S


def _origin(box: int, message: Any, ours: frozenset[tuple[int, int]]) -> Origin:
    return "api" if (box, message.id) in ours else "device"


def _note_top(box: _Box, update: Any) -> None:
    if isinstance(update, tl.UpdateNewMessage | tl.UpdateNewChannelMessage):
        box.top_message = max(box.top_message, update.message.id)
