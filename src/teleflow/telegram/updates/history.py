"""Filling a hole from history: what a difference could not tell, page by page, oldest first.

Told honestly: deletions and reads that fell into the hole stay unknown, and of edits those are found that the pages
beside the hole still show.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.model.updates import ACCOUNT
from teleflow.telegram import errors
from teleflow.telegram.convert.chats import by_id
from teleflow.telegram.convert.peers import marked
from teleflow.telegram.convert.plain import seconds
from teleflow.telegram.mtproto.requests import RpcFault
from teleflow.telegram.updates.boxes import Boxes

Ask = Callable[[Any], Awaitable[Any]]
PAGE = 100
_DIALOG_PAGES = 100
# The channel is out of reach, and no try will change that before something is told of it.
CLOSED = frozenset({"CHANNEL_PRIVATE", "CHANNEL_INVALID", "CHANNEL_PUBLIC_GROUP_NA", "CHAT_FORBIDDEN"})


def dialogs_request(date: datetime | None = None, message_id: int = 0, peer: Any = None) -> Any:
    return f.messages.GetDialogsRequest(date, message_id, peer or tl.InputPeerEmpty(), PAGE, 0)


def _above(peer: Any, message_id: int) -> Any:
    """The page of messages right above this one."""
    return f.messages.GetHistoryRequest(peer, message_id + 1, None, -PAGE, PAGE, 0, message_id, 0)


def _below(peer: Any, message_id: int) -> Any:
    return f.messages.GetHistoryRequest(peer, message_id + 1, None, 0, PAGE, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list of dialogs. `dates`: of each one's newest message, by marked id, in Unix seconds."""

    dialogs: list[Any]
    everybody: Mapping[int, Any]
    more: bool
    dates: Mapping[int, int]


class DialogWalk:
    """The list of dialogs, a page at a time."""

    def __init__(self) -> None:
        self._next: Any = dialogs_request()
        self.pages = 0

    async def page(self, ask: Ask) -> Page:
        """The next one. Raises what `ask` raises."""
        answer = await ask(self._next)
        dialogs = [one for one in getattr(answer, "dialogs", ()) if isinstance(one, tl.Dialog)]
        everybody = by_id(getattr(answer, "users", ()), getattr(answer, "chats", ()))
        self.pages += 1
        last = _last(answer, dialogs)
        more = isinstance(answer, tl.messages.DialogsSlice) and last is not None and self.pages < _DIALOG_PAGES
        if more and last is not None:
            dialog, message = last
            self._next = dialogs_request(message.date, message.id, input_of(dialog.peer, everybody))
        return Page(dialogs, everybody, more, _dates(answer, dialogs))


async def dialog_page(channel: tl.InputChannel, ask: Ask) -> Page | None:
    """How one channel stands; None where the account has no such dialog. Raises what `ask` raises."""
    peer = tl.InputPeerChannel(channel.channel_id, channel.access_hash)
    try:
        answer = await ask(f.messages.GetPeerDialogsRequest([tl.InputDialogPeer(peer)]))
    except RpcFault as fault:
        if errors.name_of(fault) not in CLOSED:
            raise
        return None
    dialogs = [
        one
        for one in answer.dialogs
        if isinstance(one, tl.Dialog) and getattr(one.peer, "channel_id", 0) == channel.channel_id
    ]
    if not dialogs:
        return None
    return Page(dialogs[:1], by_id(answer.users, answer.chats), False, _dates(answer, dialogs))


def joined_at(page: Page) -> int:
    """When the account came into the page's first chat, in Unix seconds; 0 where nobody says."""
    return seconds(getattr(page.everybody.get(marked(page.dialogs[0].peer)), "date", None)) or 0


def _dates(answer: Any, dialogs: list[Any]) -> dict[int, int]:
    newest = {(marked(m.peer_id), m.id): m for m in getattr(answer, "messages", ()) if _has_date(m)}
    return {
        marked(dialog.peer): seconds(newest[marked(dialog.peer), dialog.top_message].date) or 0
        for dialog in dialogs
        if (marked(dialog.peer), dialog.top_message) in newest
    }


def _has_date(message: Any) -> bool:
    return getattr(message, "date", None) is not None


def _last(answer: Any, dialogs: list[Any]) -> tuple[Any, Any] | None:
    messages = {(marked(m.peer_id), m.id): m for m in answer.messages if not isinstance(m, tl.MessageEmpty)}
    for dialog in reversed(dialogs):
        message = messages.get((marked(dialog.peer), dialog.top_message))
        if message is not None:
            return dialog, message
    return None


