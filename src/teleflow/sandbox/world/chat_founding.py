"""A chat's life but for its members: made, named, set up, moved to a supergroup, linked, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from teleflow.sandbox.world import privacy, rights
from teleflow.sandbox.world.admin_log import AdminEventKind, Side
from teleflow.sandbox.world.chat_members import (
    GROUP_LIMIT,
    changed,
    enter,
    note,
    require_channels,
    tell,
    tell_all,
)
from teleflow.sandbox.world.chat_records import Chat, Member
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.records import Action, Origin, Person
from teleflow.sandbox.world.world import World

TITLE_LIMIT = 128
ABOUT_LIMIT = 255
SLOW_MODES = frozenset({0, 5, 10, 30, 60, 300, 900, 3600})
_LOGGED: Mapping[str, AdminEventKind] = {
    "signatures": "toggle_signatures",
    "profiles": "toggle_profiles",
    "hidden_history": "toggle_hidden_history",
    "no_forwards": "toggle_no_forwards",
}
Switch = Literal["signatures", "profiles", "hidden_history", "no_forwards", "join_to_send", "join_request"]


def _title(title: str) -> str:
    kept = title.strip()
    if not kept:
        raise Refused("CHAT_TITLE_EMPTY")
    return kept[:TITLE_LIMIT]


def _about(about: str) -> str:
    if len(about) > ABOUT_LIMIT:
        raise Refused("CHAT_ABOUT_TOO_LONG")
    return about.strip()


def _found(world: World, me: Person, chat: Chat) -> None:
    world.chats.add(chat)
    world.chats.keep(chat)
    enter(world, chat, me.id, me.id)


def create_group(
    world: World, me: Person, title: str, users: list[Person], origin: Origin | None = None
) -> tuple[Chat, list[int]]:
    """A basic group. Returns it and the ids of those who did not let themselves be added."""
    named = _title(title)
    invited = [user for user in dict.fromkeys(user.id for user in users) if user != me.id]
    if len(invited) >= GROUP_LIMIT:
        raise Refused("USERS_TOO_MUCH")
    people = world.people.by_id
    missing = [
        user
        for user in invited
        if people[user].deleted or not privacy.may_be_added(me, people[user], world.people.in_chat)
    ]
    coming = [user for user in invited if user not in missing]
    if not coming and not missing:
        raise Refused("USERS_TOO_FEW")
    chat = Chat(id=world.chats.next_id("group"), kind="group", title=named, creator=me.id, date=int(world.clock.time()))
    _found(world, me, chat)
    for user in coming:
        enter(world, chat, user, me.id)
    chat.version = 1
    note(world, me, chat, Action("chat_create", text=named, users=[me.id, *coming]), origin)
    tell_all(world, chat, "participants", origin)
    return chat, missing


def create_channel(
    world: World, me: Person, title: str, about: str = "", *, megagroup: bool, origin: Origin | None = None
) -> Chat:
    """A supergroup or a broadcast channel."""
    require_channels(world, me.id, "CHANNELS_TOO_MUCH")
    named, told = _title(title), _about(about)
    kind: Literal["megagroup", "broadcast"] = "megagroup" if megagroup else "broadcast"
    chat = Chat(
        id=world.chats.next_id(kind),
        kind=kind,
        title=named,
        about=told,
        creator=me.id,
        date=int(world.clock.time()),
    )
    _found(world, me, chat)
    note(world, me, chat, Action("channel_create", text=named), origin)
    tell(world, chat, [me.id], "channel", origin)
    return chat


def edit_title(world: World, me: Person, chat: Chat, title: str, origin: Origin | None = None) -> None:
    rights.require(chat, world.chats.member(chat, me.id), "change_info", world.clock.time())
    named = _title(title)
    if named == chat.title:
        raise Refused("CHAT_NOT_MODIFIED")
    world.chats.admin_log.add(chat, me.id, "change_title", Side(text=chat.title), Side(text=named))
    chat.title = named
    world.chats.keep(chat)
    changed(world, chat)
    note(world, me, chat, Action("chat_edit_title", text=named), origin)
    tell_all(world, chat, "channel", origin)


def require_info(world: World, me: Person, chat: Chat) -> None:
    """Raises CHAT_ADMIN_REQUIRED."""
    rights.require(chat, world.chats.member(chat, me.id), "change_info", world.clock.time())


def edit_photo(world: World, me: Person, chat: Chat, number: int, origin: Origin | None = None) -> None:
    """Another photo by its file, or none (0). Raises CHAT_NOT_MODIFIED."""
    require_info(world, me, chat)
    if number == chat.photo:
        raise Refused("CHAT_NOT_MODIFIED")
    world.chats.admin_log.add(chat, me.id, "change_photo", Side(number=chat.photo), Side(number=number))
    chat.photo = number
    world.chats.keep(chat)
    changed(world, chat)
    told = Action("chat_edit_photo", number=number) if number else Action("chat_delete_photo")
    note(world, me, chat, told, origin)
    tell_all(world, chat, "channel", origin)


def edit_about(world: World, me: Person, chat: Chat, about: str, origin: Origin | None = None) -> None:
    rights.require(chat, world.chats.member(chat, me.id), "change_info", world.clock.time())
    told = _about(about)
    if told == chat.about:
        raise Refused("CHAT_ABOUT_NOT_MODIFIED")
    world.chats.admin_log.add(chat, me.id, "change_about", Side(text=chat.about), Side(text=told))
    chat.about = told
    world.chats.keep(chat)
    tell_all(world, chat, "channel", origin)


def set_default_banned(world: World, me: Person, chat: Chat, banned: set[str], origin: Origin | None = None) -> None:
    """What ordinary members may not do."""
    rights.require_admin(chat, world.chats.member(chat, me.id), "ban_users")
    wanted = rights.whole(banned - {"view_messages"})
    if wanted == chat.banned:
        raise Refused("CHAT_NOT_MODIFIED")
    world.chats.admin_log.add(chat, me.id, "default_banned", Side(names=chat.banned), Side(names=wanted))
    chat.banned = wanted
    chat.version += 1
    world.chats.keep(chat)
    tell_all(world, chat, "default_banned", origin)


def set_slow_mode(world: World, me: Person, chat: Chat, seconds: int, origin: Origin | None = None) -> None:
    rights.require_admin(chat, world.chats.member(chat, me.id), "ban_users")
    if seconds not in SLOW_MODES:
        raise Refused("SECONDS_INVALID")
    if chat.kind != "megagroup":
        raise Refused("CHANNEL_INVALID")
    if seconds == chat.slow_mode:
        raise Refused("CHAT_NOT_MODIFIED")
    world.chats.admin_log.add(chat, me.id, "toggle_slow_mode", Side(number=chat.slow_mode), Side(number=seconds))
    chat.slow_mode = seconds
    world.chats.keep(chat)
    for member in world.chats.present(chat):
        if member.may_send_at:
            member.may_send_at = 0
            world.chats.keep_member(member)
    tell_all(world, chat, "channel", origin)


def switch(world: World, me: Person, chat: Chat, changes: dict[Switch, bool], origin: Origin | None = None) -> None:
    """Turn settings on and off. Raises CHAT_NOT_MODIFIED when none of them changes."""
    right = "ban_users" if {"join_to_send", "join_request", "hidden_history"} & changes.keys() else "change_info"
    rights.require_admin(chat, world.chats.member(chat, me.id), right)
    if changes.get("hidden_history") and (chat.linked or chat.username):
        raise Refused("CHAT_LINK_EXISTS" if chat.linked else "CHAT_NOT_MODIFIED")
    changing = {name: value for name, value in changes.items() if getattr(chat, name) != value}
    if not changing:
        raise Refused("CHAT_NOT_MODIFIED")
    for name, value in changing.items():
        setattr(chat, name, value)
        if name in _LOGGED:
            world.chats.admin_log.add(chat, me.id, _LOGGED[name], Side(number=int(not value)), Side(number=int(value)))
    world.chats.keep(chat)
    tell_all(world, chat, "channel", origin)


def set_username(world: World, me: Person, chat: Chat, username: str, origin: Origin | None = None) -> None:
    """Make a supergroup or channel public, or private again. The creator's to do."""
    if me.id != chat.creator:
        raise Refused("CHAT_ADMIN_REQUIRED")
    before = chat.username
    world.chats.set_username(chat, username)
    world.chats.admin_log.add(chat, me.id, "change_username", Side(text=before), Side(text=username))
    if username and chat.hidden_history:
        chat.hidden_history = False
    world.chats.keep(chat)
    tell_all(world, chat, "channel", origin)


