"""The photo of a group or channel."""

from __future__ import annotations

from teleflow.errors import Invalid, TeleFlowError, Uncertain
from teleflow.fleet.pieces import Pieces
from teleflow.fleet.small_upload import uploaded
from teleflow.model.chats import Chat
from teleflow.model.media import FileKind
from teleflow.model.operations.acts import Done
from teleflow.model.operations.groups import GetChatPhoto, SetChatPhoto
from teleflow.model.peers import PeerKind, PeerRef
from teleflow.model.sessions import Session
from teleflow.model.users import Principal
from teleflow.services.begun import begun_at
from teleflow.services.files import MOST_PICTURE
from teleflow.services.groups import Rooms
from teleflow.services.ports import Reach
from teleflow.wire.files import FileIds

_UPLOAD_WITHIN_S = 60.0


class GroupPhotos:
    """All raise what `Groups` raises, and Invalid(PHOTO_INVALID) for what Telegram takes for no picture."""

    def __init__(self, rooms: Rooms, reach: Reach, file_ids: FileIds) -> None:
        self._rooms = rooms
        self._reach = reach
        self._file_ids = file_ids

    async def set(self, principal: Principal, session_id: str, chat: PeerRef, picture: bytes) -> Chat:
        """Nothing is uploaded for a chat that the account does not know."""
        session = await self._known(principal, session_id, chat)
        return await self._put(principal, session, chat, picture)

    async def set_by_id(self, principal: Principal, session_id: str, chat: PeerRef, file_id: str) -> Chat:
        """A photo that the session was told of. Raises NotFound(FILE_NOT_FOUND), Invalid."""
        await self._rooms.session(principal, session_id)
        file = self._file_ids.read(session_id, file_id)
        session = await self._known(principal, session_id, chat)
        if file.kind is not FileKind.PHOTO:
            raise Invalid("This file is no photo", details={"field": "fileId"})
        pieces = Pieces(self._reach, session_id, session.account_id or 0, file)
        return await self._put(principal, session, chat, await pieces.whole(most=MOST_PICTURE))

    async def delete(self, principal: Principal, session_id: str, chat: PeerRef) -> Done:
        """There being none is no error."""
        return await self._rooms.on(principal, session_id, chat, lambda peer: SetChatPhoto(peer, None))

    async def _known(self, principal: Principal, session_id: str, chat: PeerRef) -> Session:
        session = await self._rooms.session(principal, session_id)
        (peer,) = await self._rooms.peers(session, [chat])
        if peer.kind is PeerKind.USER:
            raise Invalid("This is for groups and channels", code="NOT_A_GROUP", details={"field": "chatId"})
        return session

    async def _put(self, principal: Principal, session: Session, chat: PeerRef, picture: bytes) -> Chat:
        """Once: where the answer was lost, or a process died with it, the chat is looked at for what came of it.

        Raises Uncertain where that tells nothing.
        """
        rooms = self._rooms
        before = await rooms.on(principal, session.id, chat, GetChatPhoto)
        since = begun_at(principal)
        if since is None or not before.id or before.at < since:
            upload = await uploaded(self._reach, session.id, picture, "photo.jpg", within=_UPLOAD_WITHIN_S)
            try:
                await rooms.on(principal, session.id, chat, lambda peer: SetChatPhoto(peer, upload))
            except Uncertain as uncertain:
                try:
                    now = await rooms.on(principal, session.id, chat, GetChatPhoto)
                except TeleFlowError:
                    raise uncertain from None
                if now.id in {0, before.id}:
                    raise
        return await rooms.described(session, chat)
