"""What happens at a real data centre is in the log: each thing once, in order, whatever the connection does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from teleflow.errors import StorageUnavailable
from teleflow.model.events import LoggedEvent
from tests.integration.gateway.rig import ANN, BOB, Rig, rigged


class Log:
    """Ann's log."""

    def __init__(self, rig: Rig, user_id: str, session_id: str, headers: dict[str, str]) -> None:
        self.rig = rig
        self.user_id = user_id
        self.session_id = session_id
        self.headers = headers

    async def events(self, *types: str) -> list[LoggedEvent]:
        found: list[LoggedEvent] = []
        after = 0
        while True:
            page, looked = await self.rig.gateway.storage.events_after(self.user_id, after=after, limit=1000)
            found += page
            if looked == after:
                break
            after = looked
        assert [one.number for one in found] == list(range(1, len(found) + 1)), "no gaps, nothing twice"
        return [one for one in found if not types or one.type in types]

    async def data(self, *types: str) -> list[dict[str, Any]]:
        import json

        return [json.loads(one.body)["data"] for one in await self.events(*types)]

    async def until(self, count: int, *types: str, within: float = 20) -> list[dict[str, Any]]:
        """The data of these types once there are so many."""
        try:
            async with asyncio.timeout(within):
                while len(found := await self.data(*types)) < count:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pytest.fail(f"{len(await self.data(*types))} of {count}: {[e.type for e in await self.events()]}")
        return found

    async def act(self, phone: str, **what: Any) -> Any:
        return await self.rig.sandbox.control.act(phone, what)


async def opened(rig: Rig) -> Log:
    headers = await rig.connected("ann", ANN)
    user = await rig.gateway.storage.user_named("ann")
    session = await rig.gateway.storage.session_named(user.id, "ann")
    log = Log(rig, user.id, session.id, headers)
    async with asyncio.timeout(10):
        while (live := rig.gateway.runner.live(session.id)) is None or live.tap.updates is None:
            await asyncio.sleep(0.01)
    return log


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    async with rigged(tmp_path / "data") as rig:
        yield await opened(rig)


async def test_messages_are_in_the_log_as_they_come(log: Log) -> None:
    for number in range(20):
        await log.act(BOB, do="send", to=ANN, text=f"n{number}")
    found = await log.until(20, "message.received")
    assert [one["text"] for one in found] == [f"n{number}" for number in range(20)]
    assert {"messageId", "chatId", "senderId", "text", "date", "isOutgoing"} <= set(found[0])


async def test_what_the_account_sends_by_the_api_is_told_once_with_its_origin(log: Log) -> None:
    answer = await log.rig.send(log.headers, "by api")
    assert answer.status_code == 200, answer.text
    await log.act(ANN, do="send", to=BOB, text="by phone")
    found = await log.until(2, "message.sent")
    assert [(one["text"], one["origin"]) for one in found] == [("by api", "api"), ("by phone", "device")]


async def test_what_was_missed_while_disconnected_is_fetched(log: Log) -> None:
    rig = log.rig
    await log.act(BOB, do="send", to=ANN, text="before")
    await log.until(1, "message.received")
    await rig.stop()
    for number in range(250):
        await log.act(BOB, do="send", to=ANN, text=f"n{number}")
    await rig.start()
    found = await log.until(251, "message.received")
    assert [one["text"] for one in found] == ["before", *(f"n{number}" for number in range(250))]


async def test_a_cut_connection_loses_nothing(log: Log) -> None:
    await log.act(BOB, do="send", to=ANN, text="before")
    await log.until(1, "message.received")
    log.rig.gateway.runner.live(log.session_id)._end_link(ConnectionResetError("cut"))
    for number in range(50):
        await log.act(BOB, do="send", to=ANN, text=f"n{number}")
    found = await log.until(51, "message.received", within=5)
    assert [one["text"] for one in found] == ["before", *(f"n{number}" for number in range(50))]


async def test_a_difference_that_is_too_long_is_a_gap_and_then_filled_from_the_histories(log: Log) -> None:
    await log.act(BOB, do="send", to=ANN, text="before")
    await log.until(1, "message.received")
    await log.rig.fault("difference_too_long", {"phone": ANN, "times": 1})
    live = log.rig.gateway.runner.live(log.session_id)
    live._end_link(ConnectionResetError("cut"))
    for number in range(130):
        await log.act(BOB, do="send", to=ANN, text=f"n{number}")
    found = await log.until(131, "message.received")
    (gap,) = await log.until(1, "updates.gap")
    assert gap["scope"] == "account"
    assert {one["text"] for one in found} == {"before", *(f"n{number}" for number in range(130))}


