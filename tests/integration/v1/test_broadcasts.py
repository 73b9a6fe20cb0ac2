"""Broadcasts over /api/v1: through the real service to a real data centre, judged by its ledger."""

from __future__ import annotations

import asyncio
import csv
import io
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from teleflow.errors import TeleFlowError
from teleflow.model.broadcasts import BroadcastState, Pace, Plan
from teleflow.model.operations.account import GetMe
from teleflow.model.users import Principal
from teleflow.services.broadcasts import Named
from tests.integration.gateway.rig import ANN, Rig, rigged

CONSENT = "They asked for our letter on our site"
PEOPLE = [f"+1555100{number:04}" for number in range(12)]
FAST = {"perMinute": 60_000, "jitter": 0}


class Desk:
    """Ann, who is logged in, and her session."""

    def __init__(self, rig: Rig, headers: dict[str, str], session_id: str) -> None:
        self.rig = rig
        self.headers = headers
        self.session_id = session_id

    async def post(self, path: str, body: dict[str, Any] | None = None, status: int = 200) -> Any:
        answer = await self.rig.http.post(f"/api/v1{path}", headers=self.headers, json=body or {})
        assert answer.status_code == status, answer.text
        return answer.json().get("data") or answer.json()["error"]

    async def get(self, path: str) -> Any:
        answer = await self.rig.http.get(f"/api/v1{path}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def body(self, to: list[Any], **more: Any) -> dict[str, Any]:
        recipients = [one if isinstance(one, dict) else {"to": one, "variables": {"name": one}} for one in to]
        base = {"sessionId": self.session_id, "text": "Hello {{name}}", "consent": CONSENT, "pace": FAST}
        return {**base, "strangersCap": 1000, "recipients": recipients, **more}

    async def made(self, to: list[Any], **more: Any) -> str:
        return str((await self.post("/broadcasts", self.body(to, **{"start": True, **more}), 201))["id"])

    async def until(self, id_: str, *states: str, within: float = 20, **fields: Any) -> dict[str, Any]:
        async with asyncio.timeout(within):
            while True:
                told = await self.get(f"/broadcasts/{id_}")
                if told["state"] in states and all(told.get(name) == value for name, value in fields.items()):
                    return dict(told)
                await asyncio.sleep(0.02)

    async def report(self, id_: str) -> dict[str, dict[str, Any]]:
        return {one["to"]: one for one in (await self.get(f"/broadcasts/{id_}/recipients?limit=1000"))["items"]}

    def reached(self) -> Counter[str]:
        return Counter(line["to"] for line in self.rig.sandbox.control.ledger_messages(limit=1000))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with rigged(tmp_path / "data", broadcast_per_minute=60_000, first_contacts_per_day=100) as rig:
        for number, phone in enumerate(PEOPLE):
            rig.sandbox.control.create_account({"phone": phone, "firstName": f"Person {number}"})
        headers = await rig.connected("ann", ANN)
        user = await rig.gateway.storage.user_named("ann")
        assert user is not None
        session = await rig.gateway.storage.session_named(user.id, "ann")
        assert session is not None
        yield Desk(rig, headers, session.id)


async def test_each_recipient_gets_their_own_text_once(desk: Desk) -> None:
    bad = {"to": "+15551000011", "variables": {}}
    twice = {"to": "+1 555 100 0000", "variables": {"name": "x"}}
    id_ = await desk.made([*PEOPLE[:8], twice, bad, "no such thing !", "@nobodyhasthis"])
    told = await desk.until(id_, "finished")
    assert told["counts"] == {"pending": 0, "queued": 0, "sent": 8, "failed": 3, "skipped": 1, "cancelled": 0}
    assert sorted(desk.rig.texts()) == sorted(f"Hello {phone}" for phone in PEOPLE[:8])
    assert set(desk.reached().values()) == {1}
    items = (await desk.get(f"/broadcasts/{id_}/recipients"))["items"]
    codes = [(one["state"], one.get("code")) for one in items[8:]]
    assert codes == [
        ("skipped", "DUPLICATE"),
        ("failed", "VARIABLE_MISSING"),
        ("failed", "VALIDATION_ERROR"),
        ("failed", "PEER_NOT_FOUND"),
    ]
    assert all(one["messageId"] and one["jobId"] and one["endedAt"] for one in items[:8])
    answer = await desk.rig.http.get(f"/api/v1/broadcasts/{id_}/report", headers=desk.headers)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert (len(rows), rows[0]["state"], rows[8]["code"]) == (12, "sent", "DUPLICATE")


async def test_one_person_by_two_names_is_written_to_once(desk: Desk) -> None:
    await desk.made(PEOPLE[:1], text="first")
    async with asyncio.timeout(10):
        while not desk.rig.texts():
            await asyncio.sleep(0.02)
    line = desk.rig.sandbox.control.ledger_messages(limit=10)[0]
    person = next(one["id"] for one in desk.rig.sandbox.control.accounts() if one["phone"] == line["to"])
    id_ = await desk.made([PEOPLE[0], str(person), PEOPLE[1]])
    await desk.until(id_, "finished")
    report = await desk.report(id_)
    assert report[str(person)].get("code") == "DUPLICATE", "the same person under another name gets it once"
    assert desk.reached() == {PEOPLE[0]: 2, PEOPLE[1]: 1}


async def test_the_first_sign_of_spam_stops_it_and_a_resume_reaches_the_rest_once(desk: Desk) -> None:
    for phone in PEOPLE:  # those whom the account knows already: strangers stay out of reach for a day
        await desk.rig.sandbox.control.act(phone, {"do": "send", "to": ANN, "text": "hi"})
    before = desk.reached()
    await desk.rig.fault("rpc_error", {"method": "messages.sendMessage", "nth": 5}, name="PEER_FLOOD", code=400)
    id_ = await desk.made(PEOPLE)
    told = await desk.until(id_, "stopped", cause="TELEGRAM_RESTRICTED")
    async with asyncio.timeout(10):
        while (await desk.get(f"/broadcasts/{id_}"))["counts"]["queued"]:
            await asyncio.sleep(0.05)
    assert told["counts"]["failed"] == 0
    await desk.post(f"/broadcasts/{id_}/resume")
    done = await desk.until(id_, "finished")
    assert done["counts"]["sent"] == len(PEOPLE)
    assert desk.reached() - before == dict.fromkeys(PEOPLE, 1)


async def test_a_flood_wait_is_waited_for_and_no_failure(desk: Desk) -> None:
    await desk.rig.fault("flood", {"method": "messages.sendMessage", "times": 1}, seconds=2)
    id_ = await desk.made(PEOPLE[:4])
    resting = await desk.until(id_, "running", waitingFor="floodWait")
    assert resting["waitingUntil"]
    done = await desk.until(id_, "finished")
    assert done["counts"]["sent"] == 4
    assert set(desk.reached().values()) == {1}


async def test_strangers_beyond_the_cap_and_those_who_opted_out_are_skipped(desk: Desk) -> None:
    made = await desk.post("/opt-outs", {"peer": PEOPLE[0], "sessionId": desk.session_id}, 201)
    assert made["peer"].isdigit()
    await desk.post("/opt-outs", {"peer": PEOPLE[1], "note": "asked on the phone"}, 201)
    forecast = await desk.post("/broadcasts/dry-run", desk.body(PEOPLE))
    assert (forecast["skippedCount"], forecast["wouldSend"]) == (2, 10)
    id_ = await desk.made(PEOPLE, strangersCap=3)
    told = await desk.until(id_, "finished")
    report = await desk.report(id_)
    assert (told["counts"]["sent"], told["strangersMet"]) == (3, 3)
    told = [report[phone].get("code", "sent to") for phone in PEOPLE[:2]]
    assert told == ["OPTED_OUT", "OPTED_OUT"], "whoever opted out gets nothing, and the report says so"
    assert Counter(one.get("code") for one in report.values())["STRANGERS_CAP"] == 7
    assert len(desk.rig.texts()) == 3
    gone = await desk.rig.http.delete(f"/api/v1/opt-outs/{made['id']}", headers=desk.headers)
    assert gone.status_code == 200
    assert len((await desk.get("/opt-outs"))["items"]) == 1


async def test_it_is_paused_resumed_and_cancelled(desk: Desk) -> None:
    id_ = await desk.made(PEOPLE, pace={"perMinute": 240, "jitter": 0})
    async with asyncio.timeout(10):
        while not desk.rig.texts():
            await asyncio.sleep(0.02)
    await desk.post(f"/broadcasts/{id_}/pause")
    await asyncio.sleep(0.4)
    count = len(desk.rig.texts())
    await asyncio.sleep(0.6)
    assert len(desk.rig.texts()) == count < len(PEOPLE)
    await desk.post(f"/broadcasts/{id_}/resume")
    async with asyncio.timeout(10):
        while len(desk.rig.texts()) == count:
            await asyncio.sleep(0.02)
    await desk.post(f"/broadcasts/{id_}/cancel")
    await desk.until(id_, "cancelled")
    async with asyncio.timeout(10):
        while (told := await desk.get(f"/broadcasts/{id_}"))["counts"]["queued"]:
            await asyncio.sleep(0.05)
    assert told["counts"]["sent"] == len(desk.rig.texts())
    assert told["counts"]["sent"] + told["counts"]["cancelled"] == len(PEOPLE)
    again = await desk.post(f"/broadcasts/{id_}/resume", status=409)
    assert again["code"] == "BROADCAST_STATE"


async def test_a_crash_in_the_middle_reaches_nobody_twice(desk: Desk) -> None:
    id_ = await desk.made(PEOPLE, pace={"perMinute": 1200, "jitter": 0})
    for _ in range(3):
        count = len(desk.rig.texts())
        async with asyncio.timeout(10):
            while len(desk.rig.texts()) < min(count + 2, len(PEOPLE)):
                await asyncio.sleep(0.01)
        await desk.rig.crash()
        await desk.rig.start()
    done = await desk.until(id_, "finished", within=30)
    assert done["counts"]["sent"] == len(PEOPLE)
    assert desk.reached() == dict.fromkeys(PEOPLE, 1)


async def test_a_preview_tells_each_text_or_what_is_wrong(desk: Desk) -> None:
    body = desk.body([PEOPLE[0], {"to": PEOPLE[1]}, {"to": "??", "variables": {"name": "x"}}])
    body["recipients"].append({"to": PEOPLE[2], "variables": {"name": "x" * 4096}})
    seen = await desk.post("/broadcasts/preview", body)
    assert [one.get("code") for one in seen] == [None, "VARIABLE_MISSING", "VALIDATION_ERROR", "MESSAGE_TOO_LONG"]
    assert seen[0]["text"] == f"Hello {PEOPLE[0]}"
    assert not desk.rig.texts()


async def test_recipients_are_added_to_a_draft_and_to_nothing_else(desk: Desk) -> None:
    id_ = await desk.made([], start=False)
    more = {"recipients": [{"to": phone, "variables": {"name": "you"}} for phone in PEOPLE[:3]]}
    assert (await desk.post(f"/broadcasts/{id_}/recipients", more))["recipients"] == 3
    await desk.post(f"/broadcasts/{id_}/start")
    assert (await desk.post(f"/broadcasts/{id_}/recipients", more, 409))["code"] == "BROADCAST_NOT_DRAFT"
    await desk.until(id_, "finished")
    assert len(desk.rig.texts()) == 3
    assert [one["id"] for one in (await desk.get("/broadcasts"))["items"]] == [id_]


async def test_what_makes_no_sense_is_refused(desk: Desk) -> None:
    for wrong in (
        {"consent": "yes"},
        {"pace": {"perMinute": 60_001}},
        {"quietHours": {"from": "22:00", "to": "22:00", "timeZone": "Europe/Berlin"}},
        {"quietHours": {"from": "22:00", "to": "08:00", "timeZone": "../../etc/passwd"}},
        {"text": "<b>", "parseMode": "html", "startAt": "tomorrow"},
    ):
        assert (await desk.post("/broadcasts", desk.body(PEOPLE[:1], **wrong), 422))["code"] == "VALIDATION_ERROR"
    other = await desk.rig.user("ben", "+15550009")
    id_ = await desk.made(PEOPLE[:1], start=False)
    for path in ("", "/start", "/pause", "/resume", "/cancel"):
        ask = desk.rig.http.post if path else desk.rig.http.get
        answer: httpx2.Response = await ask(f"/api/v1/broadcasts/{id_}{path}", headers=other)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "BROADCAST_NOT_FOUND")


