"""Messages that are there: history, and what may be done to them."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.numbers import plain as digits
from teleflow.api.v1.access import Reader, Writer
from teleflow.api.v1.envelope import Shape, plain
from teleflow.api.v1.message_bodies import (
    DeleteBody,
    EditBody,
    OnMessages,
    PinBody,
    ReactBody,
    ReadBody,
    TypingBody,
)
from teleflow.api.v1.message_shapes import MessageShape
from teleflow.api.v1.operation import operation
from teleflow.model.peers import parse_ref
from teleflow.services.everything import Services
from teleflow.wire.messages import told_message

router = APIRouter(prefix="/api/v1/messages", tags=["messages"])

# What any call through a session can end in: not one's own, not fit, ended, refused, told to wait, failed.
THROUGH = (400, 403, 404, 409, 422, 429, 502)
Session = Annotated[str, Query(alias="sessionId", min_length=1, max_length=64)]
Chat = Annotated[str, Query(alias="chatId", min_length=1, max_length=256)]
Number = Annotated[int, digits, Query(ge=0, le=2**31 - 2)]
OneId = Annotated[int, digits, Field(ge=1, le=2**31 - 1)]
One = Annotated[int, digits, Query(alias="messageId", ge=1, le=2**31 - 1)]


class DeletedShape(Shape):
    deleted_ids: list[int]


class ReactedShape(Shape):
    reacted: bool
    message_id: int
    emoji: str


class PinnedShape(Shape):
    pinned: Literal[True]
    message_id: int


class UnpinnedShape(Shape):
    unpinned: Literal[True]
    message_id: int


class ReadShape(Shape):
    read: Literal[True]
    chat_id: str


class TypingShape(Shape):
    typing: Literal[True]
    chat_id: str


def told(services: Services, session_id: str, messages: Any) -> list[dict[str, Any]]:
    file_id = partial(services.file_ids.token, session_id)
    return [told_message(one, file_id) for one in messages]


@router.get(
    "/history",
    summary="The messages of a chat, newest first",
    **operation("messages.history", scope="read", data=list[MessageShape], errors=THROUGH),
)
async def history(
    login: Reader,
    services: Uses,
    session: Session,
    chat: Chat,
    limit: Annotated[int, digits, Query(ge=1, le=100)] = 50,
    before: Annotated[Number, Query(alias="offsetId", description="Those before this message; 0: the newest.")] = 0,
    after: Annotated[Number, Query(alias="afterId", description="The nearest ones after this message.")] = 0,
    date: Annotated[Number, Query(alias="offsetDate", description="Those before this time, Unix seconds.")] = 0,
) -> Response:
    """Page back with the last id as `offsetId`, forward with the first id as `afterId`."""
    found = await services.history.read(
        login.principal,
        session,
        parse_ref(chat),
        limit=limit,
        before_id=before,
        after_id=after,
        before_date=date,
    )
    return plain(told(services, session, found))


@router.post(
    "/edit",
    summary="Edit a message of one's own",
    **operation("messages.edit", scope="write", data=MessageShape, errors=THROUGH, body=EditBody),
)
async def edit(login: Writer, services: Uses, body: Annotated[EditBody, Depends(json_body(EditBody))]) -> Response:
    edited = await services.history.edit(
        login.principal,
        body.session_id,
        parse_ref(body.chat_id),
        body.message_id,
        body.text,
        parse_mode=body.parse_mode,
        entities=body.marks(),
        link_preview=body.link_preview,
        schedule=body.schedule,
    )
    return plain(told(services, body.session_id, [edited])[0])


@router.post(
    "/delete",
    summary="Delete messages, for everyone unless told otherwise",
    **operation("messages.delete", scope="write", data=DeletedShape, errors=THROUGH, body=DeleteBody),
)
async def delete(
    login: Writer, services: Uses, body: Annotated[DeleteBody, Depends(json_body(DeleteBody))]
) -> Response:
    """Tells the ids that were there. Ids of other chats are left alone; when none is left, it is a 404."""
    ids = await services.history.delete(
        login.principal,
        body.session_id,
        parse_ref(body.chat_id),
        body.message_ids,
        for_everyone=body.for_everyone,
    )
    return plain({"deletedIds": ids})


@router.post(
    "/react",
    summary="React to a message; with an empty emoji, take it back",
    **operation("messages.react", scope="write", data=ReactedShape, errors=THROUGH, body=ReactBody),
)
async def react(login: Writer, services: Uses, body: Annotated[ReactBody, Depends(json_body(ReactBody))]) -> Response:
    custom = int(body.custom_emoji_id) if body.custom_emoji_id else None
    await services.history.react(
        login.principal,
        body.session_id,
        parse_ref(body.chat_id),
        body.message_id,
        emoji=body.emoji or None,
        custom_emoji_id=custom,
        big=body.big,
    )
    reacted = bool(body.emoji) or custom is not None
    return plain({"reacted": reacted, "messageId": body.message_id, "emoji": body.emoji})


@router.delete(
    "/react",
    summary="Take a reaction back",
    **operation("messages.unreact", scope="write", data=ReactedShape, errors=THROUGH),
)
async def unreact(login: Writer, services: Uses, session: Session, chat: Chat, message_id: One) -> Response:
    await services.history.react(login.principal, session, parse_ref(chat), message_id, emoji=None)
    return plain({"reacted": False, "messageId": message_id, "emoji": ""})


@router.post(
    "/pin",
    summary="Pin a message",
    **operation("messages.pin", scope="write", data=PinnedShape, errors=THROUGH, body=PinBody),
)
async def pin(login: Writer, services: Uses, body: Annotated[PinBody, Depends(json_body(PinBody))]) -> Response:
    await _pin(services, login, body, unpin=False)
    return plain({"pinned": True, "messageId": body.message_id})


@router.post(
    "/unpin",
    summary="Unpin a message",
    **operation("messages.unpin", scope="write", data=UnpinnedShape, errors=THROUGH, body=PinBody),
)
async def unpin(login: Writer, services: Uses, body: Annotated[PinBody, Depends(json_body(PinBody))]) -> Response:
    await _pin(services, login, body, unpin=True)
    return plain({"unpinned": True, "messageId": body.message_id})


async def _pin(services: Services, login: Writer, body: PinBody, *, unpin: bool) -> None:
    await services.history.pin(
        login.principal,
        body.session_id,
        parse_ref(body.chat_id),
        body.message_id,
        unpin=unpin,
        silent=not body.notify,
        one_side=body.one_side,
    )


@router.post(
    "/read",
    summary="Mark a chat as read",
    **operation("messages.read", scope="write", data=ReadShape, errors=THROUGH, body=ReadBody),
)
async def read(login: Writer, services: Uses, body: Annotated[ReadBody, Depends(json_body(ReadBody))]) -> Response:
    chat_id = await services.history.mark_read(
        login.principal, body.session_id, parse_ref(body.chat_id), up_to=body.up_to
    )
    return plain({"read": True, "chatId": str(chat_id)})


@router.post(
    "/typing",
    summary="Show for six seconds that one is typing, or doing something else",
    **operation("messages.typing", scope="write", data=TypingShape, errors=THROUGH, body=TypingBody, unsafe=False),
)
async def typing(
    login: Writer, services: Uses, body: Annotated[TypingBody, Depends(json_body(TypingBody))]
) -> Response:
    chat_id = await services.history.show_typing(
        login.principal, body.session_id, parse_ref(body.chat_id), body.action, topic=body.topic_id
    )
    return plain({"typing": True, "chatId": str(chat_id)})


# -- scheduled --------------------------------------------------------------------------------------------


@router.get(
    "/scheduled",
    summary="What waits at Telegram to be sent to a chat, soonest first",
    **operation("messages.scheduled", scope="read", data=list[MessageShape], errors=THROUGH),
)
async def scheduled(login: Reader, services: Uses, session: Session, chat: Chat) -> Response:
    found = await services.history.scheduled(login.principal, session, parse_ref(chat))
    return plain(told(services, session, found))


@router.delete(
    "/scheduled",
    summary="Cancel scheduled messages",
    **operation("messages.unschedule", scope="write", data=DeletedShape, errors=THROUGH),
)
async def unschedule(
    login: Writer,
    services: Uses,
    session: Session,
    chat: Chat,
    ids: Annotated[list[OneId], Query(alias="messageId", min_length=1, max_length=100)],
) -> Response:
    """`messageId` may stand several times."""
    gone = await services.history.cancel_scheduled(login.principal, session, parse_ref(chat), ids)
    return plain({"deletedIds": gone})


@router.post(
    "/scheduled/send-now",
    summary="Send scheduled messages now",
    **operation("messages.sendScheduled", scope="write", data=list[MessageShape], errors=THROUGH, body=OnMessages),
)
async def send_now(
    login: Writer, services: Uses, body: Annotated[OnMessages, Depends(json_body(OnMessages))]
) -> Response:
    sent = await services.history.send_scheduled_now(
        login.principal, body.session_id, parse_ref(body.chat_id), body.message_ids
    )
    return plain(told(services, body.session_id, sent))
