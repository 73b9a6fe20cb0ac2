"""Stories, to be read."""

from __future__ import annotations

from teleflow.errors import Invalid, NotFound
from teleflow.model.operations.stories import GetStory, ListStories, PinnedStories, Stories, StoriesOf, Told
from teleflow.model.peers import PeerRef
from teleflow.model.stories import StoriesOfChat, Story
from teleflow.model.users import Principal
from teleflow.services.in_use import SessionsInUse
from teleflow.services.ports import Reach

_WITHIN_S = 30.0
_LONGEST_STATE = 512


class StoryReading:
    """All raise NotFound(SESSION_NOT_FOUND), what `usable` and `Reach` raise. Reading marks nothing as seen."""

    def __init__(self, sessions: SessionsInUse, reach: Reach) -> None:
        self._sessions = sessions
        self._reach = reach

    async def list(self, principal: Principal, session_id: str, cursor: str | None) -> Told:
        """A page of the chats that tell stories now. `cursor` is the `state` of the page before."""
        if cursor is not None and (len(cursor) > _LONGEST_STATE or not cursor.isprintable()):
            raise Invalid("This is no cursor of ours", details={"field": "cursor"})
        await self._sessions.of(principal, session_id)
        return await self._reach.call(session_id, ListStories(cursor or ""), within=_WITHIN_S)

    async def of(self, principal: Principal, session_id: str, chat: PeerRef) -> StoriesOfChat:
        await self._sessions.of(principal, session_id)
        return (await self._reach.on(session_id, chat, StoriesOf, within=_WITHIN_S)).chats[0]

    async def pinned(self, principal: Principal, session_id: str, chat: PeerRef, *, before: int, limit: int) -> Stories:
        """Those that are shown beside the profile for good, the newest first."""
        await self._sessions.of(principal, session_id)
        return await self._reach.on(session_id, chat, lambda peer: PinnedStories(peer, before, limit), within=_WITHIN_S)

    async def one(self, principal: Principal, session_id: str, chat: PeerRef, story_id: int) -> Story:
        """Raises NotFound(STORY_NOT_FOUND) for one that is over, is not for this account, or never was."""
        await self._sessions.of(principal, session_id)
        found = await self._reach.on(session_id, chat, lambda peer: GetStory(peer, story_id), within=_WITHIN_S)
        if not found.stories:
            raise NotFound("There is no such story, or not any more", code="STORY_NOT_FOUND")
        return found.stories[0]
