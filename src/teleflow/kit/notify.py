"""What systemd is told of a service of `Type=notify`: it is ready, it stops, it is alive.

A datagram to the socket that systemd names; nothing happens where it named none. Knows neither what the service does
nor where the name of the socket comes from.
"""

from __future__ import annotations

import contextlib
import socket

from teleflow.kit.clock import Clock


class Notify:
    """Tells the manager of this process. `address` is a path, or `@name` for an abstract socket; None tells nobody."""

    def __init__(self, address: str | None) -> None:
        self._address = f"\0{address[1:]}" if address is not None and address.startswith("@") else address

    def tell(self, *lines: str) -> None:
        """`READY=1`, `STOPPING=1`, `STATUS=…`. Never raises, never waits: whoever is gone is not missed."""
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            door.setblocking(False)
            door.sendto("\n".join(lines).encode(), self._address)

    async def stay_alive(self, within: float, clock: Clock) -> None:
        """Say so for ever, twice in each `within` seconds. From the event loop: one that stands still says nothing."""
        while True:
            self.tell("WATCHDOG=1")
            await clock.sleep(within / 2)
