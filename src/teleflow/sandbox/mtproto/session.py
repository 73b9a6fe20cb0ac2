"""One session of one key: what it has received, what it has been sent, and which connections carry it.

Promises: messages go out in the order in which they were queued, those of one tick of the loop in one container;
what needs an acknowledgement is kept until it has one, within limits; an answer is kept under its request, so that a
repeated request gets the same answer and is not run again. It does not read requests.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable

from teleflow.sandbox.mtproto.envelope import seal
from teleflow.sandbox.mtproto.keys import AuthKey
from teleflow.sandbox.mtproto.msg_ids import ONE_SECOND, MsgIds, Received
from teleflow.sandbox.transport.connection import Connection

MAX_UNACKED = 512
MAX_UNACKED_BYTES = 2 * 1024 * 1024
MAX_CONTAINER_MESSAGES = 100
MAX_CONTAINER_BYTES = 1024 * 1024 - 64
RESEND_AFTER = 150.0
"""Seconds. Longer than a client keeps acknowledgements back when it has nothing else to say (a minute)."""
MAX_SENDINGS = 3

_MESSAGE = struct.Struct("<qii")
_HEAD = struct.Struct("<qq")
_CONTAINER = struct.Struct("<Ii")
CONTAINER_ID = 0x73F1F8DC
_NONE: frozenset[int] = frozenset()
_ACK_HEAD = struct.Struct("<IIi")


class Outgoing:
    """A message of ours. `request` is the client's message that it answers, 0 when it answers none."""

    __slots__ = ("body", "msg_id", "request", "sendings", "sent_at", "seq", "withheld")

    def __init__(self, msg_id: int, seq: int, body: bytes, request: int, sent_at: float) -> None:
        self.msg_id = msg_id
        self.seq = seq
        self.body = body
        self.request = request
        self.sent_at = sent_at
        self.sendings = 1
        self.withheld = False

    def head(self) -> bytes:
        """What stands before the body."""
        return _MESSAGE.pack(self.msg_id, self.seq, len(self.body))


