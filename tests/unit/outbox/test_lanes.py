"""One queue a chat, by whatever name it is called."""

from __future__ import annotations

from teleflow.model.jobs import SendJob, SendState, Text
from teleflow.outbox.lanes import Lanes
from teleflow.outbox.tickets import Ticket


def ticket(chat: str, chat_id: int | None = None, session_id: str = "ses_1") -> Ticket:
    job = SendJob(f"job of {chat}", "usr_1", session_id, 1, chat, Text("x"), SendState.QUEUED, 0, 0, chat_id=chat_id)
    return Ticket(job, deadline=None, may_have_left=False)


def test_names_of_one_chat_lead_to_one_lane_once_its_id_is_known() -> None:
    lanes = Lanes()
    first = ticket("@bob")
    lane = lanes.enter(first)
    assert lane is not None
    lanes.resolved(first, 7)
    assert lanes.enter(ticket("+15550002", 7)) is None
    assert lanes.enter(ticket("7", 7)) is None
    assert lanes.enter(ticket("+15550002")) is None, "the number led here before"
    assert len(lane) == 4


def test_chats_and_sessions_are_kept_apart() -> None:
    lanes = Lanes()
    assert lanes.enter(ticket("7", 7)) is not None
    assert lanes.enter(ticket("8", 8)) is not None
    assert lanes.enter(ticket("7", 7, "ses_2")) is not None


def test_a_lane_that_is_done_is_forgotten_by_all_its_names() -> None:
    lanes = Lanes()
    first = ticket("@bob")
    lane = lanes.enter(first)
    assert lane is not None
    lanes.resolved(first, 7)
    lanes.close(lane)
    assert lanes.standing("ses_1", "@bob", 7) is None


def test_a_name_that_was_used_before_the_id_was_known_keeps_its_place() -> None:
    lanes = Lanes()
    by_id, by_name = ticket("7", 7), ticket("@bob")
    lane_of_id, lane_of_name = lanes.enter(by_id), lanes.enter(by_name)
    lanes.resolved(by_name, 7)
    assert lanes.standing("ses_1", "@bob", 7) is lane_of_name
    assert lanes.standing("ses_1", "7", 7) is lane_of_id
