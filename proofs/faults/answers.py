"""Verbs about the answer to one call."""

from __future__ import annotations

import random
import time
from functools import partial
from typing import Any

from telethon import errors
from telethon.tl import functions, types

from proofs.bare import RPC_RESULT
from proofs.faults.stage import (
    NEAREST,
    NEAREST_REQUEST,
    SEND,
    Case,
    Stage,
    expect,
    peer,
    raises,
    sending,
    silent,
    within,
)


async def named(stage: Stage) -> str:
    phone, client, _, to = await stage.friends()
    await stage.inject("rpc_error", {"phone": phone, "method": SEND, "nth": 2}, name="PEER_FLOOD")
    await within(client(sending(to, 1)))
    error = await raises(errors.PeerFloodError, client(sending(to, 2)))
    await within(client(sending(to, 3)))
    return f"{type(error).__name__} at the second send, not before nor after"


async def numbered(stage: Stage) -> str:
    phone, client, _, to = await stage.friends()
    await stage.inject("rpc_error", {"phone": phone, "method": SEND}, name="SLOWMODE_WAIT_X", seconds=9)
    error = await raises(errors.SlowModeWaitError, client(sending(to, 1)))
    expect(error.seconds == 9, error)
    return f"SlowModeWaitError of {error.seconds} s"


async def coded(stage: Stage) -> str:
    phone, line = await stage.alone()
    await stage.inject("rpc_error", {"phone": phone, "method": NEAREST, "times": 2}, name="WORKER_BUSY", code=503)
    told = [await line.call(NEAREST_REQUEST) for _ in range(3)]
    seen = [(each.error_code, each.error_message) for each in told[:2]]
    expect(seen == [(503, "WORKER_BUSY")] * 2 and told[2].this_dc, told)
    return "503 WORKER_BUSY twice, then answered"


async def by_dice(stage: Stage) -> str:
    phone, line = await stage.alone()

    async def pattern(seed: int) -> str:
        match = {"phone": phone, "method": NEAREST, "probability": 0.5, "seed": seed}
        rule = await stage.inject("rpc_error", match, name="NOT_NOW")
        told = [await line.call(NEAREST_REQUEST) for _ in range(16)]
        await stage.remove(rule)
        return "".join("x" if isinstance(each, types.RpcError) else "." for each in told)

    first, again, other = await pattern(7), await pattern(7), await pattern(8)
    expect(first == again != other and "x" in first and "." in first, (first, again, other))
    return f"{first} twice with one seed, {other} with another"


async def flood_method(stage: Stage) -> str:
    _, client, _, to = await stage.friends()
    await stage.inject("flood", {"method": SEND}, seconds=86_400)
    error = await raises(errors.FloodWaitError, client(sending(to, 4)))
    expect(error.seconds == 86_400, error)
    await within(client(NEAREST_REQUEST))
    return "FloodWaitError of 86400 s, other methods answered"


async def flood_chat(stage: Stage) -> str:
    _, line = await stage.alone()
    first, second = await stage.person(), await stage.person()
    held, free = await peer(line, first), await peer(line, second)
    await stage.inject("flood", {"chat": first}, seconds=60)
    refused, sent = await line.call(sending(held, 11)), await line.call(sending(free, 12))
    expect(refused.error_message == "FLOOD_WAIT_60", refused)
    expect(isinstance(sent, types.UpdateShortSentMessage), sent)
    return "420 FLOOD_WAIT_60 in that chat, sent in another"


async def lost(stage: Stage, verb: str, committed: int) -> str:
    phone, client, _, to = await stage.friends()
    number = random.getrandbits(60)
    await stage.inject(verb, {"phone": phone, "method": SEND, "attempt": 1})
    going = await silent(client(sending(to, number)))
    going.cancel()
    there = await stage.committed(number)
    expect(there == committed, f"{there} committed")
    await within(client(sending(to, number)))
    expect(await stage.committed(number) == 1, "not once after the repeat")
    return f"no answer, {committed} committed; the repeat is answered, 1 committed"


async def delayed(stage: Stage) -> str:
    _, client, _, _ = await stage.friends()
    await stage.inject("delay", {"method": NEAREST, "nth": 1}, ms=300)
    began = time.monotonic()
    await within(client(NEAREST_REQUEST))
    first, began = time.monotonic() - began, time.monotonic()
    await within(client(NEAREST_REQUEST))
    expect(first >= 0.3 > time.monotonic() - began, first)
    return "answered 0.3 s later, the next at once"


async def twice(stage: Stage) -> str:
    phone, line = await stage.alone()
    await stage.inject("duplicate_reply", {"phone": phone, "method": NEAREST, "times": 1})
    line.send(NEAREST_REQUEST)
    first, second = await line.of_kind(RPC_RESULT), await line.of_kind(RPC_RESULT)
    expect(first == second, "two answers that differ")
    return "the same message twice, one id"