def delete(world: World, me: Person, chat: Chat, origin: Origin | None = None) -> None:
    """End a chat for everybody."""
    if me.id != chat.creator or chat.deleted:
        raise Refused("CHAT_ADMIN_REQUIRED")
    users = [each.user for each in world.chats.present(chat)]
    if chat.username:
        world.chats.set_username(chat, "")
    _unlink(world, chat)
    chat.deleted = True
    world.chats.keep(chat)
    for member in world.chats.present(chat):
        member.state = "left"
        world.chats.keep_member(member)
    tell(world, chat, (each for each in users if each != me.id and world.is_reachable(each)), "channel")
    tell(world, chat, [me.id], "channel", origin)


def migrate(world: World, me: Person, chat: Chat, origin: Origin | None = None) -> Chat:
    """Turn a basic group into a supergroup with the same people."""
    if me.id != chat.creator or chat.deleted:
        raise Refused("CHAT_ADMIN_REQUIRED")
    if chat.migrated_to:
        return world.chats.by_id[chat.migrated_to]
    require_channels(world, me.id, "CHANNELS_TOO_MUCH")
    moved = Chat(
        id=world.chats.next_id("megagroup"),
        kind="megagroup",
        title=chat.title,
        about=chat.about,
        creator=chat.creator,
        date=int(world.clock.time()),
        banned=set(chat.banned),
        no_forwards=chat.no_forwards,
        migrated_from=chat.id,
    )
    dialog = world.messages.box(me.id).dialogs.get(chat.id)
    moved.migrated_max_id = dialog.ids[-1] if dialog is not None and dialog.ids else 0
    _found(world, me, moved)
    for member in world.chats.present(chat):
        if member.user != me.id:
            came = enter(world, moved, member.user, member.inviter)
            _carry(world, member, came)
    note(world, me, chat, Action("chat_migrate_to", number=moved.id), origin)
    chat.migrated_to = moved.id
    world.chats.keep(chat)
    changed(world, chat)
    note(world, me, moved, Action("channel_migrate_from", text=chat.title, number=chat.id), origin)
    tell_all(world, moved, "channel", origin)
    return moved


