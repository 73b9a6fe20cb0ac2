"""What a person can be made to do with groups and channels through the control API, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from teleflow.sandbox.world import chat_founding, chat_links, chat_members, forums, rights
from teleflow.sandbox.world.acts import Act, Body, find, number_of, target, text_of
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.errors import ControlError
from teleflow.sandbox.world.records import Person
from teleflow.sandbox.world.world import World


def _people(world: World, body: Body, name: str = "members") -> list[Person]:
    refs = body.get(name, [])
    if not isinstance(refs, list):
        raise ControlError(422, "VALIDATION_ERROR", f"{name} must be a list of people")
    return [find(world, ref) for ref in refs]


def _chat(world: World, body: Body) -> Chat:
    found = target(world, body.get("chat", body.get("to")))
    if not isinstance(found, Chat):
        raise ControlError(422, "VALIDATION_ERROR", "chat must name a group or channel")
    return found


def _rights(body: Body, name: str, known: tuple[str, ...], default: set[str]) -> set[str]:
    wanted = body.get(name)
    if wanted is None:
        return default
    if not isinstance(wanted, list) or not all(each in known for each in wanted):
        raise ControlError(422, "VALIDATION_ERROR", f"{name} must be a list of {', '.join(known)}")
    return set(wanted)


def _created(chat: Chat) -> dict[str, Any]:
    return {"chatId": chat.id, "kind": chat.kind, "title": chat.title}


def _create_group(world: World, me: Person, body: Body) -> dict[str, Any]:
    chat, missing = chat_founding.create_group(world, me, text_of(body, "title"), _people(world, body))
    return {**_created(chat), "missing": missing}


def _create_channel(world: World, me: Person, body: Body) -> dict[str, Any]:
    """`kind` is megagroup or broadcast; `username` makes it public, `members` are added at once."""
    kind = text_of(body, "kind", default="broadcast")
    if kind not in {"megagroup", "broadcast"}:
        raise ControlError(422, "VALIDATION_ERROR", "kind must be megagroup or broadcast")
    username = text_of(body, "username", default="").removeprefix("@")
    if username:
        world.chats.check_username(None, username)
    members = _people(world, body)
    about = text_of(body, "about", default="")
    chat = chat_founding.create_channel(world, me, text_of(body, "title"), about, megagroup=kind == "megagroup")
    if username:
        chat_founding.set_username(world, me, chat, username)
    missing = chat_members.invite(world, me, chat, members) if members else []
    return {**_created(chat), "missing": missing}


def _join(world: World, me: Person, body: Body) -> dict[str, Any]:
    """By `link`, or a public `chat`."""
    if "link" in body:
        return {"chatId": chat_links.use(world, me, text_of(body, "link")).id}
    chat = _chat(world, body)
    chat_members.join(world, me, chat)
    return {"chatId": chat.id}


def _leave(world: World, me: Person, body: Body) -> dict[str, Any]:
    chat_members.leave(world, me, _chat(world, body))
    return {}


def _invite(world: World, me: Person, body: Body) -> dict[str, Any]:
    chat, members = _chat(world, body), _people(world, body)
    if chat.channel:
        return {"missing": chat_members.invite(world, me, chat, members)}
    for user in members:
        chat_members.add(world, me, chat, user)
    return {"missing": []}


def _remove(world: World, me: Person, body: Body) -> dict[str, Any]:
    chat, user = _chat(world, body), find(world, body.get("member"))
    if chat.channel:
        chat_members.set_banned(world, me, chat, user, {"view_messages"})
    else:
        chat_members.remove(world, me, chat, user)
    return {}


def _promote(world: World, me: Person, body: Body) -> dict[str, Any]:
    """`rights` (none of them: no administrator any more) count in supergroups and channels only."""
    chat, user = _chat(world, body), find(world, body.get("member"))
    held = _rights(body, "rights", rights.ADMIN, set(rights.GROUP_ADMIN))
    if chat.channel:
        chat_members.set_admin(world, me, chat, user, held, text_of(body, "rank", default=""))
    else:
        chat_members.set_group_admin(world, me, chat, user, admin=bool(held))
    return {}


def _restrict(world: World, me: Person, body: Body) -> dict[str, Any]:
    """`banned` names what is forbidden from now on (nothing: all is forgiven)."""
    banned = _rights(body, "banned", rights.BANNED, {"send_messages"})
    until = number_of(body, "until", default=0)
    chat_members.set_banned(world, me, _chat(world, body), find(world, body.get("member")), banned, until)
    return {}


def _slow_mode(world: World, me: Person, body: Body) -> dict[str, Any]:
    chat_founding.set_slow_mode(world, me, _chat(world, body), number_of(body, "seconds"))
    return {}


def _link(world: World, me: Person, body: Body) -> dict[str, Any]:
    invite = chat_links.export(world, me, _chat(world, body), by_request=body.get("byRequest") is True)
    return {"link": f"https://t.me/+{invite.hash}"}


def _decide(world: World, me: Person, body: Body) -> dict[str, Any]:
    user = find(world, body.get("member"))
    chat_links.decide(world, me, _chat(world, body), user, approved=body.get("approved", True) is True)
    return {}


def _rename_chat(world: World, me: Person, body: Body) -> dict[str, Any]:
    chat_founding.edit_title(world, me, _chat(world, body), text_of(body, "title"))
    return {}


def _migrate(world: World, me: Person, body: Body) -> dict[str, Any]:
    return _created(chat_founding.migrate(world, me, _chat(world, body)))


def _delete_chat(world: World, me: Person, body: Body) -> dict[str, Any]:
    chat_founding.delete(world, me, _chat(world, body))
    return {}


def _forum(world: World, me: Person, body: Body) -> dict[str, Any]:
    enabled, tabs = body.get("enabled", True) is True, body.get("tabs") is True
    forums.toggle(world, me, _chat(world, body), enabled=enabled, tabs=tabs)
    return {"forum": enabled}


def _create_topic(world: World, me: Person, body: Body) -> dict[str, Any]:
    return {"topicId": forums.create(world, me, _chat(world, body), text_of(body, "title")).from_id}


def _edit_topic(world: World, me: Person, body: Body) -> dict[str, Any]:
    """`closed`, `hidden` or `title`."""
    number = number_of(body, "topicId")
    title = text_of(body, "title") if "title" in body else None
    closed, hidden = (body[name] is True if name in body else None for name in ("closed", "hidden"))
    forums.edit(world, me, _chat(world, body), number, title=title, closed=closed, hidden=hidden)
    return {"topicId": number}


def _pin_topic(world: World, me: Person, body: Body) -> dict[str, Any]:
    number, pinned = number_of(body, "topicId"), body.get("pinned", True) is True
    forums.pin(world, me, _chat(world, body), number, pinned=pinned)
    return {"pinned": pinned}


CHAT_ACTS: Mapping[str, Act] = {
    "createGroup": _create_group,
    "createChannel": _create_channel,
    "join": _join,
    "leave": _leave,
    "invite": _invite,
    "remove": _remove,
    "promote": _promote,
    "restrict": _restrict,
    "slowMode": _slow_mode,
    "inviteLink": _link,
    "decideJoin": _decide,
    "renameChat": _rename_chat,
    "migrate": _migrate,
    "deleteChat": _delete_chat,
    "forum": _forum,
    "createTopic": _create_topic,
    "editTopic": _edit_topic,
    "pinTopic": _pin_topic,
}
