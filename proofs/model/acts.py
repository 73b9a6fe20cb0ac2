"""What people do with messages, in the model. Each act changes everything at once, or raises No and changes nothing."""

from __future__ import annotations

import re
from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence

from proofs.model import rules
from proofs.model.records import Message, No, State, Waiting, is_channel

GONE = ("MESSAGE_ID_INVALID", "MSG_ID_INVALID")
PART = 100
"""Messages that one deletion of a history takes."""
_NAMED = re.compile(r"@(\w+)")


class Acts(State):
    """See the module."""

    def file(self, message: Message, me: int) -> Message:
        """Put it into every box where it belongs, the sender's first."""
        if is_channel(message.to):
            owners = [message.to]
        elif message.to < 0:
            owners = [me, *sorted(self.chats[message.to].members - {me})]
        else:
            owners = list(dict.fromkeys((me, message.to)))
        for owner in owners:
            box = self.boxes[owner]
            box.last += 1
            message.numbers[owner] = box.last
            box.messages[box.last] = message
            insort(box.ids.setdefault(message.peer(owner), []), box.last)
            box.tell("new", box.last)
        if message.to == me:
            mine = self.people[me]
            mine.read_in[me] = mine.read_out[me] = message.numbers[me]
        return message

    def send(self, me: int, peer: int, text: str, now: float, reply: int = 0, *, clear_draft: bool = False) -> Message:
        rules.look(self, me, peer)
        rules.text(text)
        rules.write(self, me, peer, now)
        return self._say(me, peer, text.strip(), now, reply=reply, clear_draft=clear_draft)

    def _say(
        self, me: int, peer: int, text: str, now: float, *, reply: int = 0, source: int = 0, clear_draft: bool = False
    ) -> Message:
        answered = self.message(me, peer, reply) if reply else None
        if reply and answered is None:
            raise No(*GONE, "REPLY_MESSAGE_ID_INVALID")
        message = Message(me, peer, text, now, source=source)
        if answered is not None:
            message.replies = dict(answered.numbers)
        if peer < 0:
            chat = self.chats[peer]
            if chat.kind != "broadcast":
                named = {name.lower() for name in _NAMED.findall(text)}
                meant = {each for each, person in self.people.items() if person.username.lower() in named}
                if answered is not None:
                    meant.add(answered.sender)
                message.mentions = dict.fromkeys((meant & chat.members) - {me}, True)
            if chat.slow and not rules.is_admin(chat, me):
                chat.may_write_at[me] = now + chat.slow
        if clear_draft:
            self.people[me].drafts.pop(peer, None)
        return self.file(message, me)

    def note(self, me: int, peer: int, what: str, now: float, answered: Message | None = None) -> Message:
        """A service message."""
        message = Message(me, peer, "", now, service=what)
        if answered is not None:
            message.replies = dict(answered.numbers)
        return self.file(message, me)

    def edit(self, me: int, peer: int, number: int, text: str) -> None:
        rules.look(self, me, peer)
        message = self.message(me, peer, number)
        gone = message is None or bool(message.service)
        rules.text(text, *(GONE if gone else ()))
        text = text.strip()
        if message is None or gone:
            raise No(*GONE)
        if peer < 0:
            chat = self.chats[peer]
            if me not in chat.members:
                raise No("CHANNEL_PRIVATE", "CHAT_WRITE_FORBIDDEN", "CHAT_ADMIN_REQUIRED")
            if chat.kind == "broadcast":
                mine = message.sender == me and "post_messages" in rules.held(chat, me)
                if not mine and "edit_messages" not in rules.held(chat, me):
                    raise No("CHAT_ADMIN_REQUIRED", "MESSAGE_AUTHOR_REQUIRED")
            elif message.sender != me:
                raise No("MESSAGE_AUTHOR_REQUIRED")
        elif message.sender != me:
            raise No("MESSAGE_AUTHOR_REQUIRED")
        if message.text == text:
            raise No("MESSAGE_NOT_MODIFIED")
        message.text, message.edited = text, True
        for owner, number_there in message.numbers.items():
            self.boxes[owner].tell("edit", number_there)

    # deleting

    def delete(self, me: int, peer: int, numbers: Sequence[int], *, revoke: bool) -> int:
        """Returns how many are gone from the asker's box."""
        rules.look(self, me, peer)
        doomed = [found for number in numbers if (found := self.message(me, peer, number)) is not None]
        if peer < 0 and (revoke or is_channel(peer)):
            self._may_delete(me, peer, doomed)
        return self._take(doomed, None if revoke or is_channel(peer) else me, self.place(me, peer))

    def _may_delete(self, me: int, peer: int, doomed: Iterable[Message]) -> None:
        chat = self.chats[peer]
        rights = rules.held(chat, me)
        for message in doomed:
            own = message.sender == me and (chat.kind != "broadcast" or "post_messages" in rights)
            if not own and "delete_messages" not in rights:
                raise No("MESSAGE_DELETE_FORBIDDEN", "CHAT_ADMIN_REQUIRED")

    def _take(self, doomed: Iterable[Message], only: int | None, asker: int) -> int:
        gone: dict[int, list[int]] = {}
        for message in doomed:
            for owner in [*message.numbers] if only is None else [only]:
                number = message.numbers.pop(owner)
                box = self.boxes[owner]
                box.ids[message.peer(owner)].remove(number)
                del box.messages[number]
                gone.setdefault(owner, []).append(number)
        for owner, numbers in gone.items():
            self.boxes[owner].tell("delete", tuple(sorted(numbers)), len(numbers))
        return len(gone.get(asker, ()))

    def clear(self, me: int, peer: int, *, revoke: bool, just_clear: bool) -> tuple[int, bool]:
        """One part of the deletion of a history: how many are gone, and whether the client has to come again."""
        ids = self.ids(me, peer)
        part = [self.boxes[me].messages[number] for number in ids[-PART:]]
        if revoke and peer < 0:
            self._may_delete(me, peer, part)
        count = self._take(part, None if revoke else me, me)
        again = bool(self.ids(me, peer))
        if not again and not just_clear:
            for marks in (self.people[me].read_in, self.people[me].read_out):
                marks.pop(peer, None)
        return count, again

    def clear_channel(self, me: int, peer: int, *, everybody: bool) -> None:
        rules.look(self, me, peer)
        chat = self.chats[peer]
        if everybody:
            rules.require_admin(self, me, peer, "delete_messages")
            ids = list(self.boxes[peer].ids.get(peer, []))
            for start in range(0, len(ids), PART):
                self._take([self.boxes[peer].messages[each] for each in ids[start : start + PART]], None, peer)
            return
        if me not in chat.members:
            raise No("CHANNEL_PRIVATE", "USER_NOT_PARTICIPANT")
        ids = self.boxes[peer].ids.get(peer, [])
        if ids:
            # what does not show does not wait to be looked at
            self.look_at(me, peer, ids)
            chat.hidden[me] = max(chat.hidden.get(me, 0), ids[-1])
            self.people[me].read_in[peer] = max(self.people[me].read_in.get(peer, 0), ids[-1])

    # reading

    def read(self, me: int, peer: int, top: int) -> int:
        """Returns the pts that it took of the asker's box."""
        rules.look(self, me, peer)
        mine = self.people[me].read_in
        ids = self.box(me, peer).ids.get(peer, [])
        before = mine.get(peer, 0)
        top = min(top, ids[-1]) if ids and top else ids[-1] if ids else 0
        if top <= before or (is_channel(peer) and me not in self.chats[peer].members):
            return 0
        if not is_channel(peer) and not self.unread(me, peer):
            return 0
        mine[peer] = top
        if not is_channel(peer):
            self.boxes[me].tell("read_in", (peer, top, self.unread(me, peer)))
        newly = [self.box(me, peer).messages[each] for each in ids[bisect_right(ids, before) : bisect_right(ids, top)]]
        if not is_channel(peer) or self.chats[peer].kind == "megagroup":
            self._authors_learn(me, peer, newly)
        return 0 if is_channel(peer) else 1

    def _authors_learn(self, me: int, peer: int, newly: list[Message]) -> None:
        there_still = [each for each in newly if each.sender != me and self.place(each.sender, peer) in each.numbers]
        for author, message in {each.sender: each for each in there_still}.items():
            number = message.numbers[self.place(author, peer)]
            there = message.peer(author) if not is_channel(peer) else peer
            if number <= self.people[author].read_out.get(there, 0):
                continue
            self.people[author].read_out[there] = number
            if not is_channel(peer):
                self.boxes[author].tell("read_out", (there, number))

    def look_at(self, me: int, peer: int, numbers: Iterable[int]) -> int:
        """Mentions and reactions are seen. Returns the pts that it took of the asker's box."""
        rules.look(self, me, peer)
        changed = []
        for number in sorted(set(numbers)):
            message = self.message(me, peer, number)
            if message is None:
                continue
            if message.mentions.get(me) or (message.sender == me and message.unseen):
                changed.append(number)
                message.mentions.update({me: False} if me in message.mentions else {})
                if message.sender == me:
                    message.unseen.clear()
        if not changed or is_channel(peer):
            return 0
        self.boxes[me].tell("contents", tuple(changed), len(changed))
        return len(changed)

    # the rest

    def react(self, me: int, peer: int, number: int, emoji: str, known: str) -> None:
        rules.look(self, me, peer)
        message = self.message(me, peer, number)
        if message is None or message.service:
            raise No(*GONE)
        if emoji and emoji not in known:
            raise No("REACTION_INVALID")
        if peer < 0:
            chat = self.chats[peer]
            if me not in chat.members:
                raise No("CHANNEL_PRIVATE", "CHAT_WRITE_FORBIDDEN")
            kept = chat.kind != "broadcast" and not rules.is_admin(chat, me)
            if kept and "send_messages" in chat.restricted.get(me, set()) | chat.banned:
                raise No("CHAT_WRITE_FORBIDDEN", "USER_BANNED_IN_CHANNEL")
        if message.reactions.get(me, "") == emoji:
            raise No("MESSAGE_NOT_MODIFIED")
        message.reactions.pop(me, None)
        message.unseen.discard(me)
        if emoji:
            message.reactions[me] = emoji
            cleared = self.chats[peer].hidden.get(message.sender, 0) >= number if is_channel(peer) else False
            if message.sender != me and not self._is_post(message) and not cleared:
                message.unseen.add(me)

    def _is_post(self, message: Message) -> bool:
        return message.to < 0 and self.chats[message.to].kind == "broadcast"

    def pin(self, me: int, peer: int, number: int, now: float, *, pinned: bool, alone: bool) -> None:
        rules.look(self, me, peer)
        self._may_pin(me, peer)
        message = self.message(me, peer, number)
        if message is None or message.service:
            raise No(*GONE)
        alone = alone and peer > 0 and peer != me
        if self._set_pinned([message], pinned=pinned, only=me if alone else None) and pinned and not alone:
            self.note(me, peer, "MessageActionPinMessage", now, message)

    def _may_pin(self, me: int, peer: int) -> None:
        if peer < 0:
            right = "edit_messages" if self.chats[peer].kind == "broadcast" else "pin_messages"
            rules.require(self, me, peer, right)

    def unpin_all(self, me: int, peer: int) -> int:
        rules.look(self, me, peer)
        self._may_pin(me, peer)
        pinned = [self.box(me, peer).messages[number] for number in self.pins(me, peer)]
        self._set_pinned(pinned, pinned=False, only=None)
        return len(pinned)

    def _set_pinned(self, messages: list[Message], *, pinned: bool, only: int | None) -> bool:
        moved: dict[int, list[int]] = {}
        for message in messages:
            for owner, number in message.numbers.items():
                if only in (None, owner) and (owner in message.pinned) != pinned:
                    (message.pinned.add if pinned else message.pinned.discard)(owner)
                    moved.setdefault(owner, []).append(number)
        for owner, numbers in moved.items():
            self.boxes[owner].tell("pin" if pinned else "unpin", tuple(sorted(numbers)), len(numbers))
        return bool(moved)

    def forward(self, me: int, peer: int, numbers: Sequence[int], to: int, now: float) -> list[Message]:
        rules.look(self, me, peer)
        rules.look(self, me, to)
        hidden = self.chats[peer].hidden.get(me, 0) if is_channel(peer) else 0
        found = [self.message(me, peer, number) for number in numbers if number > hidden]
        there = [message for message in found if message is not None and not message.service]
        if not there:
            raise No(*GONE)
        rules.write(self, me, to, now)
        said = []
        for message in there:
            source = message.source or (message.to if self._is_post(message) else message.sender)
            said.append(self._say(me, to, message.text, now, source=source))
        return said

    def archive(self, me: int, peer: int, folder: int) -> None:
        rules.look(self, me, peer)
        archived = self.people[me].archived
        if (peer in archived) != bool(folder):
            (archived.add if folder else archived.discard)(peer)
            self.boxes[me].tell("folder", (peer, folder))

    def schedule(self, me: int, peer: int, text: str, date: int, now: float) -> Waiting:
        """Without a number, which the data centre gives."""
        rules.look(self, me, peer)
        rules.text(text)
        rules.write(self, me, peer, now)
        return Waiting(me, peer, text.strip(), date, 0)

    def go_out(self, waiting: Waiting, now: float) -> bool:
        """A scheduled message is due: it is sent, or dropped where it may not be."""
        del self.waiting[waiting.number]
        try:
            self.send(waiting.owner, waiting.peer, waiting.text, now)
        except No:
            return False
        return True
