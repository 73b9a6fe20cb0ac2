"""Whether the data centre where accounts begin answers at all: a connection is made, and given up again."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from teleflow.telegram.dc import Telegram

_WITHIN_S = 3.0


class Reachable:
    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram

    async def unreachable(self) -> str | None:
        """NO_ANSWER, REFUSED or NO_ROUTE; None where it takes connections."""
        home = self._telegram.home
        try:
            async with asyncio.timeout(_WITHIN_S):
                _, writer = await asyncio.open_connection(home.host, home.port)
        except TimeoutError:
            return "NO_ANSWER"
        except ConnectionRefusedError:
            return "REFUSED"
        except OSError:
            return "NO_ROUTE"
        writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await writer.wait_closed()
        return None