async def reordered(stage: Stage) -> str:
    phone, line = await stage.alone()
    await stage.inject("reorder", {"phone": phone, "method": NEAREST, "nth": 1}, ms=60_000)
    first = line.send(NEAREST_REQUEST)
    await line.ping()
    second = line.send(functions.updates.GetStateRequest())
    came = [int.from_bytes((await line.of_kind(RPC_RESULT)).body[4:12], "little") for _ in range(2)]
    expect(came == [second, first], came)
    return "the second answer first"


async def reordered_alone(stage: Stage) -> str:
    _, client, _, _ = await stage.friends()
    await stage.inject("reorder", {"method": NEAREST}, ms=300)
    going = await silent(client(NEAREST_REQUEST), 0.2)
    await within(going)
    return "no other answer: late, at the time that was given"


async def _file(client: Any) -> Any:
    return await within(client.send_file("me", b"x" * 5000, force_document=True))


async def stalled(stage: Stage, seconds: float | None) -> str:
    phone, client, _, _ = await stage.friends()
    message = await _file(client)
    args = {} if seconds is None else {"seconds": seconds}
    rule = await stage.inject("media_dc_stall", {"phone": phone}, **args)
    going = await silent(client.download_media(message, bytes), 0.2)
    await within(client(functions.updates.GetStateRequest()))
    if seconds is None:
        await stage.remove(rule)
    expect(len(await within(going)) == 5000, "not the file")
    return "upload.getFile waits, other calls do not; then the whole file"


async def stale_reference(stage: Stage) -> str:
    _, client, _, _ = await stage.friends()
    message = await _file(client)
    await stage.inject("expire_file_reference")
    file = message.document
    place = types.InputDocumentFileLocation(file.id, file.access_hash, file.file_reference, "")
    await raises(errors.FileReferenceExpiredError, client(functions.upload.GetFileRequest(place, 0, 4096)))
    expect(len(await within(client.download_media(message, bytes))) == 5000, "not the file")
    return "FileReferenceExpiredError; download_media reads the message anew and has the file"


async def repeated(stage: Stage, how: str) -> str:
    _, line = await stage.alone()
    to = await peer(line, await stage.person())
    number = random.getrandbits(60)
    await stage.inject("random_id_repeat", how=how)
    first, second = await line.call(sending(to, number)), await line.call(sending(to, number))
    expect(await stage.committed(number) == 1, "not committed once")
    if how == "return_original":
        expect(second.id == first.id, second)
        return "the first message once more, 1 committed"
    expect((second.error_code, second.error_message) == (500, "RANDOM_ID_DUPLICATE"), second)
    return "500 RANDOM_ID_DUPLICATE, 1 committed"


async def unreadable(stage: Stage) -> str:
    phone, client, _, _ = await stage.friends()
    await stage.inject("unknown_constructor", {"phone": phone, "method": NEAREST, "times": 1})
    error = await raises(errors.TypeNotFoundError, client(NEAREST_REQUEST))
    await within(client(NEAREST_REQUEST))
    return f"TypeNotFoundError {error.invalid_constructor_id:#x}, the next answer is read"


CASES = (
    Case("rpc_error", "name", "Telethon's own exception, on the nth call", named),
    Case("rpc_error", "name, seconds", "the number in the error", numbered),
    Case("rpc_error", "name, code", "code and name as given, so many times", coded),
    Case("rpc_error", "by dice", "the same calls with the same seed", by_dice),
    Case("flood", "method", "FLOOD_WAIT of that method", flood_method, alone=True),
    Case("flood", "chat", "FLOOD_WAIT in that chat only", flood_chat),
    Case("drop_request", "", "no answer and nothing done", partial(lost, verb="drop_request", committed=0)),
    Case(
        *("drop_reply_after_commit", "", "no answer and done once"),
        partial(lost, verb="drop_reply_after_commit", committed=1),
    ),
    Case("delay", "ms", "a late answer", delayed, alone=True),
    Case("duplicate_reply", "", "an answer twice", twice),
    Case("reorder", "", "answers change places", reordered),
    Case("reorder", "alone", "a late answer", reordered_alone, alone=True),
    Case("media_dc_stall", "seconds", "files wait so long", partial(stalled, seconds=0.5)),
    Case("media_dc_stall", "until removed", "files wait", partial(stalled, seconds=None)),
    Case("expire_file_reference", "", "FILE_REFERENCE_EXPIRED", stale_reference, alone=True),
    Case(
        "random_id_repeat", "return_original", "the first answer", partial(repeated, how="return_original"), alone=True
    ),
    Case(
        "random_id_repeat",
        "error_duplicate",
        "RANDOM_ID_DUPLICATE",
        partial(repeated, how="error_duplicate"),
        alone=True,
    ),
    Case("unknown_constructor", "on a call", "an answer of no known type", unreadable),
)
