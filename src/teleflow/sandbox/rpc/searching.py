"""messages.search and messages.searchGlobal: by words, sender, dates and kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk, timestamp
from teleflow.sandbox.rpc.media_view import message_media
from teleflow.sandbox.rpc.reading import PAGE, found_messages, ids_in, window
from teleflow.sandbox.rpc.view import revealed
from teleflow.sandbox.world import forums
from teleflow.sandbox.world.boxes import Box
from teleflow.sandbox.world.channel_reads import ids_of
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.records import Message, Person

_LINKS = (types.MessageEntityUrl, types.MessageEntityTextUrl, types.MessageEntityEmail)
_ATTRIBUTES: Mapping[Any, tuple[Any, Callable[[Any], bool]]] = {
    types.InputMessagesFilterVideo: (types.DocumentAttributeVideo, lambda each: not each.round_message),
    types.InputMessagesFilterRoundVideo: (types.DocumentAttributeVideo, lambda each: bool(each.round_message)),
    types.InputMessagesFilterVoice: (types.DocumentAttributeAudio, lambda each: bool(each.voice)),
    types.InputMessagesFilterMusic: (types.DocumentAttributeAudio, lambda each: not each.voice),
    types.InputMessagesFilterGif: (types.DocumentAttributeAnimated, lambda _each: True),
}
_SPECIAL = (
    types.DocumentAttributeVideo,
    types.DocumentAttributeAudio,
    types.DocumentAttributeAnimated,
    types.DocumentAttributeSticker,
)


class _Hits:
    """One search: which messages of a box answer it."""

    def __init__(self, desk: Desk, me: Person, request: TLRequest, sender: int = 0) -> None:
        self._desk = desk
        self._me = me
        self._wanted = request.q.casefold()
        self._kind = request.filter
        self._sender = sender
        self._earliest, self._latest = timestamp(request.min_date), timestamp(request.max_date)

    def among(self, box: Box, ids: list[int]) -> list[int]:
        return [number for number in ids if self._hit(box, box.messages[number])]

    def _hit(self, box: Box, message: Message) -> bool:
        if message.action is not None or self._wanted not in message.text.casefold():
            return False
        if self._sender and self._sender != (message.written_as or message.sender):
            return False
        if message.date < self._earliest or (self._latest and message.date >= self._latest):
            return False
        return isinstance(self._kind, types.InputMessagesFilterEmpty) or self._of_kind(box, message)

    def _of_kind(self, box: Box, message: Message) -> bool:
        kind, annex = self._kind, message.annex
        if isinstance(kind, types.InputMessagesFilterPinned):
            return annex is not None and box.owner in annex.pinned
        if isinstance(kind, types.InputMessagesFilterMyMentions):
            return annex is not None and self._me.id in annex.mentions
        if isinstance(kind, types.InputMessagesFilterUrl):
            return any(isinstance(each, _LINKS) for each in revealed(message.entities))
        return message.media is not None and self._of_media(message)

    def _of_media(self, message: Message) -> bool:
        kind, media = self._kind, message_media(self._desk.world, message.media) if message.media else None
        photo = isinstance(media, types.MessageMediaPhoto)
        attributes = getattr(getattr(media, "document", None), "attributes", None)
        if isinstance(kind, types.InputMessagesFilterPhotos):
            return photo
        if isinstance(kind, types.InputMessagesFilterGeo):
            return isinstance(media, types.MessageMediaGeo | types.MessageMediaVenue)
        if isinstance(kind, types.InputMessagesFilterPoll):
            return isinstance(media, types.MessageMediaPoll)
        if isinstance(kind, types.InputMessagesFilterContacts):
            return isinstance(media, types.MessageMediaContact)
        if attributes is None:
            return photo and isinstance(kind, types.InputMessagesFilterPhotoVideo)
        if isinstance(kind, types.InputMessagesFilterDocument):
            return not any(isinstance(each, _SPECIAL) for each in attributes)
        if isinstance(kind, types.InputMessagesFilterPhotoVideo):
            return any(isinstance(each, types.DocumentAttributeVideo) for each in attributes)
        if isinstance(kind, types.InputMessagesFilterRoundVoice):
            return any(getattr(each, "voice", None) or getattr(each, "round_message", None) for each in attributes)
        if type(kind) not in _ATTRIBUTES:
            return False
        shape, test = _ATTRIBUTES[type(kind)]
        return any(isinstance(each, shape) and test(each) for each in attributes)


def hits(desk: Desk, me: Person, kind: Any, box: Box, ids: list[int], words: str = "") -> list[int]:
    """Those of the numbers whose messages are of a kind, and hold some words."""
    asked = SimpleNamespace(q=words, filter=kind, min_date=None, max_date=None)
    return _Hits(desk, me, asked).among(box, ids)


async def search(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """In one chat; with an empty peer in all that the account numbers itself. Raises SEARCH_QUERY_EMPTY."""
    me = desk.me(caller)
    if isinstance(request.peer, types.InputPeerEmpty):
        box = desk.box(me)
        ids = sorted(box.messages)
    else:
        box, ids = ids_in(desk, me, desk.target(me, request.peer))
    forum = desk.world.chats.by_id.get(box.owner)
    if request.top_msg_id and forum is not None and forum.forum:
        ids = forums.ids_in(desk.world, forum, request.top_msg_id, desk.world.chats.member(forum, me.id))
    elif request.top_msg_id and box.owner < 0:
        root = box.messages.get(request.top_msg_id)
        ids = desk.world.messages.threads.answers(root.uid) if root is not None else []
    sender = desk.target(me, request.from_id).id if request.from_id is not None else 0
    found = _Hits(desk, me, request, sender).among(box, ids)
    return found_messages(desk, me, box, window(box, found, request, 0), len(found))


async def get_search_counters(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    box, ids = ids_in(desk, me, desk.target(me, request.peer))
    request.q, request.min_date, request.max_date = "", None, None
    counters = []
    for kind in request.filters:
        request.filter = kind
        counters.append(types.messages.SearchCounter(kind, len(_Hits(desk, me, request).among(box, ids))))
    return counters


def _boxes(desk: Desk, me: Person, request: TLRequest) -> list[tuple[Box, list[int]]]:
    """Where to look: the account's own box and those of its supergroups and channels."""
    chats = desk.world.chats
    own = desk.box(me)

    def wanted(peer: int) -> bool:
        chat = chats.by_id.get(peer)
        folder = 1 if peer in me.account.archived else 0
        if request.folder_id is not None and folder != request.folder_id:
            return False
        if request.users_only:
            return chat is None
        if request.broadcasts_only:
            return chat is not None and chat.kind == "broadcast"
        return not request.groups_only or (chat is not None and chat.kind != "broadcast")

    mine = [number for dialog in own.dialogs.values() if wanted(dialog.peer) for number in dialog.ids]
    found = [(own, mine)]
    rooms = [chat for chat in chats.of_person(me.id) if chat.channel and wanted(chat.id)]
    messages = desk.world.messages
    found += [(messages.box(chat.id), ids_of(desk.world, chat, chats.member(chat, me.id))) for chat in rooms]
    return found