async def test_a_channel_difference_that_is_too_long_is_a_gap_and_then_filled(log: Log) -> None:
    made = await log.act(ANN, do="createChannel", kind="megagroup", title="club", members=[BOB])
    chat_id = made["chatId"]
    await log.act(BOB, do="send", to=chat_id, text="before")
    await log.until(1, "message.received")
    await log.rig.fault("channel_difference_too_long", {"phone": ANN, "times": 1})
    live = log.rig.gateway.runner.live(log.session_id)
    live._end_link(ConnectionResetError("cut"))
    for number in range(130):
        await log.act(BOB, do="send", to=chat_id, text=f"n{number}")
    found = await log.until(131, "message.received")
    (gap,) = await log.until(1, "updates.gap")
    assert (gap["scope"], gap["chatId"]) == ("channel", str(chat_id))
    assert [one["text"] for one in found] == ["before", *(f"n{number}" for number in range(130))]


async def test_disorder_repetitions_and_holes_come_out_right(log: Log) -> None:
    match = {"phone": ANN, "probability": 0.3, "seed": 7}
    for verb in ("duplicate_update", "out_of_order_update", "withhold_updates"):
        await log.rig.fault(verb, match)
    for number in range(200):
        await log.act(BOB, do="send", to=ANN, text=f"n{number}")
    await log.rig.sandbox.dc.clear_faults()
    await log.act(BOB, do="send", to=ANN, text="last")
    found = await log.until(201, "message.received")
    assert [one["text"] for one in found] == [*(f"n{number}" for number in range(200)), "last"]


async def test_a_crash_in_the_midst_loses_and_doubles_nothing(log: Log) -> None:
    for turn in range(3):
        for number in range(60):
            await log.act(BOB, do="send", to=ANN, text=f"{turn}.{number}")
        await asyncio.sleep(0)
        await log.rig.crash()
        for number in range(60, 80):
            await log.act(BOB, do="send", to=ANN, text=f"{turn}.{number}")
        await log.rig.start()
    found = await log.until(240, "message.received")
    assert [one["text"] for one in found] == [f"{turn}.{number}" for turn in range(3) for number in range(80)]


async def test_a_log_that_can_not_be_written_for_a_while_misses_nothing(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = log.rig.gateway.storage
    real, left = storage.append_events, [5]

    async def failing(*args: Any, **more: Any) -> int | None:
        if left[0]:
            left[0] -= 1
            raise StorageUnavailable("the disk is full")
        return await real(*args, **more)

    monkeypatch.setattr(storage, "append_events", failing)
    for number in range(30):
        await log.act(BOB, do="send", to=ANN, text=f"n{number}")
    found = await log.until(30, "message.received")
    assert [one["text"] for one in found] == [f"n{number}" for number in range(30)]
    assert left == [0]


async def test_a_channel_that_has_gone_quiet_is_found_by_looking_at_the_list_of_chats(log: Log) -> None:
    made = await log.act(ANN, do="createChannel", kind="megagroup", title="club", members=[BOB])
    await log.act(BOB, do="send", to=made["chatId"], text="before")
    await log.until(1, "message.received")
    await log.rig.fault("withhold_updates", {"phone": ANN})
    for number in range(5):
        await log.act(BOB, do="send", to=made["chatId"], text=f"n{number}")
    await asyncio.sleep(0.2)
    assert len(await log.data("message.received")) == 1, "nothing has told of them"
    feed = log.rig.gateway.runner.live(log.session_id).tap.updates
    feed._audit_at = 0.0
    feed._wake.set()
    found = await log.until(6, "message.received")
    assert [one["text"] for one in found] == ["before", *(f"n{number}" for number in range(5))]


async def test_pushes_that_are_withheld_are_found_by_comparing_positions(log: Log) -> None:
    await log.rig.fault("withhold_updates", {"phone": ANN})
    for number in range(5):
        await log.act(BOB, do="send", to=ANN, text=f"n{number}")
    feed = log.rig.gateway.runner.live(log.session_id).tap.updates
    feed._compared_at = -1000.0  # a minute has passed since the last comparison
    feed._wake.set()
    found = await log.until(5, "message.received")
    assert [one["text"] for one in found] == [f"n{number}" for number in range(5)]


@pytest.mark.parametrize("kind", ["megagroup", "broadcast"])
async def test_what_is_written_in_a_channel_joined_by_another_device_meanwhile_is_told(log: Log, kind: str) -> None:
    await log.act(BOB, do="send", to=ANN, text="before")
    await log.until(1, "message.received")
    made = await log.act(BOB, do="createChannel", title="Club", kind=kind)
    await log.act(BOB, do="send", to=made["chatId"], text="not hers")
    await log.rig.stop()
    link = await log.act(BOB, do="inviteLink", chat=made["chatId"])
    await log.act(ANN, do="join", link=link["link"])
    for number in range(3):
        await log.act(BOB, do="send", to=made["chatId"], text=f"n{number}")
    await log.rig.start()
    found = await log.until(4, "message.received", within=15)
    assert [one["text"] for one in found][-3:] == ["n0", "n1", "n2"]
