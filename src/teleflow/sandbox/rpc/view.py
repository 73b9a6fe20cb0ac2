"""The world as one viewer sees it, in TL: users, messages, dialogs, updates.

Only translates; decides nothing but what privacy and access hashes demand.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from telethon.extensions import BinaryReader
from telethon.tl import types

from teleflow.sandbox.rpc.actions import action
from teleflow.sandbox.rpc.chat_updates import chat_update
from teleflow.sandbox.rpc.chat_view import ChatView
from teleflow.sandbox.rpc.media_view import message_media, photo, profile_photo
from teleflow.sandbox.rpc.message_updates import KINDS, annexed, message_update, place_of, unheard
from teleflow.sandbox.rpc.notify_view import settings_of
from teleflow.sandbox.rpc.peers import peer_of
from teleflow.sandbox.rpc.poll_view import shown_voters
from teleflow.sandbox.rpc.status_view import status
from teleflow.sandbox.world.boxes import Box
from teleflow.sandbox.world.chat_records import bare
from teleflow.sandbox.world.records import Action, Dialog, Entry, Message, Person
from teleflow.sandbox.world.world import World


def opaque(objects: Iterable[Any] | None) -> list[bytes]:
    """TL objects as the world keeps them."""
    return [bytes(each) for each in objects or ()]


def revealed(kept: Iterable[bytes]) -> list[Any]:
    """And back."""
    objects = []
    for each in kept:
        with BinaryReader(each) as reader:
            objects.append(reader.tgread_object())
    return objects


def _copied(message: Message) -> Any:
    """What a post's copy in the discussion group says of where it is from."""
    if message.copy_of is None:
        return None
    channel, number = message.copy_of
    return types.MessageFwdHeader(
        date=message.date,
        from_id=peer_of(channel),
        channel_post=number,
        saved_from_peer=peer_of(channel),
        saved_from_msg_id=number,
    )


