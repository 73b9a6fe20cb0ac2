"""The listening socket: opens connections, can refuse them or accept them and say nothing.

Keeps the set of open connections. It does not read them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from itertools import count
from typing import Any

from teleflow.sandbox.transport.connection import Connection, Receiver
from teleflow.sandbox.transport.framing import Packet

BACKLOG = 4096
MAX_HELD = 512 * 1024 * 1024
"""Bytes of unfinished packets, and of what clients do not read, of all connections together. Whoever adds more on top
is cut off."""


class Listener:
    """One address. `start` may be called again after `refuse`: the port stays the same."""

    def __init__(self, receiver: Receiver, host: str, port: int, numbers: Iterator[int] | None = None) -> None:
        self._receiver = receiver
        self._server: asyncio.Server | None = None
        self._address: tuple[int, tuple[Any, ...]] | None = None
        self._numbers = numbers if numbers is not None else count(1)
        self._connections: dict[int, Connection] = {}
        self._held = 0
        self.host = host
        self.port = port
        self.stalling = False
        """Whether new connections are accepted and then neither read nor written."""

    def __len__(self) -> int:
        return len(self._connections)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._connections.values()))

    @property
    def listening(self) -> bool:
        return self._server is not None

    async def start(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        if self._server is not None:
            return
        loop = asyncio.get_running_loop()
        if self._address is None:
            found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            self._address = found[0][0], found[0][4]
        family, address = self._address
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Taken over by what it accepts: a push must not wait for the acknowledgement of the one before.
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            listening.setblocking(False)
            listening.bind((address[0], self.port, *address[2:]))
            # Listens from here on, so that clients are not refused while the loop takes the socket over.
            listening.listen(BACKLOG)
            self.port = listening.getsockname()[1]
            self._server = await loop.create_server(self._accept, sock=listening, backlog=BACKLOG)
        except BaseException:
            listening.close()
            raise

    def refuse(self) -> None:
        """Close the listening socket: the kernel refuses new connections. Open ones stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def stop(self) -> None:
        """Refuse, and drop every connection."""
        self.refuse()
        for connection in self:
            connection.abort("stopping")
        for _ in range(3):  # let the loop tell each connection that it is lost
            await asyncio.sleep(0)

    def _accept(self) -> Connection:
        return Connection(self, next(self._numbers))

    # Receiver, to know what is open before passing it on.

    def opened(self, connection: Connection) -> None:
        self._connections[connection.number] = connection
        if self.stalling:
            connection.stall()
        self._receiver.opened(connection)

    def received(self, connection: Connection, packet: Packet) -> None:
        self._receiver.received(connection, packet)

    def closed(self, connection: Connection) -> None:
        self._connections.pop(connection.number, None)
        self._receiver.closed(connection)

    def may_hold(self, more: int) -> bool:
        if more > 0 and self._held + more > MAX_HELD:
            return False
        self._held += more
        return True
