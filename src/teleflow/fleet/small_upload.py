"""A small file, held in memory, brought up through a session: a picture for a profile or a chat."""

from __future__ import annotations

import hashlib
from typing import Protocol, TypeVar

from teleflow.kit.clock import loop_time
from teleflow.kit.ids import random_int64
from teleflow.model.operations.base import Operation
from teleflow.model.operations.files import SavePart, Upload

PART = 512 * 1024
_LEAST_S = 0.5
R = TypeVar("R")


class Calls(Protocol):
    """What is needed of `fleet.reach.Reach`."""

    async def call(self, session_id: str, operation: Operation[R], *, within: float) -> R: ...


async def uploaded(reach: Calls, session_id: str, data: bytes, name: str, *, within: float) -> Upload:
    """Not for more than 10 MiB (upload.saveFilePart). Raises what `Reach.call` raises."""
    until, upload_id = loop_time() + within, random_int64()
    parts = -(-len(data) // PART)
    for number in range(parts):
        part = SavePart(upload_id, number, None, data[number * PART : (number + 1) * PART])
        await reach.call(session_id, part, within=max(_LEAST_S, until - loop_time()))
    return Upload(upload_id, parts, name, big=False, md5=hashlib.md5(data, usedforsecurity=False).hexdigest())
