"""Events arrive at endpoints: signed, retried, recorded."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook as Standard

from tests.integration.webhooks.conftest import Hooks, until
from tests.integration.webhooks.receiver import Got, Receiver


async def test_an_event_arrives_with_the_headers_of_both_conventions(ann: Hooks, receiver: Receiver) -> None:
    hook = await ann.hook(receiver.url, "message.received")
    await ann.hears("hello")
    got = (await receiver.count(1))[0]
    assert got.event["type"] == got.headers["x-teleflow-event"] == "message.received"
    assert got.event["data"]["text"] == "hello"
    assert got.headers["content-type"] == "application/json"
    secret = hook["secret"]
    assert secret.startswith("whsec_")
    expected = hmac.new(secret.encode(), got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-teleflow-signature"] == expected
    Standard(secret).verify(got.body, got.headers)
    assert got.headers["webhook-id"] == got.id

    told = await ann.delivery(hook, success="true")
    assert told["id"] == got.id
    assert told["eventId"] == got.event["id"]
    assert (told["status"], told["success"], told["attempts"], told["response"]) == (200, True, 1, "said 200")
    assert told["payload"] == got.event
    (tried,) = told["tries"]
    assert tried["requestHeaders"]["X-TeleFlow-Signature"] == expected
    assert tried["responseHeaders"]["content-type"].startswith("text/plain")
    log = await ann.ask("GET", "/events/log?types=message.received")
    assert [json.loads(got.body)] == log["items"]


async def test_what_fails_is_tried_again_with_the_same_id_and_bytes(ann: Hooks, receiver: Receiver) -> None:
    answers = iter([500, 302, 200])
    receiver.answer = lambda _: next(answers)
    hook = await ann.hook(receiver.url, "message.received", retryPolicy="legacy")
    await ann.hears("hello")
    got = await receiver.count(3)
    assert len({(one.id, one.body) for one in got}) == 1
    assert [one.headers["x-teleflow-attempt"] for one in got] == ["1", "2", "3"]
    told = await ann.delivery(hook)
    assert [one["status"] for one in told["tries"]] == [500, 302, 200]
    assert (told["state"], told["success"]) == ("delivered", True)


async def test_an_endpoint_that_is_gone_is_disabled_and_its_owner_told(ann: Hooks, receiver: Receiver) -> None:
    receiver.answer = lambda _: 410
    hook = await ann.hook(receiver.url, "*")
    await ann.hears("hello")
    await receiver.count(1)

    async def disabled() -> dict[str, Any] | None:
        told: dict[str, Any] = await ann.ask("GET", f"/webhooks/{hook['id']}")
        return None if told["isActive"] else told

    told = await until(disabled)
    assert (told["isActive"], told["disabledBecause"]) == (False, "GONE")
    log = await ann.ask("GET", "/events/log?types=webhook.disabled")
    assert log["items"][0]["data"] == {
        "webhookId": hook["id"],
        "url": receiver.url,
        "reason": "GONE",
        "failingSince": log["items"][0]["data"]["failingSince"],
    }
    receiver.answer = lambda _: 200
    assert (await ann.ask("POST", f"/webhooks/{hook['id']}/enable"))["isActive"] is True
    await ann.hears("again")
    assert (await receiver.count(2))[-1].event["data"]["text"] == "again"


async def test_a_secret_is_shown_once_and_rotated_with_both_valid(ann: Hooks, receiver: Receiver) -> None:
    hook = await ann.hook(receiver.url, "message.received", secret="the first secret of this endpoint")
    assert hook["secret"] == "the first secret of this endpoint"
    assert (await ann.ask("GET", f"/webhooks/{hook['id']}"))["secret"] == "***"
    rotated = await ann.ask("POST", f"/webhooks/{hook['id']}/rotate-secret", {})
    await ann.hears("hello")
    got = (await receiver.count(1))[0]
    for secret in (rotated["secret"], b"the first secret of this endpoint"):
        Standard(secret).verify(got.body, got.headers)
    old = hmac.new(b"the first secret of this endpoint", got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-teleflow-signature-previous"] == old
    await ann.ask("POST", f"/webhooks/{hook['id']}/rotate-secret", {"overlapSeconds": 0})
    await ann.hears("hello")
    assert " " not in (await receiver.count(2))[1].headers["webhook-signature"]


async def test_a_test_is_sent_at_once_and_its_end_is_told(ann: Hooks, receiver: Receiver) -> None:
    receiver.answer = lambda _: web.Response(status=503, text="x" * 100_000)
    hook = await ann.hook(receiver.url, "message.received", headers={"X-Api-Key": "hush"})
    told = await ann.ask("POST", f"/webhooks/{hook['id']}/test")
    assert (told["state"], told["status"], told["event"]) == ("failed", 503, "webhook.test")
    assert len(told["response"]) == 8192
    assert receiver.got[0].headers["x-api-key"] == "hush"
    assert told["tries"][0]["requestHeaders"]["X-Api-Key"] == "***"
    assert (await ann.ask("GET", f"/webhooks/{hook['id']}"))["failingSince"] is None


async def test_what_failed_and_what_was_never_planned_is_recovered(ann: Hooks, receiver: Receiver) -> None:
    receiver.answer = lambda _: 500
    hook = await ann.hook(receiver.url, "message.received", retryPolicy="none")
    await ann.hears("one")
    await receiver.count(1)
    await ann.ask("PUT", f"/webhooks/{hook['id']}", {"isActive": False})
    await ann.hears("two")
    await ann.logged("message.received", 2)
    receiver.answer = lambda _: 200
    await ann.ask("PUT", f"/webhooks/{hook['id']}", {"isActive": True})
    job = await ann.ask("POST", f"/webhooks/{hook['id']}/recoveries", {"since": "2020-01-01T00:00:00Z"}, 202)
    got = await receiver.count(3)
    assert sorted(one.event["data"]["text"] for one in got[1:]) == ["one", "two"]
    assert got[0].id in {one.id for one in got[1:]}
    done = await ann.ask("GET", f"/webhooks/{hook['id']}/recoveries/{job['id']}")
    assert (done["state"], done["found"]) == ("done", 2)


async def test_in_order_the_next_waits_for_the_one_before(ann: Hooks, receiver: Receiver) -> None:
    failed: set[str] = set()

    def answer(got: Got) -> int:
        if got.id in failed:
            return 200
        failed.add(got.id)
        return 500

    receiver.answer = answer
    await ann.hook(receiver.url, "message.received", ordering="session", retryPolicy="legacy")
    for number in range(3):
        await ann.hears(f"number {number}")
    got = await receiver.count(6)
    assert [one.event["data"]["text"] for one in got] == [f"number {n}" for n in (0, 0, 1, 1, 2, 2)]


async def test_a_delivery_is_sent_again_on_request(ann: Hooks, receiver: Receiver) -> None:
    hook = await ann.hook(receiver.url, "message.received")
    await ann.hears("hello")
    first = (await receiver.count(1))[0]
    told = await ann.ask("POST", f"/webhooks/{hook['id']}/deliveries/{first.id}/resend", status=202)
    assert told["id"] == first.id
    second = (await receiver.count(2))[1]
    assert (second.id, second.body) == (first.id, first.body)


@pytest.mark.parametrize("status", [200, 500])
async def test_what_is_asked_for_during_an_attempt_is_sent_after_it(
    ann: Hooks, receiver: Receiver, status: int
) -> None:
    may_answer = asyncio.Event()

    async def late() -> web.Response:
        await may_answer.wait()
        return web.Response(status=status)

    receiver.answer = lambda _: late() if len(receiver.got) == 1 else 200
    hook = await ann.hook(receiver.url, "message.received", retryPolicy="none")
    await ann.hears("hello")
    first = (await receiver.count(1))[0]
    at = f"/webhooks/{hook['id']}/deliveries/{first.id}"
    assert (await ann.ask("POST", f"{at}/resend", status=202))["state"] == "pending"
    may_answer.set()
    assert (await receiver.count(2))[1].id == first.id

    async def delivered() -> dict[str, Any] | None:
        told: dict[str, Any] = await ann.ask("GET", at)
        return told if told["state"] == "delivered" else None

    assert [one["status"] for one in (await until(delivered))["tries"]] == [status, 200]
