"""Sends over /api/v1: through the real service to a real data centre, and what becomes of them as jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.integration.gateway.rig import ANN, BOB, EVE, Rig, rigged


class Desk:
    """Ann, who is logged in, and her session."""

    def __init__(self, rig: Rig, headers: dict[str, str], session_id: str) -> None:
        self.rig = rig
        self.headers = headers
        self.session_id = session_id

    async def post(self, path: str, body: dict[str, Any] | None = None, **more: str) -> httpx2.Response:
        sent = {"sessionId": self.session_id, **(body or {})}
        return await self.rig.http.post(f"/api/v1{path}", headers={**self.headers, **more}, json=sent)

    async def get(self, path: str) -> Any:
        answer = await self.rig.http.get(f"/api/v1{path}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def send(self, text: str, to: str | int = BOB, **more: Any) -> httpx2.Response:
        return await self.post("/messages/send", {"chatId": to, "text": text, **more})

    async def later(self, text: str, to: str | int = BOB) -> dict[str, Any]:
        answer = await self.post("/messages/send?async=true", {"chatId": to, "text": text})
        assert answer.status_code == 202, answer.text
        return answer.json()["data"]

    async def job(self, job_id: str, *states: str) -> dict[str, Any]:
        """The job, once it is in one of these states."""
        async with asyncio.timeout(20):
            while True:
                job = await self.get(f"/jobs/{job_id}")
                if job["state"] in states:
                    return job
                await asyncio.sleep(0.02)

    async def waiting(self, job_id: str) -> dict[str, Any]:
        """The job, once it has a time at which it goes on."""
        async with asyncio.timeout(20):
            while True:
                job = await self.job(job_id, "queued", "sending")
                if "dueAt" in job:
                    return job
                await asyncio.sleep(0.02)  # a request inside the process never lets go of the loop by itself


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with rigged(tmp_path / "data", rate_limit_max=0) as rig:
        yield await seated(rig)


async def seated(rig: Rig) -> Desk:
    headers = await rig.connected("ann", ANN)
    user = await rig.gateway.storage.user_named("ann")
    session = await rig.gateway.storage.session_named(user.id, "ann")
    return Desk(rig, headers, session.id)


async def test_a_message_is_told_as_it_arrived(desk: Desk) -> None:
    answer = await desk.send("  hello ", silent=True)
    assert answer.status_code == 201, answer.text
    told = answer.json()["data"]
    (line,) = desk.rig.sandbox.control.ledger_messages(limit=10)
    bob = next(one["id"] for one in desk.rig.sandbox.control.accounts() if one["phone"] == BOB)
    ann = next(one["id"] for one in desk.rig.sandbox.control.accounts() if one["phone"] == ANN)
    assert (told["text"], told["chatId"], told["senderId"]) == ("hello", str(bob), str(ann))
    assert (told["isOutgoing"], told["silent"]) == (True, True)
    assert line["text"] == "hello"


@pytest.mark.parametrize("ref", [BOB, "me", "id", "@bob_the_builder", "https://t.me/bob_the_builder"])
async def test_a_chat_may_be_named_in_any_way(desk: Desk, ref: str) -> None:
    control = desk.rig.sandbox.control
    named = control.create_account({"phone": "+15550004", "firstName": "Bob", "username": "bob_the_builder"})
    if ref == "id":
        assert (await desk.send("first", to="@bob_the_builder")).status_code == 201
        ref = str(named["id"])
    answer = await desk.send("hi", to=ref)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    "written",
    [
        {"text": "**bold** and [a link](https://example.org/)", "parseMode": "markdown"},
        {"text": "<b>bold</b> and <a href='https://example.org/'>a link</a>", "parseMode": "html"},
        {
            "text": "bold and a link",
            "entities": [
                {"type": "bold", "offset": 0, "length": 4},
                {"type": "text_link", "offset": 9, "length": 6, "url": "https://example.org/"},
            ],
        },
    ],
    ids=["markdown", "html", "entities"],
)
async def test_a_text_is_formatted_however_that_is_written(desk: Desk, written: dict[str, Any]) -> None:
    answer = await desk.post("/messages/send", {"chatId": BOB, **written})
    assert answer.status_code == 201, answer.text
    told = answer.json()["data"]
    assert told["text"] == "bold and a link"
    assert told["entities"] == [
        {"type": "bold", "offset": 0, "length": 4},
        {"type": "text_link", "offset": 9, "length": 6, "url": "https://example.org/"},
    ]
    both = await desk.post(
        "/messages/send",
        {"chatId": BOB, **written, "parseMode": "html", "entities": [{"type": "bold", "offset": 0, "length": 1}]},
    )
    assert (both.status_code, both.json()["error"]["code"]) == (422, "VALIDATION_ERROR")


async def test_who_is_mentioned_by_id_is_addressed_or_named_in_the_error(desk: Desk) -> None:
    eve = (await desk.send("hello", to=EVE)).json()["data"]["chatId"]
    mention = {"type": "mention_name", "offset": 4, "length": 3, "userId": eve}
    answer = await desk.post("/messages/send", {"chatId": BOB, "text": "ask Eve", "entities": [mention]})
    assert answer.status_code == 201, answer.text
    assert answer.json()["data"]["entities"] == [mention]
    linked = {"chatId": BOB, "text": f"ask [Eve](tg://user?id={eve})", "parseMode": "markdown"}
    assert (await desk.post("/messages/send", linked)).json()["data"]["entities"] == [mention]

    stranger = "987654321"
    unknown = {"chatId": BOB, "text": "ask her", "entities": [{**mention, "userId": stranger}]}
    refused = await desk.post("/messages/send", unknown)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "PEER_NOT_FOUND"), refused.text
    assert stranger in refused.json()["error"]["message"]
    assert desk.rig.texts() == ["hello", "ask Eve", "ask Eve"]


async def test_a_reply_needs_what_it_answers_and_says_so(desk: Desk) -> None:
    first = (await desk.send("question")).json()["data"]
    missing = await desk.post("/messages/reply", {"chatId": BOB, "text": "answer"})
    assert (missing.status_code, missing.json()["error"]["code"]) == (400, "BAD_REQUEST")
    answer = await desk.post("/messages/reply", {"chatId": BOB, "text": "answer", "replyToMsgId": first["id"]})
    assert answer.status_code == 201, answer.text
    assert answer.json()["data"]["replyToMsgId"] == first["id"]


async def test_forwarded_messages_come_in_the_order_of_their_ids(desk: Desk) -> None:
    ids = [(await desk.send(text)).json()["data"]["id"] for text in ("one", "two")]
    body = {"fromChatId": BOB, "toChatId": EVE, "messageIds": ids}
    answer = await desk.post("/messages/forward", body)
    assert answer.status_code == 201, answer.text
    assert [message["text"] for message in answer.json()["data"]] == ["one", "two"]
    assert all("forward" in message for message in answer.json()["data"])
    gone = await desk.post("/messages/forward", {**body, "messageIds": [99_999]})
    assert gone.status_code in {400, 404}, gone.text


async def test_a_source_that_nobody_knows_is_named_and_harms_no_other_chat(desk: Desk) -> None:
    sent = (await desk.send("one")).json()["data"]
    body = {"fromChatId": "-1009999999999", "toChatId": sent["chatId"], "messageIds": [sent["id"]]}
    for _ in range(2):
        answer = await desk.post("/messages/forward", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "PEER_NOT_FOUND"), answer.text
        assert "-1009999999999" in answer.json()["error"]["message"]


async def test_what_cannot_be_sent_is_told_by_name(desk: Desk) -> None:
    unknown = await desk.send("x", to="+19998887766")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "PEER_NOT_FOUND")
    empty = await desk.send("   ")
    assert (empty.status_code, empty.json()["error"]["code"]) == (422, "MESSAGE_EMPTY")
    assert empty.json()["error"]["details"]["field"] == "text", "by the name that its caller gave it"
    desk.session_id = "ses_unknown"
    foreign = await desk.send("x")
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (404, "SESSION_NOT_FOUND")


async def test_a_job_can_be_posted_watched_and_found(desk: Desk) -> None:
    posted = await desk.later("in its own time")
    assert posted["state"] == "queued"
    job = await desk.job(posted["id"], "sent")
    assert job["message"]["text"] == "in its own time"
    assert [one["id"] for one in (await desk.get("/jobs"))["items"]] == [posted["id"]]
    assert (await desk.get("/jobs?state=failed"))["items"] == []


async def test_a_flood_wait_is_429_for_who_waits_and_a_due_time_for_who_does_not(desk: Desk) -> None:
    await desk.send("warm up")
    await desk.rig.fault("flood", {"method": "messages.sendMessage", "times": 1}, seconds=2)
    told = await desk.send("at once")
    assert (told.status_code, told.json()["error"]["code"]) == (429, "TELEGRAM_FLOOD_WAIT")
    assert 1 <= int(told.headers["retry-after"]) <= 2
    posted = await desk.later("when it may")
    job = await desk.waiting(posted["id"])
    assert job["error"]["code"] == "TELEGRAM_FLOOD_WAIT"
    await desk.job(posted["id"], "sent")
    assert desk.rig.texts() == ["warm up", "when it may"]


async def test_a_job_that_waits_can_be_cancelled_and_one_that_left_can_not(desk: Desk) -> None:
    await desk.send("warm up")
    await desk.rig.fault("flood", {"method": "messages.sendMessage"}, seconds=3600)
    posted = await desk.later("never")
    await desk.waiting(posted["id"])
    answer = await desk.post(f"/jobs/{posted['id']}/cancel")
    assert (answer.status_code, answer.json()["data"]["state"]) == (200, "cancelled")
    assert (await desk.post(f"/jobs/{posted['id']}/cancel")).status_code == 200
    await desk.rig.sandbox.dc.clear_faults()
    done = (await desk.get("/jobs"))["items"][-1]
    refused = await desk.post(f"/jobs/{done['id']}/cancel")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "JOB_NOT_OPEN")
    assert desk.rig.texts() == ["warm up"]


async def test_equal_requests_with_one_key_are_one_message_and_one_answer_after_a_crash_too(desk: Desk) -> None:
    key = {"Idempotency-Key": "k1"}
    body = {"chatId": BOB, "text": "once"}
    answers = await asyncio.gather(*(desk.post("/messages/send", body, **key) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    await desk.rig.crash()
    await desk.rig.start()
    desk.headers = await desk.rig.token("ann")
    again = await desk.post("/messages/send", body, **key)
    assert (again.status_code, again.text) == (201, answers[0].text)
    other = await desk.post("/messages/send", {**body, "text": "else"}, **key)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert desk.rig.texts() == ["once"]


async def test_a_wait_is_obeyed_after_a_restart(desk: Desk) -> None:
    await desk.send("warm up")
    await desk.rig.fault("flood", {"method": "messages.sendMessage", "times": 1}, seconds=3600)
    assert (await desk.send("no")).status_code == 429
    async with asyncio.timeout(5):
        while not await desk.rig.gateway.storage.holds(now=0, limit=1):
            await asyncio.sleep(0.02)
    await desk.rig.stop()
    await desk.rig.start()
    desk.headers = await desk.rig.token("ann")
    calls = desk.rig.calls("messages.sendMessage")
    told = await desk.send("still no")
    assert (told.status_code, told.json()["error"]["code"]) == (429, "TELEGRAM_FLOOD_WAIT")
    assert desk.rig.calls("messages.sendMessage") == calls


async def test_strangers_are_budgeted_and_friends_are_not(tmp_path: Path) -> None:
    async with rigged(tmp_path / "data", first_contacts_per_day=1) as rig:
        desk = await seated(rig)
        await rig.sandbox.control.act(EVE, {"do": "send", "to": ANN, "text": "we know each other"})
        assert (await desk.send("a first contact", to=BOB)).status_code == 201
        assert (await desk.send("no contact at all", to="me")).status_code == 201
        assert (await desk.send("an old friend", to=EVE)).status_code == 201
        rig.sandbox.control.create_account({"phone": "+15550009", "firstName": "Zoe"})
        told = await desk.send("too many", to="+15550009")
        assert (told.status_code, told.json()["error"]["code"]) == (429, "CONTACT_BUDGET")
        assert (await desk.send("again", to=BOB)).status_code == 201


async def test_a_login_code_that_is_sent_on_is_warned_of(desk: Desk) -> None:
    plain = await desk.send("the room is 48291")
    assert "warning" not in plain.json()
    message = "Login code: 48291. Do not give this code to anyone, even if they say they are from Telegram!"
    assert (await desk.send(message)).json()["warning"] == "LOGIN_CODE_IN_TEXT"
    again = {"name": "second", "phoneNumber": ANN}
    begun = await desk.rig.http.post("/api/v1/sessions", headers=desk.headers, json=again)
    assert begun.status_code == 201, begun.text
    assert (await desk.send("the room is 48291")).json()["warning"] == "LOGIN_CODE_IN_TEXT"
    later = await desk.post("/messages/send?async=true", {"chatId": BOB, "text": "4 8 2 9 1"})
    assert later.json()["warning"] == "LOGIN_CODE_IN_TEXT"
    simple = await desk.rig.http.post("/send", headers=desk.headers, json={"phone": BOB, "message": "48291"})
    assert simple.json()["warning"] == "LOGIN_CODE_IN_TEXT"
    await desk.rig.http.post(f"/api/v1/sessions/{begun.json()['data']['sessionId']}/cancel", headers=desk.headers)
    assert "warning" not in (await desk.send("the room is 48291")).json()
