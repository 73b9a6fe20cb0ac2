"""Which update tells of what, for every kind of chat; that one happening is one event; that nothing odd stops it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telethon.tl import types as tl

from teleflow.model.chats import ChatType
from teleflow.model.events import NewEvent
from teleflow.model.updates import Face
from teleflow.telegram.updates.raw import plain_of
from teleflow.telegram.updates.teller import Teller, Told

ME, ANN, BOB = 1, 2, 3
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UNIX = int(WHEN.timestamp())
AT = UNIX * 1000
GROUP, SUPERGROUP, CHANNEL = -7, -1000000000042, -1000000000043
PEERS = {ANN: tl.PeerUser(ANN), GROUP: tl.PeerChat(7), SUPERGROUP: tl.PeerChannel(42), CHANNEL: tl.PeerChannel(43)}
KINDS = {ANN: "user", GROUP: "group", SUPERGROUP: "supergroup", CHANNEL: "channel"}


def a_channel(id_: int, **fields: Any) -> Any:
    given_ = {"title": "c", "photo": tl.ChatPhotoEmpty(), "date": WHEN, "access_hash": 5, **fields}
    return tl.Channel(id_, broadcast=id_ == 43, megagroup=id_ == 42, **given_)


def a_user(**fields: Any) -> Any:
    return tl.User(ANN, first_name="Ann", access_hash=4, **fields)


EVERYBODY = {
    GROUP: tl.Chat(7, "g", tl.ChatPhotoEmpty(), 3, WHEN, 1),
    SUPERGROUP: a_channel(42),
    CHANNEL: a_channel(43),
    ANN: a_user(username="ann"),
}
FACES = {
    GROUP: Face(GROUP, ChatType.GROUP, "g"),
    SUPERGROUP: Face(SUPERGROUP, ChatType.SUPERGROUP, "c"),
    CHANNEL: Face(CHANNEL, ChatType.CHANNEL, "c"),
}


def a_teller(**how: Any) -> Teller:
    return Teller("ses_a", ME, lambda _: "file", **how)


def tell(update: Any, *, at: int = AT, everybody: Any = EVERYBODY, faces: Any = FACES, **how: Any) -> Told:
    return a_teller().tell(update, everybody, faces, at=at, **{"origin": "device", **how})


def named(events: Sequence[NewEvent]) -> list[str]:
    return [event.type.value for event in events]


def a_message(chat: int, **fields: Any) -> Any:
    given_ = {"id": 5, "peer_id": PEERS[chat], "date": WHEN, "message": "hi", "post": chat == CHANNEL, **fields}
    if chat not in (ANN, CHANNEL):
        given_.setdefault("from_id", tl.PeerUser(ANN))
    return tl.Message(**given_)


def a_service(chat: int, action: Any, by: int = ANN, **fields: Any) -> Any:
    from_id = None if chat == CHANNEL else tl.PeerUser(by)
    return tl.MessageService(6, PEERS[chat], WHEN, action=action, from_id=from_id, post=chat == CHANNEL, **fields)


def new(message: Any, pts: int = 9) -> Any:
    channel = isinstance(message.peer_id, tl.PeerChannel)
    return (tl.UpdateNewChannelMessage if channel else tl.UpdateNewMessage)(message, pts, 1)


def edit(message: Any, pts: int = 9) -> Any:
    channel = isinstance(message.peer_id, tl.PeerChannel)
    return (tl.UpdateEditChannelMessage if channel else tl.UpdateEditMessage)(message, pts, 1)


@pytest.mark.parametrize("chat", PEERS)
def test_a_message_of_others_is_received_and_a_post_published_too(chat: int) -> None:
    events = tell(new(a_message(chat, reply_to=tl.MessageReplyHeader(reply_to_msg_id=4)))).events
    assert named(events) == ["message.received", *(["channel.post_published"] if chat == CHANNEL else [])]
    data = dict(events[0].data)
    assert data["message"]["id"] == 5
    assert (data["messageId"], data["chatId"], data["text"], data["date"]) == (5, str(chat), "hi", UNIX)
    assert (data["isOutgoing"], data["replyToMsgId"], data["chatType"]) == (False, 4, KINDS[chat])
    assert data["senderId"] == str(CHANNEL if chat == CHANNEL else ANN)
    assert {event.chat_id for event in events} == {chat}


@pytest.mark.parametrize("origin", ["api", "device"])
@pytest.mark.parametrize("chat", PEERS)
def test_the_accounts_own_message_is_sent_with_its_origin(chat: int, origin: str) -> None:
    events = tell(new(a_message(chat, out=True, from_id=tl.PeerUser(ME))), origin=origin).events
    assert named(events)[0] == "message.sent"
    assert (events[0].data["id"], events[0].data["origin"], events[0].data["isOutgoing"]) == (5, origin, True)


def test_what_is_written_in_saved_messages_is_sent() -> None:
    note = tl.Message(5, tl.PeerUser(ME), WHEN, "note", from_id=tl.PeerUser(ME))
    assert named(tell(new(note)).events) == ["message.sent"]


@pytest.mark.parametrize("chat", PEERS)
def test_an_edit_is_one_by_what_it_says_whatever_way_it_comes(chat: int) -> None:
    first, again = (
        tell(edit(a_message(chat, edit_date=WHEN), pts), at=at).events for pts, at in ((9, AT), (0, AT + 9))
    )
    other = tell(edit(a_message(chat, edit_date=WHEN, message="ho"))).events
    assert named(first) == ["message.edited"]
    assert first[0].data["editDate"] == UNIX
    assert first[0].id == again[0].id != other[0].id, "two edits within a second are two"
    assert not tell(edit(a_message(chat, edit_date=WHEN, edit_hide=True))).events


def test_a_deletion_is_told_by_its_numbers() -> None:
    here = tell(tl.UpdateDeleteMessages([3, 2], 9, 2)).events
    there = tell(tl.UpdateDeleteChannelMessages(42, [3, 2], 9, 2), origin="api").events
    assert dict(here[0].data) == {"deletedIds": [2, 3]}
    assert dict(there[0].data) == {"deletedIds": [2, 3], "chatId": str(SUPERGROUP), "origin": "api"}
    assert here[0].id == tell(tl.UpdateDeleteMessages([2, 3], 11, 2), at=AT + 5).events[0].id
    assert here[0].id != there[0].id


READS = [
    (tl.UpdateReadHistoryInbox(PEERS[ANN], 8, 1, 9, 1), ANN, "inbox", None),
    (tl.UpdateReadHistoryInbox(PEERS[GROUP], 8, 1, 9, 1), GROUP, "inbox", None),
    (tl.UpdateReadHistoryOutbox(PEERS[ANN], 8, 9, 1), ANN, "outbox", None),
    (tl.UpdateReadChannelInbox(43, 8, 1, 9), CHANNEL, "inbox", None),
    (tl.UpdateReadChannelOutbox(42, 8), SUPERGROUP, "outbox", None),
    (tl.UpdateReadChannelDiscussionInbox(42, 4, 8), SUPERGROUP, "inbox", 4),
    (tl.UpdateReadChannelDiscussionOutbox(42, 4, 8), SUPERGROUP, "outbox", 4),
]


@pytest.mark.parametrize(("update", "chat", "direction", "thread"), READS)
def test_reading_is_told_of_both_sides_and_of_threads(update: Any, chat: int, direction: str, thread: Any) -> None:
    (event,) = tell(update).events
    assert event.type.value == "message.read"
    data = event.data
    assert (data["chatId"], data["direction"], data["maxId"]) == (str(chat), direction, 8)
    assert data.get("threadId") == thread
    assert ("origin" in data) is (direction == "inbox")


@pytest.mark.parametrize("chat", PEERS)
def test_reactions_pins_and_scheduled_messages(chat: int) -> None:
    reactions = tl.MessageReactions([tl.ReactionCount(tl.ReactionEmoji("👍"), 2, chosen_order=0)])
    (event,) = tell(tl.UpdateMessageReactions(PEERS[chat], 5, reactions)).events
    assert event.type.value == "message.reaction"
    assert event.data["reactions"] == [{"count": 2, "emoji": "👍", "chosen": True}]
    if isinstance(PEERS[chat], tl.PeerChannel):
        pin: Any = tl.UpdatePinnedChannelMessages(PEERS[chat].channel_id, [5], 9, 1, pinned=True)
    else:
        pin = tl.UpdatePinnedMessages(PEERS[chat], [5], 9, 1, pinned=True)
    (event,) = tell(pin).events
    assert (event.type.value, event.data["messageIds"], event.data["pinned"]) == ("message.pinned", [5], True)
    first = tell(tl.UpdateNewScheduledMessage(a_message(chat, out=True))).events
    changed = tell(tl.UpdateNewScheduledMessage(a_message(chat, out=True, message="else"))).events
    assert named([*first, *changed]) == ["message.scheduled"] * 2
    assert first[0].id != changed[0].id


IN_GROUPS = (GROUP, SUPERGROUP)
SERVICE = [
    (chat, action, suffix, data)
    for chat in IN_GROUPS
    for action, suffix, data in [
        (tl.MessageActionChatAddUser([BOB]), "member_joined", {"userId": "3", "inviterId": "2"}),
        (tl.MessageActionChatAddUser([ANN]), "member_joined", {"userId": "2"}),
        (tl.MessageActionChatJoinedByLink(BOB), "member_joined", {"userId": "2", "inviterId": "3"}),
        (tl.MessageActionChatJoinedByRequest(), "member_joined", {"userId": "2"}),
        (tl.MessageActionChatDeleteUser(BOB), "member_left", {"userId": "3", "actorId": "2"}),
        (tl.MessageActionChatEditTitle("new"), "updated", {"title": "new"}),
        (tl.MessageActionChatDeletePhoto(), "updated", {"photo": False}),
        (tl.MessageActionChatEditPhoto(tl.PhotoEmpty(8)), "updated", {"photo": True}),
    ]
]
SERVICE += [
    (GROUP, tl.MessageActionChatCreate("t", [ANN, BOB]), "created", {"title": "t"}),
    (SUPERGROUP, tl.MessageActionChannelCreate("t"), "created", {"title": "t"}),
    (SUPERGROUP, tl.MessageActionChannelMigrateFrom("t", 7), "created", {"migratedFrom": str(GROUP)}),
    (GROUP, tl.MessageActionChatMigrateTo(42), "updated", {"migratedTo": str(SUPERGROUP)}),
    (CHANNEL, tl.MessageActionChannelCreate("t"), "created", {"title": "t"}),
    (CHANNEL, tl.MessageActionChatEditTitle("t"), "updated", {"title": "t"}),
    (ANN, tl.MessageActionSetMessagesTTL(60), "updated", {"ttlSeconds": 60}),
]
OF_GROUPS = {"member_joined": "member_added", "member_left": "member_removed"}


@pytest.mark.parametrize(("chat", "action", "suffix", "data"), SERVICE)
def test_service_messages_tell_of_chats_and_members(chat: int, action: Any, suffix: str, data: dict[str, Any]) -> None:
    events = tell(new(a_service(chat, action))).events
    family = {ANN: [], CHANNEL: [f"channel.{suffix}"]}.get(chat, [f"group.{OF_GROUPS.get(suffix, suffix)}"])
    assert named(events) == [f"chat.{suffix}", *family]
    assert data.items() <= dict(events[0].data).items()
    assert (events[0].data["chatId"], events[0].chat_id) == (str(chat), chat)
    again = tell(new(a_service(chat, action), pts=0), at=AT + 77).events
    assert [event.id for event in again] == [event.id for event in events]


@pytest.mark.parametrize("chat", [GROUP])
def test_what_service_messages_tell_is_not_told_again(chat: int) -> None:
    for update in (
        tl.UpdateChatParticipantAdd(7, BOB, ANN, WHEN, 2),
        tl.UpdateChatParticipantDelete(7, BOB, 2),
        tl.UpdateChatParticipants(tl.ChatParticipantsForbidden(7)),
    ):
        assert not tell(update).events


@pytest.mark.parametrize(("bare", "chat", "family"), [(42, SUPERGROUP, "group"), (43, CHANNEL, "channel")])
def test_a_channel_that_looks_different_is_told_once(bare: int, chat: int, family: str) -> None:
    update = tl.UpdateChannel(bare)

    def types(look: Any) -> list[str]:
        told = tell(update, everybody={chat: look})
        after = FACES | {face.chat_id: face for face in told.faces}
        assert not tell(update, everybody={chat: look}, faces=after).events, "the face is stored with the event"
        return named(told.events)

    assert types(a_channel(bare)) == []
    assert types(a_channel(bare, username="new")) == ["chat.updated", f"{family}.updated"]
    gone = types(a_channel(bare, left=True))
    assert "chat.member_left" in gone
    assert "chat.deleted" in gone
    assert f"{family}.deleted" in gone
    assert ("group.member_removed" in gone) is (family == "group")
    forbidden = tl.ChannelForbidden(bare, 5, "c", broadcast=bare == 43, megagroup=bare == 42)
    assert f"{family}.deleted" in types(forbidden)
    assert types(a_channel(bare, admin_rights=tl.ChatAdminRights())) == ["group.admin_changed"]


def test_leaving_a_supergroup_is_not_told_twice_by_its_message() -> None:
    assert not tell(new(a_service(SUPERGROUP, tl.MessageActionChatDeleteUser(ME), by=ME, out=True))).events


def test_a_channel_whose_message_is_the_first_to_be_seen_was_not_joined_just_now() -> None:
    told = tell(new(a_service(CHANNEL, tl.MessageActionChatEditTitle("t"))), faces={})
    assert named(told.events) == ["chat.updated", "channel.updated"]
    joined = tell(tl.UpdateChannel(43), faces={})
    assert named(joined.events) == ["chat.member_joined"]


def test_admins_and_default_rights() -> None:
    (event,) = tell(tl.UpdateChatParticipantAdmin(7, BOB, True, 4)).events
    assert event.type.value == "group.admin_changed"
    assert (event.data["userId"], event.data["isAdmin"]) == (str(BOB), True)
    admin = tl.ChannelParticipantAdmin(BOB, ANN, WHEN, tl.ChatAdminRights())
    update = tl.UpdateChannelParticipant(42, WHEN, ANN, BOB, 3, new_participant=admin)
    (event,) = tell(update).events
    assert (event.data["actorId"], event.data["isAdmin"]) == (str(ANN), True)
    rights = tl.UpdateChatDefaultBannedRights(PEERS[GROUP], tl.ChatBannedRights(None, send_polls=True), 3)
    events = tell(rights).events
    assert named(events) == ["chat.updated", "group.updated"]
    assert events[0].data["permissions"]["sendPolls"] is False


def test_a_users_status_is_told_once_in_thirty_seconds() -> None:
    teller = a_teller()
    found = []
    for second, status in [
        (0, tl.UserStatusOnline(WHEN)),
        (10, tl.UserStatusOffline(WHEN)),
        (31, tl.UserStatusRecently()),
    ]:
        told = teller.tell(tl.UpdateUserStatus(ANN, status), {}, {}, at=AT + second * 1000, origin="device")
        found += [event.data["status"] for event in told.events]
    assert found == ["online", "recently"]


TYPING = [
    (tl.UpdateUserTyping(ANN, tl.SendMessageTypingAction()), ANN),
    (tl.UpdateChatUserTyping(7, PEERS[ANN], tl.SendMessageTypingAction()), GROUP),
    (tl.UpdateChannelUserTyping(42, PEERS[ANN], tl.SendMessageTypingAction()), SUPERGROUP),
]


@pytest.mark.parametrize(("update", "chat"), TYPING)
def test_typing_is_told_in_every_kind_of_chat(update: Any, chat: int) -> None:
    (event,) = tell(update).events
    assert dict(event.data) == {"userId": str(ANN), "chatId": str(chat), "action": "typing"}


def test_names_and_numbers_of_people() -> None:
    events = tell(tl.UpdateUserName(ANN, "Ann", "B", [tl.Username("annb", active=True)])).events
    assert named(events) == ["user.profile_updated", "chat.updated"]
    assert dict(events[0].data) == {"userId": "2", "firstName": "Ann", "lastName": "B", "username": "annb"}
    event, chat = tell(tl.UpdateUser(ANN)).events
    assert chat.type == "chat.updated"
    assert (event.type.value, event.data["username"]) == ("user.profile_updated", "ann")
    (event,) = tell(tl.UpdateUserPhone(ANN, "1555")).events
    assert event.data["phone"] == "+1555"


def test_the_raw_form_comes_beside_and_only_when_asked_for() -> None:
    update = new(a_message(ANN))
    told = a_teller(wants_raw=lambda: True).tell(update, EVERYBODY, FACES, at=AT, origin="device")
    assert named(told.events) == ["message.received", "raw.update"]
    assert told.events[1].data["update"]["_"] == "updateNewMessage"
    json.dumps(dict(told.events[1].data))


# -- anything ---------------------------------------------------------------------------------------------

UPDATES = sorted(
    (held for name, held in vars(tl).items() if name.startswith("Update") and inspect.isclass(held)),
    key=lambda held: held.__name__,
)
ODD = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.text(max_size=5),
    st.booleans(),
    st.lists(st.integers(0, 9), max_size=3),
    st.just(WHEN),
    st.just(WHEN + timedelta(days=1)),
    st.sampled_from([*PEERS.values(), *EVERYBODY.values(), a_message(ANN), a_service(GROUP, None)]),
    st.sampled_from(
        [tl.MessageEmpty(4, PEERS[ANN]), tl.UserStatusEmpty(), tl.MessageReactions([]), tl.ChatBannedRights(None)]
    ),
)


@st.composite
def odd_updates(draw: st.DrawFn) -> Any:
    kind = draw(st.sampled_from(UPDATES))
    names = list(inspect.signature(kind.__init__).parameters)[1:]
    try:
        return kind(**{name: draw(ODD) for name in names if name not in ("args", "kwargs")})
    except (TypeError, ValueError, AttributeError):
        return kind.__new__(kind)


@settings(max_examples=300, deadline=None)
@given(odd_updates(), st.booleans())
def test_no_update_however_odd_raises(update: Any, raw: bool) -> None:
    told = a_teller(wants_raw=lambda: raw).tell(update, EVERYBODY, FACES, at=AT, origin="device")
    for event in told.events:
        assert event.id.startswith("evt_")


def test_the_raw_form_has_the_schemas_fields_and_nothing_of_telethons() -> None:
    """Telethon's own messages keep their chat and sender beside the fields."""
    message = tl.Message(7, tl.PeerUser(ANN), date=WHEN, message="hi")
    told = plain_of(tl.UpdateNewMessage(message, pts=5, pts_count=1))
    assert told["message"].items() >= {"_": "message", "id": 7, "message": "hi"}.items()
    assert [key for key in told["message"] if key.startswith("_")] == ["_"]
