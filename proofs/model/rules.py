"""Who may do what, by Telegram's documentation of rights; where it names several errors, each of them will do."""

from __future__ import annotations

from proofs.model.records import Chat, No, State, is_channel

LONGEST_TEXT = 4096
GROUP_ADMIN = {"change_info", "delete_messages", "ban_users", "invite_users", "pin_messages"}
ALL = GROUP_ADMIN | {"post_messages", "edit_messages", "add_admins"}
SLOW_SLACK = 5.0


def held(chat: Chat, me: int) -> set[str]:
    """The rights of an administrator."""
    if me not in chat.members:
        return set()
    return ALL if me == chat.creator else chat.admins.get(me, set())


def is_admin(chat: Chat, me: int) -> bool:
    return me in chat.members and (me == chat.creator or me in chat.admins)


def look(state: State, me: int, peer: int) -> None:
    """Raises when `me` may not even look into a chat."""
    if not state.sees(me, peer):
        raise No("CHANNEL_PRIVATE", "USER_BANNED_IN_CHANNEL") if is_channel(peer) else No("CHAT_ID_INVALID")


def text(given: str, *beside: str) -> None:
    """`beside`: what else is wrong with the request."""
    if not given.strip():
        raise No("MESSAGE_EMPTY", *beside)
    if len(given.strip()) > LONGEST_TEXT:
        raise No("MESSAGE_TOO_LONG", *beside)


def write(state: State, me: int, peer: int, now: float) -> None:
    """Raises when `me` may not write there."""
    if peer > 0:
        if peer in state.people[me].blocked:
            raise No("YOU_BLOCKED_USER")
        if me in state.people[peer].blocked:
            raise No("USER_IS_BLOCKED")
        return
    look(state, me, peer)
    chat = state.chats[peer]
    if me not in chat.members:
        raise No("CHAT_WRITE_FORBIDDEN", "CHAT_ADMIN_REQUIRED")
    if chat.kind == "broadcast":
        if "post_messages" not in held(chat, me):
            raise No("CHAT_ADMIN_REQUIRED", "CHAT_WRITE_FORBIDDEN")
        return
    if is_admin(chat, me):
        return
    if "send_messages" in chat.restricted.get(me, ()):
        raise No("USER_BANNED_IN_CHANNEL", "CHAT_WRITE_FORBIDDEN")
    if "send_messages" in chat.banned:
        raise No("CHAT_WRITE_FORBIDDEN")
    if chat.slow and chat.may_write_at.get(me, 0) > now:
        raise No("SLOWMODE_WAIT_")


def may(chat: Chat, me: int, right: str) -> bool:
    """What administrators may by their right, and in groups everybody where nobody is kept from it."""
    if right in held(chat, me):
        return True
    if me not in chat.members or chat.kind == "broadcast" or is_admin(chat, me):
        return False
    return right not in chat.banned and right not in chat.restricted.get(me, ())


def require(state: State, me: int, peer: int, right: str) -> None:
    look(state, me, peer)
    if not may(state.chats[peer], me, right):
        raise No("CHAT_ADMIN_REQUIRED", "CHAT_WRITE_FORBIDDEN")


def require_admin(state: State, me: int, peer: int, right: str) -> None:
    look(state, me, peer)
    if right not in held(state.chats[peer], me):
        raise No("CHAT_ADMIN_REQUIRED", "CHAT_WRITE_FORBIDDEN")
