"""messages.* that send something beside a text: single, as an album, or only brought up to be sent later."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk, timestamp
from teleflow.sandbox.rpc.media_in import received
from teleflow.sandbox.rpc.media_view import message_media
from teleflow.sandbox.rpc.scheduling import schedule
from teleflow.sandbox.rpc.texts import cleaned
from teleflow.sandbox.world import voting
from teleflow.sandbox.world.annexes import Annex
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.media_records import Media
from teleflow.sandbox.world.records import Committed, Message, Person
from teleflow.sandbox.world.texts import units

CAPTION_LIMIT = 1024
ALBUM_LIMIT = 10
_ALBUMS = (
    frozenset(("send_photos", "send_videos", "send_gifs")),
    frozenset(("send_docs",)),
    frozenset(("send_audios",)),
)


def caption(desk: Desk, me: Person, text: str, entities: list[Any] | None) -> tuple[str, list[bytes]]:
    """Raises MEDIA_CAPTION_TOO_LONG and ENTITY_*."""
    if not text.strip():
        return "", []
    if units(text) > CAPTION_LIMIT:
        raise RpcError(400, "MEDIA_CAPTION_TOO_LONG")
    return cleaned(desk, me, text, entities)


def edited(desk: Desk, me: Person, message: Message, request: TLRequest) -> tuple[str, list[bytes], Media | None]:
    """What an edit makes of a message: another caption, other media, or both."""
    media = None
    if request.media is not None:
        _no_poll(request.media)
        media = received(desk, me, request.media)
        if message.media is None:
            raise RpcError(400, "MEDIA_PREV_INVALID")
        if message.grouped and not _fit([media.right, message.media.right]):
            raise RpcError(400, "MEDIA_GROUPED_INVALID")
    elif request.message is None:
        raise RpcError(400, "MESSAGE_NOT_MODIFIED")
    if request.message is None:
        return message.text, message.entities, media
    if message.media is None:
        return (*cleaned(desk, me, request.message, request.entities), None)
    return (*caption(desk, me, request.message, request.entities), media)


def _fit(kinds: list[str]) -> bool:
    """Whether these can be in one album."""
    return any(all(each in rights for each in kinds) for rights in _ALBUMS)


def _may_receive(desk: Desk, me: Person, to: Person | Chat, media: Media) -> None:
    """Raises VOICE_MESSAGES_FORBIDDEN."""
    if isinstance(to, Chat) or to is me or media.right not in {"send_voices", "send_roundvideos"}:
        return
    if not desk.world.people.allows(to, "voice_messages", me):
        raise RpcError(400, "VOICE_MESSAGES_FORBIDDEN")


def _no_poll(media: Any) -> None:
    """Raises MEDIA_INVALID where a poll cannot be: in albums, in edits, by itself."""
    if isinstance(media, types.InputMediaPoll):
        raise RpcError(400, "MEDIA_INVALID")


def _replied(reply_to: Any) -> int:
    if reply_to is None:
        return 0
    if not isinstance(reply_to, types.InputReplyToMessage):
        raise RpcError(400, "MESSAGE_ID_INVALID")
    return int(reply_to.reply_to_msg_id)


def topic_of(reply_to: Any) -> int:
    """The topic that a message is meant for, beside the message that it answers; 0 for none."""
    return int(getattr(reply_to, "top_msg_id", None) or 0)


def _repeated(desk: Desk, me: Person, random_id: int) -> Committed | None:
    """What was sent with this random_id before. Raises RANDOM_ID_EMPTY and RANDOM_ID_DUPLICATE."""
    if not random_id:
        raise RpcError(400, "RANDOM_ID_EMPTY")
    earlier = desk.box(me).sent.get(random_id)
    if earlier is not None and desk.world.random_id_repeat == "error":
        raise RpcError(500, "RANDOM_ID_DUPLICATE")
    return earlier


async def send_media(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    to = desk.target(me, request.peer)
    sent = _repeated(desk, me, request.random_id)
    if sent is None:
        media = received(desk, me, request.media)
        _may_receive(desk, me, to, media)
        try:
            return _send_single(desk, caller, me, to, request, media)
        except (Refused, RpcError):
            desk.world.messages.polls.release(media)
            raise
    return _answer(desk, me, to, [sent])


def _send_single(desk: Desk, caller: Caller, me: Person, to: Person | Chat, request: TLRequest, media: Media) -> Any:
    """Now, or later if the request says so."""
    voting.require_fit(desk.world, to, media)
    text, entities = caption(desk, me, request.message, request.entities)
    if request.schedule_date:
        waits = schedule(desk, caller, request, to, text, entities, _replied(request.reply_to), media)
        if waits is not None:
            return waits
    sent = desk.world.messages.send(
        me,
        to,
        text,
        random_id=request.random_id,
        entities=entities,
        reply_to=_replied(request.reply_to),
        topic=topic_of(request.reply_to),
        silent=bool(request.silent),
        media=media,
        annex=Annex(no_forwards=True) if request.noforwards else None,
        origin=desk.origin(caller),
    )
    return _answer(desk, me, to, [sent])


async def upload_media(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """What a message would show; the file can be sent by its id from now on."""
    me = desk.me(caller)
    desk.target(me, request.peer)
    _no_poll(request.media)
    return message_media(desk.world, received(desk, me, request.media))


async def send_multi_media(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """An album: everything is looked at before the first of it is sent."""
    me = desk.me(caller)
    to = desk.target(me, request.peer)
    singles = request.multi_media
    if not singles:
        raise RpcError(400, "MULTI_MEDIA_EMPTY" if request.multi_media is None else "MEDIA_EMPTY")
    if len(singles) > ALBUM_LIMIT:
        raise RpcError(400, "MULTI_MEDIA_TOO_LONG")
    if timestamp(request.schedule_date):
        raise RpcError(400, "SCHEDULE_DATE_INVALID")
    earlier = [_repeated(desk, me, each.random_id) for each in singles]
    lines = [line for line in earlier if line is not None]
    if len(lines) < len(singles):
        lines = _send_album(desk, caller, me, to, request)
    return _answer(desk, me, to, lines)


def _send_album(desk: Desk, caller: Caller, me: Person, to: Person | Chat, request: TLRequest) -> list[Committed]:
    album = []
    for index, single in enumerate(request.multi_media):
        text, entities = caption(desk, me, single.message, single.entities)
        media = _album_part(desk, me, single.media, index)
        _may_receive(desk, me, to, media)
        album.append((single.random_id, text, entities, media))
    if len(album) > 1 and not _fit([each[3].right for each in album]):
        raise RpcError(400, "MEDIA_INVALID")
    if isinstance(to, Chat):
        for right in {media.right for _, _, _, media in album}:
            desk.world.chats.require_write(to, me.id, right)
    grouped = desk.world.files.new_id() if len(album) > 1 else 0
    reply_to, topic = _replied(request.reply_to), topic_of(request.reply_to)
    sent = desk.box(me).sent
    return [
        sent[random_id]
        if random_id in sent
        else desk.world.messages.send(
            me,
            to,
            text,
            random_id=random_id,
            entities=entities,
            reply_to=reply_to,
            topic=topic,
            silent=bool(request.silent),
            media=media,
            grouped=grouped,
            origin=desk.origin(caller),
        )
        for random_id, text, entities, media in album
    ]


def _album_part(desk: Desk, me: Person, media: Any, index: int) -> Media:
    """An error about a reference says which part it is about."""
    _no_poll(media)
    try:
        return received(desk, me, media)
    except Refused as refused:
        if refused.name.startswith("FILE_REFERENCE_"):
            name = refused.name.replace("FILE_REFERENCE_", f"FILE_REFERENCE_{index}_")
            raise RpcError(refused.code, name) from refused
        raise


def _answer(desk: Desk, me: Person, to: Person | Chat, sent: list[Committed]) -> Any:
    """Each by its random_id, then in full; one that is gone by now is named by its number alone."""
    view, box = desk.view, desk.place(me, to)
    updates: list[Any] = [types.UpdateMessageID(line.from_id, line.random_id) for line in sent]
    shape = types.UpdateNewChannelMessage if box.owner < 0 else types.UpdateNewMessage
    for line in sent:
        message = box.messages.get(line.from_id)
        if message is not None:
            updates.append(shape(view.message(box, line.from_id, message, me.id), line.from_pts, 1))
    involved = {me.id, to.id} | view.involved(box, [line.from_id for line in sent])
    users, chats = view.users(me, involved), view.chats(me, involved)
    return types.Updates(updates=updates, users=users, chats=chats, date=int(sent[-1].time), seq=0)
