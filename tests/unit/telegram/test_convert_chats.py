"""What Telegram says of chats, people and members, in our words and on the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from telethon.tl import types as tl

from teleflow.api.v1 import chat_shapes
from teleflow.model.chats import Chat, ChatType, Dialog, Member, Role
from teleflow.model.media import FileKind, FileRef
from teleflow.model.messages import Message
from teleflow.model.peers import Known, Peer
from teleflow.telegram.convert.chats import by_id, chat_from, dialog_from, member_from, person_from
from teleflow.telegram.convert.peers import input_peer, known_from
from teleflow.telegram.methods.peers import place_after

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UNIX = int(AT.timestamp())
PHOTO = tl.ChatPhotoEmpty()
CLUB = -1000000000042


def channel(**fields: Any) -> Any:
    return tl.Channel(**{"id": 42, "title": "Club", "photo": PHOTO, "date": AT, "access_hash": 9, **fields})


def group(**fields: Any) -> Any:
    return tl.Chat(
        **{"id": 7, "title": "Few", "photo": PHOTO, "participants_count": 3, "date": AT, "version": 1, **fields}
    )


def user(id_: int = 5, **fields: Any) -> Any:
    return tl.User(**{"id": id_, "first_name": "Ann", "access_hash": 8, **fields})


def test_the_type_of_a_chat() -> None:
    for entity, kind in (
        (user(), ChatType.USER),
        (group(), ChatType.GROUP),
        (channel(megagroup=True), ChatType.SUPERGROUP),
        (channel(broadcast=True), ChatType.CHANNEL),
        (tl.ChannelForbidden(42, 9, "Club", broadcast=True), ChatType.CHANNEL),
        (tl.ChatForbidden(7, "Few"), ChatType.GROUP),
    ):
        assert chat_from(entity).type is kind


def test_what_members_may_do_is_told_the_right_way_round() -> None:
    banned = tl.ChatBannedRights(until_date=None, send_media=True)
    told = chat_from(channel(megagroup=True, default_banned_rights=banned)).permissions
    assert told is not None
    assert (told["sendMedia"], told["sendMessages"]) == (False, True)
    assert "untilDate" not in told


def test_what_cannot_be_entered_any_more_is_told_as_left() -> None:
    assert chat_from(tl.ChannelForbidden(42, 9, "Club", megagroup=True)).left
    assert chat_from(tl.ChatForbidden(7, "Few")).left
    moved = chat_from(group(migrated_to=tl.InputChannel(42, 9), deactivated=True))
    assert (moved.migrated_to, moved.deactivated) == (CLUB, True)


def test_of_several_usernames_the_shown_one_is_told() -> None:
    names = [tl.Username("old", active=False), tl.Username("shown", active=True), tl.Username("more", active=True)]
    assert person_from(user(usernames=names)).username == "shown"
    assert person_from(user(usernames=names)).usernames == ("shown", "more")
    assert person_from(user(username="plain")).username == "plain"


def test_a_person_s_presence() -> None:
    assert person_from(user(status=tl.UserStatusOffline(AT))).last_seen == UNIX
    assert person_from(user(status=tl.UserStatusRecently())).presence == "recently"
    assert person_from(user(phone="1555")).phone == "+1555"
    assert person_from(tl.UserEmpty(5)).deleted


def dialog(**fields: Any) -> Any:
    notify = fields.pop("notify", tl.PeerNotifySettings())
    counts = dict.fromkeys(
        ("read_inbox_max_id", "read_outbox_max_id", "unread_count", "unread_mentions_count", "unread_reactions_count"),
        0,
    )
    counts["unread_poll_votes_count"] = 0
    wanted = {"peer": tl.PeerUser(5), "top_message": 3, "notify_settings": notify, **counts, **fields}
    return tl.Dialog(
        **{name: value for name, value in wanted.items() if name in tl.Dialog.__init__.__code__.co_varnames}
    )


@pytest.mark.parametrize(
    ("until", "muted", "told"),
    [
        (None, False, None),
        (datetime.fromtimestamp(UNIX - 1, UTC), False, None),
        (datetime.fromtimestamp(UNIX + 60, UTC), True, UNIX + 60),
        (datetime.fromtimestamp(2**31 - 1, UTC), True, None),
    ],
)
def test_a_chat_is_muted_until_its_time_is_over(until: Any, muted: bool, told: int | None) -> None:
    found = dialog_from(dialog(notify=tl.PeerNotifySettings(mute_until=until)), None, UNIX)
    assert (found.muted, found.mute_until) == (muted, told)


def test_how_a_chat_stands_in_the_list() -> None:
    found = dialog_from(dialog(pinned=True, folder_id=1, unread_count=4, unread_mentions_count=2), None, UNIX)
    assert (found.pinned, found.archived, found.unread_count, found.unread_mentions) == (True, True, 4, 2)


def test_roles_of_members() -> None:
    everybody = by_id([user(5), user(6, first_name="Bob")], [channel()])
    free = tl.ChatBannedRights(until_date=AT, send_messages=True)
    shut = tl.ChatBannedRights(until_date=None, view_messages=True)
    for participant, role in (
        (tl.ChannelParticipant(5, AT), Role.MEMBER),
        (tl.ChannelParticipantSelf(5, 6, AT), Role.MEMBER),
        (tl.ChannelParticipantCreator(5, tl.ChatAdminRights(ban_users=True), rank="Boss"), Role.CREATOR),
        (tl.ChannelParticipantAdmin(5, 6, AT, tl.ChatAdminRights()), Role.ADMIN),
        (tl.ChannelParticipantBanned(tl.PeerUser(5), 6, AT, free), Role.RESTRICTED),
        (tl.ChannelParticipantBanned(tl.PeerUser(5), 6, AT, shut), Role.BANNED),
        (tl.ChannelParticipantLeft(tl.PeerUser(5)), Role.LEFT),
        (tl.ChatParticipantCreator(5), Role.CREATOR),
        (tl.ChatParticipantAdmin(5, 6, AT), Role.ADMIN),
        (tl.ChatParticipant(5, 6, AT), Role.MEMBER),
    ):
        found = member_from(participant, everybody)
        assert (found.role, found.person.id, found.person.first_name) == (role, 5, "Ann"), participant
    banned_channel = member_from(tl.ChannelParticipantBanned(tl.PeerChannel(42), 6, AT, shut), everybody)
    assert (banned_channel.person.id, banned_channel.person.first_name) == (CLUB, "Club")
    restricted = member_from(tl.ChannelParticipantBanned(tl.PeerUser(5), 6, AT, free), everybody)
    assert (restricted.until, restricted.by_id) == (UNIX, 6)


def test_min_objects_let_nobody_be_addressed() -> None:
    users = [user(5, min=True), user(6, access_hash=None), user(7, username="bob", phone="1555", is_self=True)]
    chats = [channel(min=True), channel(id=43, username="club"), group(migrated_to=tl.InputChannel(44, 1))]
    assert known_from(users, chats) == (
        Known(7, 8, "+1555", "bob", "Ann", is_self=True),
        Known(-1000000000043, 9, username="club", name="Club"),
        Known(-7, 0, name="Few", migrated_to=-1000000000044),
        Known(-1000000000044, 1),
    )


def test_peers_go_into_requests() -> None:
    assert input_peer(Peer.of(5, 8)) == tl.InputPeerUser(5, 8)
    assert input_peer(Peer.of(-7)) == tl.InputPeerChat(7)
    assert input_peer(Peer.of(CLUB, 9)) == tl.InputPeerChannel(42, 9)
    assert input_peer(Peer.of(5, 8, is_self=True)) == tl.InputPeerSelf()


def test_the_next_page_begins_after_the_last_chat_that_is_not_pinned() -> None:
    messages = [tl.Message(3, tl.PeerUser(5), AT, "x"), tl.Message(4, tl.PeerUser(6), AT, "y")]
    dialogs = [dialog(), dialog(peer=tl.PeerUser(6), top_message=4, pinned=True)]
    users = [user(5), user(6)]
    page = tl.messages.DialogsSlice(9, dialogs, messages, [], users)
    place = place_after(page, known_from(users), 2)
    assert place is not None
    assert (place.date, place.message_id, place.peer) == (UNIX, 3, Peer.of(5, 8))
    assert place_after(page, known_from(users), 3) is None, "a page that is not full is the last"
    assert place_after(tl.messages.Dialogs(dialogs, messages, [], users), known_from(users), 2) is None


# -- on the wire ------------------------------------------------------------------------------------------

LAST = Message(1, 5, 5, "hi", UNIX)
FULL = Chat(
    CLUB,
    ChatType.SUPERGROUP,
    "Club",
    "club",
    3,
    **dict.fromkeys(
        ("bot", "verified", "forum", "protected", "is_self", "left", "creator", "deactivated", "blocked"), True
    ),
    migrated_to=-1,
    permissions={"sendMessages": True},
    admin_rights={"banUsers": True},
    photo=FileRef(FileKind.PEER_PHOTO, 1, 0, b"", 2, chat_id=CLUB),
    dialog=Dialog(True, True, True, 5, 1, 2, 3, True, 4, 5, "draft", LAST),
    about="About",
    phone="+1555",
    admins_count=1,
    banned_count=2,
    online_count=3,
    linked_chat_id=-2,
    migrated_from=-3,
    slow_mode_seconds=4,
    pinned_msg_id=5,
    invite_link="https://t.me/+x",
    ttl_seconds=6,
    pending_requests=7,
)


def file_id(_ref: FileRef, *, thumb: str = "") -> str:
    return "file" + thumb


def test_what_is_written_is_what_the_document_declares() -> None:
    told = chat_shapes.chat(FULL, file_id)
    shape = chat_shapes.ChatShape.model_validate(told, strict=True)
    assert shape.model_dump(by_alias=True, exclude_none=True) | {"lastMessage": told["lastMessage"]} == told
    assert len(told) == len(chat_shapes.ChatShape.model_fields), "every field is tried here"
    everything = {"usernames": [tl.Username("x", active=True)], "username": "x", "last_name": "F", "phone": "1"}
    flags = dict.fromkeys(("bot", "premium", "verified", "deleted", "contact", "mutual_contact"), True)
    photo = tl.UserProfilePhoto(7, 2)
    person = person_from(user(**everything, **flags, status=tl.UserStatusOffline(AT), photo=photo))
    admin = Member(person, Role.ADMIN, "Boss", 1, 2, 3, {"banUsers": True}, {"sendMedia": False})
    member = chat_shapes.member(admin, file_id)
    parsed = chat_shapes.MemberShape.model_validate(member, strict=True)
    assert parsed.model_dump(by_alias=True, exclude_none=True) == member
    assert len(member) == len(chat_shapes.MemberShape.model_fields)


def test_little_is_told_of_what_little_is_known() -> None:
    assert chat_shapes.chat(Chat(5, ChatType.USER, "Ann"), file_id) == {"id": "5", "title": "Ann", "type": "user"}
