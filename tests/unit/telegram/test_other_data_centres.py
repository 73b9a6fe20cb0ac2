"""A feed at data centres that do as they like: what is legal to answer loses nothing, doubles nothing, ends nothing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.kit.clock import SystemClock
from teleflow.model.peers import Known, PeerKind, marked_id
from teleflow.model.updates import ACCOUNT, BoxPosition
from teleflow.telegram.mtproto.requests import RpcFault, Unreadable
from teleflow.telegram.updates.feed import Feed
from teleflow.telegram.updates.gaps import Surroundings
from teleflow.telegram.updates.teller import Teller

ME, ANN, CLUB = 1, 7, 50
NOW = datetime.fromtimestamp(1_000, UTC)
Answers = Callable[[Any], Any]


def text(number: int, peer: Any = None) -> Any:
    return tl.Message(number, peer or tl.PeerUser(ANN), date=NOW, message=f"n{number}")


def post(number: int) -> Any:
    return text(number, tl.PeerChannel(CLUB))


def state(pts: int, *, qts: int = 0, seq: int = 0) -> Any:
    return tl.updates.State(pts, qts, NOW, seq, 0)


class Centre:
    """Follows; `answers` is asked for each request, and its return is the answer (an exception is raised)."""

    def __init__(self, answers: Answers, *positions: BoxPosition) -> None:
        self.asked: list[Any] = []
        self._answers = answers
        self.events: list[Any] = []
        around = Surroundings(
            self._ask, lambda _: None, self._recall, SystemClock(), random.Random(1), asyncio.Semaphore()
        )
        account = BoxPosition(ACCOUNT, 10, date=1_000, top_message=4)
        self.feed = Feed(Teller("ses_a", ME, lambda _: "file"), [account, *positions], [], around)
        self.feed._walk = None
        self.feed._up = True

    async def _ask(self, request: Any, *, within: float) -> Any:
        self.asked.append(request)
        assert len(self.asked) < 500, "asks without end"
        answer = self._answers(request)
        if isinstance(answer, Exception):
            raise answer
        await asyncio.sleep(0)
        return answer

    async def _recall(self, peer_id: int) -> Known | None:
        return Known(peer_id, 5)

    def push(self, updates: Any) -> None:
        self.feed.push(memoryview(bytes(updates)))

    async def told(self, count: int, type_: str = "message.received", within: float = 3) -> list[Any]:
        """The data of the events of this type, once there are so many."""
        async with asyncio.timeout(within):
            while len(self.of(type_)) < count:
                batch = await self.feed.next()
                assert batch is not None
                self.events += batch.events
        return self.of(type_)

    def of(self, type_: str) -> list[Any]:
        return [one.data for one in self.events if one.type == type_]


def club(pts: int = 20, top: int = 5) -> BoxPosition:
    return BoxPosition(CLUB, pts, top_message=top, read_max=1)


async def test_a_state_that_went_back_is_a_gap_and_what_comes_after_is_told() -> None:
    """The data centre lost what it had counted."""

    def answers(request: Any) -> Any:
        if isinstance(request, f.updates.GetDifferenceRequest):
            return tl.updates.DifferenceEmpty(NOW, 0)
        if isinstance(request, f.updates.GetStateRequest):
            return state(3)
        return tl.messages.Dialogs([], [], [], [])

    centre = Centre(answers)
    centre.feed.compare(state(3))
    await centre.told(1, "updates.gap")
    centre.push(tl.UpdateShort(tl.UpdateNewMessage(text(5), 4, 1), NOW))
    (told,) = await centre.told(1)
    assert told["messageId"] == 5


async def test_a_state_that_was_answered_before_what_was_pushed_is_no_loss() -> None:
    centre = Centre(lambda request: state(11) if isinstance(request, f.updates.GetStateRequest) else None)
    centre.push(tl.UpdateShort(tl.UpdateNewMessage(text(5), 11, 1), NOW))
    await centre.told(1)
    centre.feed.compare(state(10))
    centre.push(tl.UpdateShort(tl.UpdateNewMessage(text(6), 12, 1), NOW))
    await centre.told(2)
    assert centre.of("updates.gap") == []


async def test_differences_without_end_and_without_news_are_not_asked_for_without_pause() -> None:
    def answers(request: Any) -> Any:
        if isinstance(request, f.updates.GetDifferenceRequest):
            return tl.updates.DifferenceSlice([], [], [], [], [], state(10))
        return tl.updates.ChannelDifferenceEmpty(20, final=False)

    centre = Centre(answers, club())
    centre.feed.behind()
    centre.feed._boxes.miss(CLUB)
    try:
        async with asyncio.timeout(0.3):
            await centre.told(1)
    except TimeoutError:
        pass
    assert len(centre.asked) < 10


async def test_many_slices_bring_everything_once() -> None:
    def answers(request: Any) -> Any:
        if request.pts < 15:
            return tl.updates.DifferenceSlice([text(request.pts)], [], [], [], [], state(request.pts + 1))
        return tl.updates.DifferenceEmpty(NOW, 0)

    centre = Centre(answers)
    centre.feed.behind()
    assert [one["messageId"] for one in await centre.told(5)] == [10, 11, 12, 13, 14]


async def test_a_difference_that_cant_be_read_is_a_gap_and_the_following_goes_on() -> None:
    def answers(request: Any) -> Any:
        if isinstance(request, f.updates.GetDifferenceRequest):
            return Unreadable("unknown") if request.pts < 15 else tl.updates.DifferenceEmpty(NOW, 0)
        if isinstance(request, f.updates.GetStateRequest):
            return state(15)
        return tl.messages.Dialogs([], [], [], [])

    centre = Centre(answers)
    centre.feed.behind()
    await centre.told(1, "updates.gap")
    centre.push(tl.UpdateShort(tl.UpdateNewMessage(text(9), 16, 1), NOW))
    assert [one["messageId"] for one in await centre.told(1)] == [9]


def _dialog(pts: int | None, top: int) -> Any:
    return tl.Dialog(tl.PeerChannel(CLUB), top, 1, 0, 0, 0, 0, 0, 0, tl.PeerNotifySettings(), pts=pts)


async def test_a_channel_difference_that_cant_be_read_is_a_gap_and_the_following_goes_on() -> None:
    def answers(request: Any) -> Any:
        match request:
            case f.updates.GetChannelDifferenceRequest():
                return Unreadable("unknown") if request.pts < 25 else tl.updates.ChannelDifferenceEmpty(25, final=True)
            case f.messages.GetPeerDialogsRequest():
                return tl.messages.PeerDialogs([_dialog(25, 9)], [], [], [], state(10))
        return tl.messages.ChannelMessages(25, 0, [], [], [], [])

    centre = Centre(answers, club())
    centre.feed._boxes.miss(CLUB)
    (gap,) = await centre.told(1, "updates.gap")
    assert gap["chatId"] == str(marked_id(PeerKind.CHANNEL, CLUB))
    centre.push(tl.UpdateShort(tl.UpdateNewChannelMessage(post(10), 26, 1), NOW))
    assert [one["messageId"] for one in await centre.told(1)] == [10]


async def test_a_history_in_short_pages_is_filled_to_its_end() -> None:
    """A page of fewer than was asked for is no last one."""
    there = [post(number) for number in range(6, 16)]

    def answers(request: Any) -> Any:
        match request:
            case f.updates.GetChannelDifferenceRequest():
                if request.pts >= 40:
                    return tl.updates.ChannelDifferenceEmpty(40, final=True)
                return tl.updates.ChannelDifferenceTooLong(_dialog(40, 15), [], [], [], final=True)
            case f.messages.GetHistoryRequest():
                above = [one for one in there if request.min_id < one.id][:3] if request.min_id else []
                return tl.messages.ChannelMessages(40, 10, above[::-1], [], [], [])
        return None

    centre = Centre(answers, club())
    centre.feed._boxes.miss(CLUB)
    assert [one["messageId"] for one in await centre.told(10)] == list(range(6, 16))


async def test_a_channel_that_is_too_long_and_was_never_heard_of_is_asked_about() -> None:
    def answers(request: Any) -> Any:
        match request:
            case f.messages.GetPeerDialogsRequest():
                return tl.messages.PeerDialogs([_dialog(40, 7)], [post(7)], [], [], state(10))
            case f.messages.GetHistoryRequest():
                there = [post(number) for number in (6, 7) if number > request.min_id]
                return tl.messages.ChannelMessages(40, 2, there if request.min_id else [post(5)], [], [], [])
        return tl.updates.ChannelDifferenceEmpty(40, final=True)

    centre = Centre(answers)
    centre.feed._since = centre.feed._boxes.date = 900
    centre.push(tl.UpdateShort(tl.UpdateChannelTooLong(CLUB), NOW))
    assert [one["messageId"] for one in await centre.told(2)] == [6, 7]


async def test_a_channel_whose_place_is_unknown_is_a_gap_and_not_asked_about_for_ever() -> None:
    def answers(request: Any) -> Any:
        match request:
            case f.updates.GetChannelDifferenceRequest():
                if request.pts == 20:
                    return RpcFault(400, "PERSISTENT_TIMESTAMP_INVALID")
                return tl.updates.ChannelDifferenceEmpty(request.pts, final=True)
            case f.messages.GetPeerDialogsRequest():
                return tl.messages.PeerDialogs([_dialog(3, 5)], [], [], [], state(10))
        return tl.messages.ChannelMessages(3, 0, [], [], [], [])

    centre = Centre(answers, club())
    centre.feed._boxes.miss(CLUB)
    await centre.told(1, "updates.gap")
    centre.push(tl.UpdateShort(tl.UpdateNewChannelMessage(post(10), 4, 1), NOW))
    assert [one["messageId"] for one in await centre.told(1)] == [10]


async def test_a_channel_that_went_back_is_a_gap_and_what_comes_after_is_told() -> None:
    centre = Centre(lambda request: tl.updates.ChannelDifferenceEmpty(3, final=True), club())
    centre.feed._boxes.miss(CLUB)
    await centre.told(1, "updates.gap")
    centre.push(tl.UpdateShort(tl.UpdateNewChannelMessage(post(10), 4, 1), NOW))
    assert [one["messageId"] for one in await centre.told(1)] == [10]


async def test_an_own_message_that_a_difference_brings_first_keeps_its_origin() -> None:
    """Its answer came after a hole; what closes the hole shows the message too."""
    mine = tl.Message(6, tl.PeerChannel(CLUB), date=NOW, message="mine", out=True)

    def answers(request: Any) -> Any:
        return tl.updates.ChannelDifference(22, [post(5), mine], [], [], [], final=True)

    centre = Centre(answers, club(top=4))
    peer = tl.InputPeerChannel(CLUB, 5)
    sent = tl.Updates([tl.UpdateMessageID(6, 99), tl.UpdateNewChannelMessage(mine, 22, 1)], [], [], NOW, 0)
    centre.feed.own(f.messages.SendMessageRequest(peer, "mine", random_id=99), sent)
    (told,) = await centre.told(1, "message.sent")
    assert told["origin"] == "api"
    assert [one["messageId"] for one in centre.of("message.received")] == [5]
