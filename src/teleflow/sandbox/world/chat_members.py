"""Coming and going: who joins, leaves, is added, removed, promoted, restricted or shut out.

Each verb changes the members first and tells afterwards, so that whoever is told finds it true.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from teleflow.sandbox.world import privacy, rights
from teleflow.sandbox.world.admin_log import Side
from teleflow.sandbox.world.chat_records import Chat, JoinRequest, Member
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.records import Action, EntryKind, Origin, Person
from teleflow.sandbox.world.world import World

GROUP_LIMIT = 200
MEGAGROUP_LIMIT = 200_000
# shorter and longer restrictions are for ever
SHORTEST_BAN, LONGEST_BAN = 30, 366 * 24 * 3600
RANK_LIMIT = 16


def tell(world: World, chat: Chat, users: Iterable[int], kind: EntryKind, origin: Origin | None = None) -> None:
    """Tell those of `users` who are there (and the asker's other sessions) that a chat has changed."""
    for user in users:
        if world.is_reachable(user) or origin is not None:
            world.messages.tell(user, kind, chat=chat.id, origin=origin)


def tell_all(world: World, chat: Chat, kind: EntryKind, origin: Origin | None = None) -> None:
    tell(world, chat, [each.user for each in world.chats.present(chat) if world.is_reachable(each.user)], kind, origin)


def note(world: World, sender: Person, chat: Chat, action: Action, origin: Origin | None) -> None:
    """A service message in a chat."""
    world.messages.send(sender, chat, "", action=action, origin=origin)


def enter(world: World, chat: Chat, user: int, inviter: int, *, by_request: bool = False) -> Member:
    """Make somebody a member, whatever they were before. What was read so far counts as read."""
    chats = world.chats
    known = chats.member(chat, user)
    last = world.messages.box(chat.id).state.last_id if chat.channel else 0
    member = Member(
        chat=chat.id,
        user=user,
        inviter=inviter,
        date=int(world.clock.time()),
        banned=known.banned if known is not None and known.state != "kicked" else set(),
        banned_until=known.banned_until if known is not None and known.state != "kicked" else 0,
        banned_by=known.banned_by if known is not None else 0,
        read_inbox=last,
        read_outbox=known.read_outbox if known is not None else 0,
        hidden_up_to=last if chat.hidden_history else 0,
        by_request=by_request,
    )
    chats.keep_member(member)
    if chat.requests.pop(user, None) is not None:
        chats.keep(chat)
    changed(world, chat)
    return member


def changed(world: World, chat: Chat) -> None:
    """A basic group's version counts the changes of its members."""
    if not chat.channel:
        chat.version += 1
        world.chats.keep(chat)


def _went(world: World, chat: Chat, member: Member, state: str) -> None:
    member.state = "kicked" if state == "kicked" else "left"
    member.admin, member.rank, member.promoted_by = None, "", 0
    world.chats.keep_member(member)
    changed(world, chat)


def require_room(world: World, chat: Chat, user: int) -> None:
    """Raises USERS_TOO_MUCH and, for the one who would join, CHANNELS_TOO_MUCH."""
    limit = MEGAGROUP_LIMIT if chat.channel else GROUP_LIMIT
    if chat.kind != "broadcast" and world.chats.count(chat) >= limit:
        raise Refused("USERS_TOO_MUCH")
    if chat.channel:
        require_channels(world, user, "CHANNELS_TOO_MUCH")


def require_channels(world: World, user: int, name: str) -> None:
    if sum(1 for each in world.chats.of_person(user) if each.channel) >= world.chats.channels_limit:
        raise Refused(name)


def join(world: World, me: Person, chat: Chat, origin: Origin | None = None) -> None:
    """Enter a public supergroup or channel. Raises INVITE_REQUEST_SENT where the admins decide."""
    chats = world.chats
    if chats.inside(chat, me.id):
        return
    if not chat.open or not chat.channel or not chats.visible(chat, me.id):
        raise Refused("CHANNEL_PRIVATE")
    require_room(world, chat, me.id)
    if chat.join_request:
        ask_to_join(world, me, chat, "")
    enter(world, chat, me.id, me.id)
    chats.admin_log.add(chat, me.id, "join")
    if chat.kind == "megagroup":
        note(world, me, chat, Action("chat_add_user", users=[me.id]), origin)
    tell(world, chat, [me.id], "channel", origin)


def ask_to_join(world: World, me: Person, chat: Chat, link: str) -> None:
    """File a request and tell the administrators. Always raises INVITE_REQUEST_SENT."""
    chat.requests[me.id] = JoinRequest(int(world.clock.time()), link)
    world.chats.keep(chat)
    tell_deciders(world, chat)
    raise Refused("INVITE_REQUEST_SENT")


def tell_deciders(world: World, chat: Chat, origin: Origin | None = None) -> None:
    """Those who may let people in learn of the requests that wait."""
    for member in world.chats.present(chat):
        if "invite_users" in rights.admin_rights(chat, member) and world.is_reachable(member.user):
            world.messages.tell(member.user, "join_requests", chat=chat.id, origin=origin)


def add(world: World, me: Person, chat: Chat, user: Person, origin: Origin | None = None) -> None:
    """Add one person to a basic group."""
    chats, now = world.chats, world.clock.time()
    mine = chats.member(chat, me.id)
    # who has left may come back alone
    returns = user is me and mine is not None and mine.state == "left"
    if not chat.open or mine is None or not (mine.inside or returns):
        raise Refused("CHAT_WRITE_FORBIDDEN", 403)
    if not returns:
        rights.require(chat, mine, "invite_users", now)
    if chats.inside(chat, user.id):
        raise Refused("USER_ALREADY_PARTICIPANT")
    if user.deleted:
        raise Refused("INPUT_USER_DEACTIVATED")
    if not privacy.may_be_added(me, user, world.people.in_chat):
        raise Refused("USER_PRIVACY_RESTRICTED", 403)
    if rights.is_kicked(chats.member(chat, user.id), now) and not rights.is_admin(chat, mine):
        raise Refused("USER_KICKED")
    require_room(world, chat, user.id)
    enter(world, chat, user.id, me.id)
    note(world, me, chat, Action("chat_add_user", users=[user.id]), origin)
    tell_all(world, chat, "participants", origin)


def invite(world: World, me: Person, chat: Chat, users: list[Person], origin: Origin | None = None) -> list[int]:
    """Add people to a supergroup or channel. Returns the ids of those who don't let themselves be added."""
    chats, now = world.chats, world.clock.time()
    mine = chats.member(chat, me.id)
    if chat.kind == "broadcast":
        rights.require_admin(chat, mine, "invite_users")
    else:
        rights.require(chat, mine, "invite_users", now)
    missing, added = [], []
    for user in users:
        if chats.inside(chat, user.id) or user.id in added:
            continue
        if user.deleted:
            raise Refused("INPUT_USER_DEACTIVATED")
        shut_out = rights.is_kicked(chats.member(chat, user.id), now)
        if shut_out and "ban_users" not in rights.admin_rights(chat, mine):
            raise Refused("USER_KICKED")
        if not privacy.may_be_added(me, user, world.people.in_chat):
            missing.append(user.id)
            continue
        require_channels(world, user.id, "USER_CHANNELS_TOO_MUCH")
        added.append(user.id)
    for each in added:
        came = enter(world, chat, each, me.id)
        chats.admin_log.add(chat, me.id, "invite", after=Side(member=came))
    if added and chat.kind == "megagroup":
        note(world, me, chat, Action("chat_add_user", users=added), origin)
    tell(world, chat, (each for each in added if world.is_reachable(each)), "channel")
    tell(world, chat, [me.id], "channel", origin)
    return missing


def leave(world: World, me: Person, chat: Chat, origin: Origin | None = None) -> None:
    """Raises USER_NOT_PARTICIPANT; USER_CREATOR for the creator of a supergroup or channel."""
    member = world.chats.member(chat, me.id)
    if member is None or not member.inside:
        raise Refused("USER_NOT_PARTICIPANT")
    if chat.channel and me.id == chat.creator:
        raise Refused("USER_CREATOR")
    if not chat.channel:
        # written while the leaver still has a box to find it in
        if chat.open:
            note(world, me, chat, Action("chat_delete_user", users=[me.id]), origin)
        _went(world, chat, member, "left")
        tell_all(world, chat, "participants", origin)
        return
    _went(world, chat, member, "left")
    world.chats.admin_log.add(chat, me.id, "leave")
    if chat.kind == "megagroup":
        note(world, me, chat, Action("chat_delete_user", users=[me.id]), origin)
    tell(world, chat, [me.id], "channel", origin)


def remove(world: World, me: Person, chat: Chat, user: Person, origin: Origin | None = None) -> None:
    """Remove somebody (or oneself) from a basic group."""
    if user is me:
        leave(world, me, chat, origin)
        return
    chats = world.chats
    mine, theirs = chats.member(chat, me.id), chats.member(chat, user.id)
    if mine is None or not mine.inside or not chat.open:
        raise Refused("CHAT_WRITE_FORBIDDEN", 403)
    if theirs is None or not theirs.inside:
        raise Refused("USER_NOT_PARTICIPANT")
    held = rights.admin_rights(chat, mine)
    outranked = user.id == chat.creator or (theirs.admin is not None and me.id != chat.creator)
    if outranked or ("ban_users" not in held and theirs.inviter != me.id):
        raise Refused("CHAT_ADMIN_REQUIRED")
    note(world, me, chat, Action("chat_delete_user", users=[user.id]), origin)
    theirs.banned_by = me.id
    _went(world, chat, theirs, "kicked")
    tell(world, chat, [user.id] if world.is_reachable(user.id) else [], "channel")
    tell_all(world, chat, "participants", origin)


def set_group_admin(
    world: World, me: Person, chat: Chat, user: Person, *, admin: bool, origin: Origin | None = None
) -> None:
    """Basic groups have administrators without degrees, whom the creator names."""
    member = world.chats.member(chat, user.id)
    if me.id != chat.creator or not chat.open:
        raise Refused("CHAT_ADMIN_REQUIRED")
    if member is None or not member.inside:
        raise Refused("USER_NOT_PARTICIPANT")
    if user.id == chat.creator or (member.admin is not None) == admin:
        raise Refused("CHAT_NOT_MODIFIED")
    member.admin = set(rights.GROUP_ADMIN) if admin else None
    world.chats.keep_member(member)
    changed(world, chat)
    for each in world.chats.present(chat):
        if world.is_reachable(each.user) or origin is not None:
            world.messages.tell(
                each.user,
                "participant_admin",
                chat=chat.id,
                peer=user.id,
                unread=int(admin),
                max_id=chat.version,
                origin=origin,
            )


def set_admin(
    world: World, me: Person, chat: Chat, user: Person, held: set[str], rank: str = "", origin: Origin | None = None
) -> None:
    """Promote, change or (without rights) demote in a supergroup or channel. A stranger is added first."""
    chats = world.chats
    mine, theirs = chats.member(chat, me.id), chats.member(chat, user.id)
    mine_held = rights.admin_rights(chat, mine)
    creator = me.id == chat.creator
    if len(rank) > RANK_LIMIT:
        raise Refused("ADMIN_RANK_INVALID")
    if user.id == chat.creator:
        if not creator:
            raise Refused("USER_CREATOR")
    elif "add_admins" not in mine_held:
        raise Refused("CHAT_ADMIN_REQUIRED")
    if not creator:
        if theirs is not None and theirs.admin is not None and theirs.promoted_by != me.id:
            raise Refused("CHAT_ADMIN_REQUIRED")
        if held - mine_held:
            raise Refused("RIGHT_FORBIDDEN", 403)
    if theirs is None or not theirs.inside:
        if not held:
            raise Refused("USER_NOT_PARTICIPANT")
        if invite(world, me, chat, [user], origin):
            raise Refused("USER_PRIVACY_RESTRICTED", 403)
        theirs = chats.members[chat.id][user.id]
    if user.id == chat.creator:
        held = held & {"anonymous"}
    before = Side(member=msgspec.structs.replace(theirs))
    theirs.admin = set(held) if held or user.id == chat.creator else None
    theirs.rank = rank if theirs.admin is not None else ""
    theirs.promoted_by = me.id if theirs.admin is not None else 0
    theirs.banned, theirs.banned_until = set(), 0
    chats.keep_member(theirs)
    chats.admin_log.add(chat, me.id, "toggle_admin", before, Side(member=theirs))
    tell(world, chat, [user.id] if world.is_reachable(user.id) else [], "channel", origin if user is me else None)
    tell(world, chat, [me.id], "channel", origin)


def set_banned(
    world: World, me: Person, chat: Chat, user: Person, banned: set[str], until: int = 0, origin: Origin | None = None
) -> None:
    """Restrict, shut out (view_messages) or, without restrictions, pardon somebody."""
    chats, now = world.chats, int(world.clock.time())
    rights.require_admin(chat, chats.member(chat, me.id), "ban_users")
    theirs = chats.member(chat, user.id)
    if user is me:
        raise Refused("USER_ID_INVALID")
    if user.id == chat.creator:
        raise Refused("USER_ADMIN_INVALID")
    if theirs is not None and theirs.admin is not None and me.id not in {chat.creator, theirs.promoted_by}:
        raise Refused("USER_ADMIN_INVALID")
    if theirs is None:
        theirs = Member(chat=chat.id, user=user.id, inviter=0, date=now, state="left")
    was_inside = theirs.inside
    before = Side(member=msgspec.structs.replace(theirs))
    theirs.banned = rights.whole(banned)
    theirs.banned_until = until if theirs.banned and SHORTEST_BAN <= until - now <= LONGEST_BAN else 0
    theirs.banned_by = me.id if banned else 0
    if "view_messages" in banned:
        _went(world, chat, theirs, "kicked")
        chat.requests.pop(user.id, None)
    else:
        if theirs.state == "kicked":
            theirs.state = "left"
        if theirs.banned:
            theirs.admin, theirs.rank, theirs.promoted_by = None, "", 0
        chats.keep_member(theirs)
    chats.admin_log.add(chat, me.id, "toggle_ban", before, Side(member=theirs))
    if was_inside and not theirs.inside and chat.kind == "megagroup":
        note(world, me, chat, Action("chat_delete_user", users=[user.id]), origin)
    tell(world, chat, [user.id] if world.is_reachable(user.id) else [], "channel")
    tell(world, chat, [me.id], "channel", origin)


def typing(
    world: World, sender: Person, chat: Chat, action: bytes = b"", origin: Origin | None = None, *, topic: int = 0
) -> None:
    """Typing in a group: everybody there who is online learns of it."""
    world.chats.require_write(chat, sender.id)
    if chat.kind == "broadcast":
        return
    for member in world.chats.present(chat):
        if member.user != sender.id and world.is_reachable(member.user):
            world.messages.tell(
                member.user, "typing", peer=sender.id, chat=chat.id, max_id=topic, data=action, origin=origin
            )
