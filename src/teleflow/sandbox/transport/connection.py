"""One client's TCP connection: bytes in, packets out, and the ways in which it can be made to misbehave.

Promises: bounded buffers both ways, a malformed stream closes this connection and nothing else, and a callback
that raises is logged and closes the connection. Built on `asyncio.Protocol` without streams or tasks, because
thousands of idle ones have to be cheap. It does not know what a packet means.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Protocol, cast

import structlog
from cryptography.hazmat.primitives.ciphers import CipherContext

from teleflow.sandbox.transport.detect import detect
from teleflow.sandbox.transport.framing import Framing, MalformedStreamError, Packet

_log = structlog.get_logger(__name__)

WRITE_HIGH_WATER = 1024 * 1024
WRITE_LIMIT = 16 * 1024 * 1024
"""Bytes waiting for one client. A client that lets more than this pile up is cut off."""

Spoil = Callable[[bytes], tuple[bytes, bool]]
"""Takes a frame about to be written; returns what is written in its place and whether the connection ends."""


class Receiver(Protocol):
    """Who is told what happens on connections."""

    def opened(self, connection: Connection) -> None: ...

    def received(self, connection: Connection, packet: Packet) -> None: ...

    def closed(self, connection: Connection) -> None: ...


class Owner(Receiver, Protocol):
    """Who has made connections, and keeps the account of what they hold together."""

    def may_hold(self, more: int) -> bool:
        """Whether so many bytes more (fewer: negative) may be held, of all connections: parts of packets that are
        not whole yet, and what waits for clients that do not read.
        """
        ...


class Connection(asyncio.Protocol):
    """See the module. `number` is unique within the data centre; `state` belongs to the receiver."""

    __slots__ = (
        "_buffer",
        "_decryptor",
        "_encryptor",
        "_framing",
        "_held",
        "_kept",
        "_receiver",
        "_transport",
        "_unread",
        "_waiting",
        "address",
        "bytes_in",
        "bytes_out",
        "cause",
        "congested",
        "number",
        "packets_in",
        "packets_out",
        "spoil",
        "stalled",
        "state",
    )

    def __init__(self, receiver: Owner, number: int) -> None:
        self._receiver = receiver
        self._transport: asyncio.Transport | None = None
        self._framing: Framing | None = None
        self._buffer: bytearray | None = None
        self._kept = self._waiting = 0
        self._decryptor: CipherContext | None = None
        self._encryptor: CipherContext | None = None
        self._held: list[bytes] | None = None
        self._unread: list[bytes] | None = None
        self.number = number
        self.address = ""
        self.bytes_in = self.bytes_out = 0
        self.packets_in = self.packets_out = 0
        self.cause: str | None = None
        self.congested = False
        self.stalled = False
        self.spoil: Spoil | None = None
        self.state: object = None

    @property
    def open(self) -> bool:
        return self._transport is not None and self.cause is None

    @property
    def framing(self) -> str | None:
        """Name of the framing; None until it is known."""
        return None if self._framing is None else self._framing.name

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_WATER)
        host, port = (transport.get_extra_info("peername") or ("", 0))[:2]
        self.address = f"{host}:{port}"
        self._receiver.opened(self)

    def data_received(self, data: bytes) -> None:
        if self.cause is not None:
            return
        if self._unread is not None:  # a loop may start to read after `connection_made`, whatever was said there
            self._unread.append(data)
            if self._transport is not None:
                self._transport.pause_reading()
            return
        self.bytes_in += len(data)
        try:
            self._take(data)
        except MalformedStreamError as error:
            _log.info("connection.malformed", connection=self.number, reason=str(error))
            self.abort("malformed")
        except Exception:  # noqa: BLE001 - no input may take the process down
            _log.exception("connection.failed", connection=self.number)
            self.abort("internal")

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self.congested = True

    def resume_writing(self) -> None:
        self.congested = False
        self._wait(0)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.cause is None:
            self.cause = "client" if exc is None else type(exc).__name__
        self._transport = None
        self._buffer = self._held = self._unread = None
        self._keep(None)
        self._wait(0)
        self._receiver.closed(self)

    def _take(self, data: bytes) -> None:
        """Cut packets out of what has come and hand them on."""
        if self._framing is not None and self._decryptor is not None:
            data = self._decryptor.update(data)
        pending: bytes | bytearray = data
        if self._buffer is not None:
            self._buffer += data
            pending, self._buffer = self._buffer, None
        if self._framing is None:
            found = detect(pending)
            if found is None:
                self._keep(pending if isinstance(pending, bytearray) else bytearray(pending))
                return
            self._framing, self._decryptor, self._encryptor = found.framing, found.decryptor, found.encryptor
            pending = pending[found.consumed :]
            if self._decryptor is not None:
                pending = self._decryptor.update(bytes(pending))
        packets: list[Packet] = []
        taken = self._framing.split(pending, packets)
        if taken == len(pending):
            self._keep(None)
        elif taken == 0 and isinstance(pending, bytearray):  # a long packet in small pieces is not copied for each
            self._keep(pending)
        else:
            self._keep(bytearray(pending[taken:]))
        for packet in packets:
            if self.cause is not None:
                return
            self.packets_in += 1
            self._receiver.received(self, packet)

    def _keep(self, rest: bytearray | None) -> None:
        """Hold the beginning of a packet until more comes."""
        self._buffer = rest
        size = 0 if rest is None else len(rest)
        if size != self._kept:
            if not self._receiver.may_hold(size - self._kept):
                raise MalformedStreamError("too many unfinished packets")
            self._kept = size

    # What the session layer calls.

    def send(self, payload: bytes) -> None:
        """Write one packet. Does nothing on a closed connection."""
        if self.cause is not None or self._framing is None:
            return
        self.packets_out += 1
        self._write(self._framing.wrap(payload))

    def send_quick_ack(self, token: int) -> None:
        """Write a quick acknowledgement, where the framing has one."""
        if self.cause is None and self._framing is not None:
            self._write(self._framing.wrap_quick_ack(token))

    def send_noise(self, noise: bytes) -> None:
        """Write bytes that belong to no packet."""
        if self.cause is None:
            self._write(noise)

    def _write(self, frame: bytes) -> None:
        ends = False
        if self.spoil is not None:
            frame, ends = self.spoil(frame)
        if self._encryptor is not None:
            frame = self._encryptor.update(frame)
        transport = self._transport
        if transport is None:
            return
        if self._held is not None:
            self._held.append(frame)
            waiting = sum(map(len, self._held))
        else:
            transport.write(frame)
            waiting = transport.get_write_buffer_size() if self.congested else 0
        self.bytes_out += len(frame)
        if ends:
            self.close("spoiled")
        elif waiting > WRITE_LIMIT or (waiting != self._waiting and not self._wait(waiting)):
            self.abort("slow reader")

    def _wait(self, waiting: int) -> bool:
        """So much waits for the client to read it. False when that is too much for all connections together."""
        if not self._receiver.may_hold(waiting - self._waiting):
            return False
        self._waiting = waiting
        return True

    def close(self, cause: str) -> None:
        """Close after what was written has gone out; at once when the client does not read."""
        if self.cause is not None or self._transport is None:
            return
        if self.congested or self._held is not None:
            self.abort(cause)
            return
        self.cause = cause
        self._transport.close()

    def abort(self, cause: str) -> None:
        """Close at once; what was not yet written is lost."""
        if self._transport is not None:
            self.cause = self.cause or cause
            self._transport.abort()

    def reset(self, cause: str) -> None:
        """Close so that the client's kernel sees a reset (RST), not an orderly end."""
        if self._transport is not None:
            sock = self._transport.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.abort(cause)

    def stall(self) -> None:
        """Stop reading and hold what is written, as if the network had swallowed both directions."""
        if self.open and not self.stalled and self._transport is not None:
            self.stalled = True
            self._held = []
            self._unread = []
            self._transport.pause_reading()

    def throttle(self) -> None:
        """Read only what `drip` lets through, and so make the client's writing wait."""
        if self.open and self._unread is None and self._transport is not None:
            self.stalled = True
            self._unread = []

    def drip(self, count: int) -> None:
        """Read the next `count` bytes of a throttled connection."""
        unread = self._unread
        if unread is None or self._held is not None or self._transport is None:
            return
        if not unread:
            self._transport.resume_reading()
            return
        waiting = b"".join(unread)
        self._unread = None
        self.data_received(waiting[:count])
        if self.open:
            self._unread = [waiting[count:]] if len(waiting) > count else []

    def recover(self) -> None:
        """End a stall: what was held goes out, what has come is read."""
        if self.stalled and self._transport is not None and self.cause is None:
            self.stalled = False
            held, self._held = self._held or [], None
            unread, self._unread = self._unread or [], None
            self._wait(0)
            self._transport.writelines(held)
            for data in unread:
                self.data_received(data)
            if self.open:
                self._transport.resume_reading()
