"""The listening socket: opens connections, can refuse them or accept them and say nothing.

Keeps the set of open connections. It does not read them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from teleflow.sandbox.transport.connection import Connection, Receiver
from teleflow.sandbox.transport.framing import Packet

BACKLOG = 4096


class Listener:
    """One address. `start` may be called again after `refuse`: the port stays the same."""

    def __init__(self, receiver: Receiver, host: str, port: int) -> None:
        self._receiver = receiver
        self._server: asyncio.Server | None = None
        self._opened = 0
        self._connections: dict[int, Connection] = {}
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
        self._server = await loop.create_server(self._accept, self.host, self.port, backlog=BACKLOG)
        self.port = self._server.sockets[0].getsockname()[1]

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
        self._opened += 1
        return Connection(self, self._opened)

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
