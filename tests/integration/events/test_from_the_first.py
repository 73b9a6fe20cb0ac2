"""From the answer to a login on, everything is told: also what happens before anybody follows the account."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.events.test_following import Log
from tests.integration.gateway.rig import ANN, BOB, EVE, Rig, rigged


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rigged(tmp_path) as one:
        yield one


async def opened(rig: Rig) -> Log:
    """Logged in, and nothing waited for."""
    headers = await rig.connected("ann", ANN)
    user = await rig.gateway.storage.user_named("ann")
    session = await rig.gateway.storage.session_named(user.id, "ann")
    return Log(rig, user.id, session.id, headers)


@pytest.mark.parametrize("turns", [0, 1, 3, 10, 40])
async def test_nothing_is_lost_right_after_a_login(rig: Rig, turns: int) -> None:
    """`turns` of the loop pass before it begins: the follower comes in between."""
    act = rig.sandbox.control.act
    club = await act(BOB, {"do": "createChannel", "title": "Club", "kind": "megagroup", "members": [ANN, EVE]})
    news = await act(BOB, {"do": "createChannel", "title": "News", "kind": "broadcast", "members": [ANN]})
    few = await act(BOB, {"do": "createGroup", "title": "Few", "members": [ANN, EVE]})
    for to in (club["chatId"], news["chatId"], few["chatId"], ANN):
        await act(BOB, {"do": "send", "to": to, "text": "before"})
    log = await opened(rig)
    for _ in range(turns):
        await asyncio.sleep(0)
    chance = random.Random(turns)
    wanted = []
    for number in range(40):
        to = chance.choice([club["chatId"], news["chatId"], few["chatId"], ANN])
        wanted.append(f"number {number}")
        await act(BOB, {"do": "send", "to": to, "text": wanted[-1]})
        await asyncio.sleep(0)
    told = await log.until(40, "message.received")
    await asyncio.sleep(0.1)
    told = await log.data("message.received")
    assert sorted(one["text"] for one in told if one["text"] != "before") == sorted(wanted)


@pytest.mark.parametrize("turns", [0, 1, 3, 10, 40])
async def test_joining_right_after_a_login_is_told(rig: Rig, turns: int) -> None:
    act = rig.sandbox.control.act
    made = [
        await act(BOB, {"do": "createChannel", "title": "Open", "kind": "megagroup", "username": "open_house"}),
        await act(BOB, {"do": "createChannel", "title": "Shut", "kind": "broadcast", "username": "shut_house"}),
    ]
    log = await opened(rig)
    for _ in range(turns):
        await asyncio.sleep(0)
    for name in ("@open_house", "@shut_house"):
        body = {"sessionId": log.session_id, "chatId": name}
        answer = await rig.http.post("/api/v1/chats/join", json=body, headers=log.headers)
        assert answer.status_code == 200, answer.text
    joined = await log.until(2, "chat.member_joined")
    assert {one["chatId"] for one in joined} == {str(one["chatId"]) for one in made}
    assert {one["origin"] for one in joined} == {"api"}
    assert len(joined) == 2
