"""One encrypted connection: requests go out in batches, each answer finds its request.

Promises: a request's future is always resolved. Either with the answer, or with RpcFault (the server said
no), or with LinkLost (there will be none: `sent` tells whether the request may have been acted on). The link never
repeats what the server may have seen: that is for those who know what it means. One that answers no ping is closed.
"""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import Callable
from typing import Any

import structlog
from telethon.errors import TypeNotFoundError
from telethon.tl.functions import PingRequest
from telethon.tl.types import MsgResendReq, MsgsAck, MsgsStateInfo

from teleflow.kit.clock import loop_time
from teleflow.telegram.mtproto.cipher import AuthKey, NotForUs
from teleflow.telegram.mtproto.codes import CLOCKS_DIFFER, NOBODY_KNOWS, QUIET, TRY_NEW_ID
from teleflow.telegram.mtproto.envelope import CONTAINER, Envelope
from teleflow.telegram.mtproto.framing import BrokenStream, Framing, FullFraming, TransportFault
from teleflow.telegram.mtproto.packing import GZIP_PACKED, packed, unpacked
from teleflow.telegram.mtproto.requests import LinkLost, Request, RpcFault, Unreadable, fail, read_answer

_log = structlog.get_logger(__name__)

PING_EVERY_S = 20.0
PONG_WITHIN_S = 10.0
ACK_WITHIN_S = 1.0
_ACK_BATCH = 64
_CONTAINER_MESSAGES = 100
_CONTAINER_BYTES = 512 * 1024
_RENEWALS = 3
_WAITING_LIMIT = 4096
_DEEPEST = 3  # containers and packings in one another
_RPC_RESULT = 0xF35C6D01

_U32, _I64 = struct.Struct("<I"), struct.Struct("<q")


