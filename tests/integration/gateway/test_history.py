"""Messages that are there, over `/api/v1`, for each kind of chat; the sandbox says what really happened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.gateway.chat_rig import ANN, BOB, KINDS, Scene, scene


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path / "data") as made:
        yield made


async def test_the_history_is_newest_first_and_pages_both_ways(at: Scene) -> None:
    for kind in KINDS:
        await _the_history_is_newest_first_and_pages_both_ways(at, kind)


async def _the_history_is_newest_first_and_pages_both_ways(at: Scene, kind: str) -> None:
    chat = str(at.chats[kind])
    ids = [await at.say(kind, f"text {number}") for number in range(12)]
    newest = await at.get("/messages/history", chatId=chat, limit=5)
    assert [one["id"] for one in newest] == ids[:-6:-1]
    sender = chat if kind == "channel" else str(at.ids["Ann"])
    first = newest[0]
    assert (first["chatId"], first["senderId"], first["text"]) == (chat, sender, "text 11")
    assert first["isOutgoing"] is True
    older = await at.get("/messages/history", chatId=chat, limit=5, offsetId=newest[-1]["id"])
    assert [one["id"] for one in older] == ids[6:1:-1]
    newer = await at.get("/messages/history", chatId=chat, limit=3, afterId=ids[4])
    assert [one["id"] for one in newer] == ids[7:4:-1], "the nearest ones after it"
    assert await at.get("/messages/history", chatId=chat, afterId=ids[-1]) == []
    error = await at.get("/messages/history", status=422, chatId=chat, afterId=1, offsetId=1)
    assert error["details"] == {"field": "afterId"}


async def test_a_message_is_edited_read_reacted_to_pinned_and_deleted(at: Scene) -> None:
    for kind in KINDS:
        await _a_message_is_edited_read_reacted_to_pinned_and_deleted(at, kind)


async def _a_message_is_edited_read_reacted_to_pinned_and_deleted(at: Scene, kind: str) -> None:
    chat = at.chats[kind]
    number = await at.say(kind, "frist")
    on = {"chatId": chat, "messageId": number}

    edited = await at.post("/messages/edit", **on, text="**first** 🦊", parseMode="markdown")
    assert (edited["id"], edited["text"]) == (number, "first 🦊")
    assert edited["editDate"] >= edited["date"]
    assert edited["entities"] == [{"type": "bold", "offset": 0, "length": 5}]
    assert at.history_of(kind)[-1].text == "first 🦊"

    assert await at.post("/messages/react", **on, emoji="👍") == {"reacted": True, "messageId": number, "emoji": "👍"}
    (shown, *_) = await at.get("/messages/history", chatId=chat, limit=1)
    assert shown["reactions"] == [{"count": 1, "emoji": "👍", "chosen": True}]
    assert (await at.post("/messages/react", **on, emoji=""))["reacted"] is False
    assert await at.drop("/messages/react", **on) == {"reacted": False, "messageId": number, "emoji": ""}
    (shown, *_) = await at.get("/messages/history", chatId=chat, limit=1)
    assert "reactions" not in shown

    assert await at.post("/messages/pin", **on) == {"pinned": True, "messageId": number}
    pinned = await at.get(f"/chats/{chat}")
    assert pinned["pinnedMsgId"] == number
    assert await at.post("/messages/pin", **on) == {"pinned": True, "messageId": number}, "twice is no error"
    assert await at.post("/messages/unpin", **on) == {"unpinned": True, "messageId": number}
    assert "pinnedMsgId" not in await at.get(f"/chats/{chat}")

    assert await at.post("/messages/delete", chatId=chat, messageIds=[number]) == {"deletedIds": [number]}
    assert all(one.text != "first 🦊" for one in at.history_of(kind))
    if kind == "private":
        assert "delete" in at.updates(BOB), "for everyone"


async def test_a_chat_is_read_and_typed_in(at: Scene) -> None:
    for kind in KINDS:
        await _a_chat_is_read_and_typed_in(at, kind)


async def _a_chat_is_read_and_typed_in(at: Scene, kind: str) -> None:
    chat = at.chats[kind]
    by = ANN if kind == "channel" else BOB
    for number in range(3):
        await at.say(kind, f"unread {number}", by=by)
    if kind != "channel":
        assert (await at.get(f"/chats/{chat}"))["unreadCount"] == 3
    assert await at.post("/messages/read", chatId=str(chat)) == {"read": True, "chatId": str(chat)}
    assert (await at.get(f"/chats/{chat}"))["unreadCount"] == 0
    if kind != "channel":
        assert await at.post("/messages/typing", chatId=chat) == {"typing": True, "chatId": str(chat)}
        assert at.calls("messages.setTyping") == KINDS.index(kind) + 1
    error = await at.post("/messages/typing", status=422, chatId=chat, action="dancing")
    assert error["details"]["field"] == "action"


async def test_ids_of_other_chats_are_not_found_and_nothing_happens_to_them(at: Scene) -> None:
    for kind in KINDS:
        await _ids_of_other_chats_are_not_found_and_nothing_happens_to_them(at, kind)


async def _ids_of_other_chats_are_not_found_and_nothing_happens_to_them(at: Scene, kind: str) -> None:
    chat = at.chats[kind]
    other = "group" if kind == "private" else "private"
    await at.say(kind, "here")
    elsewhere = await at.say(other, "of another chat")
    unknown = elsewhere if kind in {"private", "group"} else 4_000
    for number in {unknown, 4_000_000}:
        for path, more in (
            ("edit", {"messageId": number, "text": "x"}),
            ("react", {"messageId": number, "emoji": "👍"}),
            ("pin", {"messageId": number}),
            ("unpin", {"messageId": number}),
            ("delete", {"messageIds": [number]}),
        ):
            error = await at.post(f"/messages/{path}", status=404, chatId=chat, **more)
            assert error["code"] == "MESSAGE_NOT_FOUND", (path, error)
    assert at.history_of(other)[-1].text == "of another chat"
    assert at.history_of(kind)[-1].text == "here"


async def test_somebody_else_s_message_can_t_be_edited(at: Scene) -> None:
    number = await at.say("supergroup", "Bob's", by=BOB)
    error = await at.post("/messages/edit", status=403, chatId=at.chats["supergroup"], messageId=number, text="x")
    assert error["code"] == "MESSAGE_AUTHOR_REQUIRED"


async def test_service_messages_and_replies_are_told(at: Scene) -> None:
    created = (await at.get("/messages/history", chatId=at.chats["group"]))[-1]
    assert created["text"] == ""
    assert created["service"]["action"] == "chat_create"
    assert set(created["service"]["userIds"]) >= {str(at.ids["Bob"]), str(at.ids["Eve"])}
    first = await at.say("supergroup", "question")
    await at.act(BOB, "send", to=at.chats["supergroup"], text="answer", replyTo=first)
    answer = (await at.get("/messages/history", chatId=at.chats["supergroup"], limit=1))[0]
    assert (answer["replyToMsgId"], answer["senderId"]) == (first, str(at.ids["Bob"]))


async def test_a_forward_says_where_it_is_from(at: Scene) -> None:
    number = await at.say("channel", "news")
    await at.act(ANN, "forward", **{"from": at.chats["channel"], "to": at.chats["group"], "messageIds": [number]})
    shown = (await at.get("/messages/history", chatId=at.chats["group"], limit=1))[0]
    assert shown["forwardFrom"] == str(at.chats["channel"])
    assert shown["forward"]["messageId"] == number


async def test_bad_values_are_told_by_field(at: Scene) -> None:
    chat = at.chats["private"]
    for limit in ("0", "101", "-1", "x", "1e3"):
        await at.get("/messages/history", status=422, chatId=chat, limit=limit)
    error = await at.get("/messages/history", status=422, chatId="not a chat")
    assert error["details"] == {"field": "chatId"}
    for body in (
        {"chatId": chat, "messageId": "5", "text": "x"},
        {"chatId": chat, "messageId": 0, "text": "x"},
        {"chatId": chat, "messageId": 1, "text": ""},
        {"chatId": chat, "messageId": 1, "text": "x", "parseMode": "bbcode"},
        {"chatId": {"$ne": None}, "messageId": 1, "text": "x"},
    ):
        await at.post("/messages/edit", status=422, **body)
    html = {"chatId": chat, "messageId": 1, "text": "<b>x", "parseMode": "html"}
    assert (await at.post("/messages/edit", status=422, **html))["code"] == "ENTITY_INVALID"
    await at.post("/messages/delete", status=422, chatId=chat, messageIds=[])


async def test_a_session_that_is_not_one_s_own_does_not_exist(at: Scene) -> None:
    for session in ("ses_unknown", ""):
        error = await at.get("/messages/history", status=422 if not session else 404, sessionId=session, chatId=1)
        assert error["code"] == ("SESSION_NOT_FOUND" if session else "VALIDATION_ERROR")
    eve = await at.rig.user("eve", "+15550009")
    at.headers = eve
    assert (await at.get("/messages/history", status=404, chatId="me"))["code"] == "SESSION_NOT_FOUND"
    assert (await at.post("/messages/read", status=404, chatId="me"))["code"] == "SESSION_NOT_FOUND"


async def test_what_waits_is_listed_edited_cancelled_and_sent_now(at: Scene) -> None:
    for kind in KINDS:
        chat = at.chats[kind]
        soon = int(at.rig.gateway.clock.time()) + 3_600
        for number in (2, 1, 3):
            await at.schedule(kind, f"{kind} {number}", soon + number)
        waiting = await at.get("/messages/scheduled", chatId=chat)
        assert [one["text"] for one in waiting] == [f"{kind} {number}" for number in (1, 2, 3)], "soonest first"
        first, second, third = (one["id"] for one in waiting)
        assert waiting[0]["date"] == soon + 1
        edited = await at.post(
            "/messages/edit", chatId=chat, messageId=first, text="<i>soon</i>", parseMode="html", schedule=soon
        )
        assert (edited["id"], edited["text"], edited["date"]) == (first, "soon", soon)
        assert await at.drop("/messages/scheduled", chatId=chat, messageId=[second, 4_000_000]) == {
            "deletedIds": [second]
        }
        sent = await at.post("/messages/scheduled/send-now", chatId=chat, messageIds=[third])
        assert [one["text"] for one in sent] == [f"{kind} 3"]
        assert at.history_of(kind)[-1].text == f"{kind} 3"
        assert [one["text"] for one in await at.get("/messages/scheduled", chatId=chat)] == ["soon"]
        for number in (second, third):
            error = await at.drop("/messages/scheduled", status=404, chatId=chat, messageId=number)
            assert error["code"] == "MESSAGE_NOT_FOUND"
            await at.post("/messages/scheduled/send-now", status=404, chatId=chat, messageIds=[number])


async def test_extreme_values_have_answers_too(at: Scene) -> None:
    chat, last = at.chats["supergroup"], 2**31 - 1
    await at.get("/messages/history", chatId=chat, offsetId=last - 1, offsetDate=last - 1)
    assert await at.get("/messages/history", chatId=chat, afterId=last - 1) == []
    for name in ("offsetId", "afterId", "offsetDate"):
        await at.get("/messages/history", status=422, chatId=chat, **{name: 2**31})
    await at.drop("/messages/scheduled", status=422, chatId=chat, messageId=10**17)
    await at.drop("/messages/scheduled", status=404, chatId=chat, messageId=last)
    for emoji in (2**63, "9" * 19, "0", "x"):
        await at.post("/messages/react", status=422, chatId=chat, messageId=1, emoji="", customEmojiId=emoji)
    number = await at.say("supergroup", "here")
    for emoji in ("\x00", "no emoji at all", "\u200b"):
        error = await at.post("/messages/react", status=422, chatId=chat, messageId=number, emoji=emoji)
        assert error["code"] in {"REACTION_INVALID", "VALIDATION_ERROR"}, error
    await at.post("/chats/search", chatId=chat, query="% _ \x00 .*(a+)+$")
    await at.get(f"/chats/{chat}/members", offset=1_000_000)
    for written in (str(2**40 - 1), "-4000000000000", "-999999999999", "-1000000000001"):
        assert (await at.get(f"/chats/{written}", status=404))["code"] == "PEER_NOT_FOUND"
    mention = {"type": "mention_name", "offset": 0, "length": 1, "userId": "9" * 16}
    await at.post("/messages/edit", status=404, chatId=chat, messageId=1, text="x", entities=[mention])
