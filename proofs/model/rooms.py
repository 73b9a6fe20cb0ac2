"""What people do with groups and channels, in the model."""

from __future__ import annotations

from proofs.model import rules
from proofs.model.acts import Acts
from proofs.model.records import Box, Chat, No, is_channel

TITLE = 128


class Model(Acts):
    """Everything that the proof does. What a chat is called by is the data centre's to say."""

    def found(self, me: int, peer: int, kind: str, title: str, others: list[int], now: float) -> None:
        chat = self.chats[peer] = Chat(kind, me, title, members={me})
        if is_channel(peer):
            self.boxes[peer] = Box()
            self.note(me, peer, "MessageActionChannelCreate", now)
            return
        chat.members |= set(others)
        chat.inviters = dict.fromkeys(others, me)
        self.note(me, peer, "MessageActionChatCreate", now)

    def _enter(self, peer: int, user: int, inviter: int) -> None:
        chat = self.chats[peer]
        chat.members.add(user)
        chat.former.discard(user)
        if user in chat.kicked:
            chat.kicked.discard(user)
            chat.restricted.pop(user, None)
        chat.inviters[user] = inviter
        chat.hidden.pop(user, None)
        chat.may_write_at.pop(user, None)
        if is_channel(peer):
            self.people[user].read_in[peer] = self.boxes[peer].last

    def _go(self, peer: int, user: int, *, kicked: bool = False) -> None:
        chat = self.chats[peer]
        chat.members.discard(user)
        chat.former.add(user)
        chat.admins.pop(user, None)
        chat.promoters.pop(user, None)
        if kicked:
            chat.kicked.add(user)

    def join(self, me: int, peer: int, now: float) -> None:
        chat = self.chats[peer]
        rules.look(self, me, peer)
        if me in chat.members:
            return
        self._enter(peer, me, me)
        if chat.kind == "megagroup":
            self.note(me, peer, "MessageActionChatAddUser", now)

    def leave(self, me: int, peer: int, now: float) -> None:
        chat = self.chats[peer]
        if me not in chat.members:
            raise No("USER_NOT_PARTICIPANT", "CHANNEL_PRIVATE")
        if is_channel(peer):
            if me == chat.creator:
                raise No("USER_CREATOR")
            self._go(peer, me)
            if chat.kind == "megagroup":
                self.note(me, peer, "MessageActionChatDeleteUser", now)
            return
        self.note(me, peer, "MessageActionChatDeleteUser", now)
        self._go(peer, me)

    def add(self, me: int, peer: int, user: int, now: float) -> None:
        chat = self.chats[peer]
        rules.look(self, me, peer)
        returns = not is_channel(peer) and user == me and me in chat.former and me not in chat.kicked
        if not returns:
            if not rules.may(chat, me, "invite_users"):
                raise No("CHAT_ADMIN_REQUIRED", "CHAT_WRITE_FORBIDDEN")
            if user in chat.members:
                if is_channel(peer):
                    return
                raise No("USER_ALREADY_PARTICIPANT")
            if user in chat.kicked and not (
                "ban_users" in rules.held(chat, me) if is_channel(peer) else rules.is_admin(chat, me)
            ):
                shut = me in self.people[user].blocked and not is_channel(peer)
                raise No("USER_KICKED", *(["USER_PRIVACY_RESTRICTED"] if shut else []))
            if me in self.people[user].blocked:
                if is_channel(peer):
                    return
                raise No("USER_PRIVACY_RESTRICTED")
        self._enter(peer, user, me)
        if chat.kind != "broadcast":
            self.note(me, peer, "MessageActionChatAddUser", now)

    def kick(self, me: int, peer: int, user: int, now: float) -> None:
        """Out of a basic group."""
        chat = self.chats[peer]
        if me not in chat.members:
            raise No("CHAT_WRITE_FORBIDDEN", "CHAT_ID_INVALID")
        if user not in chat.members:
            raise No("USER_NOT_PARTICIPANT")
        outranked = user == chat.creator or (user in chat.admins and me != chat.creator)
        if outranked or ("ban_users" not in rules.held(chat, me) and chat.inviters.get(user) != me):
            raise No("CHAT_ADMIN_REQUIRED")
        self.note(me, peer, "MessageActionChatDeleteUser", now)
        self._go(peer, user, kicked=True)

    def ban(self, me: int, peer: int, user: int, banned: set[str], now: float) -> None:
        """Shut somebody out of a supergroup or channel, restrict them, or (with nothing) pardon them."""
        rules.require_admin(self, me, peer, "ban_users")
        chat = self.chats[peer]
        if user == me:
            raise No("USER_ID_INVALID")
        if user == chat.creator or (user in chat.admins and me not in (chat.creator, chat.promoters.get(user))):
            raise No("USER_ADMIN_INVALID")
        was_inside = user in chat.members
        if "view_messages" in banned:
            self._go(peer, user, kicked=True)
            chat.restricted.pop(user, None)
        else:
            chat.kicked.discard(user)
            chat.restricted.pop(user, None)
            if banned:
                chat.restricted[user] = set(banned)
                chat.admins.pop(user, None)
                chat.promoters.pop(user, None)
        if was_inside and user not in chat.members and chat.kind == "megagroup":
            self.note(me, peer, "MessageActionChatDeleteUser", now)

    def promote(self, me: int, peer: int, user: int, held: set[str], now: float) -> None:
        rules.look(self, me, peer)
        chat = self.chats[peer]
        if not is_channel(peer):
            if me != chat.creator:
                raise No("CHAT_ADMIN_REQUIRED")
            if user not in chat.members:
                raise No("USER_NOT_PARTICIPANT")
            if user == chat.creator or (user in chat.admins) == bool(held):
                raise No("CHAT_NOT_MODIFIED")
            chat.admins.pop(user, None)
            if held:
                chat.admins[user] = set(rules.GROUP_ADMIN)
            return
        mine = rules.held(chat, me)
        if user == chat.creator:
            raise No("USER_CREATOR", "CHAT_ADMIN_REQUIRED")
        if "add_admins" not in mine:
            raise No("CHAT_ADMIN_REQUIRED")
        if me != chat.creator:
            if user in chat.admins and chat.promoters.get(user) != me:
                raise No("CHAT_ADMIN_REQUIRED")
            if held - mine:
                raise No("RIGHT_FORBIDDEN")
        if user not in chat.members:
            if not held:
                raise No("USER_NOT_PARTICIPANT")
            self.add(me, peer, user, now)
            if user not in chat.members:
                raise No("USER_PRIVACY_RESTRICTED")
        chat.admins.pop(user, None)
        chat.promoters.pop(user, None)
        chat.restricted.pop(user, None)
        if held:
            chat.admins[user] = set(held)
            chat.promoters[user] = me

    def rename(self, me: int, peer: int, title: str, now: float) -> None:
        rules.require(self, me, peer, "change_info")
        chat = self.chats[peer]
        if not title.strip():
            raise No("CHAT_TITLE_EMPTY")
        if title.strip() == chat.title:
            raise No("CHAT_NOT_MODIFIED")
        chat.title = title.strip()[:TITLE]
        self.note(me, peer, "MessageActionChatEditTitle", now)

    def set_slow(self, me: int, peer: int, seconds: int) -> None:
        rules.require_admin(self, me, peer, "ban_users")
        chat = self.chats[peer]
        if chat.slow == seconds:
            raise No("CHAT_NOT_MODIFIED")
        chat.slow = seconds
        chat.may_write_at.clear()

    def default_ban(self, me: int, peer: int, banned: set[str]) -> None:
        rules.require_admin(self, me, peer, "ban_users")
        chat = self.chats[peer]
        if chat.banned == banned:
            raise No("CHAT_NOT_MODIFIED")
        chat.banned = set(banned)
