"""When a delivery is tried again."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from teleflow.model.webhooks import RetryPolicy
from teleflow.webhooks.schedule import DEFAULT_WAITS, JITTER, attempts_of, next_wait, retry_after, verdict

NOW = 1_800_000_000.0


@pytest.fixture
def chance() -> random.Random:
    return random.Random(1)


def test_the_default_policy_goes_on_for_more_than_75_hours(chance: random.Random) -> None:
    assert sum(DEFAULT_WAITS) > 75 * 3600
    assert attempts_of(RetryPolicy.DEFAULT) == 13
    for tried, wait in enumerate(DEFAULT_WAITS, start=1):
        for _ in range(50):
            found = next_wait(RetryPolicy.DEFAULT, tried, None, chance)
            assert found is not None
            assert wait * (1 - JITTER) <= found <= wait * (1 + JITTER)
    assert next_wait(RetryPolicy.DEFAULT, 13, None, chance) is None


def test_the_legacy_policy_is_three_attempts(chance: random.Random) -> None:
    waits = [next_wait(RetryPolicy.LEGACY, tried, None, chance) for tried in (1, 2, 3)]
    assert waits == [1.0, 3.0, None]


def test_without_a_policy_there_is_one_attempt(chance: random.Random) -> None:
    assert next_wait(RetryPolicy.NONE, 1, 5.0, chance) is None


def test_what_the_receiver_asks_for_moves_the_next_attempt_back_and_never_forward(chance: random.Random) -> None:
    assert next_wait(RetryPolicy.LEGACY, 1, 120.0, chance) == 120.0
    assert next_wait(RetryPolicy.LEGACY, 2, 0.5, chance) == 3.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("86400", 86_400.0),
        ("86401", 86_400.0),
        ("9" * 40, 86_400.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("٣", None),
        (format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True), 90.0),
        (format_datetime(datetime.fromtimestamp(NOW - 90, UTC), usegmt=True), 0.0),
        (format_datetime(datetime.fromtimestamp(NOW + 9e6, UTC), usegmt=True), 86_400.0),
        ("Fri, 99 Foo 2026 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_a_day_at_most(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_success_is_2xx(status: int) -> None:
    assert verdict(status, {}, NOW).success


@pytest.mark.parametrize(
    "status", [None, 100, 199, 300, 301, 302, 304, 307, 400, 401, 404, 409, 429, 500, 502, 503, 504]
)
@pytest.mark.parametrize("header", [None, "30", "nonsense"])
def test_everything_else_is_a_failure(status: int | None, header: str | None) -> None:
    meant = verdict(status, {} if header is None else {"retry-after": header}, NOW)
    assert not meant.success
    assert not meant.gone
    assert meant.retry_after == (30.0 if header == "30" and status is not None else None)


def test_410_ends_everything() -> None:
    assert verdict(410, {}, NOW).gone
