"""Which groups and channels there are and who is in them: the register, without the rules of joining.

Promises unique ids and usernames (shared with people's), and a list of a person's chats that is
never searched for. Who may do what is in `rights`; what changes members is in `membership`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from teleflow.kit.clock import Clock
from teleflow.sandbox.world import rights
from teleflow.sandbox.world.admin_log import AdminLog
from teleflow.sandbox.world.chat_records import CHANNEL_MARK, Chat, ChatKind, Invite, Member, bare, is_channel
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.journal import Journal
from teleflow.sandbox.world.people import People, valid_username
from teleflow.sandbox.world.records import Message

FIRST_GROUP = 4_800_000_001
FIRST_CHANNEL = 2_100_000_001
CHANNELS_LIMIT = 500


class Chats:
    """Every chat by marked id, its members, its links."""

    def __init__(self, clock: Clock, journal: Journal, people: People) -> None:
        self._clock = clock
        self._journal = journal
        self.people = people
        self.by_id: dict[int, Chat] = {}
        self.members: dict[int, dict[int, Member]] = {}
        self._inside: dict[int, dict[int, Member]] = {}
        self.invites: dict[str, Invite] = {}
        # person -> chats whose members they are
        self._of_person: dict[int, set[int]] = {}
        self._by_username: dict[str, Chat] = {}
        # how many supergroups and channels one person can be in
        self.channels_limit = CHANNELS_LIMIT
        self.admin_log = AdminLog(clock, journal)
        people.taken_elsewhere = lambda username: username.lower() in self._by_username

    def __iter__(self) -> Iterator[Chat]:
        return iter(self.by_id.values())

    def now(self) -> float:
        return self._clock.time()

    # filing

    def next_id(self, kind: ChatKind) -> int:
        if kind == "group":
            known = (bare(each) for each in self.by_id if not is_channel(each))
            return -max(max(known, default=0) + 1, FIRST_GROUP)
        known = (bare(each) for each in self.by_id if is_channel(each))
        return -CHANNEL_MARK - max(max(known, default=0) + 1, FIRST_CHANNEL)

    def add(self, chat: Chat) -> None:
        """File a chat. The caller has checked that its username is free."""
        self.by_id[chat.id] = chat
        self.members.setdefault(chat.id, {})
        self._inside.setdefault(chat.id, {})
        if chat.username:
            self._by_username[chat.username.lower()] = chat

    def add_member(self, member: Member) -> None:
        """File what a chat knows of a person."""
        self.members.setdefault(member.chat, {})[member.user] = member
        chats = self._of_person.setdefault(member.user, set())
        inside = self._inside.setdefault(member.chat, {})
        if member.inside:
            chats.add(member.chat)
            inside[member.user] = member
        else:
            chats.discard(member.chat)
            inside.pop(member.user, None)

    def keep(self, chat: Chat) -> None:
        """Remember a change of a chat."""
        self._journal.touch("chat", chat.id, chat)

    def keep_member(self, member: Member) -> None:
        """File and remember a change of a member."""
        self.add_member(member)
        self._journal.touch("member", f"{member.chat}:{member.user}", member)

    def keep_invite(self, invite: Invite) -> None:
        self.invites[invite.hash] = invite
        self._journal.touch("invite", invite.hash, invite)

    def drop_invite(self, invite: Invite) -> None:
        self.invites.pop(invite.hash, None)
        self._journal.gone("invite", invite.hash)

    # looking up

    def by_username(self, username: str) -> Chat | None:
        return self._by_username.get(username.removeprefix("@").lower())

    def set_username(self, chat: Chat, username: str) -> None:
        """An empty name takes it away. Raises USERNAME_*."""
        self.check_username(chat, username)
        self._by_username.pop(chat.username.lower(), None)
        chat.username = username
        if username:
            self._by_username[username.lower()] = chat
        self.keep(chat)

    def check_username(self, chat: Chat | None, username: str) -> None:
        """Raises USERNAME_NOT_MODIFIED, USERNAME_INVALID and USERNAME_OCCUPIED."""
        if chat is not None and username == chat.username:
            raise Refused("USERNAME_NOT_MODIFIED")
        if not username:
            return
        if not valid_username(username):
            raise Refused("USERNAME_INVALID")
        holder = self.by_username(username)
        if (holder is not None and holder is not chat) or self.people.by_username(username) is not None:
            raise Refused("USERNAME_OCCUPIED")

    def search(self, user: int, query: str, limit: int) -> list[Chat]:
        """One's own chats by words of the title, and public ones by the beginning of the username."""
        wanted = query.removeprefix("@").casefold()
        found = []
        for chat in self.by_id.values():
            mine = self.inside(chat, user) and wanted in chat.title.casefold()
            public = bool(chat.username) and chat.username.casefold().startswith(wanted)
            if chat.open and (mine or public):
                found.append(chat)
            if len(found) >= limit:
                break
        return found

    def member(self, chat: Chat, user: int) -> Member | None:
        """What is known of somebody, who may have left."""
        return self.members[chat.id].get(user)

    def inside(self, chat: Chat, user: int) -> bool:
        member = self.members[chat.id].get(user)
        return member is not None and member.inside

    def in_numbered(self, number: int, user: int) -> bool:
        """Whether somebody is in the group or channel with that number, as TL has it."""
        found = [self.by_id.get(each) for each in (-number, -CHANNEL_MARK - number)]
        return any(chat is not None and self.inside(chat, user) for chat in found)

    def present(self, chat: Chat) -> list[Member]:
        """Those who are in it, in the order in which they joined."""
        return list(self._inside[chat.id].values())

    def count(self, chat: Chat) -> int:
        return len(self._inside[chat.id])

    def of_person(self, person: int) -> list[Chat]:
        """The chats somebody is in."""
        return [self.by_id[each] for each in sorted(self._of_person.get(person, ()), reverse=True)]

    # who sees what

    def visible(self, chat: Chat, user: int) -> bool:
        """Whether somebody can look into a supergroup or channel: members, and everybody if it is public."""
        member = self.members[chat.id].get(user)
        if chat.deleted or rights.is_kicked(member, self.now()):
            return False
        if member is not None and member.inside:
            return True
        if chat.username:
            return True
        beside = self.by_id.get(chat.linked) if chat.linked else None
        return beside is not None and bool(beside.username or self.inside(beside, user))

    def require_visible(self, chat: Chat, user: int) -> None:
        """Raises CHANNEL_PRIVATE."""
        if not self.visible(chat, user):
            raise Refused("CHANNEL_PRIVATE")

    # messages

    def require_write(self, chat: Chat, user: int, what: str = "send_plain") -> None:
        """Whether somebody may send `what` now. Raises CHAT_WRITE_FORBIDDEN, SLOWMODE_WAIT_n and others."""
        member = self.members[chat.id].get(user)
        now = self.now()
        guests = bool(chat.linked) and not chat.join_to_send and self.visible(chat, user)
        rights.require_send(chat, member, what, now, guests=guests)
        if chat.slow_mode and member is not None and not rights.is_admin(chat, member):
            left = member.may_send_at - int(now)
            if left > 0:
                raise Refused(f"SLOWMODE_WAIT_{left}", 420)

    def written(self, chat: Chat, message: Message) -> None:
        """Dress a message that is about to be filed: post, signature, anonymity; start the slow mode's time."""
        member = self.members[chat.id].get(message.sender)
        if chat.kind == "broadcast":
            message.post = True
            message.written_as = chat.id
            author = self.people.by_id.get(message.sender)
            if chat.signatures and author is not None and message.action is None:
                message.author = f"{author.first_name} {author.last_name}".strip()
        elif chat.kind == "megagroup" and member is not None:
            if "anonymous" in (member.admin or ()):
                message.written_as = chat.id
                message.author = member.rank
            if chat.slow_mode and message.action is None and not rights.is_admin(chat, member):
                member.may_send_at = message.date + chat.slow_mode
                self.keep_member(member)

    def require_edit(self, message: Message, user: int) -> None:
        """Raises MESSAGE_AUTHOR_REQUIRED, CHANNEL_PRIVATE or CHAT_WRITE_FORBIDDEN."""
        chat = self.by_id[message.to]
        member = self.members[chat.id].get(user)
        if member is None or not member.inside or not chat.open:
            raise Refused("CHANNEL_PRIVATE") if chat.channel else Refused("CHAT_WRITE_FORBIDDEN", 403)
        held = rights.admin_rights(chat, member)
        if message.post:
            if "edit_messages" not in held and (message.sender != user or "post_messages" not in held):
                raise Refused("CHAT_ADMIN_REQUIRED")
        elif message.sender != user:
            raise Refused("MESSAGE_AUTHOR_REQUIRED", 403)

    def require_delete(self, message: Message, user: int) -> None:
        """Whether somebody may take a message from everybody. Raises MESSAGE_DELETE_FORBIDDEN."""
        chat = self.by_id[message.to]
        held = rights.admin_rights(chat, self.members[chat.id].get(user))
        if "delete_messages" in held:
            return
        if message.sender != user or (message.post and "post_messages" not in held):
            raise Refused("MESSAGE_DELETE_FORBIDDEN", 403)

    def audience(self, chat: Chat, sender: int) -> Iterable[int]:
        """The boxes in which a message is filed, the sender's first."""
        if chat.channel:
            return (chat.id,)
        return [sender, *(user for user in self._inside[chat.id] if user != sender)]

    def kind_of(self, peer: int) -> Literal["person", "group", "channel"]:
        if peer > 0:
            return "person"
        return "channel" if is_channel(peer) else "group"
