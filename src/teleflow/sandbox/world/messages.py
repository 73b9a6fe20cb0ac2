"""The rules of messages, in private chats, groups and channels alike: send, edit, delete, read.

A message is filed in boxes: of both accounts, of every member of a basic group, or in the one box
that a supergroup or channel has (its owner is the marked id of the channel).

Each verb changes every account concerned in one step and only then lets the updates out, so that
whoever is told can ask for what he was told. Limits of text are the callers' business.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable

import msgspec

from teleflow.kit.clock import Clock
from teleflow.sandbox.world.admin_log import Side
from teleflow.sandbox.world.annexes import Annex
from teleflow.sandbox.world.box_log import Boxes
from teleflow.sandbox.world.boxes import Box
from teleflow.sandbox.world.chat_records import Chat, is_channel
from teleflow.sandbox.world.chats import Chats
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.journal import Journal
from teleflow.sandbox.world.ledger import Ledger
from teleflow.sandbox.world.marks import Marks
from teleflow.sandbox.world.media_records import Media
from teleflow.sandbox.world.people import SERVICE_ID
from teleflow.sandbox.world.polls import Polls
from teleflow.sandbox.world.records import Action, Committed, Entry, Message, Origin, Person
from teleflow.sandbox.world.threads import Threads
from teleflow.sandbox.world.topic_records import GENERAL
from teleflow.sandbox.world.topics import Topics

EDIT_TIME = 48 * 3600
_NAMED = re.compile(r"(?<!\w)@(\w{3,32})", re.ASCII)


class Messages(Boxes):
    """Everything said, and who has it under which number."""

    def __init__(self, clock: Clock, ledger: Ledger, journal: Journal, chats: Chats) -> None:
        super().__init__(clock, ledger, journal)
        self._chats = chats
        self.by_uid: dict[int, Message] = {}
        self.threads = Threads()
        self.marks = Marks()
        self.polls = Polls(clock, journal)
        self.topics = Topics(journal)

    def send(
        self,
        sender: Person,
        to: Person | Chat,
        text: str,
        *,
        random_id: int = 0,
        entities: Iterable[bytes] = (),
        reply_to: int = 0,
        topic: int = 0,
        silent: bool = False,
        action: Action | None = None,
        media: Media | None = None,
        grouped: int = 0,
        annex: Annex | None = None,
        mentions: Iterable[int] = (),
        origin: Origin | None = None,
    ) -> Committed:
        """Commit one message to everybody concerned. `reply_to` is the message's id as the sender sees it,
        `topic` that of a forum's topic.

        With an `action` it is a service message, which the caller has allowed.
        """
        mine = self.place(sender.id, to.id)
        if action is None and not self._continues(mine, sender, to, grouped):
            self.may_write(sender, to, media.right if media is not None else "send_plain")
        replied = mine.messages.get(reply_to) if reply_to else None
        forum = to if isinstance(to, Chat) and to.forum else None
        thread = 0
        if forum is not None:
            writer = None if action is not None else (sender.id, self._chats.member(forum, sender.id))
            thread = self.topics.thread_for(forum, writer, replied, topic or -reply_to)
        if forum is not None and reply_to == GENERAL:
            reply_to, replied = 0, None
        if reply_to and (replied is None or replied.peer_for(sender.id) != to.id):
            raise Refused("MESSAGE_ID_INVALID")
        message = Message(
            uid=self._ledger.next(),
            date=int(self._clock.time()),
            sender=sender.id,
            to=to.id,
            text=text,
            random_id=random_id,
            entities=list(entities),
            reply_to=replied.uid if replied is not None else 0,
            answers={owner: side[0] for owner, side in replied.sides.items()} if replied is not None else None,
            silent=silent,
            action=action,
            media=media,
            grouped=grouped,
            annex=annex,
            thread=thread,
        )
        if isinstance(to, Chat):
            self._chats.written(to, message)
            if action is None and to.kind != "broadcast":
                self._mention(message, to, replied, mentions)
            if replied is not None and to.kind == "megagroup" and forum is None:
                message.thread = replied.thread or replied.uid
        line = self.commit(message, sender, to, origin)
        if isinstance(to, Chat) and to.kind == "broadcast" and to.linked and action is None:
            self._discuss(to, message)
        return line

    def _mention(self, message: Message, chat: Chat, replied: Message | None, named: Iterable[int]) -> None:
        """Whoever is named in a group, or answered, is mentioned."""
        meant = set(named)
        if "@" in message.text:
            people = (self._chats.people.by_username(each) for each in _NAMED.findall(message.text))
            meant.update(person.id for person in people if person is not None)
        if replied is not None and replied.uid not in self.topics.roots:
            meant.add(replied.sender)
        meant = {each for each in meant if each != message.sender and self._chats.inside(chat, each)}
        if meant:
            message.annex = message.annex or Annex()
            message.annex.mentions.update(dict.fromkeys(meant, True))

    def commit(self, message: Message, sender: Person, to: Person | Chat, origin: Origin | None = None) -> Committed:
        """File a finished message, write it into the ledger and tell everybody."""
        now = self._clock.time()
        entries = self._file(message, self._audience(sender, to), int(now))
        self.by_uid[message.uid] = message
        self.threads.file(message)
        if message.annex is not None:
            self.marks.file(message)
        if message.media is not None and message.media.kind == "poll":
            self.polls.file(message)
        from_id, from_pts = message.sides[self.place(sender.id, to.id).owner]
        line = Committed(
            seq=message.uid,
            time=now,
            uid=message.uid,
            sender=sender.id,
            to=to.id,
            from_phone=sender.phone,
            to_phone=to.phone if isinstance(to, Person) else "",
            from_id=from_id,
            to_id=message.sides.get(to.id, (from_id,))[0],
            from_pts=from_pts,
            random_id=message.random_id,
            text=message.text,
        )
        self._ledger.messages.append(line)
        if message.random_id:
            self.box(sender.id).sent[message.random_id] = line
        self._journal.touch("message", message.uid, message)
        self._journal.touch("committed", message.uid, line)
        for entry in entries:
            self.emit(entry, origin)
        return line

    def _discuss(self, channel: Chat, post: Message) -> None:
        """Copy a post into the channel's discussion group, where the answers to it go."""
        group = self._chats.by_id.get(channel.linked)
        if group is None or not group.open:
            return
        copy = msgspec.structs.replace(
            post,
            uid=self._ledger.next(),
            sender=SERVICE_ID,
            to=group.id,
            random_id=0,
            reply_to=0,
            answers=None,
            post=False,
            written_as=channel.id,
            copy_of=(channel.id, post.sides[channel.id][0]),
            annex=None,
            sides={},
        )
        self.commit(copy, self._chats.people.by_id[SERVICE_ID], group)

    def _audience(self, sender: Person, to: Person | Chat) -> Iterable[int]:
        if isinstance(to, Chat):
            return self._chats.audience(to, sender.id)
        return (sender.id,) if to is sender else (sender.id, to.id)

    def _file(self, message: Message, owners: Iterable[int], now: int) -> list[Entry]:
        """Give the message its number in each box, and each box its entry."""
        entries = []
        for owner in owners:
            box = self.box(owner)
            number = box.file(message)
            entries.append(self.log(box, "message", ids=[number], uid=message.uid, date=now))
            peer = message.peer_for(owner)
            self._journal.touch("dialog", f"{owner}:{peer}", box.dialogs[peer])
        return entries

    def _continues(self, mine: Box, sender: Person, to: Person | Chat, grouped: int) -> bool:
        """Whether it is a further part of an album, which is allowed as one message."""
        dialog = mine.dialogs.get(to.id) if grouped else None
        last = mine.messages.get(dialog.ids[-1]) if dialog is not None and dialog.ids else None
        return last is not None and last.grouped == grouped and last.sender == sender.id

    def may_write(self, sender: Person, to: Person | Chat, what: str = "send_plain") -> None:
        """Raises what Telegram answers to somebody who may not send `what` (a name of rights)."""
        if isinstance(to, Chat):
            self._chats.require_write(to, sender.id, what)
            return
        if to.deleted:
            raise Refused("INPUT_USER_DEACTIVATED")
        if to.id in sender.blocked:
            raise Refused("YOU_BLOCKED_USER")
        if sender.id in to.blocked:
            raise Refused("USER_IS_BLOCKED")

    def edit(
        self,
        owner: Person,
        number: int,
        text: str,
        *,
        entities: Iterable[bytes] = (),
        peer: int = 0,
        media: Media | None = None,
        origin: Origin | None = None,
    ) -> Entry:
        """Change one's own message on every side. Returns the log entry of the editor's (or `peer`'s) box."""
        place = self.place(owner.id, peer)
        message = place.messages.get(number)
        if message is None or message.action is not None:
            raise Refused("MESSAGE_ID_INVALID")
        now = int(self._clock.time())
        if message.to < 0:
            self._chats.require_edit(message, owner.id)
        elif message.sender != owner.id:
            raise Refused("MESSAGE_AUTHOR_REQUIRED", 403)
        if now - message.date > EDIT_TIME and message.to != owner.id and not message.post:
            raise Refused("MESSAGE_EDIT_TIME_EXPIRED")
        changed = list(entities)
        if text == message.text and changed == message.entities and media in (None, message.media):
            raise Refused("MESSAGE_NOT_MODIFIED")
        before = msgspec.structs.replace(message) if is_channel(message.to) else None
        message.media = media or message.media
        message.text, message.entities, message.edit_date = text, changed, now
        entries: list[Entry] = []
        own: Entry | None = None
        for side, (their_number, _) in message.sides.items():
            box = self.box(side)
            box.state.pts += 1
            entries.append(self.log(box, "edit", ids=[their_number], uid=message.uid))
            if side == place.owner:
                own = entries[-1]
        self._journal.touch("message", message.uid, message)
        for entry in entries:
            self.emit(entry, origin)
        if before is not None:
            chat = self._chats.by_id[message.to]
            self._chats.admin_log.add(chat, owner.id, "edit_message", Side(message=before), Side(message=message))
        assert own is not None  # the editor had it under `number`
        return own

    def delete(
        self, owner: Person, numbers: Iterable[int], *, revoke: bool, origin: Origin | None = None
    ) -> tuple[int, int]:
        """Take messages out of one's box, with `revoke` out of everybody's. Returns (pts, pts_count)."""
        mine = self.box(owner.id)
        gone: dict[int, list[int]] = {}
        doomed = [number for number in sorted(set(numbers)) if number in mine.messages]
        if revoke:
            self._may_revoke(owner, (mine.messages[number] for number in doomed))
        for number in doomed:
            message = mine.messages[number]
            for side, (their_number, _) in list(message.sides.items()):
                if revoke or side == owner.id:
                    self._drop(self.box(side), their_number)
                    gone.setdefault(side, []).append(their_number)
            self._keep_or_forget(message)
        entries = []
        for side, ids in gone.items():
            box = self.box(side)
            box.state.pts += len(ids)
            entries.append(self.log(box, "delete", ids=ids, count=len(ids)))
        for entry in entries:
            self.emit(entry, origin)
        return mine.state.pts, len(gone.get(owner.id, ()))

    def delete_posts(
        self, owner: Person, chat: Chat, numbers: Iterable[int], *, origin: Origin | None = None
    ) -> tuple[int, int]:
        """Take messages out of a supergroup or channel. Returns its (pts, pts_count)."""
        box = self.box(chat.id)
        doomed = [number for number in sorted(set(numbers)) if number in box.messages]
        self._may_revoke(owner, (box.messages[number] for number in doomed))
        return self.wipe(chat, doomed, by=owner.id, origin=origin)

    def wipe(self, chat: Chat, numbers: list[int], *, by: int = 0, origin: Origin | None = None) -> tuple[int, int]:
        """The same by whoever is allowed to; every number is there; `by` is who does it. Returns (pts, pts_count)."""
        box = self.box(chat.id)
        for number in numbers:
            message = box.messages[number]
            if by:
                self._chats.admin_log.add(chat, by, "delete_message", Side(message=message))
            self._drop(box, number)
            self._keep_or_forget(message)
        if numbers:
            box.state.pts += len(numbers)
            self.emit(self.log(box, "delete", ids=numbers, count=len(numbers)), origin)
        return box.state.pts, len(numbers)

    def _may_revoke(self, owner: Person, messages: Iterable[Message]) -> None:
        for message in messages:
            if message.to < 0:
                self._chats.require_delete(message, owner.id)

    def _drop(self, box: Box, number: int) -> None:
        message = box.drop(number)
        if message.annex is not None:
            self.marks.drop(message, box.owner, number)
        del message.sides[box.owner]
        peer = message.peer_for(box.owner)
        self._journal.touch("dialog", f"{box.owner}:{peer}", box.dialogs[peer])

    def keep_message(self, message: Message) -> None:
        """Remember a change of a message."""
        self._journal.touch("message", message.uid, message)

    def _keep_or_forget(self, message: Message) -> None:
        if message.sides:
            self._journal.touch("message", message.uid, message)
        else:
            self.by_uid.pop(message.uid, None)
            self.threads.forget(message)
            self.polls.forget(message)
            self._journal.gone("message", message.uid)

    def remove_dialog(self, owner: int, peer: int) -> None:
        """Take an emptied dialog out of the list."""
        if self.box(owner).dialogs.pop(peer, None) is not None:
            self._journal.gone("dialog", f"{owner}:{peer}")

    def read(self, owner: Person, peer: int, max_id: int, *, origin: Origin | None = None) -> tuple[int, int]:
        """Mark incoming messages up to `max_id` (0: all) as read on both sides. Returns (pts, pts_count)."""
        mine = self.box(owner.id)
        dialog = mine.dialogs.get(peer)
        if dialog is None or not dialog.ids:
            return mine.state.pts, 0
        top = min(max_id, dialog.ids[-1]) if max_id > 0 else dialog.ids[-1]
        if top <= dialog.read_inbox or not dialog.unread:
            return mine.state.pts, 0
        before = dialog.read_inbox
        dialog.read_inbox = top
        dialog.unread = mine.incoming_after(dialog, top)
        self._journal.touch("dialog", f"{owner.id}:{peer}", dialog)
        mine.state.pts += 1
        entries = [self.log(mine, "read_inbox", peer=peer, max_id=top, unread=dialog.unread)]
        entries += self._tell_authors(mine, peer, before, top)
        for entry in entries:
            self.emit(entry, origin)
        return mine.state.pts, 1

    def _tell_authors(self, mine: Box, peer: int, before: int, top: int) -> list[Entry]:
        """Each author learns which of the messages have been read."""
        ids = mine.dialogs[peer].ids
        newly = ids[bisect.bisect_right(ids, before) : bisect.bisect_right(ids, top)]
        told: dict[int, Entry | None] = {mine.owner: None}
        for number in reversed(newly):
            message = mine.messages[number]
            side = message.sides.get(message.sender)
            if message.sender in told or side is None:
                continue
            told[message.sender] = None
            theirs = self.box(message.sender)
            where = message.peer_for(message.sender)
            dialog = theirs.dialog(where)
            if side[0] <= dialog.read_outbox:
                continue
            dialog.read_outbox = side[0]
            self._journal.touch("dialog", f"{theirs.owner}:{where}", dialog)
            theirs.state.pts += 1
            told[message.sender] = self.log(theirs, "read_outbox", peer=where, max_id=side[0])
        return [entry for entry in told.values() if entry is not None]
