"""The world from outside: accounts, acts, ledgers, and what is refused."""

from __future__ import annotations

import pytest

from teleflow.kit.tasks import Tasks
from teleflow.sandbox.cast import CAST, CHATTER, seed_cast
from teleflow.sandbox.scenario import FLOOD, SCRIPTS, Scenarios
from teleflow.sandbox.unasked import Unasked
from teleflow.sandbox.world.control import ControlError, WorldControl
from tests.sandbox.world_rig import Rig, until

ANN, BOB = "+15550100001", "+15550100002"


def controlled() -> tuple[Rig, WorldControl]:
    rig = Rig()
    control = WorldControl(rig.world, scenarios=frozenset(SCRIPTS))
    control.create_account({"phone": ANN, "firstName": "Ann", "username": "@ann_here"})
    control.create_account({"phone": BOB, "firstName": "Bob"})
    return rig, control


def test_accounts_tell_what_a_script_needs():
    _, control = controlled()
    made = control.create_account(
        {"phone": "1 (555) 010-0009", "firstName": "Eve", "cloudPassword": "pw", "scenario": "echo"}
    )
    assert made["phone"] == "+15550100009"
    assert (made["cloudPassword"], made["hasCloudPassword"], made["scenario"]) == ("pw", True, "echo")
    assert [each["username"] for each in control.accounts()] == ["ann_here", None, None]
    assert control.code(ANN) is None


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "VALIDATION_ERROR"),
        ({"phone": 15550100009, "firstName": "X"}, 422, "VALIDATION_ERROR"),
        ({"phone": "1234", "firstName": "X"}, 422, "VALIDATION_ERROR"),
        ({"phone": "1" * 16, "firstName": "X"}, 422, "VALIDATION_ERROR"),
        ({"phone": "15550100009"}, 422, "VALIDATION_ERROR"),
        ({"phone": "15550100009", "firstName": ""}, 422, "FIRSTNAME_INVALID"),
        ({"phone": "15550100009", "firstName": "X", "username": "1x"}, 422, "USERNAME_INVALID"),
        ({"phone": "15550100009", "firstName": "X", "username": "ann_here"}, 409, "USERNAME_OCCUPIED"),
        ({"phone": "15550100009", "firstName": "X", "scenario": "dance"}, 422, "VALIDATION_ERROR"),
        ({"phone": "1-555-010-0001", "firstName": "X"}, 409, "CONFLICT"),
    ],
)
def test_bad_accounts_are_refused(body, status, code):
    _, control = controlled()
    with pytest.raises(ControlError) as caught:
        control.create_account(body)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert len(control.accounts()) == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"do": "dance"}, 400, "UNKNOWN_ACT"),
        ({}, 400, "UNKNOWN_ACT"),
        ({"do": "send", "to": BOB}, 422, "VALIDATION_ERROR"),
        ({"do": "send", "to": "@nobody", "text": "x"}, 404, "ACCOUNT_NOT_FOUND"),
        ({"do": "send", "to": None, "text": "x"}, 422, "VALIDATION_ERROR"),
        ({"do": "send", "to": BOB, "text": " "}, 422, "MESSAGE_EMPTY"),
        ({"do": "send", "to": BOB, "text": "x" * 4097}, 422, "MESSAGE_TOO_LONG"),
        ({"do": "send", "to": BOB, "text": "\ud800"}, 422, "VALIDATION_ERROR"),
        ({"do": "send", "to": BOB, "text": "x", "times": 0}, 422, "VALIDATION_ERROR"),
        ({"do": "send", "to": BOB, "text": "x", "perSecond": "fast"}, 422, "VALIDATION_ERROR"),
        ({"do": "edit", "messageId": 99, "text": "x"}, 422, "MESSAGE_ID_INVALID"),
        ({"do": "delete", "messageIds": "all"}, 422, "VALIDATION_ERROR"),
    ],
)
async def test_bad_acts_are_refused_and_do_nothing(body, status, code):
    rig, control = controlled()
    with pytest.raises(ControlError) as caught:
        await control.act(ANN, body)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert not rig.world.ledger.messages


async def test_an_unknown_act_names_the_known_ones():
    _, control = controlled()
    with pytest.raises(ControlError, match="send, edit, delete"):
        await control.act(ANN, {"do": "fly"})


@pytest.mark.parametrize("to", [ANN, "15550100001", "@ann_here", "ann_here", 6_100_000_001, "6100000001"])
async def test_people_are_named_in_any_way(to):
    _, control = controlled()
    await control.act(BOB, {"do": "send", "to": to, "text": "x"})
    assert control.ledger_messages()[0]["to"] == ANN


async def test_a_burst_keeps_its_rate_and_its_order():
    rig, control = controlled()
    start = rig.clock.now
    answer = await control.act(ANN, {"do": "send", "to": BOB, "text": "no. {n}", "times": 5, "perSecond": 2})
    assert rig.clock.now - start == pytest.approx(2.0)
    assert [line["text"] for line in control.ledger_messages(phone=BOB)] == [f"no. {n}" for n in range(1, 6)]
    assert [each["messageId"] for each in answer["results"]] == [1, 2, 3, 4, 5]


async def test_the_ledgers_filter_and_page():
    _, control = controlled()
    await control.act(ANN, {"do": "send", "to": BOB, "text": "{n}", "times": 5, "randomId": 7})
    await control.act(BOB, {"do": "send", "to": BOB, "text": "mine"})
    assert len(control.ledger_messages()) == 6
    assert [line["text"] for line in control.ledger_messages(phone=ANN, limit=2)] == ["1", "2"]
    third = control.ledger_messages(limit=3)[-1]["seq"]
    assert [line["text"] for line in control.ledger_messages(since=str(third))] == ["4", "5", "mine"]
    assert len(control.ledger_messages(random_id="7")) == 5
    updates = control.ledger_updates(phone=BOB)
    assert [each["pts"] for each in updates] == [2, 3, 4, 5, 6, 7]
    assert control.ledger_updates(phone="+19999999999") == []
    for wrong in ({"since": "x"}, {"phone": "x"}, {"random_id": "x"}, {"limit": "x"}):
        with pytest.raises(ControlError):
            control.ledger_messages(**wrong)


