"""Who may do what in a chat: administrators' rights, restrictions, and the refusals' names.

Pure: reads records, changes nothing.
"""

from __future__ import annotations

from teleflow.sandbox.world.chat_records import Chat, Member
from teleflow.sandbox.world.errors import Refused

ADMIN = (
    "change_info",
    "post_messages",
    "edit_messages",
    "delete_messages",
    "ban_users",
    "invite_users",
    "pin_messages",
    "add_admins",
    "anonymous",
    "manage_call",
    "other",
    "manage_topics",
    "post_stories",
    "edit_stories",
    "delete_stories",
    "manage_direct_messages",
    "manage_ranks",
    "manage_linked_peers",
    "manage_welcome_messages",
)
BANNED = (
    "view_messages",
    "send_messages",
    "send_media",
    "send_stickers",
    "send_gifs",
    "send_games",
    "send_inline",
    "embed_links",
    "send_polls",
    "change_info",
    "invite_users",
    "pin_messages",
    "manage_topics",
    "send_photos",
    "send_videos",
    "send_roundvideos",
    "send_audios",
    "send_voices",
    "send_docs",
    "send_plain",
    "edit_rank",
    "send_reactions",
    "manage_linked_peers",
)
# what the creator of a chat has, without being anonymous
ALL_ADMIN = frozenset(ADMIN) - {"anonymous"}
# what an administrator of a basic group has
GROUP_ADMIN = frozenset({"change_info", "delete_messages", "ban_users", "invite_users", "pin_messages", "manage_call"})
# without send_messages all of these are gone too
_MEANS_NOTHING_SENT = frozenset(name for name in BANNED if name.startswith("send_")) | {"embed_links"}
_MEANS_NO_MEDIA = frozenset(
    {"send_photos", "send_videos", "send_roundvideos", "send_audios", "send_voices", "send_docs"}
)


def whole(banned: set[str]) -> set[str]:
    """Restrictions with those that follow from them."""
    found = set(banned)
    if "view_messages" in found:
        return set(BANNED)
    if "send_messages" in found:
        found |= _MEANS_NOTHING_SENT
    if "send_media" in found:
        found |= _MEANS_NO_MEDIA
    return found


def admin_rights(chat: Chat, member: Member | None) -> frozenset[str]:
    """The administrator's rights of somebody; empty for everybody else."""
    if member is None or not member.inside:
        return frozenset()
    if member.user == chat.creator:
        return ALL_ADMIN | frozenset(member.admin or ())
    if member.admin is None:
        return frozenset()
    return GROUP_ADMIN if chat.kind == "group" else frozenset(member.admin)


def is_admin(chat: Chat, member: Member | None) -> bool:
    return member is not None and member.inside and (member.user == chat.creator or member.admin is not None)


def restrictions(member: Member | None, now: float) -> set[str]:
    """What one person may not do, as long as it lasts."""
    if member is None or not member.banned or 0 < member.banned_until <= now:
        return set()
    return member.banned


def is_kicked(member: Member | None, now: float) -> bool:
    """Shut out, which ends by itself at its time."""
    return member is not None and member.state == "kicked" and not 0 < member.banned_until <= now


def may(chat: Chat, member: Member | None, right: str, now: float) -> bool:
    """Whether a member may do what both administrators' and members' rights name
    (change_info, invite_users, pin_messages).
    """
    if member is None or not member.inside:
        return False
    if right in admin_rights(chat, member):
        return True
    if chat.kind == "broadcast" or is_admin(chat, member):
        return False
    return right not in chat.banned and right not in restrictions(member, now)


def require_admin(chat: Chat, member: Member | None, right: str) -> None:
    """Raises CHAT_ADMIN_REQUIRED."""
    if right not in admin_rights(chat, member):
        raise Refused("CHAT_ADMIN_REQUIRED")


def require(chat: Chat, member: Member | None, right: str, now: float) -> None:
    """Raises CHAT_ADMIN_REQUIRED."""
    if not may(chat, member, right, now):
        raise Refused("CHAT_ADMIN_REQUIRED")


def require_send(chat: Chat, member: Member | None, what: str, now: float, *, guests: bool = False) -> None:
    """Raises what Telegram answers to somebody who may not send `what` (a name of BANNED) here.

    `guests`: the chat lets people write who are not in it.
    """
    if not chat.open:
        raise Refused("CHANNEL_PRIVATE" if chat.channel else "CHAT_WRITE_FORBIDDEN", 400 if chat.channel else 403)
    if is_kicked(member, now):
        raise Refused("CHANNEL_PRIVATE") if chat.channel else Refused("CHAT_WRITE_FORBIDDEN", 403)
    if (member is None or not member.inside) and not guests:
        raise Refused("CHAT_WRITE_FORBIDDEN", 403)
    if chat.kind == "broadcast":
        require_admin(chat, member, "post_messages")
        return
    if is_admin(chat, member):
        return
    if "send_messages" in restrictions(member, now):
        raise Refused("USER_BANNED_IN_CHANNEL")
    if "send_messages" in chat.banned:
        raise Refused("CHAT_WRITE_FORBIDDEN", 403)
    for each in (restrictions(member, now), chat.banned):
        if what in each:
            raise Refused(_FORBIDDEN.get(what, "CHAT_WRITE_FORBIDDEN"), 403)


_FORBIDDEN = {
    "send_plain": "CHAT_SEND_PLAIN_FORBIDDEN",
    "send_media": "CHAT_SEND_MEDIA_FORBIDDEN",
    "send_stickers": "CHAT_SEND_STICKERS_FORBIDDEN",
    "send_gifs": "CHAT_SEND_GIFS_FORBIDDEN",
    "send_games": "CHAT_SEND_GAME_FORBIDDEN",
    "send_inline": "CHAT_SEND_INLINE_FORBIDDEN",
    "send_polls": "CHAT_SEND_POLL_FORBIDDEN",
    "send_photos": "CHAT_SEND_PHOTOS_FORBIDDEN",
    "send_videos": "CHAT_SEND_VIDEOS_FORBIDDEN",
    "send_roundvideos": "CHAT_SEND_ROUNDVIDEOS_FORBIDDEN",
    "send_audios": "CHAT_SEND_AUDIOS_FORBIDDEN",
    "send_voices": "CHAT_SEND_VOICES_FORBIDDEN",
    "send_docs": "CHAT_SEND_DOCS_FORBIDDEN",
}
