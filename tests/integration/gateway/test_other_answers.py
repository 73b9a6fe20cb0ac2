"""Answers to sends in forms that are as legal as the sandbox's own: one message, told once, never as failed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.sandbox.rpc.base import RpcError
from tests.integration.events.test_following import Log, opened
from tests.integration.gateway.rig import BOB, rigged

Bend = Callable[[Any, Any], Any]
"""Given a request and the sandbox's answer: another answer."""


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    async with rigged(tmp_path / "data", send_wait_seconds=5) as rig:
        yield await opened(rig)


def bend(log: Log, *methods: Any, by: Bend) -> None:
    """The sandbox answers these methods otherwise from now on."""
    rpc: Any = log.rig.sandbox.dc.rpc
    for method in methods:
        handler = rpc._handlers[method.CONSTRUCTOR_ID]

        async def bent(caller: Any, request: Any, handler: Any = handler) -> Any:
            return by(request, await handler(caller, request))

        rpc._handlers[method.CONSTRUCTOR_ID] = bent


def whole(request: Any, answer: Any) -> Any:
    """As `updates`, from the short form."""
    if not isinstance(answer, tl.UpdateShortSentMessage):
        return answer
    message = tl.Message(
        id=answer.id,
        peer_id=tl.PeerUser(request.peer.user_id),
        date=answer.date,
        message=request.message,
        out=True,
        entities=answer.entities,
    )
    number = tl.UpdateMessageID(answer.id, request.random_id)
    new = tl.UpdateNewMessage(message, answer.pts, answer.pts_count)
    return tl.Updates([number, new], [], [], answer.date, 0)


def _but(change: Callable[[Any], list[Any]]) -> Bend:
    def by(request: Any, answer: Any) -> Any:
        told = whole(request, answer)
        return tl.Updates(change(told.updates), told.users, told.chats, told.date, told.seq)

    return by


def combined(request: Any, answer: Any) -> Any:
    told = whole(request, answer)
    return tl.UpdatesCombined(told.updates, told.users, told.chats, told.date, 0, 0)


def only_new(request: Any, answer: Any) -> Any:
    told = whole(request, answer)
    return tl.UpdateShort(told.updates[1], told.date)


def only_number(request: Any, answer: Any) -> Any:
    told = whole(request, answer)
    return tl.UpdateShort(told.updates[0], told.date)


def short_message(_request: Any, answer: Any) -> Any:
    return tl.UpdateShortMessage(
        answer.id, _request.peer.user_id, _request.message, answer.pts, answer.pts_count, answer.date, out=True
    )


_STRAY = tl.UpdateUserTyping(7, tl.SendMessageTypingAction())

FORMS = [
    pytest.param(whole, id="updates"),
    pytest.param(_but(lambda told: told[::-1]), id="number-after"),
    pytest.param(_but(lambda told: [_STRAY, *told, tl.UpdateConfig()]), id="others-beside"),
    pytest.param(_but(lambda told: told[1:]), id="no-number"),
    pytest.param(_but(lambda told: told[:1]), id="number-only"),
    pytest.param(combined, id="combined"),
    pytest.param(only_new, id="short"),
    pytest.param(only_number, id="short-number"),
    pytest.param(short_message, id="short-message"),
    pytest.param(lambda *_: tl.UpdatesTooLong(), id="too-long"),
]


async def _send(log: Log, text: str = "hello") -> Any:
    sent = {"sessionId": log.session_id, "chatId": BOB, "text": text}
    return await log.rig.http.post("/api/v1/messages/send", headers=log.headers, json=sent)


async def _join(log: Log, link: str) -> Any:
    sent = {"sessionId": log.session_id, "chatId": link}
    return await log.rig.http.post("/api/v1/chats/join", headers=log.headers, json=sent)