class Session:
    """See the module.

    `ready` is called when something waits to be flushed, `chores` when there is work for the sweeper, `unheard` when
    something waits for an acknowledgement.
    """

    __slots__ = (
        "_arrivals",
        "_chores",
        "_content",
        "_ids",
        "_queue",
        "_ready",
        "_unacked_bytes",
        "_unheard",
        "acked",
        "announced",
        "answers",
        "connections",
        "gone",
        "id",
        "key",
        "lagging",
        "last_seen",
        "load",
        "received",
        "running",
        "salt_of",
        "unacked",
        "wants_updates",
    )

    def __init__(
        self,
        key: AuthKey,
        session_id: int,
        ids: MsgIds,
        salt_of: Callable[[AuthKey], int],
        ready: Callable[[Session], None],
        chores: Callable[[Session], None],
        unheard: Callable[[Session], None],
    ) -> None:
        self.key = key
        self.id = session_id
        self.salt_of = salt_of
        self._ids = ids
        self._ready = ready
        self._chores = chores
        self._unheard = unheard
        self._queue: list[Outgoing] = []
        self._content = 0
        self._unacked_bytes = 0
        self._arrivals: dict[int, asyncio.Future[None]] | None = None
        self.received = Received()
        self.unacked: dict[int, Outgoing] = {}
        self.answers: dict[int, int] = {}
        self.acked: frozenset[int] = _NONE
        self.running: dict[int, asyncio.Future[bool]] = {}
        self.connections: list[Connection] = []
        self.last_seen = 0.0
        self.announced = False
        self.wants_updates = False
        self.lagging = False
        self.load = 0
        """Bytes of the requests that are being worked on."""
        self.gone = False

    @property
    def kept_bytes(self) -> int:
        """Bytes of what waits for acknowledgement."""
        return self._unacked_bytes

    def end(self) -> None:
        """The session has been forgotten: what is still being worked on for it is answered to nobody."""
        self.gone = True
        self.connections.clear()
        self.unacked.clear()
        self.answers.clear()
        self._queue.clear()
        self._unacked_bytes = 0
        self.lagging = False

    @property
    def live(self) -> bool:
        for connection in self.connections:  # noqa: SIM110 - asked for each update; a generator costs more than it does
            if connection.open:
                return True
        return False

    @property
    def connection(self) -> Connection | None:
        """The connection to write to: the one that was heard from last, of those that are open."""
        for connection in reversed(self.connections):
            if connection.open:
                return connection
        return None

    # Queueing.

    def send(self, body: bytes, *, request: int = 0, content: bool = True, withheld: bool = False) -> Outgoing:
        """Queue a message. Content is kept until acknowledged; `withheld` is kept and not sent."""
        seq = self._content * 2 + content
        self._content += content
        msg_id = self._ids.next(answer=request != 0)
        message = Outgoing(msg_id, seq, body, request, msg_id / ONE_SECOND)
        message.withheld = withheld
        if self.gone:
            return message
        if content:
            self._keep(message)
        if not withheld:
            self._enqueue(message)
        return message

    def repeat(self, message: Outgoing) -> None:
        """Queue a kept message once more, under its old id."""
        message.withheld = False
        message.sendings += 1
        message.sent_at = self._ids.now()
        if message not in self._queue:
            self._enqueue(message)

    def _enqueue(self, message: Outgoing) -> None:
        self._queue.append(message)
        if len(self._queue) == 1:
            self._ready(self)

    def _keep(self, message: Outgoing) -> None:
        self.unacked[message.msg_id] = message
        self._unacked_bytes += len(message.body)
        if message.request:
            self.answers[message.request] = message.msg_id
        while len(self.unacked) > MAX_UNACKED or (self._unacked_bytes > MAX_UNACKED_BYTES and len(self.unacked) > 1):
            self.forget(next(iter(self.unacked)))
        self._unheard(self)

    def forget(self, msg_id: int) -> None:
        """The client has this message of ours (or we give it up)."""
        message = self.unacked.pop(msg_id, None)
        if message is not None:
            self._unacked_bytes -= len(message.body)
            if message.request:
                self.answers.pop(message.request, None)

    def answer_to(self, request: int) -> Outgoing | None:
        """The kept answer to a request."""
        msg_id = self.answers.get(request)
        return None if msg_id is None else self.unacked.get(msg_id)

    def begin(self, msg_id: int, work: asyncio.Future[bool]) -> None:
        """A request is being worked on. An answer acknowledges it; when that takes long, the sweeper does."""
        self.running[msg_id] = work
        self.arrived(msg_id)
        if not self.gone:
            self._chores(self)

    def arrival(self, msg_id: int) -> asyncio.Future[None]:
        """Done when a request that has not come yet has come."""
        if self._arrivals is None:
            self._arrivals = {}
        if msg_id not in self._arrivals:
            self._arrivals[msg_id] = asyncio.get_running_loop().create_future()
        return self._arrivals[msg_id]

    def arrived(self, msg_id: int) -> None:
        """The request is being worked on or has been answered, or nobody waits for it any more."""
        if self._arrivals is not None:
            waiting = self._arrivals.pop(msg_id, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(None)

    def acknowledge(self, msg_ids: list[int]) -> None:
        """Tell the client that its messages have come."""
        head = _ACK_HEAD.pack(0x62D6B459, 0x1CB5C415, len(msg_ids))
        self.send(head + struct.pack(f"<{len(msg_ids)}q", *msg_ids), content=False)

    # Writing.

    def flush(self) -> None:
        """Write everything queued, to the connection heard from last; without one, content waits for the next."""
        queue, self._queue = self._queue, []
        connection = self.connection
        if connection is None:
            return
        start = 0
        while start < len(queue):
            stop, size = start, 0
            while stop < len(queue) and stop - start < MAX_CONTAINER_MESSAGES:
                size += len(queue[stop].body) + _MESSAGE.size
                if size > MAX_CONTAINER_BYTES and stop > start:
                    break
                stop += 1
            self._write(connection, queue[start:stop])
            start = stop

    def _write(self, connection: Connection, messages: list[Outgoing]) -> None:
        parts = [_HEAD.pack(self.salt_of(self.key), self.id)]
        if len(messages) > 1:
            size = _CONTAINER.size + sum(_MESSAGE.size + len(message.body) for message in messages)
            parts.append(_MESSAGE.pack(self._ids.next(answer=False), self._content * 2, size))
            parts.append(_CONTAINER.pack(CONTAINER_ID, len(messages)))
        for message in messages:
            parts += message.head(), message.body
        connection.send(seal(self.key.key, self.key.key_id, *parts))

    # Connections.

    def attach(self, connection: Connection) -> bool:
        """The session has been heard on `connection`. True when the connection is new to it."""
        if self.connections and self.connections[-1] is connection:
            return False
        known = connection in self.connections
        if known:
            self.connections.remove(connection)
        self.connections.append(connection)
        return not known

    def resend_after_reconnect(self) -> None:
        """What was sent on another connection and not acknowledged may be lost: once more."""
        for message in list(self.unacked.values()):
            if not message.withheld:
                self.repeat(message)

    def sweep(self) -> bool:
        """Acknowledgements for what takes long. False when nothing is left to look after."""
        late = [msg_id for msg_id in self.running if msg_id not in self.acked]
        if late and self.live:
            self.acknowledge(late)
        self.acked = frozenset(self.running) if self.running else _NONE
        return bool(self.running or self.lagging)

    def resend(self, now: float) -> bool:
        """What has not been acknowledged for long goes out again. False when nothing waits any more."""
        for message in list(self.unacked.values()):
            if now - message.sent_at < RESEND_AFTER:
                break
            if message.sendings >= MAX_SENDINGS or message.withheld:
                self.forget(message.msg_id)
            elif self.live:
                self.repeat(message)
        return bool(self.unacked)
