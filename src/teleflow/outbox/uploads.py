"""Files on their way to Telegram: brought up part by part, made into a file there, known by its id from then on.

Promises: a part that Telegram has taken is not sent again, by this process or the next; a few parts are on their way
at once, and memory does not grow with the file; who was cancelled stops at the next part; a reference that has expired
is renewed, and an upload that Telegram has forgotten is made again. Every request has a deadline.
https://core.telegram.org/api/files#uploading-files
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Protocol

from teleflow.errors import Conflict, Limited, TeleFlowError, Unavailable
from teleflow.kit.clock import Clock
from teleflow.kit.ids import random_int64
from teleflow.kit.tasks import Tasks
from teleflow.model.jobs import Parcel, SendJob
from teleflow.model.media import FileRef
from teleflow.model.operations.files import KeepMedia, SavePart, Upload
from teleflow.model.parcels import Attachment
from teleflow.model.peers import Peer
from teleflow.outbox.tickets import Ticket
from teleflow.telegram.base import Call

PART = 512 * 1024
BIG = 10 * 1024 * 1024  # larger files go by saveBigFilePart
AT_ONCE = 4
_FILES_AT_ONCE = 16
_OF_A_SESSION = 2
_PART_WITHIN_S = 60.0
_KEEP_WITHIN_S = 60.0
_LONGEST_WAIT_S = 20.0  # a flood wait that is slept through; a longer one is told
_TRIES = 6
Renew = Callable[[str, int, FileRef], Awaitable[FileRef]]
"""The same file with a reference of now. Takes the session, its own account and the file."""


class Files(Protocol):
    """What is needed of `storage.spool.Spool`."""

    async def read(self, job_id: str, number: int, offset: int, size: int) -> bytes: ...

    async def upload(self, job_id: str, number: int, upload_id: int, parts: int) -> tuple[int, bytearray]: ...

    async def mark(self, job_id: str, number: int, part: int) -> None: ...

    async def keep(self, job_id: str, number: int, file: FileRef) -> None: ...

    async def kept(self, job_id: str, number: int) -> FileRef | None: ...

    async def forget(self, job_id: str, number: int) -> None: ...

    async def drop(self, job_id: str) -> None: ...


class Stopped(Exception):
    """The job has ended meanwhile."""


class Uploads:
    """See the module."""

    def __init__(self, call: Call, spool: Files, renew: Renew, clock: Clock) -> None:
        self._call = call
        self._spool = spool
        self._renew = renew
        self._clock = clock
        self._places = asyncio.Semaphore(_FILES_AT_ONCE)
        self._of_session: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(_OF_A_SESSION))
        self._renewed: dict[tuple[str, int], FileRef] = {}

    async def bring(self, ticket: Ticket, peer: Peer) -> tuple[FileRef | None, ...]:
        """For each part of the parcel, where Telegram has its file; what it lacks is brought up first.

        Raises Stopped, Conflict(FILE_LOST), and what `Call` raises.
        """
        parcel = ticket.job.content
        if not isinstance(parcel, Parcel):
            return ()
        before = 0  # bytes of the files that are up
        found: list[FileRef | None] = []
        for number, item in _attachments(parcel):
            if item is None:
                found.append(None)
                continue
            found.append(await self._file(ticket, peer, number, item, before))
            before += item.size + item.thumb_size if item.spooled is not None else 0
        return tuple(found)

    async def known(self, job: SendJob) -> tuple[FileRef | None, ...]:
        """As far as they are known now. Asks nobody."""
        if not isinstance(job.content, Parcel):
            return ()
        return tuple(
            [
                None if item is None else await self._known(job, number, item)
                for number, item in _attachments(job.content)
            ]
        )

    async def renew(self, job: SendJob) -> None:
        """A reference has expired, nobody says which. Raises NotFound, Conflict, and what `Call` raises."""
        if not isinstance(job.content, Parcel):
            return
        for number, item in _attachments(job.content):
            if item is None:
                continue
            if item.spooled is not None:
                await self._spool.forget(job.id, item.spooled)
            elif item.file is not None:
                fresh = await self._renew(job.session_id, job.account_id or 0, item.file)
                self._renewed[job.id, number] = fresh

    async def drop(self, job: SendJob) -> None:
        """The job has ended."""
        if not isinstance(job.content, Parcel):
            return
        for number in range(len(job.content.parts)):
            self._renewed.pop((job.id, number), None)
        if job.content.to_upload:
            await self._spool.drop(job.id)

    def forget_session(self, session_id: str) -> None:
        """The session is gone."""
        self._of_session.pop(session_id, None)

    # -- one file -----------------------------------------------------------------------------------------

    async def _known(self, job: SendJob, number: int, item: Attachment) -> FileRef | None:
        if item.spooled is not None:
            return await self._spool.kept(job.id, item.spooled)
        return self._renewed.get((job.id, number), item.file)

    async def _file(self, ticket: Ticket, peer: Peer, number: int, item: Attachment, before: int) -> FileRef:
        job = ticket.job
        known = await self._known(job, number, item)
        if known is not None:
            return known
        if item.spooled is None:
            raise Conflict("The file that was to be sent is not known any more", code="FILE_LOST")
        async with self._of_session[job.session_id], self._places:
            try:
                file = await self._brought(ticket, peer, item, before)
            except Conflict as error:
                if error.code != "UPLOAD_LOST":
                    raise
                await self._spool.forget(job.id, item.spooled)  # parts that lay there too long: once more, all of them
                file = await self._brought(ticket, peer, item, before)
        await self._spool.keep(job.id, item.spooled, file)
        return file

    async def _brought(self, ticket: Ticket, peer: Peer, item: Attachment, before: int) -> FileRef:
        thumb = None
        if item.thumb is not None:
            thumb = await self._up(ticket, item.thumb, item.thumb_size, "thumbnail.jpg", before)
        name = item.name or "file"
        upload = await self._up(ticket, item.spooled or 0, item.size, name, before + item.thumb_size)
        operation = KeepMedia(peer, item, upload, thumb)
        return await self._call(ticket.job.session_id, operation, within=_KEEP_WITHIN_S)

    async def _up(self, ticket: Ticket, number: int, size: int, name: str, before: int) -> Upload:
        """All parts of a file of the spool."""
        job, parts = ticket.job, -(-size // PART)
        upload_id, has = await self._spool.upload(job.id, number, random_int64(), parts)
        big = size > BIG
        done = sum(min(PART, size - part * PART) for part in range(parts) if has[part])
        self._tell(ticket, before + done)
        missing = iter([part for part in range(parts) if not has[part]])

        async def work() -> None:
            nonlocal done
            for part in missing:
                body = await self._spool.read(job.id, number, part * PART, min(PART, size - part * PART))
                await self._part(ticket, SavePart(upload_id, part, parts if big else None, body))
                await self._spool.mark(job.id, number, part)
                done += len(body)
                self._tell(ticket, before + done)

        await _all(work for _ in range(min(AT_ONCE, parts)))
        md5 = (
            ""
            if big
            else hashlib.md5(await self._spool.read(job.id, number, 0, size), usedforsecurity=False).hexdigest()
        )
        return Upload(upload_id, parts, name, big, md5)

    async def _part(self, ticket: Ticket, operation: SavePart) -> None:
        for attempt in range(_TRIES):
            if ticket.job.state.is_final:
                raise Stopped
            try:
                return await self._call(ticket.job.session_id, operation, within=_PART_WITHIN_S)
            except Limited as error:
                seconds = error.retry_after or 1.0
                if seconds > _LONGEST_WAIT_S or attempt == _TRIES - 1:
                    raise
                await self._clock.sleep(seconds)
        raise Unavailable("Telegram does not take the file now", code="TELEGRAM_UNAVAILABLE")

    def _tell(self, ticket: Ticket, uploaded: int) -> None:
        if not ticket.job.state.is_final:
            ticket.job = replace(ticket.job, uploaded=uploaded)


def _attachments(parcel: Parcel) -> Iterator[tuple[int, Attachment | None]]:
    for number, part in enumerate(parcel.parts):
        yield number, part.item if isinstance(part.item, Attachment) else None


async def _all(works: Iterator[Callable[[], Awaitable[None]]]) -> None:
    """Until all are done, or the first has failed: then none goes on."""
    tasks = Tasks("upload")

    async def tried(work: Callable[[], Awaitable[None]]) -> TeleFlowError | Stopped | None:
        try:
            await work()
        except (TeleFlowError, Stopped) as error:
            return error
        return None

    try:
        pending = {tasks.start(tried(work), "parts") for work in works}
        while pending:
            finished, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                error = task.result()
                if error is not None:
                    raise error
    finally:
        await tasks.close(timeout=2)
