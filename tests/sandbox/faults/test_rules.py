"""Rules: what they accept and when they fire, without a network."""

from __future__ import annotations

from typing import Any

import pytest

from teleflow.sandbox.faults import Call, FaultError, Faults
from tests.sandbox.support.centre import NEAREST, sending
from tests.sandbox.support.clock import HandClock

METHOD = "messages.sendMessage"


def call(phone: str = "1", method: str = METHOD, request: Any = NEAREST) -> Call:
    return Call(phone, method, request)


def fires(faults: Faults, *calls: Call) -> list[int]:
    """The calls (from 1) on which something fires."""
    return [number for number, one in enumerate(calls, 1) if faults.fire(one)]


def test_a_rule_without_a_match_fires_on_every_call() -> None:
    faults = Faults(HandClock())
    faults.add("drop_request")
    assert fires(faults, call(), call("2"), call(method="x")) == [1, 2, 3]


def test_phone_method_and_chat_are_matched() -> None:
    faults = Faults(HandClock())
    faults.add("drop_request", {"phone": "+1 (5)", "method": METHOD, "chat": 7})
    right = call("15", request=sending(1, user=7))
    wrong = [call("15", request=sending(1, user=8)), call("16", request=sending(1, user=7)), call("15", "x")]
    assert fires(faults, right, *wrong, right) == [1, 5]


def test_nth_and_times_bound_the_firings() -> None:
    faults = Faults(HandClock())
    nth = faults.add("drop_request", {"nth": 3})
    assert fires(faults, *[call()] * 6) == [3]
    faults.remove(nth.number)
    faults.add("drop_request", {"times": 2})
    assert fires(faults, *[call()] * 6) == [1, 2]


def test_attempt_tells_repeated_random_ids_apart() -> None:
    faults = Faults(HandClock())
    faults.add("drop_request", {"attempt": 1})
    one, two = call(request=sending(1)), call(request=sending(2))
    assert fires(faults, one, one, two, one, two, call()) == [1, 3]


def test_probability_is_repeatable_and_about_right() -> None:
    def run(seed: int | None) -> list[int]:
        faults = Faults(HandClock())
        faults.add("drop_request", {"probability": 0.25, "seed": seed})
        return fires(faults, *[call()] * 1000)

    assert run(5) == run(5) != run(6)
    assert run(None) == run(None)
    assert 200 < len(run(5)) < 300


async def test_a_flood_window_counts_down_for_each_account_and_ends() -> None:
    clock = HandClock()
    faults = Faults(clock)
    faults.add("flood", {"method": METHOD}, {"seconds": 30})
    (first,) = faults.fire(call("1"))
    assert first[1] == 30
    await clock.advance(12.5)
    assert [left for _, left in faults.fire(call("1"))] == [18]
    assert [left for _, left in faults.fire(call("2"))] == [30]
    assert faults.fire(call("1", "x")) == []
    await clock.advance(18)
    assert faults.fire(call("1")) == []
    assert [left for _, left in faults.fire(call("2"))] == [12]


def test_a_flood_may_name_its_scope_in_its_arguments() -> None:
    faults = Faults(HandClock())
    rule = faults.add("flood", None, {"seconds": 3, "chat": 7})
    assert rule.as_dict()["match"] == {"chat": "7"}
    assert fires(faults, call(request=sending(1, user=7)), call(request=sending(1, user=8))) == [1]


@pytest.mark.parametrize(
    ("verb", "match", "args"),
    [
        ("explode", {}, {}),
        ("rpc_error", {}, {}),
        ("rpc_error", {}, {"name": 5}),
        ("flood", {}, {}),
        ("flood", {}, {"seconds": "3"}),
        ("flood", {}, {"seconds": True}),
        ("delay", {}, {}),
        ("drop_request", {"nth": 0}, {}),
        ("drop_request", {"times": 1.5}, {}),
        ("drop_request", {"times": True}, {}),
        ("drop_request", {"probability": 1.01}, {}),
        ("drop_request", {"probability": "x"}, {}),
        ("drop_request", {"color": "red"}, {}),
        ("drop_request", {"phone": ["1"]}, {}),
        ("drop_request", {}, {"ms": 5}),
        ("close_tcp", {}, {"when": "later"}),
        ("refuse", {}, {"close": "yes"}),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(verb: str, match: dict[str, Any], args: dict[str, Any]) -> None:
    with pytest.raises(FaultError):
        Faults(HandClock()).add(verb, match, args)


def test_the_number_of_rules_is_bounded() -> None:
    faults = Faults(HandClock())
    for _ in range(256):
        faults.add("drop_request")
    with pytest.raises(FaultError):
        faults.add("drop_request")
