"""The world as records, and back: what `store` keeps and what a saved world is.

What can be derived (indexes, dialogs' lists of ids, the map of random_ids) is not kept but rebuilt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from teleflow.sandbox.world.admin_log import AdminEvent
from teleflow.sandbox.world.annexes import Waiting
from teleflow.sandbox.world.boxes import Box
from teleflow.sandbox.world.chat_records import Chat, Invite, Member
from teleflow.sandbox.world.journal import Kind
from teleflow.sandbox.world.media_records import File, FileSettings
from teleflow.sandbox.world.poll_records import Poll
from teleflow.sandbox.world.records import (
    Attempt,
    Authorization,
    BoxState,
    Committed,
    Dialog,
    Entry,
    Message,
    Pending,
    Person,
)
from teleflow.sandbox.world.topic_records import Topic
from teleflow.sandbox.world.world import World

SALT = ("meta", "salt")
_TYPES: dict[Kind, type[msgspec.Struct]] = {
    "person": Person,
    "authorization": Authorization,
    "attempt": Attempt,
    "pending": Pending,
    "message": Message,
    "dialog": Dialog,
    "box": BoxState,
    "entry": Entry,
    "committed": Committed,
    "chat": Chat,
    "member": Member,
    "invite": Invite,
    "scheduled": Waiting,
    "file": File,
    "file_settings": FileSettings,
    "poll": Poll,
    "topic": Topic,
    "admin_event": AdminEvent,
}
_encoder = msgspec.json.Encoder()


def encode(kind: str, record: Any) -> bytes:
    """One record as JSON. A dialog's ids follow from the messages and are left out."""
    if kind == "dialog":
        record = Dialog(record.owner, record.peer, record.read_inbox, record.read_outbox, record.unread)
    return _encoder.encode(record)


def everything(world: World) -> Iterator[tuple[str, str, bytes]]:
    """The whole world, row by row."""
    yield (*SALT, world.people.salt.hex().encode())
    for person in world.people:
        yield "person", str(person.id), encode("person", person)
    for authorization in world.logins.authorizations.values():
        yield "authorization", str(authorization.key_id), encode("authorization", authorization)
    for attempt in world.logins.attempts.values():
        yield "attempt", attempt.hash, encode("attempt", attempt)
    for pending in world.logins.pending.values():
        yield "pending", str(pending.key_id), encode("pending", pending)
    for chat in world.chats:
        yield "chat", str(chat.id), encode("chat", chat)
        for member in world.chats.members[chat.id].values():
            yield "member", f"{chat.id}:{member.user}", encode("member", member)
    for invite in world.chats.invites.values():
        yield "invite", invite.hash, encode("invite", invite)
    yield "file_settings", "0", encode("file_settings", world.files.settings)
    for file in world.files.by_id.values():
        yield "file", str(file.id), encode("file", file)
    for topic in world.messages.topics.everything():
        yield "topic", f"{topic.chat}:{topic.id}", encode("topic", topic)
    for event in world.chats.admin_log.everything():
        yield "admin_event", str(event.id), encode("admin_event", event)
    for poll in world.messages.polls.by_id.values():
        yield "poll", str(poll.id), encode("poll", poll)
    for message in world.messages.by_uid.values():
        yield "message", str(message.uid), encode("message", message)
    for waiting in world.scheduled.by_id.values():
        yield "scheduled", str(waiting.id), encode("scheduled", waiting)
    for box in world.messages.boxes.values():
        yield "box", str(box.owner), encode("box", box.state)
        for dialog in box.dialogs.values():
            yield "dialog", f"{dialog.owner}:{dialog.peer}", encode("dialog", dialog)
    for entry in world.ledger.updates:
        if entry.pts:
            yield "entry", str(entry.seq), encode("entry", entry)
    for line in world.ledger.messages:
        yield "committed", str(line.seq), encode("committed", line)


def restore(world: World, rows: Iterable[tuple[str, str, bytes]]) -> bool:
    """Fill a world from rows. Returns False, and changes nothing, when there are none."""
    salt = b""
    records: dict[str, list[Any]] = {kind: [] for kind in _TYPES}
    for kind, key, body in rows:
        if (kind, key) == SALT:
            salt = bytes.fromhex(body.decode())
        elif kind in records:
            records[kind].append(msgspec.json.decode(body, type=_TYPES[kind]))  # type: ignore[index]
    if not salt:
        return False
    world.begin(salt)
    for person in records["person"]:
        world.people.add(person)
    world.files.by_id.update({file.id: file for file in records["file"]})
    for settings in records["file_settings"]:
        world.files.settings = settings
    _restore_chats(world, records)
    _restore_logins(world, records)
    _restore_boxes(world, records)
    world.scheduled.by_id.update((waiting.id, waiting) for waiting in records["scheduled"])
    _restore_ledger(world, records)
    return True


def _restore_chats(world: World, records: dict[str, list[Any]]) -> None:
    for chat in sorted(records["chat"], key=lambda each: each.date):
        world.chats.add(chat)
    for member in sorted(records["member"], key=lambda each: each.date):
        world.chats.add_member(member)
    for invite in sorted(records["invite"], key=lambda each: each.date):
        world.chats.invites[invite.hash] = invite
    for event in sorted(records["admin_event"], key=lambda each: each.id):
        world.chats.admin_log.file(event)


def _restore_logins(world: World, records: dict[str, list[Any]]) -> None:
    for authorization in records["authorization"]:
        world.logins.file(authorization)
    for attempt in sorted(records["attempt"], key=lambda each: each.sent_at):
        world.logins.attempts[attempt.hash] = attempt
        world.logins.last_code[attempt.phone] = attempt
    for pending in records["pending"]:
        world.logins.pending[pending.key_id] = pending


def _restore_boxes(world: World, records: dict[str, list[Any]]) -> None:
    boxes = world.messages.boxes
    for topic in sorted(records["topic"], key=lambda each: (each.chat, each.id)):
        world.messages.topics.file(topic)
    world.messages.polls.by_id.update((poll.id, poll) for poll in records["poll"])
    for state in records["box"]:
        boxes[state.owner] = Box(state.owner, state)
    for dialog in records["dialog"]:
        boxes[dialog.owner].dialogs[dialog.peer] = dialog
    for message in sorted(records["message"], key=lambda each: each.uid):
        world.messages.by_uid[message.uid] = message
        for owner, (number, _) in message.sides.items():
            boxes[owner].messages[number] = message
            boxes[owner].dialog(message.peer_for(owner)).ids.append(number)
        world.messages.threads.file(message)
        world.messages.marks.file(message)
        world.messages.polls.file(message)


def _restore_ledger(world: World, records: dict[str, list[Any]]) -> None:
    ledger, boxes = world.ledger, world.messages.boxes
    ledger.updates = sorted(records["entry"], key=lambda each: each.seq)
    for entry in ledger.updates:
        if entry.pts > boxes[entry.owner].state.floor:
            boxes[entry.owner].log.append(entry)
    ledger.messages = sorted(records["committed"], key=lambda each: each.seq)
    for line in ledger.messages:
        if line.random_id:
            boxes[line.sender].sent[line.random_id] = line
    ends = [lines[-1].seq for lines in (ledger.updates, ledger.messages) if lines]
    ledger.seq = max(ends, default=0)
