"""What the judge gets wrong by itself, and no data centre can help."""

from __future__ import annotations

from typing import Any

from telethon.errors.common import InvalidBufferError

_TRIES = 3


async def connected(client: Any) -> None:
    """Connect. Telethon factorises a product of 46 bits wrong in one exchange of two thousand, and is hung up on."""
    for _ in range(_TRIES - 1):
        try:
            await client.connect()
        except InvalidBufferError:
            continue
        return
    await client.connect()
