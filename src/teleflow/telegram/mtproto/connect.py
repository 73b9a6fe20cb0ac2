"""Opening a link: TCP, and the key exchange where there is no key yet. Everything has a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

from teleflow.telegram.mtproto.cipher import AuthKey
from teleflow.telegram.mtproto.framing import Framing, FullFraming
from teleflow.telegram.mtproto.handshake import make_key
from teleflow.telegram.mtproto.keys import PublicKey
from teleflow.telegram.mtproto.link import Link

CONNECT_WITHIN_S = 10.0
KEY_WITHIN_S = 20.0


class Dial(Protocol):
    """How a TCP connection is made: straight, or through a proxy. Raises OSError."""

    async def __call__(self, protocol: Callable[[], Link], host: str, port: int) -> Link: ...


@dataclass(frozen=True, slots=True)
class OpenLink:
    """A link that is ready for requests. `is_new`: the key was made now and has to be kept."""

    link: Link
    key: AuthKey
    is_new: bool


async def dial(protocol: Callable[[], Link], host: str, port: int) -> Link:
    """Straight TCP."""
    _, link = await asyncio.get_running_loop().create_connection(protocol, host, port)
    return link


async def open_link(
    *,
    host: str,
    port: int,
    key: AuthKey | None,
    salt: int,
    keys: Sequence[PublicKey],
    clock: Callable[[], float],
    on_update: Callable[[memoryview], None],
    on_lost: Callable[[BaseException], None],
    threads: Executor,
    dial: Dial = dial,
    framing: Callable[[], Framing] = FullFraming,
) -> OpenLink:
    """Connect, and make a key when `key` is None. Raises OSError (TimeoutError, ConnectionError) only."""

    def make() -> Link:
        return Link(clock=clock, on_update=on_update, on_lost=on_lost, framing=framing())

    async with asyncio.timeout(CONNECT_WITHIN_S):
        link = await dial(make, host, port)
    if key is not None:
        link.secure(key, salt=salt, time_offset=0)
        return OpenLink(link, key, is_new=False)
    try:
        async with asyncio.timeout(KEY_WITHIN_S):
            made = await make_key(link.exchange, keys, now=clock, threads=threads)
    except BaseException as error:
        link.close(error)
        raise
    link.secure(made.key, salt=made.salt, time_offset=made.time_offset)
    return OpenLink(link, made.key, is_new=True)
