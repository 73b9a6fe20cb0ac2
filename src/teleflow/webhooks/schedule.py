"""When a delivery is tried again, and what an answer means. Pure.

A success is 2xx and nothing else; a redirect is a failure; 410 ends everything. `Retry-After` moves the next attempt
back, by a day at most, and never forward.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from teleflow.model.webhooks import RetryPolicy

_MINUTE, _HOUR = 60.0, 3600.0
# Seconds between attempts. The seed's three waits come first; all together more than 75 hours.
DEFAULT_WAITS = (
    1.0,
    3.0,
    10.0,
    _MINUTE,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    24 * _HOUR,
)
LEGACY_WAITS = (1.0, 3.0)  # three attempts; the seed's third wait of 10 s comes after the last one, for nothing
JITTER = 0.2
MOST_RETRY_AFTER_S = 24 * _HOUR
GONE = 410


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt's outcome means. `retry_after`: seconds that the receiver asked for."""

    success: bool
    gone: bool = False
    retry_after: float | None = None


def verdict(status: int | None, headers: Mapping[str, str], now: float) -> Verdict:
    """`status` is None where no answer came; `headers` are in lower case; `now` in Unix seconds."""
    if status is None:
        return Verdict(success=False)
    if 200 <= status < 300:
        return Verdict(success=True)
    return Verdict(success=False, gone=status == GONE, retry_after=retry_after(headers.get("retry-after"), now))


def retry_after(value: str | None, now: float) -> float | None:
    """The header's seconds or date (RFC 9110 §10.2.3), as seconds from now, a day at most; None for nonsense."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), MOST_RETRY_AFTER_S)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - datetime.fromtimestamp(now, UTC)).total_seconds()), MOST_RETRY_AFTER_S)


def attempts_of(policy: RetryPolicy) -> int:
    """How many attempts there are in all."""
    return {RetryPolicy.DEFAULT: len(DEFAULT_WAITS), RetryPolicy.LEGACY: len(LEGACY_WAITS), RetryPolicy.NONE: 0}[
        policy
    ] + 1


def next_wait(policy: RetryPolicy, tried: int, asked: float | None, chance: random.Random) -> float | None:
    """Seconds until the next attempt after `tried` failed ones (1 or more); None when that was the last.

    `asked`: what the receiver's Retry-After said.
    """
    if tried >= attempts_of(policy):
        return None
    if policy is RetryPolicy.DEFAULT:
        wait = DEFAULT_WAITS[tried - 1] * chance.uniform(1 - JITTER, 1 + JITTER)
    else:
        wait = LEGACY_WAITS[tried - 1]
    return max(wait, asked or 0.0)