async def search_global(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """In all chats, newest first. A page goes on after the date, chat and number of the last one of the page before."""
    me = desk.me(caller)
    if request.limit < 0:
        raise RpcError(400, "LIMIT_INVALID")
    look = _Hits(desk, me, request)
    hits: list[tuple[int, int, int, Box]] = []
    for box, ids in _boxes(desk, me, request):
        for number in look.among(box, ids):
            message = box.messages[number]
            hits.append((message.date, message.peer_for(me.id), number, box))
    hits.sort(key=lambda each: each[:3], reverse=True)
    rest = _after(desk, me, hits, request)
    page = rest[: min(request.limit, PAGE)]
    involved: set[int] = {me.id}
    shown = []
    for _date, _peer, number, box in page:
        shown += desk.view.messages(box, [number], me.id)
        involved |= desk.view.involved(box, [number])
    parts = {
        "messages": shown,
        "topics": [],
        "chats": desk.view.chats(me, involved),
        "users": desk.view.users(me, involved),
    }
    if len(page) == len(hits):
        return types.messages.Messages(**parts)
    more = page[-1][0] if len(page) < len(rest) and page else None
    return types.messages.MessagesSlice(len(hits), **parts, next_rate=more)


def _after(desk: Desk, me: Person, hits: list[tuple[int, int, int, Box]], request: TLRequest) -> Any:
    if not request.offset_rate and not request.offset_id:
        return hits
    if not request.offset_rate:
        return [each for each in hits if each[2] < request.offset_id]
    if isinstance(request.offset_peer, types.InputPeerEmpty):
        return [each for each in hits if each[0] < request.offset_rate]
    target: Person | Chat = desk.target(me, request.offset_peer)
    return [each for each in hits if each[:3] < (request.offset_rate, target.id, request.offset_id)]