def input_of(peer: Any, everybody: Mapping[int, Any]) -> Any:
    match peer:
        case tl.PeerUser():
            return tl.InputPeerUser(peer.user_id, getattr(everybody.get(peer.user_id), "access_hash", None) or 0)
        case tl.PeerChat():
            return tl.InputPeerChat(peer.chat_id)
    return tl.InputPeerChannel(peer.channel_id, getattr(everybody.get(marked(peer)), "access_hash", None) or 0)


class ChannelFill:
    """The history of a channel past a message. Each `step` is one request."""

    def __init__(self, boxes: Boxes, channel_id: int, peer: Any, top: int) -> None:
        self.box = channel_id
        self._boxes = boxes
        self._chat = _Chat(boxes, peer, top, since=0)

    async def step(self, ask: Ask) -> bool:
        """Whether there is more."""
        more = await self._chat.step(ask)
        self._boxes.filled(self.box, self._chat.top)
        return more or self.skip()

    def skip(self) -> bool:
        """No more of it; as `step`."""
        self._boxes.thaw(self.box)
        return False


class SinceFill(ChannelFill):
    """What was written in a channel since an instant (Unix seconds): the first step finds where that begins."""

    def __init__(self, boxes: Boxes, channel_id: int, peer: Any, since: int) -> None:
        super().__init__(boxes, channel_id, peer, 0)
        self._peer = peer
        self._since = since
        self._found = False

    async def step(self, ask: Ask) -> bool:
        if self._found:
            return await super().step(ask)
        self._found = True
        before = datetime.fromtimestamp(self._since + 1, UTC)
        answer = await ask(f.messages.GetHistoryRequest(self._peer, 0, before, 0, 1, 0, 0, 0))
        top = max((message.id for message in answer.messages), default=0)
        self._chat = _Chat(self._boxes, self._peer, top, since=self._since)
        return True


class AccountFill:
    """The histories of all private chats and basic groups past a message."""

    box = ACCOUNT

    def __init__(self, boxes: Boxes, top: int, since: int) -> None:
        self._boxes = boxes
        self._top = top
        self._since = since
        self._walk: DialogWalk | None = DialogWalk()
        self._chats: deque[_Chat] = deque()

    async def step(self, ask: Ask) -> bool:
        if self._chats:
            if not await self._chats[0].step(ask):
                self._chats.popleft()
        elif self._walk is not None:
            page = await self._walk.page(ask)
            for dialog in page.dialogs:
                if not isinstance(dialog.peer, tl.PeerChannel) and dialog.top_message > self._top:
                    self._chats.append(
                        _Chat(self._boxes, input_of(dialog.peer, page.everybody), self._top, since=self._since)
                    )
            self._walk = self._walk if page.more else None
        return self._more()

    def skip(self) -> bool:
        """No more of the chat at hand, or of the list; as `step`."""
        if self._chats:
            self._chats.popleft()
        else:
            self._walk = None
        return self._more()

    def _more(self) -> bool:
        if self._chats or self._walk is not None:
            return True
        self._boxes.thaw(ACCOUNT)
        return False


class _Chat:
    """One chat past a message; first the page before it, for edits."""

    def __init__(self, boxes: Boxes, peer: Any, top: int, *, since: int) -> None:
        self._boxes = boxes
        self._peer = peer
        self._since = since
        self._edits_seen = top == 0
        self.top = top

    async def step(self, ask: Ask) -> bool:
        if not self._edits_seen:
            self._edits_seen = True
            answer = await ask(_below(self._peer, self.top))
            everybody = by_id(answer.users, answer.chats)
            for message in sorted(answer.messages, key=lambda one: one.id):
                self._edit(message, everybody)
            return True
        answer = await ask(_above(self._peer, self.top))
        everybody = by_id(answer.users, answer.chats)
        found = sorted((one for one in answer.messages if one.id > self.top), key=lambda one: one.id)
        for message in found:
            if not isinstance(message, tl.MessageEmpty):
                new = tl.UpdateNewChannelMessage if _in_channel(message) else tl.UpdateNewMessage
                self._boxes.hand_on(new(message, 0, 0), everybody, seconds(message.date) or 0)
                self._edit(message, everybody)
            self.top = max(self.top, message.id)
        return len(found) > 0  # a short page need not be the last one

    def _edit(self, message: Any, everybody: Mapping[int, Any]) -> None:
        edited = seconds(getattr(message, "edit_date", None)) or 0
        if edited and edited >= self._since and not message.edit_hide:
            told = tl.UpdateEditChannelMessage if _in_channel(message) else tl.UpdateEditMessage
            self._boxes.hand_on(told(message, 0, 0), everybody, edited)


def _in_channel(message: Any) -> bool:
    return isinstance(message.peer_id, tl.PeerChannel)