class Link(asyncio.Protocol):
    """A connection and the MTProto session on it. Made by `connect.open_link`."""

    __slots__ = (
        "_ack_timer",
        "_acks",
        "_clock",
        "_envelope",
        "_flush_due",
        "_framing",
        "_loop",
        "_lost",
        "_on_lost",
        "_on_update",
        "_paused",
        "_pending",
        "_ping_id",
        "_plain",
        "_service",
        "_timer",
        "_transport",
        "_waiting",
        "heard_at",
        "on_answer",
        "on_new_session",
    )

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        on_update: Callable[[memoryview], None],
        on_lost: Callable[[BaseException], None],
        framing: Framing | None = None,
    ) -> None:
        self._clock = clock
        self._on_update = on_update
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._framing = framing or FullFraming()
        self._transport: asyncio.Transport | None = None
        self._envelope: Envelope | None = None
        self._plain: asyncio.Future[bytes] | None = None
        self._waiting: list[Request] = []
        self._pending: dict[int, Request] = {}
        self._acks: list[int] = []
        self._service: list[bytes] = []
        self._paused = False
        self._flush_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._ack_timer: asyncio.TimerHandle | None = None
        self._ping_id = 0
        self._lost: BaseException | None = None
        self.heard_at = loop_time()
        self.on_answer: Callable[[Any, Any], None] | None = None  # before those who wait hear of it, in order
        self.on_new_session: Callable[[], None] = lambda: None

    # -- life ---------------------------------------------------------------------------------------------

    def secure(self, key: AuthKey, *, salt: int, time_offset: float) -> None:
        """From here on, everything is encrypted with this key."""
        self._envelope = Envelope(key, salt=salt, time_offset=time_offset, clock=self._clock)
        self._timer = self._loop.call_later(PING_EVERY_S, self._watch)

    @property
    def salt(self) -> int:
        return self._envelope.salt if self._envelope else 0

    @property
    def time_offset(self) -> float:
        return self._envelope.time_offset if self._envelope else 0.0

    @property
    def is_open(self) -> bool:
        return self._lost is None and self._transport is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionResetError("the data centre closed the connection"))

    def close(self, cause: BaseException | None = None) -> None:
        """End it now; what is under way gets LinkLost."""
        self._end(cause or ConnectionAbortedError("closed by us"))

    def _end(self, cause: BaseException) -> None:
        if self._lost is not None:
            return
        self._lost = cause
        for timer in (self._timer, self._ack_timer):
            if timer is not None:
                timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        unanswered = [*self._pending.values(), *self._waiting]
        self._pending.clear()
        self._waiting.clear()
        for request in unanswered:
            fail(request.future, LinkLost(str(cause) or type(cause).__name__, sent=request.written))
        if self._plain is not None:
            fail(self._plain, LinkLost(str(cause), sent=True))
        self._on_lost(cause)

    # -- out ----------------------------------------------------------------------------------------------

    async def exchange(self, body: bytes) -> bytes:
        """Send one unencrypted message and await the answer: for the key exchange only."""
        if not self.is_open or self._transport is None:
            raise LinkLost(str(self._lost), sent=False)
        self._plain = self._loop.create_future()
        msg_id = int(self._clock() * (1 << 30)) << 2
        self._transport.write(self._framing.encode(struct.pack("<qqi", 0, msg_id, len(body)) + body))
        try:
            return await self._plain
        finally:
            self._plain = None

    def request(self, tl: Any) -> Request:
        """Send at the end of this turn of the loop, together with what else is due."""
        request = Request(tl, self._loop.create_future())
        if self._lost is not None or len(self._waiting) >= _WAITING_LIMIT:
            cause = "too many requests are waiting" if self._lost is None else str(self._lost)
            fail(request.future, LinkLost(cause, sent=False))
            return request
        self._waiting.append(request)
        self._flush_soon()
        return request

    def forget(self, request: Request) -> None:
        """Nobody waits for this answer any more."""
        request.future.cancel()
        self._pending.pop(request.msg_id, None)

    @property
    def under_way(self) -> list[asyncio.Future[Any]]:
        return [request.future for request in self._pending.values()]

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._flush_soon()

    def _flush_soon(self) -> None:
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        envelope, transport = self._envelope, self._transport
        if self._lost is not None or envelope is None or transport is None:
            return
        while (self._waiting or self._acks or self._service) and not self._paused:
            messages = [envelope.message(body, content=False)[1] for body in self._service_due()]
            requests = self._due(len(messages))
            for request in requests:
                request.msg_id, message = envelope.message(packed(request.body), content=True)
                messages.append(message)
            if messages:
                container_id, packet = envelope.packet(messages)
                for request in requests:
                    request.written = True
                    request.container_id = container_id
                    self._pending[request.msg_id] = request
                transport.write(self._framing.encode(packet))

    def _service_due(self) -> list[bytes]:
        service, self._service = self._service[:_CONTAINER_MESSAGES], self._service[_CONTAINER_MESSAGES:]
        if self._acks:
            batch, self._acks = self._acks[:1024], self._acks[1024:]
            service.append(bytes(MsgsAck(batch)))
            if self._ack_timer is not None:
                self._ack_timer.cancel()
                self._ack_timer = None
        return service

    def _due(self, beside: int) -> list[Request]:
        """The next requests that fit into one container with `beside` other messages; at least one."""
        due: list[Request] = []
        size = taken = 0
        for request in self._waiting:
            if due and (size + len(request.body) > _CONTAINER_BYTES or len(due) + beside >= _CONTAINER_MESSAGES):
                break
            taken += 1
            if not request.future.done():  # else nobody waits any more, and it has not left: it never will
                due.append(request)
                size += len(request.body)
        del self._waiting[:taken]
        return due

    def _watch(self) -> None:
        """Every 20 s: a silent connection is asked for a sign of life, and has 10 s to give one."""
        quiet = loop_time() - self.heard_at
        if quiet >= PING_EVERY_S + PONG_WITHIN_S - 0.5:
            self._end(TimeoutError("the data centre answers no ping"))
            return
        if quiet < PING_EVERY_S - 0.5:
            self._timer = self._loop.call_later(PING_EVERY_S - quiet, self._watch)
            return
        self._ping_id += 1
        self.request(PingRequest(self._ping_id))
        self._timer = self._loop.call_later(PONG_WITHIN_S, self._watch)

    # -- in -----------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        try:
            for packet in self._framing.feed(data):
                self._packet(packet)
        except (BrokenStream, TransportFault) as error:
            self._end(error)

    def _packet(self, packet: bytes) -> None:
        if self._envelope is None:
            if self._plain is not None and not self._plain.done() and len(packet) > 20:
                length = struct.unpack_from("<i", packet, 16)[0]
                self._plain.set_result(packet[20 : 20 + length])
            return
        try:
            msg_id, number, body = self._envelope.open(packet)
        except NotForUs as error:
            _log.warning("link.foreign_packet", cause=str(error))
            return
        self.heard_at = loop_time()
        self._envelope.check_time(msg_id)
        self._message(msg_id, number, body, depth=0)

    def _message(self, msg_id: int, number: int, body: memoryview, *, depth: int) -> None:
        if number & 1:
            self._acknowledge(msg_id)
        if depth > _DEEPEST or len(body) < 4:
            return
        try:  # one message that we can't read must not take the others with it
            self._handle(msg_id, body, depth)
        except (struct.error, ValueError, TypeNotFoundError, zlib.error, EOFError, BufferError, OSError) as error:
            _log.warning("link.unreadable_message", cause=type(error).__name__)

    def _handle(self, msg_id: int, body: memoryview, depth: int) -> None:
        kind = _U32.unpack_from(body)[0]
        if kind == _RPC_RESULT:
            self._result(_I64.unpack_from(body, 4)[0], body[12:])
        elif kind == CONTAINER:
            self._container(body, depth)
        elif kind == GZIP_PACKED and depth <= _DEEPEST:
            self._handle(msg_id, memoryview(unpacked(body)), depth + 1)
        elif self._envelope is not None and self._envelope.is_new(msg_id):
            # Answers find their request once, whatever is repeated; for the rest, seen means done.
            self._service_message(self._envelope, kind, msg_id, body)

    def _service_message(self, envelope: Envelope, kind: int, msg_id: int, body: memoryview) -> None:
        match kind:
            case 0x347773C5:
                self._on_pong(body)
            case 0xEDAB447B:  # bad_server_salt
                bad_id, _, _, envelope.salt = struct.unpack_from("<qiiq", body, 4)
                self._renew(bad_id)
            case 0x9EC20908:  # new_session_created
                envelope.salt = struct.unpack_from("<qqq", body, 4)[2]
                self.on_new_session()
            case 0xA7EFF811:
                self._on_bad_message(envelope, msg_id, body)
            case 0x276D3EC6:
                self._on_detailed(body)
            case 0x809DB6DF:
                self._on_new_detailed(envelope, body)
            case 0xDA69FB52:  # msgs_state_req; 4: received, we keep no message unread
                count = min(_U32.unpack_from(body, 8)[0], 8192)
                self._serve(MsgsStateInfo(msg_id, b"\x04" * count))
            case _ if kind not in QUIET:
                self._on_update(body)

    def _container(self, body: memoryview, depth: int) -> None:
        position = 8
        for _ in range(_U32.unpack_from(body, 4)[0]):
            inner_id, number, length = struct.unpack_from("<qii", body, position)
            position += 16
            if not 0 <= length <= len(body) - position:
                raise ValueError("a container whose lengths are wrong")
            self._message(inner_id, number, body[position : position + length], depth=depth + 1)
            position += length

    def _result(self, request_id: int, body: memoryview) -> None:
        request = self._pending.pop(request_id, None)
        if request is None or request.future.done():
            return
        try:
            answer = read_answer(request, body)
        except (RpcFault, Unreadable) as fault:
            fail(request.future, fault)
            return
        if self.on_answer is not None:
            self.on_answer(request.tl, answer)
        request.future.set_result(answer)

    def _on_pong(self, body: memoryview) -> None:
        if (request := self._pending.pop(_I64.unpack_from(body, 4)[0], None)) and not request.future.done():
            request.future.set_result(None)

    def _on_bad_message(self, envelope: Envelope, msg_id: int, body: memoryview) -> None:
        bad_id, _number, code = struct.unpack_from("<qii", body, 4)
        if code in CLOCKS_DIFFER:
            envelope.learn_time(msg_id)
            self._renew(bad_id)
        elif code in TRY_NEW_ID | NOBODY_KNOWS:
            self._renew(bad_id, refused=code in TRY_NEW_ID)
        else:
            # Sequence numbers out of step: a new session is the way back.
            self._end(ConnectionError(f"the data centre refuses our messages (bad_msg_notification {code})"))

    def _on_detailed(self, body: memoryview) -> None:
        request_id, answer_id = struct.unpack_from("<qq", body, 4)
        if request_id in self._pending:
            self._serve(MsgResendReq([answer_id]))
        else:
            self._acknowledge(answer_id)

    def _on_new_detailed(self, envelope: Envelope, body: memoryview) -> None:
        answer_id = _I64.unpack_from(body, 4)[0]
        if envelope.has_seen(answer_id):
            self._acknowledge(answer_id)
        else:
            self._serve(MsgResendReq([answer_id]))

    def _serve(self, message: Any) -> None:
        if len(self._service) < _WAITING_LIMIT:
            self._service.append(bytes(message))
            self._flush_soon()

    def _renew(self, bad_id: int, *, refused: bool = True) -> None:
        """The server has told that it refused this message, or this container: send it under a new id."""
        for request in [r for r in self._pending.values() if bad_id in {r.msg_id, r.container_id}]:
            del self._pending[request.msg_id]
            if not refused:
                fail(request.future, LinkLost("the data centre can't tell whether it had this", sent=True))
                continue
            request.renewals += 1
            request.written = False  # refused is not acted on
            self._waiting.append(request)
            if request.renewals > _RENEWALS:
                self._end(ConnectionError("the data centre refuses our messages again and again"))
                return
        self._flush_soon()

    def _acknowledge(self, msg_id: int) -> None:
        self._acks.append(msg_id)
        if len(self._acks) >= _ACK_BATCH:
            self._flush_soon()
        elif self._ack_timer is None:
            self._ack_timer = self._loop.call_later(ACK_WITHIN_S, self._ack_now)

    def _ack_now(self) -> None:
        self._ack_timer = None
        self._flush()