def _carry(world: World, before: Member, now: Member) -> None:
    """An administrator of the group is one of the supergroup."""
    if before.admin is not None:
        now.admin = set(rights.GROUP_ADMIN)
        now.promoted_by = world.chats.by_id[before.chat].creator
        world.chats.keep_member(now)


def link(world: World, me: Person, broadcast: Chat | None, group: Chat | None, origin: Origin | None = None) -> None:
    """Give a channel its discussion group; without one of the two the link is taken away."""
    for each in (broadcast, group):
        if each is not None:
            rights.require_admin(each, world.chats.member(each, me.id), "change_info")
    if broadcast is not None and broadcast.kind != "broadcast":
        raise Refused("BROADCAST_ID_INVALID")
    if group is not None and group.kind != "megagroup":
        raise Refused("MEGAGROUP_ID_INVALID")
    touched = [each for each in (broadcast, group) if each is not None]
    before = {each.id: each.linked for each in touched}
    if broadcast is not None and group is not None:
        if group.hidden_history:
            raise Refused("MEGAGROUP_PREHISTORY_HIDDEN")
        if broadcast.linked == group.id:
            raise Refused("LINK_NOT_MODIFIED")
        for each in touched:
            _unlink(world, each)
        broadcast.linked, group.linked = group.id, broadcast.id
    else:
        if not any(each.linked for each in touched):
            raise Refused("LINK_NOT_MODIFIED")
        for each in touched:
            other = _unlink(world, each)
            touched = [*touched, other] if other is not None else touched
    for each in touched:
        world.chats.keep(each)
        if each.id in before:
            sides = Side(number=before[each.id]), Side(number=each.linked)
            world.chats.admin_log.add(each, me.id, "change_linked_chat", *sides)
        tell_all(world, each, "channel", origin)


def _unlink(world: World, chat: Chat) -> Chat | None:
    other = world.chats.by_id.get(chat.linked) if chat.linked else None
    chat.linked = 0
    if other is not None:
        other.linked = 0
        world.chats.keep(other)
    world.chats.keep(chat)
    return other
