"""Verbs about updates on their way, and about the differences that make up for them."""

from __future__ import annotations

import asyncio
from typing import Any

from telethon import events
from telethon.tl import functions, types

from proofs.bare import WAIT, Line
from proofs.faults.stage import Case, Stage, expect, texts, within

ALL = types.ChannelMessagesFilterEmpty()


async def _listening(stage: Stage) -> tuple[str, str, Line, int]:
    """Somebody who has heard from somebody else: both phones, the line, and where it stands."""
    mine, theirs = await stage.person(), await stage.person()
    line = await stage.line(mine)
    await stage.say(theirs, mine, "before")
    expect(texts(await line.pushed()) == ["before"], "not heard at all")
    return mine, theirs, line, (await line.call(functions.updates.GetStateRequest())).pts


async def _missed(line: Line, pts: int) -> Any:
    return await line.call(functions.updates.GetDifferenceRequest(pts, 1, 0))


def _pts(pushed: Any) -> int:
    """Of a short form or of the only update in it."""
    found: int = getattr(pushed, "pts", None) or pushed.updates[0].pts
    return found


async def withheld(stage: Stage) -> str:
    mine, theirs, line, pts = await _listening(stage)
    await stage.inject("withhold_updates", {"phone": mine, "times": 2})
    await stage.say(theirs, mine, "1", "2")
    expect((await line.pushed()) == [], "pushed")
    await stage.say(theirs, mine, "3")
    heard, missed = texts(await line.pushed()), await _missed(line, pts)
    expect(heard == ["3"], heard)
    expect([each.message for each in missed.new_messages] == ["1", "2", "3"], missed)
    return "two not pushed, the third is; the difference has all three"


async def withheld_chat(stage: Stage) -> str:
    mine, theirs, line, pts = await _listening(stage)
    third = await stage.person()
    await stage.inject("withhold_updates", {"phone": mine, "chat": theirs})
    await stage.say(theirs, mine, "lost")
    await stage.say(third, mine, "heard")
    heard, missed = texts(await line.pushed()), await _missed(line, pts)
    expect(heard == ["heard"], heard)
    expect([each.message for each in missed.new_messages] == ["lost", "heard"], missed)
    return "that chat is not pushed, another is; the difference has both"


async def healed(stage: Stage) -> str:
    """Telethon finds the gap in the pts and asks for the difference."""
    mine, theirs = await stage.person(), await stage.person()
    client = await stage.client(mine, receive_updates=True)
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def hear(event: Any) -> None:
        await heard.put(event.raw_text)

    client.add_event_handler(hear, events.NewMessage())
    await stage.say(theirs, mine, "before")
    expect(await within(heard.get()) == "before", "not heard at all")
    await stage.inject("withhold_updates", {"phone": mine, "nth": 1})
    await stage.say(theirs, mine, "lost", "found")
    told = {await within(heard.get(), WAIT), await within(heard.get(), WAIT)}
    expect(told == {"lost", "found"}, told)
    return "both heard, the lost one by a difference"


async def doubled(stage: Stage) -> str:
    mine, theirs, line, _ = await _listening(stage)
    await stage.inject("duplicate_update", {"phone": mine, "nth": 1})
    await stage.say(theirs, mine, "1", "2")
    pushed = await line.pushed()
    expect(texts(pushed) == ["1", "1", "2"] and _pts(pushed[0]) == _pts(pushed[1]), texts(pushed))
    return "pushed twice with one pts"


async def turned(stage: Stage) -> str:
    mine, theirs, line, _ = await _listening(stage)
    await stage.inject("out_of_order_update", {"phone": mine, "nth": 1}, ms=60_000)
    await stage.say(theirs, mine, "1", "2", "3")
    heard = texts(await line.pushed())
    expect(heard == ["2", "1", "3"], heard)
    return f"pushed as {' '.join(heard)}"


async def late(stage: Stage) -> str:
    mine, theirs, line, _ = await _listening(stage)
    await stage.inject("out_of_order_update", {"phone": mine}, ms=300)
    await stage.say(theirs, mine, "1")
    expect(await line.pushed() == [], "pushed at once")
    message = await line.message()
    expect(b"1" in message.body, message)
    return "no other update: pushed late, at the time that was given"


async def skipped(stage: Stage) -> str:
    mine, theirs, line, pts = await _listening(stage)
    await stage.inject("skip_pts", {"phone": mine}, n=7)
    bridged = await _missed(line, pts)
    expect(bridged.state.pts == pts + 7 and not bridged.new_messages, bridged)
    await stage.say(theirs, mine, "after")
    (update,) = await line.pushed()
    expect(_pts(update) == pts + 8, update)
    return "a gap of 7 before the next push, bridged by an empty difference"


