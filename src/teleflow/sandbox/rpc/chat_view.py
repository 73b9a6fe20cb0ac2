"""Groups and channels as one viewer sees them, in TL: chats, rights, participants, links."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.media_view import chat_photo
from teleflow.sandbox.rpc.peers import channel_id
from teleflow.sandbox.world import rights
from teleflow.sandbox.world.chat_records import Chat, Invite, Member, bare
from teleflow.sandbox.world.records import Person
from teleflow.sandbox.world.world import World

__all__ = ["ChatView", "admin_rights", "banned_rights", "channel_id"]

LINK = "https://t.me/+"
FOREVER = 2**31 - 1


def admin_rights(held: Iterable[str]) -> Any:
    """`chatAdminRights` from names."""
    return types.ChatAdminRights(**dict.fromkeys(held, True))


def banned_rights(banned: Iterable[str], until: int = 0) -> Any:
    """`chatBannedRights` from names."""
    return types.ChatBannedRights(until_date=until or FOREVER, **dict.fromkeys(banned, True))


class ChatView:
    """Translates chats' records."""

    def __init__(self, world: World) -> None:
        self._world = world

    def chats(self, viewer: Person, ids: Iterable[int]) -> list[Any]:
        """Each once; people and unknown ids among `ids` are passed over."""
        known = self._world.chats.by_id
        return [self.chat(viewer, known[each]) for each in sorted(set(ids)) if each in known]

    def chat(self, viewer: Person, chat: Chat) -> Any:
        return self.channel(viewer, chat) if chat.channel else self.group(viewer, chat)

    def group(self, viewer: Person, chat: Chat) -> Any:
        """`chat`, or `chatForbidden` to whoever was removed."""
        chats = self._world.chats
        member = chats.member(chat, viewer.id)
        if chat.deleted or rights.is_kicked(member, chats.now()):
            return types.ChatForbidden(-chat.id, chat.title)
        moved = chats.by_id.get(chat.migrated_to) if chat.migrated_to else None
        plain_admin = member is not None and member.inside and member.admin is not None
        return types.Chat(
            id=-chat.id,
            title=chat.title,
            photo=chat_photo(self._world, chat.photo),
            participants_count=chats.count(chat),
            date=chat.date,
            version=chat.version,
            creator=viewer.id == chat.creator or None,
            left=None if member is not None and member.inside else True,
            deactivated=True if moved is not None else None,
            noforwards=chat.no_forwards or None,
            migrated_to=types.InputChannel(bare(moved.id), self._hash(viewer, moved)) if moved is not None else None,
            admin_rights=admin_rights(rights.GROUP_ADMIN) if plain_admin else None,
            default_banned_rights=banned_rights(chat.banned),
        )

    def channel(self, viewer: Person, chat: Chat) -> Any:
        """`channel`, or `channelForbidden` to whoever was shut out."""
        chats = self._world.chats
        member = chats.member(chat, viewer.id)
        broadcast, megagroup = chat.kind == "broadcast" or None, chat.kind == "megagroup" or None
        if chat.deleted or rights.is_kicked(member, chats.now()):
            until = member.banned_until if member is not None and member.state == "kicked" else 0
            return types.ChannelForbidden(
                bare(chat.id), self._hash(viewer, chat), chat.title, broadcast, megagroup, until_date=until or None
            )
        inside = member is not None and member.inside
        creator = viewer.id == chat.creator
        held = rights.admin_rights(chat, member)
        restricted = rights.restrictions(member, chats.now())
        return types.Channel(
            id=bare(chat.id),
            title=chat.title,
            photo=chat_photo(self._world, chat.photo),
            date=member.date if inside and member is not None else chat.date,
            creator=creator or None,
            left=None if inside else True,
            broadcast=broadcast,
            megagroup=megagroup,
            signatures=chat.signatures or None,
            signature_profiles=chat.profiles or None,
            has_link=bool(chat.linked) or None,
            slowmode_enabled=bool(chat.slow_mode) or None,
            noforwards=chat.no_forwards or None,
            join_to_send=chat.join_to_send or None,
            join_request=chat.join_request or None,
            forum=chat.forum or None,
            forum_tabs=chat.forum_tabs or None,
            access_hash=self._hash(viewer, chat),
            username=chat.username or None,
            admin_rights=admin_rights(held) if held else None,
            banned_rights=banned_rights(restricted, member.banned_until) if restricted and member else None,
            default_banned_rights=banned_rights(chat.banned) if megagroup else None,
            participants_count=chats.count(chat),
        )

    def _hash(self, viewer: Person, chat: Chat) -> int:
        return self._world.people.access_hash(viewer.id, chat.id)

    # participants

    def people_of(self, chat: int) -> list[int]:
        """Everybody in a chat, by marked id of the chat."""
        found = self._world.chats.by_id.get(chat)
        return [each.user for each in self._world.chats.present(found)] if found is not None else []

    def participants(self, viewer: Person, chat: Chat) -> Any:
        """Who is in a basic group; forbidden to those who are not."""
        chats = self._world.chats
        if not chats.inside(chat, viewer.id):
            return types.ChatParticipantsForbidden(-chat.id)
        return types.ChatParticipants(
            -chat.id, [self._group_participant(chat, each) for each in chats.present(chat)], chat.version
        )

    def _group_participant(self, chat: Chat, member: Member) -> Any:
        if member.user == chat.creator:
            return types.ChatParticipantCreator(member.user)
        shape = types.ChatParticipantAdmin if member.admin is not None else types.ChatParticipant
        return shape(member.user, member.inviter, member.date)

    def participant(self, viewer: Person, chat: Chat, member: Member) -> Any:
        """A participant of a supergroup or channel, also one who is no longer there."""
        if member.state == "kicked" or (member.banned and rights.restrictions(member, self._world.chats.now())):
            shut_out = set(rights.BANNED) if member.state == "kicked" else member.banned
            return types.ChannelParticipantBanned(
                peer=types.PeerUser(member.user),
                kicked_by=member.banned_by,
                date=member.date,
                banned_rights=banned_rights(shut_out, member.banned_until),
                left=None if member.inside else True,
            )
        if not member.inside:
            return types.ChannelParticipantLeft(types.PeerUser(member.user))
        if member.user == chat.creator:
            held = rights.admin_rights(chat, member)
            return types.ChannelParticipantCreator(member.user, admin_rights(held), rank=member.rank or None)
        if member.admin is not None:
            may_edit = viewer.id in {member.promoted_by, chat.creator}
            return types.ChannelParticipantAdmin(
                user_id=member.user,
                promoted_by=member.promoted_by,
                date=member.date,
                admin_rights=admin_rights(member.admin),
                can_edit=may_edit or None,
                is_self=member.user == viewer.id or None,
                inviter_id=member.inviter if member.user == viewer.id else None,
                rank=member.rank or None,
            )
        if member.user == viewer.id:
            return types.ChannelParticipantSelf(
                member.user, member.inviter, member.date, via_request=member.by_request or None
            )
        return types.ChannelParticipant(member.user, member.date)

    # links

    def invite(self, invite: Invite) -> Any:
        chat = self._world.chats.by_id[invite.chat]
        waiting = sum(1 for each in chat.requests.values() if each.link == invite.hash)
        return types.ChatInviteExported(
            link=f"{LINK}{invite.hash}",
            admin_id=invite.admin,
            date=invite.date,
            revoked=invite.revoked or None,
            permanent=invite.permanent or None,
            request_needed=invite.by_request or None,
            expire_date=invite.expires or None,
            usage_limit=invite.usage_limit or None,
            usage=len(invite.joined) or None,
            requested=waiting or None,
            title=invite.title or None,
        )
