"""What Telegram would do twice if it were asked twice: never asked so, whatever is lost and whoever dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.integration.files.rig import png
from tests.integration.gateway.chat_rig import V1
from tests.integration.v1.group_rig import ANN, Rooms, rooms
from tests.integration.v1.lost_scenes import for_all

Ask = Callable[[Rooms, str | None], Awaitable[httpx2.Response]]
Count = Callable[[Rooms], Any]


@pytest.fixture
async def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rooms]:
    monkeypatch.setattr("teleflow.telegram.calls._FIRST_ANSWER_S", 0.3)
    async with rooms(tmp_path) as made:
        yield made


def asked(method: str, path: str, **sent: Any) -> Ask:
    """Below the session; `{supergroup}` and the like are chats."""

    async def ask(at: Rooms, key: str | None) -> httpx2.Response:
        headers = at.at.headers if key is None else at.at.headers | {"Idempotency-Key": key}
        url = f"{V1}/sessions/{at.session}{path.format_map(at.chats)}"
        return await at.at.rig.http.request(method, url, headers=headers, **sent)

    return ask


@dataclass(frozen=True, slots=True)
class Once:
    """`count` is how often it was done, as others see it."""

    method: str
    ask: Ask
    count: Count
    status: int = 200


def invites(at: Rooms) -> int:
    return sum(1 for one in at.world.chats.invites.values() if one.title == "for once")


def photos(at: Rooms) -> int:
    return len(at.world.people.by_id[at.ids["Ann"]].photos)


def told(kind: str) -> Count:
    def count(at: Rooms) -> int:
        actions = [one.action for one in at.at.history_of(kind) if getattr(one, "action", None) is not None]
        return sum(1 for one in actions if one.kind == "chat_edit_photo")

    return count


PICTURE: Any = {"files": {"file": ("it.png", png(200, 200), "image/png")}}
LINK = asked("POST", "/chats/{supergroup}/invites", json={"title": "for once", "usageLimit": 3})
FOUND_AGAIN = {
    "the account's photo": Once("photos.uploadProfilePhoto", asked("PUT", "/me/photo", **PICTURE), photos),
    "a channel's photo": Once(
        "channels.editPhoto", asked("PUT", "/chats/{supergroup}/photo", **PICTURE), told("supergroup")
    ),
    "a group's photo": Once("messages.editChatPhoto", asked("PUT", "/chats/{group}/photo", **PICTURE), told("group")),
}
ONCE = FOUND_AGAIN | {"an invite link": Once("messages.exportChatInvite", LINK, invites, 201)}


@asynccontextmanager
async def lost_for_good(at: Rooms, what: Once, key: str | None) -> AsyncIterator[asyncio.Task[httpx2.Response]]:
    """Telegram has done it, and its answer does not come."""
    before = what.count(at)
    rule = await at.at.rig.fault("drop_reply_after_commit", {"method": what.method, "times": 1})
    asking = asyncio.create_task(what.ask(at, key))
    async with asyncio.timeout(20):
        while what.count(at) == before:
            await asyncio.sleep(0.01)
    try:
        yield asking
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await at.at.rig.sandbox.dc.remove_fault(rule.number)


async def done_and_died(at: Rooms, what: Once, key: str) -> httpx2.Response:
    """Telegram has done it and the process ends; the same request comes to the next process."""
    async with lost_for_good(at, what, key) as asking:
        asking.cancel()
        await at.at.rig.crash()
    await at.at.rig.start()
    at.at.headers = await at.at.rig.token("ann")
    async with asyncio.timeout(30):
        while (answer := await what.ask(at, key)).status_code == 503:
            await asyncio.sleep(0.05)
    return answer


@pytest.mark.parametrize("what", FOUND_AGAIN.values(), ids=FOUND_AGAIN.keys())
async def test_a_photo_whose_answer_was_lost_is_found_and_not_set_again(at: Rooms, what: Once) -> None:
    assert (await what.ask(at, None)).status_code == 200
    async with lost_for_good(at, what, "one") as asking:
        await at.at.rig.fault("reset", {"phone": ANN})
        answer = await asking
    assert answer.status_code == what.status, answer.text
    assert answer.json()["data"]["photoFileId"]
    assert what.count(at) == 2
    assert at.at.calls(what.method) == 2
    assert (await what.ask(at, "one")).json() == answer.json()


@pytest.mark.parametrize("what", ONCE.values(), ids=ONCE.keys())
async def test_a_request_that_was_lost_itself_is_uncertain(at: Rooms, what: Once) -> None:
    await at.at.rig.fault("close_tcp", {"method": what.method, "times": 1})
    for _ in range(2):
        answer = await what.ask(at, "one")
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "OUTCOME_UNKNOWN")
    assert what.count(at) == 0
    assert (await what.ask(at, "two")).status_code == what.status
    assert what.count(at) == 1


@pytest.mark.parametrize("what", ONCE.values(), ids=ONCE.keys())
async def test_trouble_of_telegrams_own_is_uncertain_where_twice_is_too_often(at: Rooms, what: Once) -> None:
    await at.at.rig.fault("rpc_error", {"method": what.method, "times": 1}, name="Timeout", code=-503)
    for _ in range(2):
        answer = await what.ask(at, "one")
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "OUTCOME_UNKNOWN")
    assert at.at.calls(what.method) == 1


@pytest.mark.parametrize("what", ONCE.values(), ids=ONCE.keys())
async def test_a_service_that_died_before_it_answered_does_it_no_second_time(at: Rooms, what: Once) -> None:
    answer = await done_and_died(at, what, "one")
    assert answer.status_code == what.status, answer.text
    assert what.count(at) == 1
    assert (await what.ask(at, "one")).json() == answer.json()
    assert (await what.ask(at, "two")).status_code == what.status
    assert what.count(at) == 2


async def test_a_service_that_died_deletes_no_second_photo(at: Rooms) -> None:
    for _ in range(2):
        assert (await FOUND_AGAIN["the account's photo"].ask(at, None)).status_code == 200
    deleting = Once("photos.deletePhotos", asked("DELETE", "/me/photo"), photos)
    answer = await done_and_died(at, deleting, "one")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "OUTCOME_UNKNOWN")
    assert photos(at) == 1


async def test_a_service_that_died_calls_no_method_twice_that_has_no_random_id(at: Rooms) -> None:
    call = {"method": "messages.createChat", "params": {"users": [str(at.ids["Bob"])], "title": "Once"}}
    making = Once("messages.createChat", asked("POST", "/invoke", json=call), lambda at: len(at.titled("Once")))
    answer = await done_and_died(at, making, "one")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "OUTCOME_UNKNOWN")
    assert len(at.titled("Once")) == 1


async def test_a_group_that_was_upgraded_before_is_told_by_its_old_id(at: Rooms) -> None:
    upgrading = Once(
        "messages.migrateChat", asked("POST", "/chats/{group}/upgrade"), lambda at: len(at.titled("Group"))
    )
    answer = await done_and_died(at, upgrading, "one")
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["type"] == "supergroup"


async def test_who_is_removed_is_not_shut_out_for_ever_when_the_rest_fails(at: Rooms) -> None:
    await at.at.rig.fault(
        "rpc_error", {"method": "channels.editBanned", "nth": 2}, name="CHAT_ADMIN_REQUIRED", code=403
    )
    await at.on("supergroup", "DELETE", f"/members/{at.ids['Bob']}", status=403)
    shut_out = at.member("supergroup", "Bob")
    assert shut_out.state == "kicked"
    assert 60 < shut_out.banned_until - at.world.clock.time() < 300


async def test_a_link_for_one_whose_answer_was_lost_leaves_it_open(at: Rooms) -> None:
    """The repeat finds the link spent, which it may have been before, and neither names a chat."""
    chat, hash_ = await for_all(at, usage_limit=1)
    await at.at.rig.fault("drop_reply_after_commit", {"method": "messages.importChatInvite", "times": 1})
    told = await at.at.post("/chats/join", chatId=f"https://t.me/+{hash_}", status=502)
    assert told["code"] == "OUTCOME_UNKNOWN"
    assert at.ids["Ann"] in {one.user for one in at.world.chats.present(at.chat(chat))}
