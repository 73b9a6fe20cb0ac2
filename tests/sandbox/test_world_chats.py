"""Groups and channels through the control API, and across a restart."""

from __future__ import annotations

import pytest

from teleflow.sandbox.world.control import ControlError, WorldControl
from teleflow.sandbox.world.world import World
from tests.sandbox.world_rig import HandClock

ANN, BOB, EVE = "+15550100001", "+15550100002", "+15550100003"


def _world(directory=None) -> tuple[World, WorldControl]:
    world = World(clock=HandClock(), seed=7)
    control = WorldControl(world, directory=directory)
    if directory is None or not control.load()["loaded"]:
        for phone, name in ((ANN, "Ann"), (BOB, "Bob"), (EVE, "Eve")):
            control.create_account({"phone": phone, "firstName": name})
    return world, control


async def _act(control, phone, do, **body):
    return await control.act(phone, {"do": do, **body})


async def test_people_found_fill_and_use_chats_by_acts():
    world, control = _world()
    group = (await _act(control, ANN, "createGroup", title="Trio", members=[BOB, EVE]))["chatId"]
    await _act(control, BOB, "send", to=group, text="hello {n}", times=3)
    assert world.messages.box(world.people.by_phone(EVE).id).dialogs[group].unread == 4
    await _act(control, EVE, "read", to=group)
    assert world.messages.box(world.people.by_phone(EVE).id).dialogs[group].unread == 0
    made = await _act(control, ANN, "createChannel", title="Club", kind="megagroup", username="the_club", members=[BOB])
    club = made["chatId"]
    await _act(control, EVE, "join", chat="@the_club")
    sent = await _act(control, EVE, "send", to="@the_club", text="hi")
    await _act(control, EVE, "edit", to=club, messageId=sent["messageId"], text="hey")
    await _act(control, ANN, "promote", chat=club, member=BOB, rights=["delete_messages"])
    assert (await _act(control, BOB, "delete", to=club, messageIds=[sent["messageId"]]))["deleted"] == 1
    await _act(control, EVE, "leave", chat=club)
    with pytest.raises(ControlError, match="CHAT_WRITE_FORBIDDEN"):
        await _act(control, EVE, "send", to=club, text="gone")
    (line,) = [line for line in control.ledger_messages() if line["text"] == "hi"]
    assert (line["to"], line["toId"], line["from"]) == (str(club), club, EVE)
    assert {row["kind"] for row in control.ledger_updates() if row.get("chatId") == club} >= {
        "message",
        "edit",
        "delete",
    }


async def test_links_and_requests_by_acts():
    _, control = _world()
    club = (await _act(control, ANN, "createChannel", title="Club", kind="megagroup"))["chatId"]
    link = (await _act(control, ANN, "inviteLink", chat=club, byRequest=True))["link"]
    with pytest.raises(ControlError, match="INVITE_REQUEST_SENT"):
        await _act(control, BOB, "join", link=link)
    await _act(control, ANN, "decideJoin", chat=club, member=BOB)
    await _act(control, ANN, "restrict", chat=club, member=BOB)
    with pytest.raises(ControlError, match="USER_BANNED_IN_CHANNEL"):
        await _act(control, BOB, "send", to=club, text="x")
    with pytest.raises(ControlError, match="there is no group"):
        await _act(control, BOB, "send", to=-100999, text="x")


async def test_chats_survive_a_restart(tmp_path):
    world, control = _world(tmp_path)
    group = (await _act(control, ANN, "createGroup", title="Trio", members=[BOB, EVE]))["chatId"]
    news = (await _act(control, ANN, "createChannel", title="News", username="the_news", members=[BOB]))["chatId"]
    link = (await _act(control, ANN, "inviteLink", chat=news, byRequest=True))["link"]
    with pytest.raises(ControlError, match="INVITE_REQUEST_SENT"):
        await _act(control, EVE, "join", link=link)
    await _act(control, ANN, "send", to=group, text="one")
    await _act(control, ANN, "send", to=news, text="two")
    await _act(control, BOB, "read", to=news)
    before = world.messages.box(news)
    control.close()

    again, control = _world(tmp_path)
    chats = again.chats
    bob = again.people.by_phone(BOB).id
    chat = chats.by_id[news]
    assert (chat.title, chats.by_username("the_news"), chats.count(chat)) == ("News", chat, 2)
    assert chats.members[news][bob].read_inbox == before.state.last_id
    assert list(chat.requests) == [again.people.by_phone(EVE).id]
    after = again.messages.box(news)
    assert (after.pts, after.state.last_id, len(after.log)) == (before.pts, before.state.last_id, len(before.log))
    assert again.messages.box(bob).dialogs[group].unread == 2
    await _act(control, BOB, "leave", chat=news)
    assert (await _act(control, ANN, "send", to=news, text="three"))["messageId"] == before.state.last_id + 1
    new = (await _act(control, ANN, "createGroup", title="Next", members=[BOB]))["chatId"]
    assert new == group - 1, "ids are not given twice"
    control.close()
