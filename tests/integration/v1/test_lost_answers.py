"""What is changed at Telegram while its answer is lost: done once, and told as done.

The data centre acts, its answer is dropped, and the repeat hears what Telegram says of a thing that is done already:
from the sandbox itself, or, where Telegram is known to say something else, that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.v1.group_rig import Rooms, rooms
from tests.integration.v1.lost_acts import ACTS, Act
from tests.integration.v1.lost_settings import SETTINGS


@pytest.fixture
async def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rooms]:
    monkeypatch.setattr("teleflow.telegram.calls._FIRST_ANSWER_S", 0.3)
    async with rooms(tmp_path) as made:
        yield made


@pytest.mark.parametrize("act", (ACTS | SETTINGS).values(), ids=(ACTS | SETTINGS).keys())
async def test_what_was_done_is_told_as_done_though_its_answer_was_lost(at: Rooms, act: Act) -> None:
    it = await act.prepare(at) if act.prepare is not None else None
    asked = at.at.calls(act.method)
    await at.at.rig.fault("drop_reply_after_commit", {"method": act.method, "times": 1})
    if act.says is not None:
        code, name = act.says
        await at.at.rig.fault("rpc_error", {"method": act.method, "nth": 2}, code=code, name=name)
    told = await act.ask(at, it)
    assert at.at.calls(act.method) >= asked + 2  # or nothing was lost
    assert act.effect(at, it) == act.wanted
    if isinstance(told, dict) and "changed" in told:
        assert told["changed"] is True


async def test_what_a_failing_server_has_done_is_told_as_done(at: Rooms) -> None:
    """It fails, and the repeat hears that the channel is gone."""
    of = {"method": "channels.deleteChannel"}
    await at.at.rig.fault("rpc_error", of | {"nth": 1}, code=500, name="RPC_CALL_FAIL")
    await at.at.rig.fault("rpc_error", of | {"nth": 2}, code=400, name="CHANNEL_PRIVATE")
    assert (await at.on("channel", "DELETE"))["changed"] is True
    assert at.at.calls("channels.deleteChannel") == 2


async def test_without_a_lost_answer_the_same_words_are_a_refusal(at: Rooms) -> None:
    for method, name, ask in (
        ("channels.deleteChannel", "CHANNEL_PRIVATE", ("channel", "DELETE", "")),
        ("messages.deleteChat", "CHAT_ID_INVALID", ("group", "DELETE", "")),
        ("messages.hideChatJoinRequest", "HIDE_REQUESTER_MISSING", ("channel", "POST", "/join-requests/me/approve")),
    ):
        await at.at.rig.fault("rpc_error", {"method": method, "times": 1}, code=400, name=name)
        await at.on(*ask, status=404)
