"""What Telegram says of a message, in our words: every kind of media, service messages, forwards, replies."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telethon.tl import types as tl

from teleflow.model.entities import Entity
from teleflow.model.media import FileKind, FileRef
from teleflow.model.messages import Forwarded, Message, Reaction
from teleflow.telegram.convert.media import media_from
from teleflow.telegram.convert.messages import message_from, messages_from
from teleflow.telegram.convert.plain import plain

ME, ANN, CHANNEL = 1, 2, -1000000000042
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UNIX = int(AT.timestamp())


def a_message(**fields: Any) -> Any:
    return tl.Message(**{"id": 5, "peer_id": tl.PeerUser(ANN), "date": AT, "message": "hi", **fields})


def converted(**fields: Any) -> Message:
    return message_from(a_message(**fields), ME)


def test_who_sent_it_is_told_also_where_telegram_leaves_it_out() -> None:
    assert converted().sender_id == ANN
    assert converted(out=True).sender_id == ME
    assert converted(peer_id=tl.PeerUser(ME)).sender_id == ME
    assert converted(peer_id=tl.PeerChannel(42), post=True).sender_id == CHANNEL
    assert converted(peer_id=tl.PeerChannel(42), from_id=tl.PeerUser(ANN)).sender_id == ANN
    assert converted(peer_id=tl.PeerChat(7), from_id=tl.PeerUser(ANN)).chat_id == -7


def test_dates_and_marks() -> None:
    message = converted(edit_date=AT, pinned=True, silent=True, views=3, grouped_id=9, via_bot_id=8, post_author="A")
    assert (message.date, message.edit_date, message.pinned, message.silent) == (UNIX, UNIX, True, True)
    assert (message.views, message.grouped_id, message.via_bot_id, message.author) == (3, 9, 8, "A")
    assert converted(edit_date=AT, edit_hide=True).edit_date is None, "an edit that is not shown is none"


def test_replies_topics_and_threads() -> None:
    header = tl.MessageReplyHeader
    assert converted(reply_to=header(reply_to_msg_id=4)).reply_to_msg_id == 4
    elsewhere = converted(reply_to=header(reply_to_msg_id=4, reply_to_peer_id=tl.PeerChannel(42), quote_text="q"))
    assert (elsewhere.reply_to_chat_id, elsewhere.quote) == (CHANNEL, "q")
    in_topic = converted(reply_to=header(reply_to_msg_id=4, forum_topic=True))
    assert (in_topic.topic_id, in_topic.reply_to_msg_id) == (4, None), "a message in a topic is no reply to it"
    reply = converted(reply_to=header(reply_to_msg_id=9, reply_to_top_id=4, forum_topic=True))
    assert (reply.topic_id, reply.reply_to_msg_id) == (4, 9)
    assert converted(reply_to=header(reply_to_msg_id=9, reply_to_top_id=4)).thread_id == 4
    story = converted(reply_to=tl.MessageReplyStoryHeader(tl.PeerUser(ANN), 6))
    assert (story.reply_to_chat_id, story.reply_to_story_id) == (ANN, 6)


def test_forwards_tell_what_is_known() -> None:
    known = tl.MessageFwdHeader(date=AT, from_id=tl.PeerChannel(42), channel_post=3, post_author="Ed")
    assert converted(fwd_from=known).forward == Forwarded(UNIX, CHANNEL, None, 3, "Ed")
    hidden = tl.MessageFwdHeader(date=AT, from_name="Somebody")
    assert converted(fwd_from=hidden).forward == Forwarded(UNIX, None, "Somebody")


def test_reactions_and_entities() -> None:
    reactions = tl.MessageReactions(
        [
            tl.ReactionCount(tl.ReactionEmoji("👍"), 2, chosen_order=0),
            tl.ReactionCount(tl.ReactionCustomEmoji(2**60), 1),
            tl.ReactionCount(tl.ReactionPaid(), 4),
        ]
    )
    assert converted(reactions=reactions).reactions == (
        Reaction(2, emoji="👍", chosen=True),
        Reaction(1, custom_emoji_id=2**60),
        Reaction(4),
    )
    entities = [tl.MessageEntityBold(0, 2), tl.MessageEntityTextUrl(1, 1, "https://x.y")]
    assert converted(entities=entities).entities == (Entity("bold", 0, 2), Entity("text_link", 1, 1, url="https://x.y"))


def document(*attributes: Any, mime: str = "application/zip") -> Any:
    return tl.Document(7, 8, b"ref", AT, mime, 1234, 2, list(attributes))


VIDEO = {"duration": 1.5, "w": 640, "h": 480}


@pytest.mark.parametrize(
    ("attributes", "mime", "kind"),
    [
        ((), "application/zip", "document"),
        ((tl.DocumentAttributeVideo(**VIDEO),), "video/mp4", "video"),
        ((tl.DocumentAttributeVideo(**VIDEO, round_message=True),), "video/mp4", "video_note"),
        ((tl.DocumentAttributeVideo(**VIDEO), tl.DocumentAttributeAnimated()), "video/mp4", "gif"),
        ((tl.DocumentAttributeAudio(3, voice=True),), "audio/ogg", "voice"),
        ((tl.DocumentAttributeAudio(3, title="T", performer="P"),), "audio/mpeg", "audio"),
        ((tl.DocumentAttributeSticker("🦊", tl.InputStickerSetEmpty()),), "image/webp", "sticker"),
        (
            (tl.DocumentAttributeSticker("🦊", tl.InputStickerSetEmpty()), tl.DocumentAttributeVideo(**VIDEO)),
            "video/webm",
            "sticker",
        ),
        ((tl.DocumentAttributeCustomEmoji("🦊", tl.InputStickerSetEmpty()),), "image/webp", "sticker"),
    ],
)
def test_what_kind_of_file_it_is(attributes: tuple[Any, ...], mime: str, kind: str) -> None:
    name = tl.DocumentAttributeFilename("x.bin")
    media = media_from(tl.MessageMediaDocument(document=document(*attributes, name, mime=mime)))
    assert media is not None
    assert (media.type, media.file_name, media.mime_type, media.file_size) == (kind, "x.bin", mime, 1234)
    assert media.file == FileRef(FileKind.DOCUMENT, 7, 8, b"ref", 2, size=1234, mime_type=mime, name="x.bin")


def test_a_video_and_an_audio_have_their_measures() -> None:
    video = media_from(tl.MessageMediaDocument(document=document(tl.DocumentAttributeVideo(**VIDEO)), spoiler=True))
    assert video is not None
    assert (video.width, video.height, video.duration, video.spoiler) == (640, 480, 1.5, True)
    audio = media_from(
        tl.MessageMediaDocument(document=document(tl.DocumentAttributeAudio(3, title="T", performer="P")))
    )
    assert audio is not None
    assert (audio.duration, audio.details) == (3, {"title": "T", "performer": "P"})


def test_a_photo_is_told_by_its_largest_size() -> None:
    sizes = [
        tl.PhotoStrippedSize("i", b"x"),
        tl.PhotoSize("m", 320, 200, 100),
        tl.PhotoSizeProgressive("y", 1280, 800, [10, 500]),
    ]
    media = media_from(tl.MessageMediaPhoto(photo=tl.Photo(1, 2, b"r", AT, sizes, 4)))
    assert media is not None
    assert media.file == FileRef(FileKind.PHOTO, 1, 2, b"r", 4, "y", size=500, mime_type="image/jpeg", thumbs=("m",))
    assert (media.width, media.height, media.file_size) == (1280, 800, 500)


def test_what_has_destroyed_itself_is_told_as_gone() -> None:
    photo = media_from(tl.MessageMediaPhoto(ttl_seconds=5))
    voice = media_from(tl.MessageMediaDocument(voice=True, ttl_seconds=5))
    assert photo is not None
    assert voice is not None
    assert [(one.type, one.expired, one.file) for one in (photo, voice)] == [
        ("photo", True, None),
        ("voice", True, None),
    ]


POINT = tl.GeoPoint(long=2.5, lat=1.5, access_hash=99, accuracy_radius=10)
TEXT = tl.TextWithEntities
POLL = tl.Poll(2**60, TEXT("Which?", []), [tl.PollAnswer(TEXT("A", []), b"0"), tl.PollAnswer(TEXT("B", []), b"1")], 0)
RESULTS = tl.PollResults(results=[tl.PollAnswerVoters(b"1", chosen=True, voters=3)], total_voters=3)
PLACE = {"latitude": 1.5, "longitude": 2.5, "accuracy": 10}

OTHERS: list[tuple[Any, str, dict[str, Any]]] = [
    (
        tl.MessageMediaContact("+1555", "Ann", "Fox", "", ANN),
        "contact",
        {"phoneNumber": "+1555", "firstName": "Ann", "lastName": "Fox", "userId": "2"},
    ),
    (tl.MessageMediaGeo(POINT), "location", PLACE),
    (tl.MessageMediaGeoLive(POINT, 60, heading=90), "live_location", {**PLACE, "period": 60, "heading": 90}),
    (
        tl.MessageMediaVenue(POINT, "Café", "Road 1", "foursquare", "id", "food"),
        "venue",
        {**PLACE, "title": "Café", "address": "Road 1", "provider": "foursquare", "venueId": "id", "venueType": "food"},
    ),
    (
        tl.MessageMediaPoll(POLL, RESULTS),
        "poll",
        {
            "id": str(2**60),
            "question": "Which?",
            "options": [{"text": "A"}, {"text": "B", "voters": 3, "chosen": True}],
            "closed": False,
            "quiz": False,
            "multiple": False,
            "anonymous": True,
            "totalVoters": 3,
        },
    ),
    (tl.MessageMediaDice(6, "🎲"), "dice", {"emoji": "🎲", "value": 6}),
    (
        tl.MessageMediaGame(tl.Game(1, 2, "chess", "Chess", "Play", tl.PhotoEmpty(1))),
        "game",
        {"title": "Chess", "description": "Play", "shortName": "chess"},
    ),
    (
        tl.MessageMediaInvoice("Tea", "Green", "EUR", 500, "start"),
        "invoice",
        {"title": "Tea", "description": "Green", "currency": "EUR", "totalAmount": 500},
    ),
    (
        tl.MessageMediaWebPage(tl.WebPage(1, "https://x.y", "x.y", 0, title="T", site_name="S")),
        "web_page",
        {"url": "https://x.y", "siteName": "S", "title": "T"},
    ),
    (tl.MessageMediaStory(tl.PeerUser(ANN), 6), "story", {"chatId": "2", "storyId": 6}),
    (tl.MessageMediaPaidMedia(50, [tl.MessageExtendedMediaPreview()]), "paid_media", {"stars": 50, "count": 1}),
    (tl.MessageMediaUnsupported(), "unsupported", {}),
]


@pytest.mark.parametrize(("media", "kind", "details"), OTHERS, ids=[row[1] for row in OTHERS])
def test_media_that_are_no_files(media: Any, kind: str, details: dict[str, Any]) -> None:
    told = media_from(media)
    assert told is not None
    assert (told.type, told.details) == (kind, details)


def test_no_media_is_none() -> None:
    assert media_from(None) is None
    assert media_from(tl.MessageMediaEmpty()) is None


def service(action: Any, **fields: Any) -> dict[str, Any]:
    message = tl.MessageService(
        **{"id": 5, "peer_id": tl.PeerChat(7), "date": AT, "from_id": tl.PeerUser(ANN), "action": action, **fields}
    )
    told = message_from(message, ME)
    assert told.text == ""
    assert told.service is not None
    return dict(told.service)


def test_service_messages_tell_what_happened() -> None:
    assert service(tl.MessageActionChatAddUser([3, 4])) == {"action": "chat_add_user", "userIds": ["3", "4"]}
    assert service(tl.MessageActionChatDeleteUser(3)) == {"action": "chat_delete_user", "userId": "3"}
    assert service(tl.MessageActionChatCreate("G", [3])) == {"action": "chat_create", "title": "G", "userIds": ["3"]}
    assert service(tl.MessageActionChatEditTitle("New")) == {"action": "chat_edit_title", "title": "New"}
    assert service(tl.MessageActionChatJoinedByLink(3)) == {"action": "chat_joined_by_link", "inviterId": "3"}
    assert service(tl.MessageActionChatMigrateTo(42)) == {"action": "chat_migrate_to", "chatId": str(CHANNEL)}
    assert service(tl.MessageActionChannelMigrateFrom("G", 7)) == {
        "action": "channel_migrate_from",
        "chatId": "-7",
        "title": "G",
    }
    assert service(tl.MessageActionPinMessage()) == {"action": "pin_message"}
    call = tl.MessageActionPhoneCall(2**60, video=True, reason=tl.PhoneCallDiscardReasonBusy(), duration=4)
    assert service(call) == {
        "action": "phone_call",
        "callId": str(2**60),
        "video": True,
        "reason": "busy",
        "duration": 4,
    }


_SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(-(2**63), 2**63 - 1),
    "str": st.text(max_size=10),
    "bool": st.booleans(),
    "bytes": st.binary(max_size=4),
    "float": st.floats(allow_nan=False),
}
ACTIONS = [getattr(tl, name) for name in dir(tl) if name.startswith("MessageAction")]


@given(st.data(), st.sampled_from(ACTIONS))
def test_whatever_happened_can_be_told(data: st.DataObject, kind: type[Any]) -> None:
    given_: dict[str, Any] = {}
    for name, parameter in inspect.signature(kind).parameters.items():
        written = inspect.formatannotation(parameter.annotation)
        optional = written.startswith("Optional[")
        simple = _SIMPLE.get(written.removeprefix("Optional[").removesuffix("]") if optional else written)
        if optional:
            given_[name] = data.draw(st.none() | simple) if simple is not None else None
        else:
            given_[name] = data.draw(simple) if simple is not None else _stand_in(written)
    told = service(kind(**given_))
    assert isinstance(told["action"], str)
    assert plain(list(told.values())) is not None


def _stand_in(annotation: str) -> Any:
    if "List" in annotation:
        return []
    if "datetime" in annotation:
        return AT
    return tl.PeerUser(ANN) if "Peer" in annotation else tl.PhotoEmpty(3)


def test_gaps_are_left_out() -> None:
    assert [one.id for one in messages_from([tl.MessageEmpty(4, None), a_message()], ME)] == [5]


@given(st.integers(-(2**63), 2**63 - 1))
def test_numbers_are_exact_or_text(number: int) -> None:
    told = plain(number)
    assert int(told) == number
    assert isinstance(told, str) or abs(told) < 2**53
