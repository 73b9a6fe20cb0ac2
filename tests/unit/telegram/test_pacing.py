"""Nothing leaves inside a wait; a wait holds what it was told for, and no more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from teleflow.errors import Forbidden, Limited, TeleFlowError
from teleflow.model.operations.base import Operation
from teleflow.model.pacing import Hold
from teleflow.telegram.pacing import Pacing


class Clock:
    now = 1_000_000.0

    def time(self) -> float:
        return self.now

    monotonic = time

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True, slots=True)
class Send(Operation[str]):
    chat: str
    method: ClassVar[str] = "messages.sendMessage"
    sends: ClassVar[bool] = True

    @property
    def scope(self) -> str:
        return self.chat


@dataclass(frozen=True, slots=True)
class Read(Operation[str]):
    method: ClassVar[str] = "messages.getHistory"


class Scene:
    def __init__(self) -> None:
        self.clock = Clock()
        self.kept: list[Hold] = []
        self.asked: list[Any] = []
        self.answers: dict[str, TeleFlowError] = {}
        self.pacing = Pacing(self.call, self.clock, keep=self.kept.append)

    async def call(self, _session_id: str, operation: Any, *, within: float) -> Any:
        self.asked.append(operation)
        error = self.answers.get(operation.scope)
        if error is not None:
            raise error
        return "done"

    async def send(self, chat: str, session_id: str = "ses_1") -> Any:
        return await self.pacing(session_id, Send(chat), within=5)

    async def refused(self, chat: str) -> TeleFlowError:
        with pytest.raises(TeleFlowError) as raised:
            await self.send(chat)
        return raised.value


def flood(seconds: float) -> Limited:
    return Limited("wait", code="TELEGRAM_FLOOD_WAIT", retry_after=seconds)


async def test_a_chat_that_waits_holds_itself_and_no_other() -> None:
    scene = Scene()
    scene.answers["slow"] = flood(10)
    await scene.refused("slow")
    told = await scene.refused("slow")
    assert (told.code, told.retry_after, told.details["scope"]) == ("TELEGRAM_FLOOD_WAIT", 11, "chat")
    assert await scene.send("free") == "done"
    scene.answers.clear()
    assert await scene.send("slow", "ses_2") == "done"
    assert [one.chat for one in scene.asked[:2]] == ["slow", "free"]


async def test_after_its_end_it_goes_again() -> None:
    scene = Scene()
    scene.answers["slow"] = flood(10)
    await scene.refused("slow")
    scene.answers.clear()
    scene.clock.now += 9.9
    await scene.refused("slow")
    scene.clock.now += 0.2
    assert await scene.send("slow") == "done"


async def test_when_no_chat_gets_through_it_is_the_account_that_waits() -> None:
    scene = Scene()
    for chat in ("a", "b", "c"):
        scene.answers[chat] = flood(30)
        told = await scene.refused(chat)
    assert told.details["scope"] == "account"
    asked = len(scene.asked)
    assert (await scene.refused("d")).details["scope"] == "account"
    assert len(scene.asked) == asked
    assert await scene.pacing("ses_1", Read(), within=5) == "done"


async def test_chats_that_were_asked_together_are_one_word() -> None:
    scene = Scene()
    answers = asyncio.Event()

    async def call(_session_id: str, operation: Any, *, within: float) -> Any:
        if operation.chat != "free":
            await answers.wait()
            raise flood(30)
        return "done"

    scene.pacing = Pacing(call, scene.clock)
    together = [asyncio.ensure_future(scene.refused(chat)) for chat in ("a", "b", "c", "d", "e")]
    await asyncio.sleep(0)
    answers.set()
    await asyncio.gather(*together)
    assert await scene.send("free") == "done"


async def test_while_others_get_through_each_chat_waits_alone() -> None:
    scene = Scene()
    for chat in ("a", "b", "c", "d", "e"):
        scene.answers[chat] = flood(30)
        await scene.refused(chat)
        assert await scene.send("free") == "done"


async def test_slow_mode_is_the_chats_own() -> None:
    scene = Scene()
    for chat in ("a", "b", "c", "d"):
        scene.answers[chat] = Limited("slow", code="SLOW_MODE", retry_after=30)
        await scene.refused(chat)
    assert await scene.send("free") == "done"


async def test_a_frozen_account_sends_nothing_for_an_hour_and_still_reads() -> None:
    scene = Scene()
    scene.answers["a"] = Forbidden("frozen", code="ACCOUNT_FROZEN")
    await scene.refused("a")
    told = await scene.refused("free")
    assert (told.code, type(told), told.details["held"]) == ("ACCOUNT_FROZEN", Forbidden, True)
    assert await scene.pacing("ses_1", Read(), within=5) == "done"
    scene.clock.now += 3601
    assert await scene.send("free") == "done"


async def test_what_an_earlier_process_was_told_is_obeyed() -> None:
    scene = Scene()
    scene.answers["slow"] = flood(60)
    await scene.refused("slow")
    again = Scene()
    again.clock.now = scene.clock.now + 30
    again.pacing.restore(scene.kept)
    told = await again.refused("slow")
    assert told.retry_after == 31
    assert again.asked == []


async def test_a_session_that_is_gone_holds_nothing() -> None:
    scene = Scene()
    scene.answers["slow"] = flood(60)
    await scene.refused("slow")
    assert len(scene.pacing.held("ses_1")) == 1
    scene.pacing.forget("ses_1")
    assert scene.pacing.held("ses_1") == []
