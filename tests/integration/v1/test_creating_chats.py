"""Groups and channels made over HTTP: what comes of it, and that it never comes twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.v1.group_rig import ANN, BOB, Rooms, rooms


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Rooms]:
    async with rooms(tmp_path) as made:
        yield made


async def arrived(at: Rooms, title: str) -> None:
    """Telegram has made it, whatever is known of that here."""
    async with asyncio.timeout(10):
        while not at.titled(title):
            await asyncio.sleep(0.01)


async def test_each_kind_is_made_as_asked_and_who_can_t_come_is_told(at: Rooms) -> None:
    group = await at.ask("POST", "/chats", {"type": "group", "title": " Trip ", "memberIds": [BOB]}, status=201)
    assert group["chat"]["type"] == "group"
    assert group["chat"]["title"] == "Trip"
    assert group["missing"] == []
    assert {one.user for one in at.world.chats.present(at.chat(group["chat"]["id"]))} == {
        at.ids["Ann"],
        at.ids["Bob"],
    }
    body = {"type": "supergroup", "title": "Hall", "about": "of fame", "memberIds": [BOB], "isForum": True}
    made = at.chat((await at.ask("POST", "/chats", body, status=201))["chat"]["id"])
    assert (made.kind, made.about, made.forum, made.creator) == ("megagroup", "of fame", True, at.ids["Ann"])
    assert at.ids["Bob"] in {one.user for one in at.world.chats.present(made)}
    told = await at.ask("POST", "/chats", {"type": "channel", "title": "Daily"}, status=201)
    assert told["chat"]["isCreator"] is True
    assert at.chat(told["chat"]["id"]).kind == "broadcast"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"type": "group", "title": "x"}, "USERS_TOO_FEW"),
        ({"type": "channel", "title": "  "}, "VALIDATION_ERROR"),
        ({"type": "channel", "title": "x" * 129}, "VALIDATION_ERROR"),
        ({"type": "channel", "title": "x", "isForum": True}, "VALIDATION_ERROR"),
        ({"type": "gigagroup", "title": "x"}, "VALIDATION_ERROR"),
        ({"type": "channel", "title": "a\u0000b"}, "VALIDATION_ERROR"),
    ],
)
async def test_what_can_t_be_made_is_refused_before_telegram_is_asked(at: Rooms, body: object, code: str) -> None:
    refused = await at.ask("POST", "/chats", body, status=422)
    assert refused["code"] == code
    assert at.at.calls("channels.createChannel") == at.at.calls("messages.createChat") == 0
    missing = await at.ask("POST", "/chats", {"type": "channel", "title": "x", "memberIds": ["987654321"]}, status=404)
    assert missing["code"] == "PEER_NOT_FOUND"


async def test_an_answer_that_was_lost_is_found_and_not_asked_for_again(at: Rooms) -> None:
    await at.at.rig.fault("drop_reply_after_commit", {"method": "channels.createChannel", "times": 1})
    body = {"type": "channel", "title": "Lost"}
    asking = asyncio.create_task(at.ask("POST", "/chats", body, status=201, key="one"))
    await arrived(at, "Lost")
    await at.at.rig.fault("reset", {"phone": ANN})
    made = await asking
    assert [chat.id for chat in at.titled("Lost")] == [int(made["chat"]["id"])]
    assert await at.ask("POST", "/chats", body, status=201, key="one") == made


async def test_a_request_that_was_lost_itself_is_uncertain_and_stays_so(at: Rooms) -> None:
    await at.at.rig.fault("close_tcp", {"method": "channels.createChannel", "times": 1})
    body = {"type": "channel", "title": "Gone"}
    lost = await at.ask("POST", "/chats", body, status=502, key="one")
    assert lost["code"] == "OUTCOME_UNKNOWN"
    assert (await at.ask("POST", "/chats", body, status=502, key="one"))["code"] == "OUTCOME_UNKNOWN"
    assert at.titled("Gone") == []
    made = await at.ask("POST", "/chats", body, status=201, key="two")
    assert [chat.id for chat in at.titled("Gone")] == [int(made["chat"]["id"])]


async def test_a_service_that_died_before_it_answered_makes_no_second_one(at: Rooms) -> None:
    """The process ends between Telegram's act and the kept answer; the same request comes again."""
    body = {"type": "supergroup", "title": "Once", "memberIds": [BOB]}
    rule = await at.at.rig.fault("drop_reply_after_commit", {"method": "channels.createChannel"})
    asking = asyncio.create_task(at.ask("POST", "/chats", body, status=201, key="one"))
    await arrived(at, "Once")
    asking.cancel()
    await at.at.rig.crash()
    await asyncio.gather(asking, return_exceptions=True)
    await at.at.rig.sandbox.dc.remove_fault(rule.number)
    await at.at.rig.start()
    at.at.headers = await at.at.rig.token("ann")
    made = await at.ask("POST", "/chats", body, status=201, key="one")
    assert [chat.id for chat in at.titled("Once")] == [int(made["chat"]["id"])]
    assert at.ids["Bob"] in {one.user for one in at.world.chats.present(at.chat(made["chat"]["id"]))}
    assert (await at.ask("POST", "/chats", body, status=201, key="one")) == made


async def test_a_refusal_leaves_nothing_behind(at: Rooms) -> None:
    await at.at.rig.fault("flood", {"method": "channels.createChannel", "times": 1}, seconds=1)
    body = {"type": "channel", "title": "Later"}
    assert (await at.ask("POST", "/chats", body, status=429, key="one"))["code"] == "TELEGRAM_FLOOD_WAIT"
    user = await at.at.rig.gateway.storage.user_named("ann")
    assert user is not None
    assert await at.at.rig.gateway.storage.creations(user.id, at.session, limit=10) == []


async def test_two_of_one_title_at_once_are_two(at: Rooms) -> None:
    body = {"type": "channel", "title": "Twin"}
    made = await asyncio.gather(*[at.ask("POST", "/chats", body, status=201) for _ in range(2)])
    assert len({one["chat"]["id"] for one in made}) == 2
    assert len(at.titled("Twin")) == 2