async def _channel(stage: Stage) -> tuple[str, Line, Any, int, int]:
    phone, line = await stage.alone()
    made = await line.call(functions.channels.CreateChannelRequest("News", "", broadcast=True))
    chat = made.chats[0]
    peer = types.InputPeerChannel(chat.id, chat.access_hash)
    for number in range(4):
        sent = await line.call(functions.messages.SendMessageRequest(peer, f"{number}", random_id=100 + number))
    pts = next(each.pts for each in sent.updates if isinstance(each, types.UpdateNewChannelMessage))
    return phone, line, types.InputChannel(chat.id, chat.access_hash), pts, chat.id


async def skipped_channel(stage: Stage) -> str:
    phone, line, channel, pts, number = await _channel(stage)
    await stage.inject("skip_pts", {"phone": phone, "chat": f"-100{number}"}, n=5)
    told = await line.call(functions.updates.GetChannelDifferenceRequest(channel, ALL, pts, 100))
    expect(told.pts == pts + 5, told)
    return "the channel's pts is 5 further, with nothing in between"


async def too_long(stage: Stage) -> str:
    mine, theirs, line, pts = await _listening(stage)
    await stage.say(theirs, mine, "1", "2")
    await stage.inject("difference_too_long", {"phone": mine, "times": 1})
    first, second = await _missed(line, pts), await _missed(line, pts)
    expect(isinstance(first, types.updates.DifferenceTooLong) and first.pts == pts + 2, first)
    expect(isinstance(second, types.updates.Difference), second)
    return f"differenceTooLong, pts {first.pts}; the next one whole"


async def channel_too_long(stage: Stage) -> str:
    phone, line, channel, pts, number = await _channel(stage)
    await stage.inject("channel_difference_too_long", {"phone": phone, "chat": f"-100{number}", "nth": 1})
    ask = functions.updates.GetChannelDifferenceRequest(channel, ALL, 1, 100)
    first, second = await line.call(ask), await line.call(ask)
    expect(isinstance(first, types.updates.ChannelDifferenceTooLong) and first.dialog.pts == pts, first)
    expect(isinstance(second, types.updates.ChannelDifference), second)
    return f"channelDifferenceTooLong with the dialog, pts {first.dialog.pts}; the next one whole"


async def sliced(stage: Stage) -> str:
    mine, theirs, line, pts = await _listening(stage)
    await stage.say(theirs, mine, *"12345")
    await stage.inject("difference_slice", {"phone": mine}, n=2)
    found, kinds = [], []
    while True:
        part = await _missed(line, pts)
        kinds.append(type(part).__name__)
        found += [each.message for each in part.new_messages]
        if not isinstance(part, types.updates.DifferenceSlice):
            break
        pts = part.intermediate_state.pts
    expect(found == list("12345") and len(kinds) == 3, (found, kinds))
    return f"{len(kinds)} parts, {len(found)} messages in their order"


async def sliced_channel(stage: Stage) -> str:
    phone, line, channel, pts, _ = await _channel(stage)
    await stage.inject("difference_slice", {"phone": phone, "method": "updates.getChannelDifference"}, n=2)
    at, parts = 1, 0
    while True:
        part = await line.call(functions.updates.GetChannelDifferenceRequest(channel, ALL, at, 100))
        at, parts = part.pts, parts + 1
        if part.final:
            break
    expect(at == pts and parts > 1, (at, parts))
    return f"{parts} parts, final in the last only"


CASES = (
    Case("withhold_updates", "all", "not pushed, in the difference", withheld),
    Case("withhold_updates", "one chat", "that chat is not pushed", withheld_chat),
    Case("withhold_updates", "Telethon", "gap found and filled", healed),
    Case("duplicate_update", "", "pushed twice", doubled),
    Case("out_of_order_update", "", "pushed after the next", turned),
    Case("out_of_order_update", "alone", "pushed late", late),
    Case("skip_pts", "an account's", "pts with nothing behind them", skipped),
    Case("skip_pts", "a channel's", "pts with nothing behind them", skipped_channel),
    Case("difference_too_long", "", "differenceTooLong", too_long),
    Case("channel_difference_too_long", "", "channelDifferenceTooLong", channel_too_long),
    Case("difference_slice", "", "differenceSlice of n", sliced),
    Case("difference_slice", "channel", "parts that are not final", sliced_channel),
)
