"""Files that messages carry, and the photos beside names: what they are, and their bytes.

Promises: an id opens nothing but for the user and the session that it was given to; nothing is fetched that nobody asks
for; what comes through is not kept, but in the cache if the operator wants one, whole files only and each user's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from teleflow.errors import NotFound
from teleflow.fleet.pieces import Pieces, fresh
from teleflow.model.media import FileKind, FileRef
from teleflow.model.peers import PeerRef
from teleflow.model.sessions import Session
from teleflow.model.users import Principal
from teleflow.services.allowance import Allowance
from teleflow.services.chats import Chats
from teleflow.services.in_use import SessionsInUse
from teleflow.services.ports import Reach
from teleflow.storage.blobs.base import Blobs
from teleflow.wire.files import FileIds

MOST_PICTURE = 8 * 1024 * 1024
_PLAIN = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a file before a byte of it is fetched. `etag` has no quotes; `size` None: not known yet."""

    etag: str
    mime_type: str
    name: str
    size: int | None


class OpenFile:
    """A file that its caller may read. Its bytes never change: Telegram gives each content an id of its own."""

    def __init__(
        self, pieces: Pieces, told: Told, user_id: str, allowance: Allowance, blobs: Blobs, body: bytes | None = None
    ) -> None:
        self.told = told
        self._pieces = pieces
        self._user_id = user_id
        self._allowance = allowance
        self._blobs = blobs
        self._body = body

    async def load(self) -> int:
        """Its size; where that comes with the bytes only, these are fetched. Raises as `read`."""
        if self.told.size is not None:
            return self.told.size
        if self._body is None:
            with self._allowance.downloading(self._user_id):
                self._body = await self._cached_picture()
        return len(self._body)

    async def read(self, first: int, last: int) -> AsyncGenerator[bytes, None]:
        """The bytes from `first` to `last`, both included. Raises Limited, and what `Pieces` raises."""
        if self._body is not None:
            yield self._body[first : last + 1]
            return
        with self._allowance.downloading(self._user_id):
            cached = await self._blobs.open(self._key, self.told.size or 0)
            if cached is not None:
                async with aclosing(cached.read(first, last)) as found:
                    async for piece in found:
                        yield piece
                return
            wanted = last - first + 1
            self._allowance.take(self._user_id, wanted)
            passed = 0
            try:
                async with aclosing(self._fetched(first, last)) as coming:
                    async for piece in coming:
                        passed += len(piece)
                        yield piece
            finally:
                self._allowance.give_back(self._user_id, wanted - passed)

    async def _fetched(self, first: int, last: int) -> AsyncGenerator[bytes, None]:
        """From Telegram; what is read whole goes into the cache too."""
        whole = first == 0 and last + 1 == self.told.size
        keeping = await self._blobs.keep(self._key, last + 1) if whole else None
        try:
            async with aclosing(self._pieces.read(first, last)) as coming:
                async for piece in coming:
                    if keeping is not None:
                        await keeping.add(piece)
                    yield piece
            if keeping is not None:
                await keeping.done()
        finally:
            if keeping is not None:
                await keeping.drop()

    async def _cached_picture(self) -> bytes:
        self._allowance.take(self._user_id, 0)
        body = await self._pieces.whole(most=MOST_PICTURE)
        self._allowance.take(self._user_id, len(body))
        return body

    @property
    def _key(self) -> str:
        return hashlib.sha256(f"{self._user_id}/{self.told.etag}".encode()).hexdigest()


class Files:
    """All raise NotFound(SESSION_NOT_FOUND), and what `usable` raises."""

    def __init__(
        self,
        sessions: SessionsInUse,
        reach: Reach,
        chats: Chats,
        file_ids: FileIds,
        allowance: Allowance,
        blobs: Blobs,
    ) -> None:
        self._sessions = sessions
        self._reach = reach
        self._chats = chats
        self._file_ids = file_ids
        self._allowance = allowance
        self._blobs = blobs

    async def open(self, principal: Principal, session_id: str, file_id: str, *, thumb: str = "") -> OpenFile:
        """Raises NotFound(FILE_NOT_FOUND) for an id or a thumbnail that there is not. Fetches nothing yet."""
        session = await self._sessions.of(principal, session_id)
        file = self._file_ids.read(session_id, file_id)
        if thumb and thumb not in file.thumbs:
            raise NotFound("This file has no such thumbnail", code="FILE_NOT_FOUND", details={"thumbs": file.thumbs})
        return self._opened(session, file, thumb)

    async def open_photo(self, principal: Principal, session_id: str, chat: PeerRef) -> OpenFile:
        """The photo beside a chat's name. Raises NotFound(PHOTO_NOT_FOUND) where none is shown."""
        session = await self._sessions.of(principal, session_id)
        found = await self._chats.get(principal, session_id, chat)
        if found.photo is None:
            raise NotFound("This chat shows no photo", code="PHOTO_NOT_FOUND")
        return self._opened(session, found.photo, "")

    async def fresh(self, principal: Principal, session_id: str, file: FileRef) -> FileRef:
        """See `fleet.pieces.fresh`."""
        session = await self._sessions.of(principal, session_id)
        return await fresh(self._reach, session_id, session.account_id or 0, file)

    def _opened(self, session: Session, file: FileRef, thumb: str) -> OpenFile:
        pieces = Pieces(self._reach, session.id, session.account_id or 0, file, thumb=thumb)
        return OpenFile(pieces, told_of(file, thumb), session.user_id, self._allowance, self._blobs)


def told_of(file: FileRef, thumb: str) -> Told:
    """What can be said of a file by its reference alone."""
    identity = f"{file.kind}/{file.id}/{thumb or file.size_type}/{file.size}"
    etag = hashlib.sha256(identity.encode()).hexdigest()[:32]
    if thumb or file.kind is not FileKind.DOCUMENT:
        name = f"photo-{file.id}.jpg" if not thumb else f"thumbnail-{file.id}.jpg"
        return Told(etag, "image/jpeg", name, None if thumb else file.size)
    return Told(etag, file.mime_type or _PLAIN, file.name or f"file-{file.id}", file.size)
