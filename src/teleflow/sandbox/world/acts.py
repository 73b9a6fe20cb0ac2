"""What a person can be made to do through the control API, by name.

Each act goes through the same rules as a client's request; the person needs no client for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from teleflow.sandbox.world import channel_reads, chat_members, texts
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.errors import ControlError
from teleflow.sandbox.world.people import digits
from teleflow.sandbox.world.qr import token_of
from teleflow.sandbox.world.records import Person
from teleflow.sandbox.world.world import World

Body = Mapping[str, Any]
Act = Callable[[World, Person, Body], dict[str, Any]]


def find(world: World, ref: object) -> Person:
    """A person by phone, @username or id. Raises ControlError 404."""
    if isinstance(ref, bool) or not isinstance(ref, int | str):
        raise ControlError(422, "VALIDATION_ERROR", "a person is named by phone, @username or id")
    text = str(ref).strip()
    people = world.people
    found: Person | None
    if text.startswith("@"):
        found = people.by_username(text)
    else:
        plain = digits(text)
        found = people.by_phone(text) if plain else people.by_username(text)
        if found is None and text.isascii() and text.isdigit():
            found = people.by_id.get(int(text))
    if found is None:
        raise ControlError(404, "ACCOUNT_NOT_FOUND", "nobody here has that phone, username or id")
    return found


def target(world: World, ref: object) -> Person | Chat:
    """A person, or a group or channel by marked id or @username. Raises ControlError 404."""
    if isinstance(ref, bool) or not isinstance(ref, int | str):
        raise ControlError(422, "VALIDATION_ERROR", "a chat is named by marked id or @username, a person also by phone")
    text = str(ref).strip()
    chats = world.chats
    if text.startswith("-") and text[1:].isascii() and text[1:].isdigit():
        chat = chats.by_id.get(int(text))
        if chat is None:
            raise ControlError(404, "CHAT_NOT_FOUND", "there is no group or channel with that id")
        return chat
    named = chats.by_username(text) if text.startswith("@") else None
    return named if named is not None else find(world, ref)


def _channel(world: World, body: Body) -> Chat | None:
    """The supergroup or channel that an act is about; None where the account's own numbers count."""
    ref = body.get("chat", body.get("to"))
    found = target(world, ref) if ref is not None else None
    return found if isinstance(found, Chat) and found.channel else None


def text_of(body: Body, name: str, *, default: str | None = None) -> str:
    """A string of the body. Raises ControlError 422."""
    value = body.get(name, default)
    if not isinstance(value, str):
        raise ControlError(422, "VALIDATION_ERROR", f"{name} must be a string")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ControlError(422, "VALIDATION_ERROR", f"{name} holds half a character") from error
    return value


def number_of(body: Body, name: str, *, default: int | None = None) -> int:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ControlError(422, "VALIDATION_ERROR", f"{name} must be a whole number")
    return value


def _send(world: World, me: Person, body: Body) -> dict[str, Any]:
    sent = world.messages.send(
        me,
        target(world, body.get("to", body.get("chat"))),
        texts.body(text_of(body, "text")),
        random_id=number_of(body, "randomId", default=0),
        reply_to=number_of(body, "replyTo", default=number_of(body, "topicId", default=0)),
        topic=number_of(body, "topicId", default=0),
        silent=body.get("silent") is True,
    )
    return {"messageId": sent.from_id, "recipientMessageId": sent.to_id, "seq": sent.seq}


def _edit(world: World, me: Person, body: Body) -> dict[str, Any]:
    number = number_of(body, "messageId")
    channel = _channel(world, body)
    world.messages.edit(me, number, texts.body(text_of(body, "text")), peer=channel.id if channel is not None else 0)
    return {"messageId": number}


def _delete(world: World, me: Person, body: Body) -> dict[str, Any]:
    ids = body.get("messageIds", [body["messageId"]] if "messageId" in body else None)
    if not isinstance(ids, list) or not all(isinstance(each, int) for each in ids):
        raise ControlError(422, "VALIDATION_ERROR", "messageIds must be a list of whole numbers")
    channel = _channel(world, body)
    if channel is not None:
        _, count = world.messages.delete_posts(me, channel, ids)
    else:
        _, count = world.messages.delete(me, ids, revoke=body.get("revoke", True) is True)
    return {"deleted": count}


def _read(world: World, me: Person, body: Body) -> dict[str, Any]:
    peer = target(world, body.get("to", body.get("chat")))
    if isinstance(peer, Chat) and peer.channel:
        return {"read": channel_reads.read(world, me, peer, number_of(body, "maxId", default=0))}
    _, count = world.messages.read(me, peer.id, number_of(body, "maxId", default=0))
    return {"read": bool(count)}


def _type(world: World, me: Person, body: Body) -> dict[str, Any]:
    to = target(world, body.get("to", body.get("chat")))
    if isinstance(to, Chat):
        chat_members.typing(world, me, to)
    else:
        world.typing(me, to)
    return {}


def _online(world: World, me: Person, _body: Body) -> dict[str, Any]:
    world.set_online(me, online=True)
    return {}


def _offline(world: World, me: Person, _body: Body) -> dict[str, Any]:
    world.set_online(me, online=False)
    return {}


def _rename(world: World, me: Person, body: Body) -> dict[str, Any]:
    first = text_of(body, "firstName", default=me.first_name)
    world.rename(me, first, text_of(body, "lastName", default=me.last_name))
    if "username" in body:
        world.set_username(me, text_of(body, "username"))
    return {}


def _block(world: World, me: Person, body: Body) -> dict[str, Any]:
    return {"changed": world.set_blocked(me, find(world, body.get("to")), blocked=True)}


def _unblock(world: World, me: Person, body: Body) -> dict[str, Any]:
    return {"changed": world.set_blocked(me, find(world, body.get("to")), blocked=False)}


def _terminate(world: World, me: Person, _body: Body) -> dict[str, Any]:
    return {"terminated": world.terminate_others(me, None)}


def _scan(world: World, me: Person, body: Body) -> dict[str, Any]:
    """`link` is what the code shows; without one it is the newest code that waits to be scanned."""
    waiting = world.qr.waiting()
    if "link" not in body and not waiting:
        raise ControlError(404, "LOGIN_TOKEN_NOT_FOUND", "no login code waits to be scanned")
    token = token_of(text_of(body, "link")) if "link" in body else waiting[-1].token
    scanned = world.qr.accept(token, me)
    return {"device": scanned.device, "passwordNeeded": me.password is not None}


ACTS: Mapping[str, Act] = {
    "scan": _scan,
    "send": _send,
    "edit": _edit,
    "delete": _delete,
    "read": _read,
    "type": _type,
    "online": _online,
    "offline": _offline,
    "rename": _rename,
    "block": _block,
    "unblock": _unblock,
    "terminate": _terminate,
}
