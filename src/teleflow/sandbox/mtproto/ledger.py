"""What happened on the wire: connections and calls, numbered, in order.

Rows are kept up to a limit; `lost` tells how many older ones were given up, so that a reader knows whether a list is
complete. The world keeps its own ledger of messages and updates.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from teleflow.kit.clock import Clock, milliseconds

LIMIT = 250_000


class CallRow:
    """One request, or (with no method) one firing of a rule that acted on no call."""

    __slots__ = (
        "at",
        "code",
        "connection",
        "ended",
        "error",
        "faults",
        "key_id",
        "method",
        "msg_id",
        "number",
        "outcome",
        "phone",
        "random_id",
        "session_id",
    )

    def __init__(self, number: int, at: int, phone: str | None, method: str | None) -> None:
        self.number = number
        self.at = at
        self.phone = phone
        self.method = method
        self.random_id: int | None = None
        self.key_id = self.session_id = self.msg_id = self.connection = 0
        self.outcome = "running"
        self.error: str | None = None
        self.code = 0
        self.faults: list[tuple[int, str]] | None = None
        self.ended: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Ids are text: they have 64 bits, and JSON readers often have 53."""
        return {
            "seq": self.number,
            "at": self.at,
            "phone": f"+{self.phone}" if self.phone else None,
            "method": self.method,
            "randomId": None if self.random_id is None else str(self.random_id),
            "keyId": str(self.key_id),
            "sessionId": str(self.session_id),
            "msgId": str(self.msg_id),
            "connection": self.connection,
            "outcome": self.outcome,
            "error": self.error,
            "faults": [{"id": number, "verb": verb} for number, verb in self.faults or ()],
            "endedAt": self.ended,
        }


class ConnectionRow:
    """One TCP connection, from accept to its end."""

    __slots__ = ("address", "at", "bytes_in", "bytes_out", "cause", "ended", "framing", "keys", "number", "packets_in")

    def __init__(self, number: int, at: int, address: str) -> None:
        self.number = number
        self.at = at
        self.address = address
        self.keys: tuple[int, ...] = ()
        self.framing: str | None = None
        self.cause: str | None = None
        self.ended: int | None = None
        self.bytes_in = self.bytes_out = self.packets_in = 0

    def as_dict(self, phone: str | None) -> dict[str, Any]:
        return {
            "seq": self.number,
            "at": self.at,
            "address": self.address,
            "phone": f"+{phone}" if phone else None,
            "keyIds": [str(key) for key in self.keys],
            "framing": self.framing,
            "bytesIn": self.bytes_in,
            "bytesOut": self.bytes_out,
            "packetsIn": self.packets_in,
            "endedAt": self.ended,
            "cause": self.cause,
        }


class Ledger:
    """Both lists."""

    def __init__(self, clock: Clock, limit: int = LIMIT) -> None:
        self._clock = clock
        self.limit = limit
        self._cleared_calls = 0
        self._cleared_connections = 0
        self._calls: deque[CallRow] = deque(maxlen=limit)
        self._connections: deque[ConnectionRow] = deque(maxlen=limit)
        self._last_call = 0
        # shared by the listeners of all data centres that write here
        self.connection_numbers = count(1)

    def now(self) -> int:
        return milliseconds(self._clock.time())

    def call(self, phone: str | None, method: str | None) -> CallRow:
        self._last_call += 1
        row = CallRow(self._last_call, self.now(), phone, method)
        self._calls.append(row)
        return row

    def fault(self, rule: int, verb: str, phone: str | None) -> CallRow:
        """A rule has acted, and not on a call."""
        row = self.call(phone, None)
        row.faults = [(rule, verb)]
        row.outcome, row.ended = "fault", row.at
        return row

    def connection(self, number: int, address: str) -> ConnectionRow:
        row = ConnectionRow(number, self.now(), address)
        self._connections.append(row)
        return row

    def clear(self) -> None:
        """Forget the rows; numbers go on. What is cleared does not count as dropped."""
        if self._calls:
            self._cleared_calls = self._calls[-1].number
        if self._connections:
            self._cleared_connections = self._connections[-1].number
        self._calls.clear()
        self._connections.clear()

    @property
    def lost_calls(self) -> int:
        """Rows given up because there were too many."""
        return self._calls[0].number - 1 - self._cleared_calls if self._calls else 0

    @property
    def lost_connections(self) -> int:
        return self._connections[0].number - 1 - self._cleared_connections if self._connections else 0

    def calls(self, *, phone: str | None = None, random_id: int | None = None, since: int = 0) -> Iterator[CallRow]:
        """Rows after number `since`, oldest first."""
        for row in self._calls:
            if row.number <= since or (phone is not None and row.phone != phone):
                continue
            if random_id is None or row.random_id == random_id:
                yield row

    def connections(
        self, phone_of: Callable[[int], str | None], *, phone: str | None = None, since: int = 0
    ) -> Iterator[tuple[ConnectionRow, str | None]]:
        """Rows after number `since` with the phone of their key, oldest first."""
        for row in self._connections:
            if row.number <= since:
                continue
            owner = next((found for key in row.keys if (found := phone_of(key)) is not None), None)
            if phone is None or owner == phone:
                yield row, owner
