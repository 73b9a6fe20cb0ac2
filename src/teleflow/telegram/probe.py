"""Is a data centre there, is it the one whose key we have, and what time is it there? Asked without any account."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from teleflow.kit.clock import Clock
from teleflow.telegram.dc import Telegram
from teleflow.telegram.mtproto.connect import open_link


async def probe(telegram: Telegram, clock: Clock) -> float:
    """Its clock minus ours, in seconds, after a whole key exchange with the home data centre.

    Raises OSError: TimeoutError and ConnectionError, HandshakeFailed among them (it has another key).
    """
    with ThreadPoolExecutor(1) as threads:
        opened = await open_link(
            host=telegram.home.host,
            port=telegram.home.port,
            key=None,
            salt=0,
            keys=telegram.keys,
            clock=clock.time,
            on_update=lambda _: None,
            on_lost=lambda _: None,
            threads=threads,
        )
        offset = opened.link.time_offset
        opened.link.close()
        return offset
