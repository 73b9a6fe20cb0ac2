"""Deeds with groups and channels, for the dice."""

from __future__ import annotations

from typing import Any

from telethon.tl import functions as f
from telethon.tl import types

from proofs.model.deeds import BOLD, Deed, Picks
from proofs.model.records import is_channel

SLOW = (900, 3600)


class Rooms(Picks):
    """Each makes a deed of `me` in `peer`, or None where there is nothing to do."""

    def join(self, me: int, peer: int) -> Deed | None:
        if peer > 0 or me in self.model.chats[peer].members:
            return None
        if is_channel(peer):
            request: Any = f.channels.JoinChannelRequest(self.at.peer(me, peer))
            return Deed("join", me, peer, request, lambda: self.model.join(me, peer, self.clock.now()), touches={me})
        request = f.messages.AddChatUserRequest(-peer, types.InputUserSelf(), 0)
        return Deed("join", me, peer, request, lambda: self.model.add(me, peer, me, self.clock.now()), touches={me})

    def leave(self, me: int, peer: int) -> Deed | None:
        if peer > 0 or me == self.model.chats[peer].creator:
            return None
        request: Any = f.messages.DeleteChatUserRequest(-peer, types.InputUserSelf())
        if is_channel(peer):
            request = f.channels.LeaveChannelRequest(self.at.peer(me, peer))
        return Deed("leave", me, peer, request, lambda: self.model.leave(me, peer, self.clock.now()), touches={me})

    def add(self, me: int, peer: int) -> Deed | None:
        if peer > 0:
            return None
        user = self._other(me, peer)
        if user in self.model.chats[peer].members and self.dice.random() > BOLD:
            return None
        request: Any = f.messages.AddChatUserRequest(-peer, self.at.user(me, user), 0)
        if is_channel(peer):
            request = f.channels.InviteToChannelRequest(self.at.peer(me, peer), [self.at.user(me, user)])
        return Deed("add", me, peer, request, lambda: self.model.add(me, peer, user, self.clock.now()), touches={user})

    def shut_out(self, me: int, peer: int) -> Deed | None:
        """Kick from a group; ban, restrict or pardon in a supergroup or channel."""
        if peer > 0:
            return None
        user, now = self._other(me, peer), self.clock.now
        if not is_channel(peer):
            kick = f.messages.DeleteChatUserRequest(-peer, self.at.user(me, user))
            return Deed("kick", me, peer, kick, lambda: self.model.kick(me, peer, user, now()), touches={user})
        kind = self.dice.choice(["ban", "restrict", "pardon", "pardon"])
        names = {"ban": {"view_messages"}, "restrict": {"send_messages"}, "pardon": set()}[kind]
        rights = types.ChatBannedRights(None, **dict.fromkeys(names, True))
        request = f.channels.EditBannedRequest(self.at.peer(me, peer), self.at.peer(me, user), rights)
        return Deed(kind, me, peer, request, lambda: self.model.ban(me, peer, user, names, now()), touches={user})

    def promote(self, me: int, peer: int) -> Deed | None:
        if peer > 0:
            return None
        user, held = self._other(me, peer), set()
        if self.dice.random() < 0.7:
            held = {"change_info", "invite_users", "pin_messages", "delete_messages", "ban_users"}
            held |= {"post_messages", "edit_messages"} if self.model.chats[peer].kind == "broadcast" else set()
            held |= {"add_admins"} if self.dice.random() < 0.3 else set()
        request: Any = f.messages.EditChatAdminRequest(-peer, self.at.user(me, user), bool(held))
        if is_channel(peer):
            rights = types.ChatAdminRights(**dict.fromkeys(held, True))
            request = f.channels.EditAdminRequest(self.at.peer(me, peer), self.at.user(me, user), rights, "")
        effect = lambda: self.model.promote(me, peer, user, held, self.clock.now())  # noqa: E731
        return Deed("promote" if held else "demote", me, peer, request, effect, touches={user})

    def rename(self, me: int, peer: int) -> Deed | None:
        if peer > 0:
            return None
        self.serial += 1
        title = self.dice.choice([f"Title {self.serial}", f"Title {self.serial}", "", self.model.chats[peer].title])
        request: Any = f.messages.EditChatTitleRequest(-peer, title)
        if is_channel(peer):
            request = f.channels.EditTitleRequest(self.at.peer(me, peer), title)
        return Deed("rename", me, peer, request, lambda: self.model.rename(me, peer, title, self.clock.now()))

    def slow(self, me: int, peer: int) -> Deed | None:
        if peer > 0 or self.model.chats[peer].kind != "megagroup":
            return None
        seconds = self.dice.choice([0, *SLOW])
        request = f.channels.ToggleSlowModeRequest(self.at.peer(me, peer), seconds)
        return Deed("slow mode", me, peer, request, lambda: self.model.set_slow(me, peer, seconds))

    def default_ban(self, me: int, peer: int) -> Deed | None:
        if peer > 0 or self.model.chats[peer].kind == "broadcast":
            return None
        names = self.dice.choice([set(), set(), {"pin_messages"}, {"change_info", "invite_users"}])
        rights = types.ChatBannedRights(None, **dict.fromkeys(names, True))
        request = f.messages.EditChatDefaultBannedRightsRequest(self.at.peer(me, peer), rights)
        return Deed("default rights", me, peer, request, lambda: self.model.default_ban(me, peer, names))
