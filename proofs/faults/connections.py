"""Verbs about a connection, on a call and at once: the bytes that a client sees, and what Telethon makes of them."""

from __future__ import annotations

import random
import struct
from functools import partial
from typing import Any

from telethon.errors.common import AuthKeyNotFound

from proofs.bare import BadFrameError, Line, TransportError
from proofs.faults.stage import NEAREST, NEAREST_REQUEST, SEND, Case, Stage, expect, raises, sending, within


async def _broken(stage: Stage, verb: str, args: dict[str, Any], *, call: bool, send: bool = True) -> tuple[Line, int]:
    """A line on which the verb has been injected, and a request sent after (into a closed one: asks for a reset)."""
    phone, line = await stage.alone()
    match: dict[str, Any] = {"phone": phone}
    if call:
        match |= {"method": NEAREST, "nth": 1}
    await stage.inject(verb, match, **args)
    return line, line.send(NEAREST_REQUEST) if send else 0


async def closed(stage: Stage, when: str, *, call: bool) -> str:
    args: dict[str, Any] = {"when": when}
    if when == "after_n_bytes":
        args["bytes"] = 9
    line, _ = await _broken(stage, "close_tcp", args, call=call, send=call or when != "now")
    got = await line.rest()
    if when == "now":
        expect(got == b"", f"{len(got)} bytes")
        return "no byte, end of stream"
    if when == "after_n_bytes":
        expect(len(got) == 9, f"{len(got)} bytes")
        return "9 bytes, end of stream"
    length = struct.unpack_from("<I", got)[0]
    expect(len(got) == length // 2, f"{len(got)} of {length} bytes")
    return f"{len(got)} of {length} bytes of a frame, end of stream"


async def reset(stage: Stage, *, call: bool) -> str:
    line, _ = await _broken(stage, "reset", {}, call=call, send=call)
    await raises(ConnectionResetError, line.rest())
    return "connection reset by peer"


async def transport(stage: Stage, code: int, *, call: bool) -> str:
    line, _ = await _broken(stage, "transport_error", {"code": code}, call=call, send=call)
    error = await raises(TransportError, line.message())
    expect(error.code == code, error)
    expect(await line.rest() == b"", "more bytes")
    return f"{code} in a message's place, end of stream"


async def noise(stage: Stage, *, call: bool) -> str:
    line, request = await _broken(stage, "garbage", {"bytes": 64}, call=call)
    await line.exactly(64)
    await line.answer(request)
    return "64 bytes that are no frame, then the answer"


async def truncated(stage: Stage, *, call: bool) -> str:
    line, _ = await _broken(stage, "truncate_frame", {}, call=call)
    head = await line.exactly(4)
    length = struct.unpack("<I", head)[0]
    await line.exactly(length // 2 - 4)
    line.lost()
    await line.call(NEAREST_REQUEST)
    return f"{length // 2} of {length} bytes, the stream goes on after them"


async def flipped(stage: Stage, *, call: bool) -> str:
    line, _ = await _broken(stage, "flip_bit", {}, call=call)
    error = await raises(BadFrameError, line.message())
    await line.call(NEAREST_REQUEST)
    return f"a frame with a {error}, the next is good"


async def telethon(stage: Stage, verb: str, **args: Any) -> str:
    """Telethon connects anew and sends again: once it is there."""
    phone, client, _, to = await stage.friends()
    number = random.getrandbits(60)
    await stage.inject(verb, {"phone": phone, "method": SEND, "nth": 1}, **args)
    await within(client(sending(to, number)))
    expect(await stage.committed(number) == 1, "not committed once")
    return "connects anew, sends again, 1 committed"


async def key_unknown(stage: Stage) -> str:
    phone, client, _, to = await stage.friends()
    await stage.inject("transport_error", {"phone": phone, "method": SEND}, code=-404)
    await raises(AuthKeyNotFound, client(sending(to, 1)))
    return "AuthKeyNotFound"


def _both(verb: str, variant: str, due: str, play: Any) -> tuple[Case, Case]:
    return (
        Case(verb, f"{variant} on a call".strip(), due, partial(play, call=True)),
        Case(verb, f"{variant} at once".strip(), due, partial(play, call=False)),
    )


CASES = (
    *_both("close_tcp", "now", "end of stream", partial(closed, when="now")),
    *_both("close_tcp", "mid_frame", "half a frame, end of stream", partial(closed, when="mid_frame")),
    *_both("close_tcp", "after_n_bytes", "n bytes, end of stream", partial(closed, when="after_n_bytes")),
    *_both("reset", "", "a reset", reset),
    *_both("transport_error", "-404", "the code, end of stream", partial(transport, code=-404)),
    *_both("transport_error", "-429", "the code, end of stream", partial(transport, code=-429)),
    *_both("transport_error", "-444", "the code, end of stream", partial(transport, code=-444)),
    *_both("garbage", "bytes", "bytes of no frame", noise),
    *_both("truncate_frame", "", "half a frame, the stream goes on", truncated),
    *_both("flip_bit", "", "a frame that is spoilt", flipped),
    Case("close_tcp", "now, Telethon", "sent once", partial(telethon, verb="close_tcp")),
    Case("close_tcp", "mid_frame, Telethon", "sent once", partial(telethon, verb="close_tcp", when="mid_frame")),
    Case("reset", "Telethon", "sent once", partial(telethon, verb="reset")),
    Case("flip_bit", "Telethon", "sent once", partial(telethon, verb="flip_bit")),
    Case("transport_error", "-404, Telethon", "the key is unknown", key_unknown),
)