class View:
    """Translates records into TL objects."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.rooms = ChatView(world)

    # people and chats

    def chats(self, viewer: Person, ids: Iterable[int]) -> list[Any]:
        """The groups and channels among marked ids; `users` takes the rest."""
        return self.rooms.chats(viewer, [each for each in ids if each < 0])

    def user(self, viewer: Person, person: Person) -> Any:
        """`user` as `viewer` sees it."""
        if person.deleted:
            return types.User(
                id=person.id,
                deleted=True,
                access_hash=self._world.people.access_hash(viewer.id, person.id),
            )
        mine = viewer.contacts.get(person.id)
        is_self = viewer is person
        return types.User(
            id=person.id,
            is_self=is_self or None,
            contact=True if mine is not None else None,
            mutual_contact=True if mine is not None and viewer.id in person.contacts else None,
            verified=person.service or None,
            support=person.service or None,
            access_hash=self._world.people.access_hash(viewer.id, person.id),
            first_name=mine.first_name if mine is not None else person.first_name,
            last_name=(mine.last_name if mine is not None else person.last_name) or None,
            username=person.username or None,
            phone=person.phone or None if self._world.people.phone_visible(viewer, person) else None,
            photo=self._photo(viewer, person),
            status=self.status(person, viewer),
        )

    def _photo(self, viewer: Person, person: Person) -> Any:
        if not person.photos or not self._world.people.allows(person, "profile_photo", viewer):
            return None
        return profile_photo(self._world, person.photos)

    def users(self, viewer: Person, ids: Iterable[int]) -> list[Any]:
        """Each once, in order of id; unknown ones are left out."""
        people = self._world.people.by_id
        return [self.user(viewer, people[each]) for each in sorted(set(ids)) if each in people]

    def status(self, person: Person, viewer: Person | None = None) -> Any:
        """When somebody was there, as `viewer` may know it."""
        return status(person, viewer, self._world.clock.time(), self._world.people.in_chat)

    # messages

    def message(self, box: Box, number: int, message: Message, viewer: int = 0) -> Any:
        """`message` with the number it has in this box; a channel's box needs the `viewer`."""
        out = message.sender == (viewer or box.owner)
        common = {
            "id": number,
            "peer_id": peer_of(message.peer_for(box.owner)),
            "date": message.date,
            "out": out or None,
            "silent": message.silent or None,
            "post": message.post or None,
            "from_id": self._author(box, message, out=out),
            "reply_to": self.reply_header(box, message),
        }
        if message.action is not None:
            return types.MessageService(action=self._action(message.action), **common)
        more = {"fwd_from": _copied(message)}
        if message.annex is not None:
            more |= annexed(message.annex, message, box, viewer or box.owner)
        if message.media is not None and message.media.heard:
            more["media_unread"] = unheard(message, viewer or box.owner) or more.get("media_unread")
        return types.Message(
            message=message.text,
            media=self._media(box, message, viewer) if message.media is not None else None,
            grouped_id=message.grouped or None,
            entities=revealed(message.entities) if message.entities else None,
            edit_date=message.edit_date or None,
            post_author=message.author or None,
            replies=self._replies(box, message) if box.owner < 0 else None,
            **common,
            **more,
        )

    def _media(self, box: Box, message: Message, viewer: int) -> Any:
        assert message.media is not None  # the caller has looked
        return message_media(self._world, message.media, viewer or max(box.owner, 0))

    def _action(self, told: Action) -> Any:
        if told.kind == "chat_edit_photo":
            return types.MessageActionChatEditPhoto(photo(self._world, told.number))
        return action(told)

    def _author(self, box: Box, message: Message, *, out: bool) -> Any:
        """Posts name no sender, and in private chats only one's own messages do."""
        if message.post or (message.written_as and message.written_as == box.owner):
            return None
        if message.written_as:
            return peer_of(message.written_as)
        if message.to < 0:
            return types.PeerUser(message.sender)
        return types.PeerUser(box.owner) if out else None

    def _replies(self, box: Box, message: Message) -> Any:
        """How many answers a message of a supergroup has, or comments a channel's post."""
        messages = self._world.messages
        chat = self._world.chats.by_id.get(box.owner)
        if message.post and chat is not None and chat.linked:
            root = messages.threads.copy_of(box.owner, message.sides[box.owner][0])
            if root is None:
                return None
            pts = messages.box(chat.linked).pts
            return types.MessageReplies(messages.threads.count(root), pts, comments=True, channel_id=bare(chat.linked))
        count = messages.threads.count(message.uid)
        return types.MessageReplies(count, box.pts) if count else None

    def reply_header(self, box: Box, message: Message) -> Any:
        """Which message is answered, by its number here, also when it is gone by now."""
        if message.thread and message.thread in self._world.messages.topics.roots:
            return self._topic_header(box, message)
        if not message.reply_to:
            return None
        number = (message.answers or {}).get(box.owner)
        if number is None:
            return None
        root = self._world.messages.by_uid.get(message.thread) if message.thread != message.reply_to else None
        top = root.sides.get(box.owner) if root is not None else None
        return types.MessageReplyHeader(reply_to_msg_id=number, reply_to_top_id=top[0] if top is not None else None)

    def _topic_header(self, box: Box, message: Message) -> Any:
        """In a forum's topic everything answers its first message, or another one of it."""
        messages = self._world.messages
        topic = messages.topics.roots[message.thread]
        number = (message.answers or {}).get(box.owner) if message.reply_to != message.thread else None
        if number is None:
            return types.MessageReplyHeader(forum_topic=True, reply_to_msg_id=topic.id)
        return types.MessageReplyHeader(forum_topic=True, reply_to_msg_id=number, reply_to_top_id=topic.id)

    def messages(self, box: Box, numbers: Iterable[int], viewer: int = 0) -> list[Any]:
        """Those that exist; `messageEmpty` for the others."""
        found = []
        for number in numbers:
            message = box.messages.get(number)
            found.append(
                types.MessageEmpty(number, peer_id=None)
                if message is None
                else self.message(box, number, message, viewer)
            )
        return found

    def involved(self, box: Box, numbers: Iterable[int]) -> set[int]:
        """Whom these messages mention: marked ids of people, groups and channels."""
        ids = {box.owner}
        for number in numbers:
            message = box.messages.get(number)
            if message is None:
                continue
            ids.add(message.peer_for(box.owner))
            if message.written_as:
                ids.add(message.written_as)
            else:
                ids.add(message.sender)
            if message.annex is not None and message.annex.forward is not None:
                ids |= {message.annex.forward.from_id, message.annex.forward.saved_peer}
            if message.media is not None and message.media.kind == "poll":
                ids |= self._voters(message)
            if message.copy_of:
                ids.add(message.copy_of[0])
            if message.action is not None:
                ids.update(message.action.users)
                ids.add(message.action.number)
        return ids

    def _voters(self, message: Message) -> set[int]:
        poll = self._world.messages.polls.of(message)
        return shown_voters(self._world, poll) if poll is not None else set()

    def beside(self, entry: Entry) -> set[int]:
        """Whom an update without pts shows beside its peer and chat."""
        if entry.kind != "poll":
            return set()
        box, _ = place_of(self._world, entry)
        return self.involved(box, [entry.max_id])

    def dialog(self, dialog: Dialog) -> Any:
        owner, marks = self._world.people.by_id[dialog.owner], self._world.messages.marks
        account = owner.account
        return types.Dialog(
            peer=peer_of(dialog.peer),
            top_message=dialog.ids[-1] if dialog.ids else 0,
            read_inbox_max_id=dialog.read_inbox,
            read_outbox_max_id=dialog.read_outbox,
            unread_count=dialog.unread,
            unread_mentions_count=len(marks.mentions(dialog.owner, dialog.peer)),
            unread_reactions_count=len(marks.reactions(dialog.owner, dialog.peer)),
            unread_poll_votes_count=0,
            notify_settings=settings_of(owner, str(dialog.peer)),
            pinned=dialog.peer in account.pinned or None,
            unread_mark=dialog.peer in account.unread_marks or None,
            folder_id=1 if dialog.peer in account.archived else None,
            draft=revealed([account.drafts[dialog.peer]])[0] if dialog.peer in account.drafts else None,
        )

    # updates

    def state(self, box: Box, pts: int | None = None) -> Any:
        """`updates.state`, at the newest pts or at the end of a slice."""
        return types.updates.State(
            pts=box.state.pts if pts is None else pts,
            qts=0,
            date=int(self._world.clock.time()),
            seq=1,
            unread_count=box.unread_total(),
        )

    def update(self, box: Box, entry: Entry, viewer: int = 0) -> Any | None:
        """The update that an entry stands for; None when what it was about is gone."""
        kind = entry.kind
        if box.owner < 0:
            return self._channel_update(box, entry, viewer)
        if kind in {"message", "edit"}:
            message = box.messages.get(entry.ids[0])
            if message is None:
                return None
            shape = types.UpdateNewMessage if kind == "message" else types.UpdateEditMessage
            return shape(self.message(box, entry.ids[0], message), entry.pts, entry.count)
        if kind == "delete":
            return types.UpdateDeleteMessages(list(entry.ids), entry.pts, entry.count)
        if kind == "read_inbox":
            return types.UpdateReadHistoryInbox(peer_of(entry.peer), entry.max_id, entry.unread, entry.pts, entry.count)
        if kind == "read_outbox":
            return types.UpdateReadHistoryOutbox(peer_of(entry.peer), entry.max_id, entry.pts, entry.count)
        if kind in KINDS:
            return message_update(self._world, entry, entry.ids)
        if entry.chat:
            return chat_update(self._world, self.rooms, entry)
        return self._passing(entry)

    def _channel_update(self, box: Box, entry: Entry, viewer: int) -> Any | None:
        """Updates of a supergroup or channel, with its own pts."""
        if entry.kind in KINDS:
            return message_update(self._world, entry, entry.ids)
        if entry.kind == "delete":
            return types.UpdateDeleteChannelMessages(bare(box.owner), list(entry.ids), entry.pts, entry.count)
        message = box.messages.get(entry.ids[0])
        if message is None:
            return None
        shape = types.UpdateNewChannelMessage if entry.kind == "message" else types.UpdateEditChannelMessage
        return shape(self.message(box, entry.ids[0], message, viewer), entry.pts, entry.count)

    def _passing(self, entry: Entry) -> Any | None:
        """Updates without pts."""
        if entry.kind == "typing":
            action = revealed([entry.data])[0] if entry.data else types.SendMessageTypingAction()
            return types.UpdateUserTyping(entry.peer, action)
        if entry.kind == "account":
            return revealed([entry.data])[0]
        if entry.kind == "blocked":
            return types.UpdatePeerBlocked(types.PeerUser(entry.peer), blocked=bool(entry.max_id) or None)
        person = self._world.people.by_id.get(entry.peer)
        if person is None:
            return None
        if entry.kind == "status":
            return types.UpdateUserStatus(person.id, self.status(person, self._world.people.by_id.get(entry.owner)))
        if entry.kind == "name":
            names = [types.Username(person.username, editable=True, active=True)] if person.username else []
            return types.UpdateUserName(person.id, person.first_name, person.last_name, names)
        return None