async def test_a_session_that_ends_stops_it(desk: Desk) -> None:
    id_ = await desk.made(PEOPLE, pace={"perMinute": 240, "jitter": 0})
    async with asyncio.timeout(10):
        while not desk.rig.texts():
            await asyncio.sleep(0.02)
    answer = await desk.rig.http.post(f"/api/v1/sessions/{desk.session_id}/logout", headers=desk.headers)
    assert answer.status_code == 200, answer.text
    told = await desk.until(id_, "stopped")
    assert told["cause"] in {"SESSION_LOGGED_OUT", "SESSION_NOT_FOUND"}
    assert set(desk.reached().values()) == {1}


@pytest.mark.parametrize("way", ["forget_authorisation", "delete_session"])
async def test_a_session_says_that_its_login_is_over_before_the_database_does(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    gateway, heard = desk.rig.gateway, []
    write = getattr(gateway.storage, way)

    async def asked_first(*args: Any, **named: Any) -> Any:
        with pytest.raises(TeleFlowError) as refused:
            await gateway.runner.call(desk.session_id, GetMe(), within=5)
        heard.append(refused.value.code)
        return await write(*args, **named)

    monkeypatch.setattr(gateway.storage, way, asked_first)
    path = f"/api/v1/sessions/{desk.session_id}"
    method, path = ("DELETE", path) if way == "delete_session" else ("POST", f"{path}/logout")
    answer = await desk.rig.http.request(method, path, headers=desk.headers)
    assert answer.is_success, answer.text
    assert heard == ["SESSION_LOGGED_OUT"]
    assert gateway.runner.live(desk.session_id) is None


async def test_a_sign_that_another_act_of_the_account_got_stops_it_too(desk: Desk) -> None:
    for phone in PEOPLE:
        await desk.rig.sandbox.control.act(phone, {"do": "send", "to": ANN, "text": "hi"})
    id_ = await desk.made(PEOPLE, pace={"perMinute": 120, "jitter": 0})
    async with asyncio.timeout(10):
        while not desk.reached()[PEOPLE[0]]:
            await asyncio.sleep(0.02)
    await asyncio.sleep(1.2)  # it looks at its session each second
    await desk.rig.fault("rpc_error", {"method": "messages.readHistory", "times": 1}, name="PEER_FLOOD", code=400)
    await desk.rig.http.post(
        "/api/v1/messages/read", headers=desk.headers, json={"sessionId": desk.session_id, "chatId": PEOPLE[0]}
    )
    told = await desk.until(id_, "stopped")
    assert (told["cause"], told["counts"]["failed"]) == ("TELEGRAM_RESTRICTED", 0)


async def test_a_request_that_comes_again_makes_no_second_broadcast(desk: Desk) -> None:
    """Also where the first one's answer was lost, with its own record: the id follows from the key."""
    services = desk.rig.gateway.services
    user = await desk.rig.gateway.storage.user_named("ann")
    assert user is not None
    principal = Principal(user.id, user.username, user.role, act="the same request")
    plan = Plan("Hello {{name}}", CONSENT, Pace(60_000, 0), strangers=100)
    named = [Named(phone, {"name": phone}) for phone in PEOPLE[:3]]
    made = [
        await services.broadcasts.create(principal, desk.session_id, "", plan, named, start=start)
        for start in (False, True, True)
    ]
    assert len({one.id for one in made}) == 1
    await desk.until(made[0].id, "finished")
    again = await services.broadcasts.create(principal, desk.session_id, "", plan, named, start=True)
    assert again.state is BroadcastState.FINISHED
    assert desk.reached() == dict.fromkeys(PEOPLE[:3], 1)


async def test_a_file_goes_to_many_and_is_brought_up_once(desk: Desk) -> None:
    picture = {"file": ("note.pdf", b"%PDF-1.7 of tests" * 900, "application/pdf")}
    said = {"sessionId": desk.session_id, "chatId": "me", "type": "document"}
    answer = await desk.rig.http.post("/api/v1/messages/media", data=said, files=picture, headers=desk.headers)
    assert answer.status_code == 201, answer.text
    file_id = answer.json()["data"]["media"]["fileId"]
    desk.rig.sandbox.world.files.expire_references()
    brought = desk.rig.calls("upload.saveFilePart")
    id_ = await desk.made(PEOPLE[:4], fileId=file_id, text="For {{name}}")
    await desk.until(id_, "finished")
    report = await desk.report(id_)
    assert [report[one]["state"] for one in PEOPLE[:4]] == ["sent"] * 4
    assert sorted(desk.rig.texts())[-4:] == sorted(f"For {one}" for one in PEOPLE[:4])
    assert desk.rig.calls("upload.saveFilePart") == brought
    silent = await desk.made(PEOPLE[4:5], fileId=file_id, text="")
    await desk.until(silent, "finished")
    assert (await desk.report(silent))[PEOPLE[4]]["state"] == "sent"
    for odd, code in (({"fileId": "AAAA"}, "FILE_NOT_FOUND"), ({"text": ""}, "VALIDATION_ERROR")):
        error = await desk.post("/broadcasts", desk.body(PEOPLE[:1], **odd), 404 if "fileId" in odd else 422)
        assert error["code"] == code