@pytest.mark.parametrize("form", FORMS)
async def test_a_message_is_sent_whatever_the_answer_looks_like(log: Log, form: Bend) -> None:
    bend(log, f.messages.SendMessageRequest, by=form)
    answer = await _send(log)
    assert answer.status_code == 201, answer.text
    assert len(log.rig.sandbox.control.ledger_messages(limit=10)) == 1
    assert answer.json()["data"]["id"] == 1
    sent = await log.until(1, "message.sent")
    assert [(one["text"], one["messageId"]) for one in sent] == [("hello", 1)]
    await log.act(BOB, do="send", to="+15550001", text="and you?")
    await log.until(1, "message.received")
    assert len(await log.data("message.sent")) == 1


async def test_an_answer_that_cant_be_read_never_makes_a_sent_message_a_failed_one(log: Log) -> None:
    await log.rig.fault("unknown_constructor", {"method": "messages.sendMessage"})
    answer = await _send(log)
    assert (answer.status_code, answer.json()["data"]["id"]) == (201, 1), answer.text
    assert len(log.rig.sandbox.control.ledger_messages(limit=10)) == 1


async def test_a_join_that_is_answered_as_the_layer_says_is_known_and_told(log: Log) -> None:
    """https://core.telegram.org/constructor/messages.chatInviteJoinResultOk"""
    made = await log.act(BOB, do="createChannel", title="Club", kind="megagroup", username="club_of_bob")
    link = await log.act(BOB, do="inviteLink", chat=made["chatId"])
    answer = await _join(log, link["link"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["chatId"] == str(made["chatId"])
    (joined,) = await log.until(1, "chat.member_joined", within=5)
    assert joined["origin"] == "api"


async def test_a_join_that_wants_an_app_is_told_as_none(log: Log) -> None:
    made = await log.act(BOB, do="createChannel", title="Club", kind="megagroup", username="club_of_bob")
    link = await log.act(BOB, do="inviteLink", chat=made["chatId"])
    guarded = tl.messages.ChatInviteJoinResultWebView(7, 8, [])
    bend(log, f.messages.ImportChatInviteRequest, by=lambda *_: guarded)
    answer = await _join(log, link["link"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "JOIN_NEEDS_APP"), answer.text


async def test_who_is_added_by_the_api_is_told_at_once(log: Log) -> None:
    made = await log.rig.http.post(
        f"/api/v1/sessions/{log.session_id}/chats",
        headers=log.headers,
        json={"type": "supergroup", "title": "Mine"},
    )
    assert made.status_code == 201, made.text
    chat = made.json()["data"]["chat"]["id"]
    answer = await log.rig.http.post(
        f"/api/v1/sessions/{log.session_id}/chats/{chat}/members", headers=log.headers, json={"memberIds": [BOB]}
    )
    assert answer.status_code == 200, answer.text
    (joined,) = await log.until(1, "group.member_added", within=5)
    assert joined["origin"] == "api"


@pytest.mark.parametrize(("code", "name"), [(-503, "Timeout"), (500, "RPC_CALL_FAIL"), (500, "INTERDC_2_CALL_ERROR")])
async def test_a_message_that_went_out_under_trouble_of_telegrams_own_is_never_told_as_failed(
    log: Log, code: int, name: str
) -> None:
    def trouble(*_: Any) -> Any:
        raise RpcError(code, name)

    bend(log, f.messages.SendMessageRequest, by=trouble)
    answer = await _send(log)
    assert len(log.rig.sandbox.control.ledger_messages(limit=10)) == 1
    assert answer.status_code in {201, 504}, answer.text
    async with asyncio.timeout(20):
        while log.rig.gateway.outbox.open:
            await asyncio.sleep(0.02)
    (job,) = await log.until(1, "job.settled")
    assert job["state"] == "sent"


async def test_a_message_that_never_went_out_under_trouble_of_telegrams_own_is_told_as_failed(log: Log) -> None:
    await log.rig.fault("rpc_error", {"method": "messages.sendMessage"}, name="RPC_CALL_FAIL", code=500)
    await _send(log)
    async with asyncio.timeout(20):
        while log.rig.gateway.outbox.open:
            await asyncio.sleep(0.02)
    (job,) = await log.until(1, "job.settled")
    assert job["state"] == "failed"
