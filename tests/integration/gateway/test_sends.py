"""Sends on bad days, through the API: one message or none, and the truth about which."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from teleflow.errors import StorageUnavailable
from teleflow.fleet import runner
from teleflow.storage.sql.sessions import Sessions
from tests.integration.gateway.rig import ANN, BOB, EVE, Rig, rigged


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rigged(tmp_path / "data") as made:
        yield made


@pytest.fixture
async def hasty(tmp_path: Path) -> AsyncIterator[Rig]:
    """Waits for an outcome only a second."""
    async with rigged(tmp_path / "data", send_wait_seconds=1) as made:
        yield made


async def test_a_message_arrives_and_is_logged(rig: Rig) -> None:
    ann = await rig.connected("ann", ANN)
    answer = await rig.send(ann, "hello")
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert rig.texts() == ["hello"]
    (row,) = await rig.logs(ann)
    assert (row["username"], row["from_phone"], row["to_phone"], row["success"]) == ("ann", ANN, BOB, True)


async def test_a_number_that_nobody_has_is_an_answer(rig: Rig) -> None:
    ann = await rig.connected("ann", ANN)
    for _ in range(3):
        answer = await rig.send(ann, "anybody?", to="+19998887766")
        assert answer.status_code == 400
        assert "not on Telegram" in answer.json()["detail"]
    assert rig.calls("contacts.importContacts") == 1
    assert [row["success"] for row in await rig.logs(ann)] == [False, False, False]


async def test_an_attempt_without_a_connection_is_refused_and_logged(rig: Rig) -> None:
    ann = await rig.user("ann", ANN)
    answer = await rig.send(ann, "too early")
    assert answer.status_code == 400
    (row,) = await rig.logs(ann)
    assert (row["message"], row["success"]) == ("too early", False)


async def test_lost_answers_never_make_two_and_never_say_failed(rig: Rig) -> None:
    ann = await rig.connected("ann", ANN)
    await rig.send(ann, "warm up")
    await rig.fault("drop_reply_after_commit", {"method": "messages.sendMessage", "attempt": 1})
    texts = [f"text {number}" for number in range(3)]
    answers = await asyncio.gather(
        *(rig.send(ann, text, to=to) for text, to in zip(texts, (BOB, EVE, BOB), strict=True))
    )
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert sorted(rig.texts()) == sorted(["warm up", *texts])


async def test_a_data_centre_that_only_says_that_it_had_it_is_believed_at_once(rig: Rig) -> None:
    ann = await rig.connected("ann", ANN)
    await rig.send(ann, "warm up")
    await rig.fault("random_id_repeat", None, how="error_duplicate")
    await rig.fault("drop_reply_after_commit", {"method": "messages.sendMessage", "times": 1})
    asked = rig.calls("messages.sendMessage")
    assert (await rig.send(ann, "taken")).status_code == 200
    assert rig.calls("messages.sendMessage") == asked + 2
    assert rig.texts() == ["warm up", "taken"]


async def test_an_outcome_that_nobody_knows_is_told_as_such_and_settles_later(hasty: Rig) -> None:
    ann = await hasty.connected("ann", ANN)
    await hasty.send(ann, "warm up")
    await hasty.fault("drop_reply_after_commit", {"method": "messages.sendMessage", "times": 1})
    answer = await hasty.send(ann, "which?")
    body = answer.json()
    assert answer.status_code >= 400
    assert body["uncertain"] is True
    assert body["jobId"]
    rows = await hasty.settled(ann)
    assert rows[0]["message"] == "which?"
    assert rows[0]["success"] is True
    assert hasty.texts() == ["warm up", "which?"]


async def test_what_could_not_leave_is_refused_for_good(hasty: Rig) -> None:
    ann = await hasty.connected("ann", ANN)
    await hasty.send(ann, "warm up")
    outage = await hasty.fault("refuse", None, seconds=3600)
    answer = await hasty.send(ann, "never")
    assert answer.status_code == 400
    assert "uncertain" not in answer.json()
    await hasty.sandbox.dc.remove_fault(outage.number)
    async with asyncio.timeout(30):
        while (await hasty.send(ann, "later")).status_code != 200:
            pass
    assert "never" not in hasty.texts()
    assert [row["success"] for row in await hasty.logs(ann) if row["message"] == "never"] == [False]


async def test_a_send_waits_for_the_connection_that_comes_back(rig: Rig) -> None:
    ann = await rig.connected("ann", ANN)
    await rig.fault("refuse", None, seconds=0.5)
    assert (await rig.send(ann, "patient")).status_code == 200
    assert rig.texts() == ["patient"]


async def test_a_message_at_which_the_peer_hangs_up_is_told_and_blocks_no_other_chat(rig: Rig) -> None:
    ann = await rig.connected("ann", ANN)
    await rig.send(ann, "warm up", to=EVE)
    await rig.send(ann, "warm up", to=BOB)
    bob = next(a["id"] for a in rig.sandbox.control.accounts() if a["phone"] == BOB)
    await rig.fault("close_tcp", {"method": "messages.sendMessage", "chat": str(bob)})
    poison, other = await asyncio.gather(rig.send(ann, "poison", to=BOB), rig.send(ann, "fine", to=EVE))
    assert poison.status_code == 400
    assert "hung up" in poison.json()["detail"]
    assert other.status_code == 200
    assert "poison" not in rig.texts()
    assert [row["success"] for row in await rig.settled(ann) if row["message"] == "poison"] == [False]


@pytest.mark.parametrize("seconds", [3, 86_400])
async def test_a_flood_wait_is_told_in_seconds(rig: Rig, seconds: int) -> None:
    ann = await rig.connected("ann", ANN)
    await rig.send(ann, "warm up")
    await rig.fault("flood", {"method": "messages.sendMessage"}, seconds=seconds)
    for _ in range(2):
        answer = await rig.send(ann, "wait")
        assert answer.status_code == 400
        told = int(answer.headers["Retry-After"])
        assert seconds - 2 <= told <= seconds + 1
        assert str(told) in answer.json()["detail"]
    assert rig.texts() == ["warm up"]


async def test_parallel_posts_with_one_key_are_one_message_and_equal_answers(rig: Rig) -> None:
    ann = await rig.connected("ann", ANN)
    answers = await asyncio.gather(*(rig.send(ann, "once", **{"Idempotency-Key": "k1"}) for _ in range(200)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert rig.texts() == ["once"]
    other = await rig.send(ann, "something else", **{"Idempotency-Key": "k1"})
    assert other.status_code == 422


async def test_sends_to_one_chat_leave_in_the_order_of_their_acceptance(rig: Rig) -> None:
    ann = await rig.connected("ann", ANN)
    await rig.send(ann, "warm up")
    texts = [f"{number:03}" for number in range(100)]
    await asyncio.gather(*(rig.send(ann, text) for text in texts))
    accepted = [entry.message for entry in reversed(await rig.gateway.storage.log_entries(None, limit=200))]
    assert sorted(accepted[1:]) == texts
    # Requests that come at one time may be accepted in another order than they were written in here.
    assert rig.texts() == accepted


async def test_what_a_dead_process_left_open_is_sent_once_by_the_next(rig: Rig) -> None:
    ann = await rig.connected("ann", ANN)
    await rig.send(ann, "warm up")
    await rig.fault("drop_reply_after_commit", {"method": "messages.sendMessage", "times": 1})
    lost = asyncio.ensure_future(rig.send(ann, "left and unanswered"))
    while len(rig.texts()) < 2:
        await asyncio.sleep(0.01)
    waiting = asyncio.ensure_future(rig.send(ann, "queued behind it"))
    while await rig.gateway.storage.open_jobs() < 2:
        await asyncio.sleep(0.01)
    await rig.crash()
    for call in (lost, waiting):
        call.cancel()
    await asyncio.gather(lost, waiting, return_exceptions=True)
    await rig.start()
    ann = await rig.token("ann")
    rows = await rig.settled(ann)
    assert [row["success"] for row in rows] == [True, True, True]
    assert rig.texts() == ["warm up", "left and unanswered", "queued behind it"]


async def test_a_revoked_session_fails_its_sends_and_tells_why(rig: Rig) -> None:
    ann = await rig.connected("ann", ANN)
    await rig.fault("revoke_session", {"phone": ANN})
    answer = await rig.send(ann, "after the end")
    assert answer.status_code == 400
    # Another request of the session's may be refused first, and then nobody knows what became of this one.
    told = answer.json()["detail"].lower()
    assert any(why in told for why in ("log in again", "not connected", "ended before telegram answered")), told
    status = (await rig.http.get("/telegram/status", headers=ann)).json()
    assert status["connected"] is False
    assert rig.texts() == []


async def test_what_waited_behind_another_when_its_user_was_deleted_is_told_as_not_sent(rig: Rig) -> None:
    ann = await rig.connected("ann", ANN)
    await rig.send(ann, "warm up")
    await rig.fault("drop_reply_after_commit", {"method": "messages.sendMessage"})
    left = asyncio.ensure_future(rig.send(ann, "left"))
    while len(rig.texts()) < 2:
        await asyncio.sleep(0.01)
    waiting = asyncio.ensure_future(rig.send(ann, "waiting"))
    while await rig.gateway.storage.open_jobs() < 2:
        await asyncio.sleep(0.01)
    admin = await rig.token("admin", "the admin's own one")
    assert (await rig.http.delete("/users/ann", headers=admin)).status_code == 200
    assert (await left).json()["uncertain"] is True
    answer = await waiting
    assert (answer.status_code, "uncertain" in answer.json()) == (400, False)
    # Whoever removes an account logs its sessions out first, and what waited hears of the one or the other.
    assert answer.json()["detail"] in {
        "Not sent: the account was removed",
        "Not sent: the session is logged out (LOGGED_OUT_HERE)",
    }
    assert rig.texts() == ["warm up", "left"]


async def test_sessions_start_though_the_database_stutters(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await rig.connected("ann", ANN)
    await rig.stop()
    real, failures = Sessions.sessions_to_run, [StorageUnavailable("busy")] * 2

    async def stuttering(self: Sessions, **asked: Any) -> Any:
        if failures:
            raise failures.pop()
        return await real(self, **asked)

    monkeypatch.setattr(Sessions, "sessions_to_run", stuttering)
    monkeypatch.setattr(runner, "_START_AGAIN_S", 0.01)
    await rig.start()
    ann = await rig.token("ann")
    assert (await rig.send(ann, "back")).status_code == 200
