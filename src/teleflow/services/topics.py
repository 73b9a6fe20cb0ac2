"""The topics of forums, as far as the account's rights go."""

from __future__ import annotations

import re

from teleflow.errors import Invalid
from teleflow.kit.ids import int64_of, random_int64
from teleflow.model.operations.acts import Done
from teleflow.model.operations.topics import CreateTopic, DeleteTopic, EditTopic, GetTopic, ListTopics
from teleflow.model.peers import PeerRef
from teleflow.model.topics import Topic, TopicChanges
from teleflow.model.users import Principal
from teleflow.services.groups import Rooms

_AFTER = re.compile(r"([0-9]{1,10})\.([0-9]{1,10})\.([0-9]{1,10})")
_LAST = 2**31 - 1


class ForumTopics:
    """All raise what `Groups` raises, Conflict(NOT_A_FORUM, NEEDS_SUPERGROUP), NotFound(TOPIC_NOT_FOUND)."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def list(
        self, principal: Principal, session_id: str, chat: PeerRef, *, limit: int, cursor: str, query: str
    ) -> tuple[tuple[Topic, ...], int, str | None]:
        """Pinned ones first, then by their last message: the page, how many there are, how to go on."""
        after = None
        if cursor:
            found = _AFTER.fullmatch(cursor)
            after = None if found is None else (int(found[1]), int(found[2]), int(found[3]))
            if after is None or max(after) > _LAST:
                raise Invalid("This is no cursor of ours", details={"field": "cursor"})
        page = await self._rooms.on(principal, session_id, chat, lambda peer: ListTopics(peer, limit, query, after))
        end = page.topics[-1] if len(page.topics) >= limit else None
        cursor_after = f"{end.last_at}.{end.last_message_id}.{end.id}" if end is not None else None
        return page.topics, page.total, cursor_after

    async def get(self, principal: Principal, session_id: str, chat: PeerRef, topic_id: int) -> Topic:
        return (await self._rooms.on(principal, session_id, chat, lambda peer: GetTopic(peer, topic_id))).topic

    async def create(
        self,
        principal: Principal,
        session_id: str,
        chat: PeerRef,
        title: str,
        *,
        icon_color: int | None,
        icon_emoji_id: int | None,
    ) -> Topic:
        """The same request makes one: what Telegram knows it by comes from the idempotency key."""
        number = random_int64() if principal.act is None else int64_of(f"topic {principal.act}")
        made = await self._rooms.on(
            principal,
            session_id,
            chat,
            lambda peer: CreateTopic(peer, title, number, icon_color, icon_emoji_id),
        )
        return made.topic

    async def change(
        self, principal: Principal, session_id: str, chat: PeerRef, topic_id: int, changes: TopicChanges
    ) -> Topic:
        if changes == TopicChanges():
            await self._rooms.peers(await self._rooms.session(principal, session_id), [chat])
            raise Invalid("Say what is to change", details={"field": "body"})
        edited = await self._rooms.on(principal, session_id, chat, lambda peer: EditTopic(peer, topic_id, changes))
        return edited.topic

    async def delete(self, principal: Principal, session_id: str, chat: PeerRef, topic_id: int) -> Done:
        """With all that was said in it."""
        return await self._rooms.on(principal, session_id, chat, lambda peer: DeleteTopic(peer, topic_id))