async def scripted(scenario: str, *texts: str) -> tuple[Rig, list[str], float]:
    """What Ann hears from a person of that scenario, and how long it took by the clock."""
    rig, control = controlled()
    control.create_account({"phone": "15550100009", "firstName": "Act", "scenario": scenario})
    tasks = Tasks("test")
    Scenarios(rig.world, rig.clock, tasks).start()
    start = rig.clock.now
    for text in texts:
        await control.act(ANN, {"do": "send", "to": "15550100009", "text": text})
        await until(lambda: not len(tasks))
    lines = control.ledger_messages(phone=ANN)
    return rig, [line["text"] for line in lines if line["to"] == ANN], rig.clock.now - start


async def test_echo_says_it_again_and_reads():
    rig, heard, _ = await scripted("echo", "one", "two")
    assert heard == ["one", "two"]
    dialog = next(iter(rig.world.messages.box(6_100_000_001).dialogs.values()))
    assert dialog.read_outbox == 3


async def test_the_greeter_greets_by_name_once():
    _, heard, _ = await scripted("greeter", "hi", "hi again")
    assert "Ann" in heard[0]
    assert heard[1] != heard[0]


async def test_the_slow_typist_takes_its_time():
    _, heard, seconds = await scripted("slow", "hello")
    assert "5 characters" in heard[0]
    assert seconds == pytest.approx(4.3)


async def test_the_reader_only_reads():
    rig, heard, _ = await scripted("reader", "hello")
    assert heard == []
    assert [entry.kind for entry in rig.world.ledger.updates][-1] == "read_outbox"


async def test_the_flooder_answers_one_with_fifty():
    _, heard, _ = await scripted("flooder", "hello")
    assert len(heard) == FLOOD
    assert heard[-1] == f"{FLOOD}! hello"


async def test_chatty_people_talk_in_turns_while_somebody_listens():
    rig, control = controlled()
    for phone in ("15550100008", "15550100009"):
        control.create_account({"phone": phone, "firstName": "Chat", "scenario": "chatty"})
    one, two = (rig.world.people.by_phone(each) for each in ("15550100008", "15550100009"))
    ann = rig.world.people.by_phone(ANN)
    made = await control.act(
        ANN, {"do": "createChannel", "kind": "megagroup", "title": "Talk", "members": [one.id, two.id]}
    )
    company = Unasked(rig.world, rig.clock)
    company.talk()
    box = rig.world.messages.box(made["chatId"])
    before = len(box.messages)
    assert before == 2, "nobody listens: it was made, they were added"
    rig.logged_in(ann)
    for _ in range(4):
        company.talk()
    spoken = [box.messages[number].sender for number in sorted(box.messages)[before:]]
    assert spoken in ([one.id, two.id] * 2, [two.id, one.id] * 2)
    sent = await control.act(ANN, {"do": "send", "to": made["chatId"], "text": "well?"})
    company.talk()
    last = box.messages[max(box.messages)]
    assert last.reply_to == box.messages[sent["messageId"]].uid


async def test_the_news_are_written_for_those_who_read_them():
    rig, control = controlled()
    control.create_account({"phone": "15550100009", "firstName": "Nora", "username": "nora_here", "scenario": "news"})
    company = Unasked(rig.world, rig.clock)
    for _ in range(8):
        company.talk()
    channel = rig.world.chats.by_username("nora_here_news")
    box = rig.world.messages.box(channel.id)
    assert len(box.messages) == 1, "nobody has subscribed"
    await control.act(ANN, {"do": "join", "chat": "@nora_here_news"})
    for _ in range(8):
        company.talk()
    assert len(box.messages) == 3
    assert box.messages[max(box.messages)].post
    rig2, heard, _ = await scripted("news", "where?")
    assert "news" in heard[0]
    assert rig2.world.people.by_phone("15550100009").scenario == "news"


async def test_scripted_people_do_not_answer_each_other_nor_when_somebody_is_logged_in():
    rig, control = controlled()
    for phone in ("15550100008", "15550100009"):
        control.create_account({"phone": phone, "firstName": "Echo", "scenario": "echo"})
    tasks = Tasks("test")
    Scenarios(rig.world, rig.clock, tasks).start()
    await control.act("15550100008", {"do": "send", "to": "15550100009", "text": "x"})
    assert len(tasks) == 0
    rig.logged_in(rig.world.people.by_phone("15550100009"))
    await control.act(ANN, {"do": "send", "to": "15550100009", "text": "x"})
    assert len(tasks) == 0


def test_the_cast_is_the_same_every_time_and_only_in_an_empty_world():
    rig = Rig()
    control = WorldControl(rig.world)
    seed_cast(rig.world, 8)
    people = control.accounts()
    assert [person["phone"] for person in people[:2]] == ["+15550100001", "+15550100002"]
    assert {role.scenario for role in CAST if role.scenario} <= set(SCRIPTS)
    assert sum(person["hasCloudPassword"] for person in people) == 1
    seed_cast(rig.world, 20)
    assert len(control.accounts()) == 8
    assert rig.world.chats.by_username("nora_sandbox_news") is not None
    whole = Rig()
    seed_cast(whole.world)
    assert whole.world.chats.count(whole.world.chats.by_username(CHATTER)) == 2
