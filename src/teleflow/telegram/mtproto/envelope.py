"""One MTProto session's bookkeeping, without I/O: message ids, sequence numbers, salt, what was seen.

https://core.telegram.org/mtproto/description and …/service_messages.
"""

from __future__ import annotations

import os
import struct
from collections import deque
from collections.abc import Callable

from teleflow.telegram.mtproto.cipher import AuthKey, NotForUs

_HEAD = struct.Struct("<qqqii")
_MESSAGE = struct.Struct("<qii")
CONTAINER = 0x73F1F8DC
_SEEN_LIMIT = 64  # connections are ordered: repeats come soon or never; idle sessions are many, memory counts
_TOO_OLD_S = 300
_TOO_NEW_S = 30


class Envelope:
    """Wraps our messages for the wire and unwraps the server's."""

    __slots__ = (
        "_clock",
        "_key",
        "_last_id",
        "_seen",
        "_seen_order",
        "_sequence",
        "id",
        "salt",
        "time_checked",
        "time_offset",
    )

    def __init__(self, key: AuthKey, *, salt: int, time_offset: float, clock: Callable[[], float]) -> None:
        self._key = key
        self._clock = clock
        self.salt = salt
        self.time_offset = time_offset
        self.time_checked = False
        self.id = int.from_bytes(os.urandom(8), "little", signed=True)
        self._sequence = 0
        self._last_id = 0
        self._seen: set[int] = set()
        self._seen_order: deque[int] = deque()

    def message(self, body: bytes, *, content: bool) -> tuple[int, bytes]:
        """(message id, the message as it stands in a container or alone)."""
        msg_id = self._next_id()
        number = self._sequence * 2 + content
        self._sequence += content
        return msg_id, _MESSAGE.pack(msg_id, number, len(body)) + body

    def packet(self, messages: list[bytes]) -> tuple[int, bytes]:
        """(container id, the packet): encrypted, in one container where they are several; else the id is 0."""
        container_id = 0
        if len(messages) == 1:
            plain = messages[0]
        else:
            container_id, plain = self.message(
                struct.pack("<Ii", CONTAINER, len(messages)) + b"".join(messages), content=False
            )
        return container_id, self._key.encrypt(struct.pack("<qq", self.salt, self.id) + plain)

    def open(self, packet: bytes) -> tuple[int, int, memoryview]:
        """(message id, sequence number, body). Raises NotForUs."""
        plain = self._key.decrypt(packet)
        _salt, session, msg_id, number, length = _HEAD.unpack_from(plain)
        if session != self.id:
            raise NotForUs("a packet of another session")
        if not 0 <= length <= len(plain) - 32 - 12 or length % 4:
            raise NotForUs("a packet whose length is wrong")
        if msg_id & 1 == 0:
            raise NotForUs("a message id that no server makes")
        return msg_id, number, memoryview(plain)[32 : 32 + length]

    def is_new(self, msg_id: int) -> bool:
        """Whether this message was not seen before; remembers it.

        The last 64 are remembered, and what is older than all of them counts as seen.
        """
        order = self._seen_order
        if msg_id in self._seen or (len(order) == _SEEN_LIMIT and msg_id < order[0]):
            return False
        self._seen.add(msg_id)
        if len(order) == _SEEN_LIMIT:
            self._seen.discard(order.popleft())
        order.append(msg_id)
        return True

    def has_seen(self, msg_id: int) -> bool:
        return msg_id in self._seen

    def is_timely(self, msg_id: int) -> bool:
        """Whether the server made this id about now.

        A packet of this session can't be an old one played again (the session id is drawn for each connection,
        and ids are remembered), so an untimely id means that the clocks differ: see `learn_time`.
        """
        age = self._clock() + self.time_offset - (msg_id >> 32)
        return -_TOO_NEW_S < age < _TOO_OLD_S

    def check_time(self, msg_id: int) -> None:
        """Compare the clocks once, at the first message of a connection; see `is_timely`."""
        if not self.time_checked:
            self.time_checked = True
            if not self.is_timely(msg_id):
                self.learn_time(msg_id)

    def learn_time(self, msg_id: int) -> None:
        """Take the server's clock from an id that it made."""
        self.time_offset = (msg_id >> 32) - self._clock()
        self._last_id = 0

    def _next_id(self) -> int:
        now = self._clock() + self.time_offset
        msg_id = (int(now * (1 << 30)) << 2) & ~3
        if msg_id <= self._last_id:
            msg_id = self._last_id + 4
        self._last_id = msg_id
        return msg_id
