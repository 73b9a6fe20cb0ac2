from __future__ import annotations

import random

import pytest

from teleflow.errors import Limited
from teleflow.services.throttle import LoginThrottle
from tests.unit.services.clocks import ManualClock


def wait(throttle: LoginThrottle, name: str, address: str) -> float:
    try:
        throttle.check(name, address)
    except Limited as error:
        return error.retry_after or -1.0
    return 0.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def throttle(clock: ManualClock) -> LoginThrottle:
    return LoginThrottle(clock)


def test_a_few_mistakes_cost_nothing(throttle: LoginThrottle) -> None:
    for _ in range(4):
        throttle.failed("john", "192.0.2.1")
        assert wait(throttle, "john", "192.0.2.1") == 0


def test_waits_grow_up_to_a_bound_and_end(throttle: LoginThrottle, clock: ManualClock) -> None:
    waits = []
    for _ in range(14):
        throttle.failed("john", "192.0.2.1")
        waits.append(wait(throttle, "john", "192.0.2.1"))
        clock.now += waits[-1]
        assert wait(throttle, "john", "192.0.2.1") == 0
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 30, 30, 30, 30, 30]
    clock.now += 900
    throttle.failed("john", "192.0.2.1")
    assert wait(throttle, "john", "192.0.2.1") == 0, "forgotten after a quiet while"


def test_ten_thousand_guesses_from_a_hundred_addresses_reach_few_comparisons(
    throttle: LoginThrottle, clock: ManualClock
) -> None:
    """Promise P27: at most 60 in ten minutes; and the owner gets in meanwhile."""
    chance = random.Random(1)
    throttle.succeeded("john", "198.51.100.7")
    compared = 0
    for _ in range(10_000):
        clock.now += 0.06
        address = f"203.0.113.{chance.randrange(100)}"
        if wait(throttle, "john", address) == 0:
            compared += 1
            throttle.failed("john", address)
    assert 10 <= compared <= 60
    assert wait(throttle, "john", "198.51.100.7") == 0, "an address that is known to be the owner's"
    assert wait(throttle, "john", "192.0.2.200") <= 30, "and any other one soon"


def test_unknown_names_are_treated_like_known_ones(throttle: LoginThrottle) -> None:
    for name in ("john", "nobody"):
        for _ in range(7):
            throttle.failed(name, "192.0.2.1")
    assert wait(throttle, "john", "192.0.2.99") == wait(throttle, "nobody", "192.0.2.99") > 0


def test_one_address_guessing_many_names_is_slowed_down(throttle: LoginThrottle) -> None:
    for n in range(20):
        throttle.failed(f"user{n}", "192.0.2.1")
    assert wait(throttle, "another", "192.0.2.1") > 0
    assert wait(throttle, "another", "192.0.2.2") == 0


def test_a_home_in_ipv6_is_one_address(throttle: LoginThrottle) -> None:
    for n in range(20):
        throttle.failed(f"user{n}", f"2001:db8:1:2:{n:x}::1")
    assert wait(throttle, "another", "2001:db8:1:2:ffff::9") > 0
    assert wait(throttle, "another", "2001:db8:1:3::9") == 0
    for n in range(20):
        throttle.failed(f"user{n}", f"::ffff:192.0.2.{n}")
    assert wait(throttle, "another", "192.0.2.250") == 0, "IPv4 in IPv6 is told apart"


def test_success_forgives_only_the_mistakes_of_its_own_address(throttle: LoginThrottle) -> None:
    for _ in range(4):
        throttle.failed("john", "192.0.2.1")
    for _ in range(4):
        throttle.failed("john", "203.0.113.1")
    throttle.succeeded("john", "192.0.2.1")
    assert wait(throttle, "john", "192.0.2.50") == 0, "four are left"
    throttle.failed("john", "203.0.113.2")
    assert wait(throttle, "john", "192.0.2.50") > 0, "the attacker's count goes on"


def test_the_owner_s_own_mistakes_slow_only_that_address(throttle: LoginThrottle) -> None:
    throttle.succeeded("john", "192.0.2.1")
    for _ in range(12):
        throttle.failed("john", "192.0.2.1")
    assert 0 < wait(throttle, "john", "192.0.2.1") <= 30
    assert wait(throttle, "john", "192.0.2.77") == 0


def test_a_flood_over_all_names_and_addresses_has_a_limit_too(throttle: LoginThrottle, clock: ManualClock) -> None:
    throttle.succeeded("john", "198.51.100.7")
    compared = 0
    for n in range(5000):
        address = f"10.{n // 256}.{n % 256}.1"
        if wait(throttle, f"user{n}", address) == 0:
            compared += 1
            throttle.failed(f"user{n}", address)
    assert compared == 600
    assert wait(throttle, "john", "198.51.100.7") == 0
    clock.now += 1
    assert wait(throttle, "someone", "192.0.2.1") == 0
