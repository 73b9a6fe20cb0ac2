"""An endpoint that fails and fails is asked less and less."""

from __future__ import annotations

from teleflow.webhooks.lane import Lane


def failing(times: int) -> Lane:
    lane = Lane("whk_1")
    for _ in range(times):
        lane.failed(100.0, None)
    return lane


def test_some_failures_change_nothing() -> None:
    lane = failing(19)
    assert (lane.room(20), lane.held_until) == (20, 0.0)


def test_then_one_at_a_time_and_ever_longer_pauses() -> None:
    assert [failing(times).held_until - 100 for times in (20, 21, 22, 30)] == [1.0, 2.0, 4.0, 30.0]
    lane = failing(20)
    assert lane.room(20) == 1
    lane.flying.add("dlv_1")
    assert lane.room(20) == 0


def test_one_success_ends_it() -> None:
    lane = failing(40)
    lane.succeeded()
    assert (lane.room(20), lane.held_until) == (20, 0.0)


def test_who_asks_to_be_left_alone_is() -> None:
    lane = Lane("whk_1")
    lane.failed(100.0, 5.0)
    assert lane.held_until == 105.0
    lane.failed(100.0, 86_400.0)
    assert lane.held_until == 160.0


def test_room_is_given_in_portions() -> None:
    lane = Lane("whk_1", flying={f"dlv_{n}" for n in range(11)})
    assert lane.room(20) == 0
    lane.flying.discard("dlv_0")
    assert lane.room(20) == 10
