"""The bytes of one file, a piece at a time, from wherever Telegram has them.

Promises: a file reference that has expired is asked for again where the file was seen, once for all who wait, and
the reading goes on; so it does at another data centre when Telegram names one, and after a short flood wait. A few
pieces are on their way at once, in order, and no more than the reader takes: memory does not grow with the file. Each
wait has a deadline.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Protocol, TypeVar

from teleflow.errors import Conflict, Limited, NotFound, TeleFlowError, Unavailable, Upstream
from teleflow.kit.clock import loop_time
from teleflow.kit.tasks import Tasks
from teleflow.model.media import FileKind, FileRef
from teleflow.model.operations.base import Operation
from teleflow.model.operations.files import ReadPart
from teleflow.model.operations.history import GetMessages
from teleflow.model.peers import Peer, PeerRef, RefForm

PIECE = 512 * 1024
SMALL_PIECE = 64 * 1024
AT_ONCE = 4
PIECE_WITHIN_S = 60.0
_ASK_WITHIN_S = 20.0
_LONGEST_WAIT_S = 20.0  # a flood wait that is slept through; a longer one is told
_TRIES = 8
_MOVED = re.compile(r"FILE_MIGRATE_(\d{1,5})")
R = TypeVar("R")


class Asks(Protocol):
    """What is needed of `fleet.reach.Reach`."""

    async def peer(self, session_id: str, ref: PeerRef, *, within: float) -> Peer: ...

    async def call(self, session_id: str, operation: Operation[R], *, within: float) -> R: ...

    async def on(self, session_id: str, ref: PeerRef, make: Callable[[Peer], Operation[R]], *, within: float) -> R: ...


async def fresh(reach: Asks, session_id: str, me: int, file: FileRef) -> FileRef:
    """The same file with a reference of now, asked for where it was seen.

    Raises NotFound(FILE_NOT_FOUND) when it is not there any more, Conflict(FILE_REFERENCE_EXPIRED) when nothing is
    known of where it was, and what `Reach` raises.
    """
    if file.kind is FileKind.PEER_PHOTO:
        return file
    if not file.chat_id or not file.message_id:
        raise Conflict("The file's reference has expired: read its message again", code="FILE_REFERENCE_EXPIRED")
    chat, ids = PeerRef(RefForm.ID, file.chat_id), (file.message_id,)
    found = await reach.on(session_id, chat, lambda peer: GetMessages(peer, me, ids), within=_ASK_WITHIN_S)
    for message in found.messages:
        seen = message.media.file if message.media is not None else None
        if seen is not None and seen.kind is file.kind and seen.id == file.id:
            return replace(file, access_hash=seen.access_hash, file_reference=seen.file_reference, dc_id=seen.dc_id)
    raise NotFound("The message that had this file has it no more", code="FILE_NOT_FOUND")


class Pieces:
    """One file, or one thumbnail of it, being read through one session. `me` is the session's own account."""

    def __init__(self, reach: Asks, session_id: str, me: int, file: FileRef, *, thumb: str = "") -> None:
        self._reach = reach
        self._session_id = session_id
        self._me = me
        self._thumb = thumb
        self._refreshing = asyncio.Lock()
        self.file = file  # as it is known by now
        self.fetched = 0  # bytes that came from Telegram

    async def piece(self, offset: int, limit: int) -> bytes:
        """See `ReadPart`. Raises what can't be mended here."""
        until = loop_time() + PIECE_WITHIN_S
        peer = await self._peer()
        for _ in range(_TRIES):
            file, left = self.file, until - loop_time()
            if left <= 0:
                break
            operation = ReadPart(file, offset, limit, self._thumb, peer)
            try:
                found = await self._reach.call(self._session_id, operation, within=left)
            except Conflict as error:
                if error.code != "FILE_REFERENCE_EXPIRED":
                    raise
                await self._refresh(file)
            except Limited as error:
                wait = error.retry_after or 1.0
                if wait > _LONGEST_WAIT_S or loop_time() + wait > until:
                    raise
                await asyncio.sleep(wait)
            except Upstream as error:
                moved = _MOVED.fullmatch(str(error.details.get("telegramError", "")))
                if moved is None:
                    raise
                self.file = replace(self.file, dc_id=int(moved[1]))
            else:
                self.fetched += len(found)
                return found
        raise Unavailable("Telegram does not give this file now", code="TELEGRAM_UNAVAILABLE")

    async def read(self, first: int, last: int) -> AsyncGenerator[bytes, None]:
        """The bytes from `first` to `last`, both included, in order. Close it to stop what is under way."""
        size = PIECE if last - first >= SMALL_PIECE else SMALL_PIECE
        offsets = iter(range(first - first % size, last + 1, size))
        tasks = Tasks("download")
        coming: deque[tuple[int, asyncio.Task[bytes | TeleFlowError]]] = deque()
        try:
            while True:
                while len(coming) < AT_ONCE and (offset := next(offsets, None)) is not None:
                    coming.append((offset, tasks.start(self._tried(offset, size), "piece")))
                if not coming:
                    return
                offset, task = coming.popleft()
                found = await task
                if isinstance(found, TeleFlowError):
                    raise found
                wanted = found[max(0, first - offset) : last + 1 - offset]
                if len(wanted) != min(last + 1, offset + size) - max(first, offset):
                    raise Upstream("Telegram has less of this file than it told", code="FILE_INCOMPLETE")
                yield wanted
        finally:
            await tasks.close(timeout=2)

    async def whole(self, *, most: int) -> bytes:
        """All of something small whose size is not known. Raises Upstream when it is not small."""
        found = bytearray()
        while len(found) <= most:
            piece = await self.piece(len(found), PIECE)
            found += piece
            if len(piece) < PIECE:
                return bytes(found)
        raise Upstream("This picture is larger than pictures are", code="FILE_INCOMPLETE")

    async def _tried(self, offset: int, limit: int) -> bytes | TeleFlowError:
        try:
            return await self.piece(offset, limit)
        except TeleFlowError as error:  # told to who reads, in order
            return error

    async def _peer(self) -> Peer | None:
        if self.file.kind is not FileKind.PEER_PHOTO:
            return None
        ref = PeerRef(RefForm.ID, self.file.chat_id)
        return await self._reach.peer(self._session_id, ref, within=_ASK_WITHIN_S)

    async def _refresh(self, stale: FileRef) -> None:
        try:
            async with asyncio.timeout(_ASK_WITHIN_S * 2), self._refreshing:
                if self.file is stale:
                    self.file = await fresh(self._reach, self._session_id, self._me, stale)
        except TimeoutError:
            raise Unavailable("Telegram does not tell where the file is now", code="TELEGRAM_UNAVAILABLE") from None
