"""Message ids and numbers: ours are made here, those of clients are judged here.

`Received` promises that a message is told apart from its repetition for as long as it is remembered, and that what
is too old to be remembered is refused. Its memory is bounded.
"""

from __future__ import annotations

from teleflow.kit.clock import Clock

REMEMBERED = 400
"""Client messages a session remembers."""
ONE_SECOND = 1 << 32
"""By which a second moves a message id."""
TOO_OLD, TOO_NEW = 300, 30
"""Seconds by which a client's message id may lag behind or run ahead of our clock."""

CLOCK_SET = 60
"""Seconds: a clock that goes back further was set, and ids follow it; a smaller step only slows them."""

MSG_ID_TOO_LOW = 16
MSG_ID_TOO_HIGH = 17
MSG_ID_NOT_DIVISIBLE = 18
CONTAINER_REPEATED = 19
MSG_ID_TOO_OLD = 20
SEQ_TOO_LOW = 32
SEQ_TOO_HIGH = 33
SEQ_ODD_EXPECTED_EVEN = 34
SEQ_EVEN_EXPECTED_ODD = 35
BAD_SALT = 48
INVALID_CONTAINER = 64


class MsgIds:
    """Ids of the server's messages: they rise, tell the time, and are 1 (an answer) or 3 modulo 4."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0
        self.offset = 0.0
        """Seconds that this server's clock is wrong by, on purpose."""

    def now(self) -> float:
        return self._clock.time() + self.offset

    def next(self, *, answer: bool) -> int:
        moment = int(self.now() * ONE_SECOND) & ~3
        if self._last - (CLOCK_SET << 32) < moment <= self._last:
            moment = self._last + 4
        self._last = moment
        return moment | (1 if answer else 3)


class Received:
    """The client messages that one session has had lately, with their numbers."""

    __slots__ = ("_floor", "_highest", "_highest_seq", "_seen")

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._floor = 0
        self._highest = 0
        self._highest_seq = -1

    def __contains__(self, msg_id: int) -> bool:
        return msg_id in self._seen

    def judge_time(self, msg_id: int, now: float) -> int:
        """The error code for this id, 0 when it may be taken."""
        if msg_id & 3:
            return MSG_ID_NOT_DIVISIBLE
        moment = msg_id >> 32
        if moment < now - TOO_OLD:
            return MSG_ID_TOO_LOW
        if moment > now + TOO_NEW:
            return MSG_ID_TOO_HIGH
        if msg_id <= self._floor and msg_id not in self._seen:
            return MSG_ID_TOO_OLD
        return 0

    def judge_seq(self, msg_id: int, seq: int) -> int:
        """The error code for the number of a message not yet seen, 0 when it fits between its neighbours."""
        if msg_id > self._highest:
            lower = self._highest_seq
            return SEQ_TOO_LOW if lower > seq or (lower == seq and seq & 1) else 0
        for other, number in self._seen.items():
            same_odd = number == seq and seq & 1
            if other < msg_id and (number > seq or same_odd):
                return SEQ_TOO_LOW
            if other > msg_id and (number < seq or same_odd):
                return SEQ_TOO_HIGH
        return 0

    def add(self, msg_id: int, seq: int) -> None:
        """Remember a message; the oldest is forgotten when there are too many."""
        self._seen[msg_id] = seq
        self._highest = max(self._highest, msg_id)
        self._highest_seq = max(self._highest_seq, seq)
        if len(self._seen) > REMEMBERED:
            oldest = sorted(self._seen)[: REMEMBERED // 4]  # a quarter at a time, so that it costs little
            for forgotten in oldest:
                del self._seen[forgotten]
            self._floor = max(self._floor, oldest[-1])

    def forget(self, msg_id: int) -> None:
        """As if this message had never come."""
        self._seen.pop(msg_id, None)

    def seq_of(self, msg_id: int) -> int:
        return self._seen.get(msg_id, 0)

    def state(self, msg_id: int) -> int:
        """Bits 1-3 of `msgs_state_info` for this id."""
        if msg_id in self._seen:
            return 4
        if msg_id <= self._floor:
            return 1
        return 3 if msg_id > self._highest else 2
