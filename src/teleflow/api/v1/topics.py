"""The topics of a forum."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.numbers import plain as digits
from teleflow.api.v1.access import Reader, Writer
from teleflow.api.v1.envelope import Body, Shape, plain
from teleflow.api.v1.group_shapes import THROUGH, ChatPath, DoneShape, SessionPath, Title
from teleflow.api.v1.invites import Cursor, Limit
from teleflow.api.v1.message_bodies import EmojiId
from teleflow.api.v1.operation import operation
from teleflow.model.peers import parse_ref
from teleflow.model.topics import COLOURS, Topic, TopicChanges

router = APIRouter(prefix="/api/v1/sessions/{session_id}/chats/{chat_id}/topics", tags=["groups"])
TopicPath = Annotated[int, digits, Path(ge=1, le=2**31 - 1)]


class CreateTopicBody(Body):
    title: Title
    icon_color: Literal[COLOURS] | None = None  # type: ignore[valid-type]
    icon_emoji_id: EmojiId | None = None


class ChangeTopicBody(Body):
    """What is left out stays as it is."""

    title: Title | None = None
    icon_emoji_id: EmojiId | Literal[""] | None = Field(None, description="A custom emoji; empty takes it away.")
    is_closed: bool | None = None
    is_hidden: bool | None = Field(None, description="Of the topic that every forum has.")
    is_pinned: bool | None = None

    def changes(self) -> TopicChanges:
        icon = self.icon_emoji_id
        return TopicChanges(
            self.title, None if icon is None else int(icon or 0), self.is_closed, self.is_hidden, self.is_pinned
        )


class TopicShape(Shape):
    """Flags are told when they are true. `id` is the `topicId` of its messages."""

    id: int
    title: str
    created_at: int
    by_id: str
    icon_color: int
    icon_emoji_id: str | None = None
    last_message_id: int
    unread_count: int
    is_mine: bool | None = None
    is_closed: bool | None = None
    is_hidden: bool | None = None
    is_pinned: bool | None = None
    is_general: bool | None = None


def topic(one: Topic) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": one.id,
        "title": one.title,
        "createdAt": one.created_at,
        "byId": str(one.by_id),
        "iconColor": one.icon_color,
        "lastMessageId": one.last_message_id,
        "unreadCount": one.unread_count,
    }
    if one.icon_emoji_id is not None:
        told["iconEmojiId"] = str(one.icon_emoji_id)
    flags = (
        ("isMine", one.mine),
        ("isClosed", one.closed),
        ("isHidden", one.hidden),
        ("isPinned", one.pinned),
        ("isGeneral", one.general),
    )
    told.update({name: True for name, is_so in flags if is_so})
    return told


@router.get(
    "",
    summary="Topics: pinned ones first, then by their last message",
    **operation("topics.list", scope="read", data=list[TopicShape], errors=THROUGH, paged=True),
)
async def listed(
    session_id: SessionPath,
    chat_id: ChatPath,
    login: Reader,
    services: Uses,
    query: Annotated[str, Query(alias="q", max_length=64, description="Part of a title.")] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Response:
    found, total, following = await services.topics.list(
        login.principal, session_id, parse_ref(chat_id), limit=limit, cursor=cursor, query=query
    )
    return plain([topic(one) for one in found], total=total, nextCursor=following)


@router.post(
    "",
    summary="Begin a topic",
    **operation("topics.create", scope="write", data=TopicShape, status=201, errors=THROUGH, body=CreateTopicBody),
)
async def create(
    session_id: SessionPath,
    chat_id: ChatPath,
    login: Writer,
    services: Uses,
    body: Annotated[CreateTopicBody, Depends(json_body(CreateTopicBody))],
) -> Response:
    """With an Idempotency-Key a repeat begins no second one."""
    made = await services.topics.create(
        login.principal,
        session_id,
        parse_ref(chat_id),
        body.title,
        icon_color=body.icon_color,
        icon_emoji_id=int(body.icon_emoji_id) if body.icon_emoji_id else None,
    )
    return plain(topic(made), 201)


@router.get(
    "/{topic_id}",
    summary="One topic",
    **operation("topics.get", scope="read", data=TopicShape, errors=THROUGH),
)
async def get(
    session_id: SessionPath, chat_id: ChatPath, topic_id: TopicPath, login: Reader, services: Uses
) -> Response:
    return plain(topic(await services.topics.get(login.principal, session_id, parse_ref(chat_id), topic_id)))


@router.patch(
    "/{topic_id}",
    summary="Rename, close, hide or pin a topic",
    **operation("topics.change", scope="write", data=TopicShape, errors=THROUGH, body=ChangeTopicBody),
)
async def change(
    session_id: SessionPath,
    chat_id: ChatPath,
    topic_id: TopicPath,
    login: Writer,
    services: Uses,
    body: Annotated[ChangeTopicBody, Depends(json_body(ChangeTopicBody))],
) -> Response:
    edited = await services.topics.change(login.principal, session_id, parse_ref(chat_id), topic_id, body.changes())
    return plain(topic(edited))


@router.delete(
    "/{topic_id}",
    summary="Delete a topic with all that was said in it",
    **operation("topics.delete", scope="write", data=DoneShape, errors=THROUGH),
)
async def delete(
    session_id: SessionPath, chat_id: ChatPath, topic_id: TopicPath, login: Writer, services: Uses
) -> Response:
    done = await services.topics.delete(login.principal, session_id, parse_ref(chat_id), topic_id)
    return plain({"changed": done.changed})
