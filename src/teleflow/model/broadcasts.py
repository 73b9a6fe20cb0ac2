"""Broadcasts: one text to many, each of them once, at a pace, and no further than the first sign of trouble.

Pure rules stand here: what a state allows, when it is quiet, how fast it goes, what a send's end means for its
recipient. Instants are Unix milliseconds.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field

from teleflow.errors import Invalid
from teleflow.kit.ids import int64_of
from teleflow.model.formatting import ParseMode
from teleflow.model.jobs import SendJob, SendState

MOST_RECIPIENTS = 100_000
MOST_AT_ONCE = 10_000
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_ZONE = re.compile(r"[A-Za-z0-9_+\-]{1,32}(/[A-Za-z0-9_+\-]{1,32}){0,2}")
_MINUTE_MS = 60_000


class BroadcastState(enum.StrEnum):
    """draft → running → finished; paused by its owner, stopped by itself, cancelled for good."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    FINISHED = "finished"


class RecipientState(enum.StrEnum):
    """pending → queued (there is a job) → sent | failed; skipped: nothing was tried; cancelled with its broadcast."""

    PENDING = "pending"
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


_B = BroadcastState
FROM: Mapping[BroadcastState, frozenset[BroadcastState]] = {
    _B.RUNNING: frozenset({_B.DRAFT, _B.PAUSED, _B.STOPPED}),
    _B.PAUSED: frozenset({_B.RUNNING}),
    _B.STOPPED: frozenset({_B.RUNNING}),
    _B.FINISHED: frozenset({_B.RUNNING}),
    _B.CANCELLED: frozenset({_B.DRAFT, _B.RUNNING, _B.PAUSED, _B.STOPPED}),
}
"""State → those that it may follow."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Nothing is sent from `start` to `end` (minutes of the day), by the clocks of this zone."""

    start: int
    end: int
    zone: str

    @classmethod
    def of(cls, start: str, end: str, zone: str) -> QuietHours:
        """Raises Invalid."""
        if start == end:
            raise Invalid("Quiet hours begin and end at different times", details={"field": "quietHours"})
        zone_of(zone)
        return cls(_minutes(start, "quietHours.from"), _minutes(end, "quietHours.to"), zone)

    def until(self, now: int) -> int | None:
        """When the quiet that stands at `now` is over; None when it is not quiet."""
        zone = zone_of(self.zone)
        local = dt.datetime.fromtimestamp(now / 1000, zone)
        minute = local.hour * 60 + local.minute
        inside = self.start <= minute < self.end
        if self.start > self.end:
            inside = minute >= self.start or minute < self.end
        if not inside:
            return None
        day = local.date()
        if minute >= self.end:
            day += dt.timedelta(days=1)
        at = dt.time(self.end // 60, self.end % 60, fold=local.fold)
        end = dt.datetime.combine(day, at, zone)
        until = int(end.timestamp() * 1000)
        # Where clocks go back over the end, it comes twice: the later one counts, and never one that is past.
        return until if until > now else now + _MINUTE_MS


def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """Raises Invalid for what is no IANA time zone."""
    try:
        if not _ZONE.fullmatch(name):
            raise ValueError(name)
        return zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise Invalid(
            "The time zone is not known: write it as Europe/Berlin", details={"field": "quietHours.timeZone"}
        ) from None


def _minutes(text: str, field_: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise Invalid("A time of the day is written as 22:00", details={"field": field_})
    return int(match.group(1)) * 60 + int(match.group(2))


@dataclass(frozen=True, slots=True)
class Pace:
    """`per_minute` messages; each distance is up to `jitter` (0 to 1) of itself shorter or longer."""

    per_minute: int
    jitter: float = 0.2

    def distance(self, chance: float) -> int:
        """Milliseconds to the next one; `chance` is a number from 0 to 1."""
        return round(_MINUTE_MS / self.per_minute * (1 + self.jitter * (2 * chance - 1)))


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be sent, and how.

    `consent` is the owner's own statement that the recipients want it. `strangers` is how many may be written to with
    whom the account has no chat. After `failures` in a row it stops itself.
    """

    text: str
    consent: str
    pace: Pace
    parse_mode: ParseMode | None = None
    silent: bool = False
    link_preview: bool = True
    quiet: QuietHours | None = None
    strangers: int = 50
    failures: int = 20
    start_at: int | None = None
    file_id: str | None = None
    spoiler: bool = False


@dataclass(frozen=True, slots=True)
class Broadcast:
    """`failed_in_a_row` and `strangers_met` count on; `next_at` is when the pace allows the next one.

    `waiting_for` (startAt, quietHours, floodWait, connection, budget, otherBroadcast) and `waiting_until` tell why
    a running one rests. `cause` is why it stopped.
    """

    id: str
    user_id: str
    session_id: str
    name: str
    plan: Plan
    state: BroadcastState
    created_at: int
    updated_at: int
    started_at: int | None = None
    ended_at: int | None = None
    cause: str | None = None
    waiting_for: str | None = None
    waiting_until: int | None = None
    next_at: int = 0
    failed_in_a_row: int = 0
    strangers_met: int = 0


@dataclass(frozen=True, slots=True)
class Recipient:
    """`number` is their place; `to` the peer ref in canonical form; `code` and `reason` why nothing was sent."""

    number: int
    to: str
    variables: Mapping[str, str] = field(default_factory=dict)
    state: RecipientState = RecipientState.PENDING
    chat_id: int | None = None
    job_id: str | None = None
    message_id: int | None = None
    code: str | None = None
    reason: str | None = None
    stranger: bool = False
    queued_at: int | None = None
    ended_at: int | None = None


@dataclass(frozen=True, slots=True)
class OptOut:
    """Somebody who wants no broadcasts of this user. `peer`: the ref, or the marked id, as text."""

    id: str
    user_id: str
    peer: str
    note: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job's end means for its recipient; `stop` is the cause for which the whole broadcast stops."""

    number: int
    job_id: str
    state: RecipientState
    code: str | None = None
    reason: str | None = None
    message_id: int | None = None
    chat_id: int | None = None
    stop: str | None = None


# Telegram's signs that an account is looked at, and what leaves nothing to send with: on the first one all rests.
STOPS = frozenset(
    {
        "TELEGRAM_RESTRICTED",
        "ACCOUNT_FROZEN",
        "ACCOUNT_BANNED",
        "USER_BANNED_IN_CHANNEL",
        "SESSION_LOGGED_OUT",
        "SESSION_DELETED",
        "SESSION_NOT_FOUND",
        "SESSION_NOT_CONNECTED",
    }
)
ACCOUNT_WAITS = frozenset({"TELEGRAM_FLOOD_WAIT"})
"""Waits that are the account's, and not one chat's."""


def random_id_of(broadcast_id: str, number: int) -> int:
    """The one random_id of this recipient: whatever happens between, Telegram takes it once."""
    return int64_of(f"{broadcast_id} {number}")


def outcome_of(number: int, job: SendJob, *, may_have_left: bool) -> Outcome | None:
    """None while it has not ended. A message that a stop kept from leaving is pending again."""
    if not job.state.is_final:
        return None
    if job.state is SendState.SENT:
        return Outcome(number, job.id, RecipientState.SENT, message_id=job.message_id, chat_id=job.chat_id)
    code = job.error_code or ("CANCELLED" if job.state is SendState.CANCELLED else "TELEGRAM_ERROR")
    stop = code if code in STOPS else None
    if stop is not None and not may_have_left:
        return Outcome(number, job.id, RecipientState.PENDING, stop=stop)
    return Outcome(
        number,
        job.id,
        RecipientState.FAILED,
        code=code,
        reason=job.error_message or "The job was cancelled",
        chat_id=job.chat_id,
        stop=stop,
    )
