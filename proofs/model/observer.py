"""A client that keeps what it is told, and counts as core.telegram.org/api/updates says.

An update with pts fits when the local pts and its pts_count make its pts; when they make more, it was there already;
when they make less, something is missing. The same for each supergroup and channel by itself. Both of the latter are
noted as divergences, as nothing is ever told twice or left out here while the connection stands. What a request of
one's own did is learned from its answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from telethon.tl import types

from proofs.model.records import CHANNELS_BELOW, Told, is_channel
from proofs.model.rows import Row, from_tl, marked, reacted

PASSING = (types.UpdateUserStatus, types.UpdateUserName, types.UpdateUserTyping, types.UpdateChatUserTyping)
NEW = (types.UpdateNewMessage, types.UpdateNewChannelMessage)
EDIT = (types.UpdateEditMessage, types.UpdateEditChannelMessage)
DELETE = (types.UpdateDeleteMessages, types.UpdateDeleteChannelMessages)
PIN = (types.UpdatePinnedMessages, types.UpdatePinnedChannelMessages)


class Known:
    """What a client knows of one box: its account's, or a channel's."""

    def __init__(self, pts: int, floor: int) -> None:
        self.pts = pts
        self.floor = floor
        """Messages up to this number came before the client did."""
        self.rows: dict[int, Row] = {}
        self.log: list[Told] = []
        self.stale: set[int] = set()
        """Messages whose reactions may have changed while nobody listened: those have no pts."""
        self.unlooked: set[int] = set()
        """Messages whose mention may have been looked at elsewhere meanwhile: in channels that has none either."""

    def put(self, number: int, row: Row) -> None:
        """A message as it is now."""
        self.rows[number] = row
        self.stale.discard(number)
        self.unlooked.discard(number)


class Observer:
    """See the module. `wrong` collects what cannot be."""

    def __init__(self, me: int, name: str, pts: int, floor: int) -> None:
        self.me, self.name = me, name
        self.boxes: dict[int, Known] = {me: Known(pts, floor)}
        self.counting = True
        """Off while a difference is taken in."""
        self.seq = 0
        self.date = 0
        self.wrong: list[str] = []
        self.to_ask: set[int] = set()
        """Channels to be asked about: heard of for the first time, or known to have news."""
        self.hashes: dict[int, int] = {}
        self.reads: dict[int, list[int]] = {}
        """Chat: read up to by oneself, by others."""
        self.drafts: dict[int, str] = {}
        self.marked: set[int] = set()
        self.archived: set[int] = set()
        self.muted: dict[int, int] = {}
        self.scheduled: dict[int, tuple[int, str]] = {}
        self.out_of_sight: set[int] = set()
        """Chats that one could not look into when one came back, and has not been able to ask about since."""
        self.waiting_out_of_sight: set[int] = set()
        """Scheduled messages for such chats."""
        self.admins: dict[int, dict[int, bool]] = {}
        """Basic group: who has been told to be an administrator, or not to be one."""
        self.versions: dict[int, int] = {}
        self.heard = 0

    def complain(self, what: str) -> None:
        self.wrong.append(f"{self.name}: {what}")

    # what comes

    def take(self, told: Any) -> None:
        """An object that was pushed, or an answer with updates in it."""
        self.heard += 1
        if isinstance(told, types.Updates | types.UpdatesCombined):
            self._in_sequence(told)
            self.acquainted(told.chats)
            for each in told.updates:
                self.update(each, told.chats)
        elif isinstance(told, types.UpdateShort):
            self.update(told.update)
        elif isinstance(told, types.UpdateShortMessage):
            sender = self.me if told.out else told.user_id
            self._brief(told, told.user_id, sender)
        elif isinstance(told, types.UpdateShortChatMessage):
            self._brief(told, -told.chat_id, told.from_id)
        else:
            self.complain(f"pushed {type(told).__name__}")

    def _in_sequence(self, told: Any) -> None:
        if not told.seq:
            return
        start = getattr(told, "seq_start", told.seq)
        if self.seq and start != self.seq + 1:
            self.complain(f"seq {start} after {self.seq}")
        self.seq = told.seq

    def _brief(self, told: Any, peer: int, sender: int) -> None:
        reply = told.reply_to.reply_to_msg_id if told.reply_to is not None else 0
        self.new(
            self.me, told.id, Row(peer, sender, bool(told.out), told.message, reply=reply), told.pts, told.pts_count
        )

    def acquainted(self, chats: Iterable[Any]) -> None:
        for chat in chats:
            if isinstance(chat, types.Channel) and not chat.min:
                self.hashes[CHANNELS_BELOW - chat.id] = chat.access_hash

    # counting

    def counts(self, box: int, pts: int, count: int, kind: str, what: Any) -> Known | None:
        """The box, when an update fits there; None for one that was there already."""
        known = self.boxes.get(box)
        if known is None:
            # a channel that was not known: it is asked about, and counts from here
            known = self.boxes[box] = Known(pts - count, what - 1 if kind == "new" else 0)
            self.to_ask.add(box)
        if self.counting and known.pts + count != pts:
            problem = "told twice" if known.pts + count > pts else "a gap"
            self.complain(f"{problem} in {box}: at {known.pts}, {kind} {what} with pts {pts}, count {count}")
            if known.pts + count > pts:
                return None
        known.pts = pts
        known.log.append(Told(pts, count, kind, what))
        return known

    def new(self, box: int, number: int, row: Row, pts: int, count: int) -> None:
        known = self.counts(box, pts, count, "new", number)
        if known is not None:
            self.put(known, number, row)

    def put(self, known: Known, number: int, row: Row) -> None:
        known.put(number, row)
        if row.peer == row.sender == self.me:
            self.reads[self.me] = [number, number]

    def forget(self, channel: int) -> None:
        """The client is out: what it knows will not be kept true."""
        self.boxes.pop(channel, None)
        self.reads.pop(channel, None)
        self.to_ask.discard(channel)

    # updates

    def update(self, update: Any, chats: Iterable[Any] = ()) -> None:
        if isinstance(update, PASSING):
            return
        if isinstance(update, NEW + EDIT):
            channel = isinstance(update, types.UpdateNewChannelMessage | types.UpdateEditChannelMessage)
            box = marked(update.message.peer_id) if channel else self.me
            row, number = from_tl(update.message, self.me), update.message.id
            if isinstance(update, NEW):
                self.new(box, number, row, update.pts, update.pts_count)
            else:
                known = self.counts(box, update.pts, update.pts_count, "edit", number)
                if known is not None:
                    known.put(number, row)
            return
        if isinstance(update, DELETE + PIN):
            box = CHANNELS_BELOW - update.channel_id if hasattr(update, "channel_id") else self.me
            kind = "delete" if isinstance(update, DELETE) else "pin" if update.pinned else "unpin"
            self.several(box, tuple(update.messages), update.pts, update.pts_count, kind)
            return
        handler = getattr(self, f"on_{type(update).__name__}", None)
        if handler is None:
            self.complain(f"unforeseen {type(update).__name__}")
        else:
            handler(update, chats)

    def several(self, box: int, numbers: tuple[int, ...], pts: int, count: int, kind: str) -> None:
        """Deleted, pinned, unpinned, looked at."""
        known = self.counts(box, pts, count, kind, tuple(sorted(numbers)))
        if known is not None:
            self.change(known, numbers, kind)

    def change(self, known: Known, numbers: Iterable[int], kind: str) -> None:
        for number in numbers:
            row = known.rows.get(number)
            if row is None:
                continue
            if kind == "delete":
                del known.rows[number]
            elif kind == "contents":
                known.rows[number] = row._replace(mention=None if row.mention is None else False)
                known.unlooked.discard(number)
            else:
                known.rows[number] = row._replace(pinned=kind == "pin")

    def on_UpdateReadMessagesContents(self, update: Any, _chats: Any) -> None:  # noqa: N802 - Telegram's names
        self.several(self.me, tuple(update.messages), update.pts, update.pts_count, "contents")

    def on_UpdateChannelReadMessagesContents(self, update: Any, _chats: Any) -> None:  # noqa: N802
        self.change(self._channel(update) or Known(0, 0), update.messages, "contents")

    def _channel(self, update: Any) -> Known | None:
        return self.boxes.get(CHANNELS_BELOW - update.channel_id)

    def _read(self, peer: int, side: int, top: int) -> None:
        marks = self.reads.setdefault(peer, [0, 0])
        if side == 0 and top < marks[0]:
            self.complain(f"read in {peer} back from {marks[0]} to {top}")
        marks[side] = top

    def on_UpdateReadHistoryInbox(self, update: Any, _chats: Any) -> None:  # noqa: N802
        peer = marked(update.peer)
        what = (peer, update.max_id, update.still_unread_count)
        if self.counts(self.me, update.pts, update.pts_count, "read_in", what):
            self._read(peer, 0, update.max_id)

    def on_UpdateReadHistoryOutbox(self, update: Any, _chats: Any) -> None:  # noqa: N802
        peer = marked(update.peer)
        if self.counts(self.me, update.pts, update.pts_count, "read_out", (peer, update.max_id)):
            self._read(peer, 1, update.max_id)

    def on_UpdateReadChannelInbox(self, update: Any, _chats: Any) -> None:  # noqa: N802
        peer = CHANNELS_BELOW - update.channel_id
        self._read(peer, 0, update.max_id)
        if self.unread(peer) != update.still_unread_count and self.whole(peer):
            self.complain(f"{update.still_unread_count} unread in {peer}, counted {self.unread(peer)}")

    def on_UpdateReadChannelOutbox(self, update: Any, _chats: Any) -> None:  # noqa: N802
        self._read(CHANNELS_BELOW - update.channel_id, 1, update.max_id)

    def on_UpdateFolderPeers(self, update: Any, _chats: Any) -> None:  # noqa: N802
        (moved,) = update.folder_peers
        peer = marked(moved.peer)
        if self.counts(self.me, update.pts, update.pts_count, "folder", (peer, moved.folder_id)):
            (self.archived.add if moved.folder_id else self.archived.discard)(peer)

    def on_UpdateMessageReactions(self, update: Any, _chats: Any) -> None:  # noqa: N802
        peer = marked(update.peer)
        known = self.boxes.get(peer if is_channel(peer) else self.me)
        if known is not None and update.msg_id in known.rows:
            known.rows[update.msg_id] = known.rows[update.msg_id]._replace(**reacted(update.reactions))
            known.stale.discard(update.msg_id)

    def on_UpdateDraftMessage(self, update: Any, _chats: Any) -> None:  # noqa: N802
        peer = marked(update.peer)
        self.drafts.pop(peer, None)
        if isinstance(update.draft, types.DraftMessage):
            self.drafts[peer] = update.draft.message

    def on_UpdateDialogUnreadMark(self, update: Any, _chats: Any) -> None:  # noqa: N802
        (self.marked.add if update.unread else self.marked.discard)(marked(update.peer.peer))

    def on_UpdateNotifySettings(self, update: Any, _chats: Any) -> None:  # noqa: N802
        until = update.notify_settings.mute_until
        self.muted[marked(update.peer.peer)] = int(until.timestamp()) if until is not None else 0

    def on_UpdateNewScheduledMessage(self, update: Any, _chats: Any) -> None:  # noqa: N802
        message = update.message
        self.scheduled[message.id] = marked(message.peer_id), message.message

    def on_UpdateDeleteScheduledMessages(self, update: Any, _chats: Any) -> None:  # noqa: N802
        for number in update.messages:
            if number in self.waiting_out_of_sight:
                self.waiting_out_of_sight.discard(number)
            elif self.scheduled.pop(number, (0, ""))[0] != marked(update.peer):
                self.complain(f"scheduled message {number} went that had not come")

    def on_UpdateMessageID(self, _update: Any, _chats: Any) -> None:  # noqa: N802
        """The number is in the message that follows."""

    def on_UpdateChannel(self, update: Any, chats: Iterable[Any]) -> None:  # noqa: N802
        """Something of a channel is different: whether one is in it, above all."""
        peer = CHANNELS_BELOW - update.channel_id
        for chat in chats:
            if chat.id == update.channel_id:
                out = isinstance(chat, types.ChannelForbidden) or chat.left
                if out:
                    self.forget(peer)
                elif peer not in self.boxes:
                    self.to_ask.add(peer)

    def on_UpdateChannelTooLong(self, update: Any, _chats: Any) -> None:  # noqa: N802
        self.to_ask.add(CHANNELS_BELOW - update.channel_id)

    def on_UpdateChannelAvailableMessages(self, update: Any, _chats: Any) -> None:  # noqa: N802
        known = self._channel(update)
        if known is not None:
            known.floor = max(known.floor, update.available_min_id)
            known.rows = {number: row for number, row in known.rows.items() if number > known.floor}
        peer = CHANNELS_BELOW - update.channel_id
        marks = self.reads.setdefault(peer, [0, 0])
        marks[0] = max(marks[0], update.available_min_id)

    def on_UpdateChatParticipantAdmin(self, update: Any, _chats: Any) -> None:  # noqa: N802
        self._version(-update.chat_id, update.version)
        self.admins.setdefault(-update.chat_id, {})[update.user_id] = bool(update.is_admin)

    def on_UpdateChatParticipants(self, update: Any, _chats: Any) -> None:  # noqa: N802
        told, peer = update.participants, -update.participants.chat_id
        self.admins.pop(peer, None)
        if isinstance(told, types.ChatParticipants):
            self._version(peer, told.version)
            plain = [each for each in told.participants if not isinstance(each, types.ChatParticipantCreator)]
            self.admins[peer] = {each.user_id: isinstance(each, types.ChatParticipantAdmin) for each in plain}

    def _version(self, peer: int, version: int) -> None:
        if version < self.versions.get(peer, 0):
            self.complain(f"version of {peer} back from {self.versions[peer]} to {version}")
        self.versions[peer] = version

    def _told_elsewhere(self, _update: Any, _chats: Any) -> None:
        """Of members and rights the model is asked, not the client."""

    on_UpdateChat = on_UpdateChatDefaultBannedRights = _told_elsewhere  # noqa: N815
    on_UpdatePeerBlocked = on_UpdatePeerSettings = _told_elsewhere  # noqa: N815

    # counted

    def whole(self, peer: int) -> bool:
        """Whether every message that is not read yet has been heard of."""
        known = self.boxes.get(peer if is_channel(peer) else self.me)
        return known is not None and known.floor <= self.reads.get(peer, [0, 0])[0]

    def unread(self, peer: int) -> int:
        known = self.boxes[peer if is_channel(peer) else self.me]
        read = self.reads.get(peer, [0, 0])[0]
        return sum(number > read and row.peer == peer and not row.out for number, row in known.rows.items())

    # what a client knows because it asked for it

    def read_up_to(self, peer: int, top: int) -> None:
        marks = self.reads.setdefault(peer, [0, 0])
        marks[0] = max(marks[0], top)

    def dialog(self, dialog: Any) -> None:
        """What an account has set for a chat, as one is told when one asks about the chat."""
        peer = marked(dialog.peer)
        self.out_of_sight.discard(peer)
        self.reads[peer] = [dialog.read_inbox_max_id, dialog.read_outbox_max_id]
        self.drafts.pop(peer, None)
        if isinstance(dialog.draft, types.DraftMessage):
            self.drafts[peer] = dialog.draft.message
        (self.marked.add if dialog.unread_mark else self.marked.discard)(peer)
        until = dialog.notify_settings.mute_until
        self.muted[peer] = int(until.timestamp()) if until is not None else 0

    def looked_at(self, peer: int, numbers: Iterable[int]) -> None:
        known = self.boxes.get(peer)
        if known is not None:
            self.change(known, numbers, "contents")

    def affected(self, box: int, pts: int, count: int, kind: str, what: Any) -> None:
        """`messages.affectedMessages` or `affectedHistory`: pts of what one has asked for oneself."""
        if not count or box not in self.boxes:
            return  # of a channel that one is not in nothing is kept
        if kind == "read_in":
            peer, top = what
            self.read_up_to(peer, top)
            self.counts(box, pts, count, kind, (peer, top, self.unread(peer)))
        else:
            self.several(box, what, pts, count, kind)
