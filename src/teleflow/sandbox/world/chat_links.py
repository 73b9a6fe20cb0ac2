"""Invite links: made, changed, revoked, used, and the requests that come by them.

A chat's first link of each administrator is permanent: revoking it makes another.
"""

from __future__ import annotations

import secrets

import msgspec

from teleflow.sandbox.world import rights
from teleflow.sandbox.world.admin_log import Side
from teleflow.sandbox.world.chat_members import ask_to_join, enter, note, require_room, tell, tell_all, tell_deciders
from teleflow.sandbox.world.chat_records import Chat, Invite
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.records import Action, Origin, Person
from teleflow.sandbox.world.world import World

USAGE_LIMIT = 99_999
TITLE_LIMIT = 32


def hash_of(link: str) -> str:
    """The hash in `t.me/+hash`, `t.me/joinchat/hash` or what is one already."""
    return link.strip().rstrip("/").rsplit("/", 1)[-1].removeprefix("+")


def require(world: World, me: Person, chat: Chat) -> None:
    """Whether somebody may manage links and requests. Raises CHAT_ADMIN_REQUIRED."""
    if not chat.open:
        raise Refused("CHANNEL_PRIVATE" if chat.channel else "CHAT_ID_INVALID")
    rights.require_admin(chat, world.chats.member(chat, me.id), "invite_users")


def of_chat(world: World, chat: Chat) -> list[Invite]:
    """Newest first."""
    found = [each for each in world.chats.invites.values() if each.chat == chat.id]
    return sorted(found, key=lambda each: (-each.date, each.hash))


def permanent(world: World, me: Person, chat: Chat) -> Invite | None:
    for each in of_chat(world, chat):
        if each.permanent and not each.revoked and each.admin == me.id:
            return each
    return None


def export(
    world: World,
    me: Person,
    chat: Chat,
    *,
    title: str = "",
    expires: int = 0,
    usage_limit: int = 0,
    by_request: bool = False,
    replace_permanent: bool = False,
) -> Invite:
    """A new link. The first one, and one that replaces it, is the administrator's permanent link."""
    require(world, me, chat)
    _check(world, expires, usage_limit, by_request=by_request)
    plain = not (title or expires or usage_limit or by_request)
    standing = permanent(world, me, chat)
    if plain and standing is not None and replace_permanent:
        standing.revoked = True
        world.chats.keep_invite(standing)
        standing = None
    invite = Invite(
        hash=secrets.token_urlsafe(12),
        chat=chat.id,
        admin=me.id,
        date=int(world.clock.time()),
        title=title[:TITLE_LIMIT],
        expires=expires,
        usage_limit=usage_limit,
        by_request=by_request,
        permanent=plain and standing is None,
    )
    world.chats.keep_invite(invite)
    return invite


def _check(world: World, expires: int, usage_limit: int, *, by_request: bool) -> None:
    if expires and expires <= world.clock.time():
        raise Refused("EXPIRE_DATE_INVALID")
    if not 0 <= usage_limit <= USAGE_LIMIT or (usage_limit and by_request):
        raise Refused("USAGE_LIMIT_INVALID")


def find(world: World, me: Person, chat: Chat, link: str) -> Invite:
    """A link of this chat, to somebody who may manage it. Raises INVITE_HASH_EXPIRED."""
    require(world, me, chat)
    invite = world.chats.invites.get(hash_of(link))
    if invite is None or invite.chat != chat.id:
        raise Refused("INVITE_HASH_EXPIRED")
    if me.id not in {invite.admin, chat.creator}:
        raise Refused("CHAT_ADMIN_REQUIRED")
    return invite


def edit(
    world: World,
    me: Person,
    chat: Chat,
    link: str,
    *,
    title: str | None = None,
    expires: int | None = None,
    usage_limit: int | None = None,
    by_request: bool | None = None,
    revoked: bool = False,
) -> tuple[Invite, Invite | None]:
    """Change or revoke a link. Returns it and, for a permanent one that was revoked, its successor."""
    invite = find(world, me, chat, link)
    if invite.revoked:
        raise Refused("CHAT_INVITE_PERMANENT" if invite.permanent else "INVITE_REVOKED_MISSING")
    if revoked:
        invite.revoked = True
        world.chats.keep_invite(invite)
        world.chats.admin_log.add(chat, me.id, "invite_revoke", after=Side(invite=invite))
        return invite, export(world, me, chat) if invite.permanent and invite.admin == me.id else None
    if invite.permanent:
        raise Refused("CHAT_INVITE_PERMANENT")
    wanted_request = invite.by_request if by_request is None else by_request
    _check(world, expires or 0, usage_limit or 0, by_request=wanted_request)
    before = Side(invite=msgspec.structs.replace(invite))
    invite.title = invite.title if title is None else title[:TITLE_LIMIT]
    invite.expires = invite.expires if expires is None else expires
    invite.usage_limit = invite.usage_limit if usage_limit is None else usage_limit
    invite.by_request = wanted_request
    world.chats.keep_invite(invite)
    world.chats.admin_log.add(chat, me.id, "invite_edit", before, Side(invite=invite))
    return invite, None


