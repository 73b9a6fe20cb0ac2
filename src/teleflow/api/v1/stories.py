"""Stories, to be read: what chats tell now, what they keep beside their profile, and one by its number."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from teleflow.api.access import Uses
from teleflow.api.numbers import plain as digits
from teleflow.api.v1.access import Reader
from teleflow.api.v1.envelope import Shape, plain
from teleflow.api.v1.message_shapes import EntityShape, MediaShape
from teleflow.api.v1.messages import THROUGH, Session
from teleflow.api.v1.operation import operation
from teleflow.model.peers import parse_ref
from teleflow.model.stories import StoriesOfChat
from teleflow.services.everything import Services
from teleflow.wire.stories import told_story

router = APIRouter(prefix="/api/v1", tags=["stories"])
"""Asked before the chats, whose route takes every path."""
_AS_CHAT_ID = "As `chatId` everywhere, URL-encoded."


class StoryShape(Shape):
    """`date` and `expiresAt` are Unix seconds; `text` is the caption. `media.fileId` is good while the story is there.

    `audience` is public, contacts, close_friends or selected_contacts, as far as Telegram tells.
    """

    id: int
    chat_id: str
    date: int
    expires_at: int
    text: str
    entities: list[EntityShape] | None = None
    media: MediaShape | None = None
    pinned: bool | None = None
    edited: bool | None = None
    protected: bool | None = None
    is_outgoing: bool | None = None
    audience: str | None = None
    views: int | None = None
    reactions: int | None = None


class StoriesShape(Shape):
    """What a chat tells now, the oldest first. `readUpTo`: the newest that the account has seen."""

    chat_id: str
    stories: list[StoryShape]
    read_up_to: int | None = None


def _told(services: Services, session_id: str, one: StoriesOfChat) -> dict[str, Any]:
    file_id = partial(services.file_ids.token, session_id)
    told: dict[str, Any] = {
        "chatId": str(one.chat_id),
        "stories": [told_story(story, file_id) for story in one.stories],
    }
    if one.read_up_to is not None:
        told["readUpTo"] = one.read_up_to
    return told


@router.get(
    "/sessions/{id}/stories",
    summary="Who tells stories now",
    **operation("stories.list", scope="read", data=list[StoriesShape], errors=THROUGH, paged=True),
)
async def list_(
    login: Reader,
    services: Uses,
    session_id: Annotated[str, Path(alias="id", min_length=1, max_length=64)],
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> Response:
    """The account's own, and those of its contacts and channels. Nothing is marked as seen."""
    found = await services.stories.list(login.principal, session_id, cursor)
    told = [_told(services, session_id, one) for one in found.chats]
    return plain(told, nextCursor=found.state if found.more else None)


@router.get(
    "/chats/{id:path}/stories/pinned",
    summary="The stories beside a profile",
    **operation("stories.pinned", scope="read", data=list[StoryShape], errors=THROUGH, paged=True),
)
async def pinned(
    login: Reader,
    services: Uses,
    chat_id: Annotated[str, Path(alias="id", min_length=1, max_length=256, description=_AS_CHAT_ID)],
    session: Session,
    limit: Annotated[int, digits, Query(ge=1, le=100)] = 50,
    before: Annotated[int, digits, Query(alias="offsetId", ge=0, le=2**31 - 1)] = 0,
) -> Response:
    """The newest first; go on with the last id as `offsetId`."""
    found = await services.stories.pinned(login.principal, session, parse_ref(chat_id), before=before, limit=limit)
    file_id = partial(services.file_ids.token, session)
    return plain([told_story(one, file_id) for one in found.stories], total=found.total)


@router.get(
    "/chats/{id:path}/stories/{storyId}",
    summary="One story",
    **operation("stories.get", scope="read", data=StoryShape, errors=THROUGH),
)
async def get(
    login: Reader,
    services: Uses,
    chat_id: Annotated[str, Path(alias="id", min_length=1, max_length=256, description=_AS_CHAT_ID)],
    story_id: Annotated[int, Path(alias="storyId", ge=1, le=2**31 - 1)],
    session: Session,
) -> Response:
    found = await services.stories.one(login.principal, session, parse_ref(chat_id), story_id)
    return plain(told_story(found, partial(services.file_ids.token, session)))


@router.get(
    "/chats/{id:path}/stories",
    summary="What a chat tells now",
    **operation("stories.ofChat", scope="read", data=StoriesShape, errors=THROUGH),
)
async def of_chat(
    login: Reader,
    services: Uses,
    chat_id: Annotated[str, Path(alias="id", min_length=1, max_length=256, description=_AS_CHAT_ID)],
    session: Session,
) -> Response:
    return plain(_told(services, session, await services.stories.of(login.principal, session, parse_ref(chat_id))))