def drop(world: World, me: Person, chat: Chat, link: str) -> None:
    """Forget a revoked link. Raises INVITE_REVOKED_MISSING for one that still works."""
    invite = find(world, me, chat, link)
    if not invite.revoked:
        raise Refused("INVITE_REVOKED_MISSING")
    world.chats.admin_log.add(chat, me.id, "invite_delete", after=Side(invite=invite))
    world.chats.drop_invite(invite)


def look(world: World, me: Person, link: str) -> tuple[Invite, Chat]:
    """What a link leads to. Raises INVITE_HASH_EMPTY, INVITE_HASH_INVALID and INVITE_HASH_EXPIRED."""
    wanted = hash_of(link)
    if not wanted:
        raise Refused("INVITE_HASH_EMPTY")
    invite = world.chats.invites.get(wanted)
    if invite is None:
        raise Refused("INVITE_HASH_EXPIRED" if len(wanted) >= 8 else "INVITE_HASH_INVALID")
    chat = world.chats.by_id[invite.chat]
    moved = world.chats.by_id.get(chat.migrated_to) if chat.migrated_to else None
    chat = moved or chat
    now = world.clock.time()
    worn = 0 < invite.usage_limit <= len(invite.joined)
    if invite.revoked or chat.deleted or worn or 0 < invite.expires <= now:
        raise Refused("INVITE_HASH_EXPIRED")
    if rights.is_kicked(world.chats.member(chat, me.id), now):
        raise Refused("INVITE_HASH_EXPIRED")
    return invite, chat


def use(world: World, me: Person, link: str, origin: Origin | None = None) -> Chat:
    """Enter by a link. Raises USER_ALREADY_PARTICIPANT, and INVITE_REQUEST_SENT where the admins decide."""
    invite, chat = look(world, me, link)
    if world.chats.inside(chat, me.id):
        raise Refused("USER_ALREADY_PARTICIPANT")
    require_room(world, chat, me.id)
    if invite.by_request:
        ask_to_join(world, me, chat, invite.hash)
    invite.joined[me.id] = int(world.clock.time())
    world.chats.keep_invite(invite)
    enter(world, chat, me.id, invite.admin)
    world.chats.admin_log.add(chat, me.id, "join_by_invite", after=Side(invite=invite))
    _told(world, me, chat, Action("chat_joined_by_link", number=invite.admin), origin)
    return chat


def _told(world: World, who: Person, chat: Chat, action: Action, origin: Origin | None) -> None:
    if chat.kind != "broadcast":
        note(world, who, chat, action, origin)
    if chat.channel:
        mine = origin is not None and world.person_by_key(origin.key_id) is who
        if mine or world.is_reachable(who.id):
            tell(world, chat, [who.id], "channel", origin if mine else None)
    else:
        tell_all(world, chat, "participants", origin)


def decide(world: World, me: Person, chat: Chat, user: Person, *, approved: bool, origin: Origin | None = None) -> None:
    """Let somebody in who asked, or not. Raises HIDE_REQUESTER_MISSING."""
    require(world, me, chat)
    request = chat.requests.get(user.id)
    if request is None:
        raise Refused("USER_ALREADY_PARTICIPANT" if world.chats.inside(chat, user.id) else "HIDE_REQUESTER_MISSING")
    if approved:
        require_room(world, chat, user.id)
    del chat.requests[user.id]
    world.chats.keep(chat)
    if approved:
        invite = world.chats.invites.get(request.link)
        if invite is not None:
            invite.joined[user.id] = int(world.clock.time())
            world.chats.keep_invite(invite)
        enter(world, chat, user.id, invite.admin if invite is not None else me.id, by_request=True)
        came = Side(invite=invite, number=me.id)
        world.chats.admin_log.add(chat, user.id, "join_by_request", after=came)
        _told(world, user, chat, Action("chat_joined_by_request"), origin)
    tell_deciders(world, chat, origin)
