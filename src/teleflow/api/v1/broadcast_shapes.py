"""Broadcasts as clients write and read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from teleflow.api.bodies import refuse_fields
from teleflow.api.v1.envelope import Body, Shape
from teleflow.api.v1.message_bodies import ChatId, SessionId
from teleflow.model.broadcasts import (
    MOST_AT_ONCE,
    Broadcast,
    OptOut,
    Pace,
    Plan,
    QuietHours,
    Recipient,
    RecipientState,
)
from teleflow.model.formatting import ParseMode
from teleflow.services.broadcasts import Forecast, Named, Seen
from teleflow.wire.instants import iso, parse_iso

BroadcastStates = Literal["draft", "running", "paused", "stopped", "cancelled", "finished"]
RecipientStates = Literal["pending", "queued", "sent", "failed", "skipped", "cancelled"]
_TIME = "^([01][0-9]|2[0-3]):[0-5][0-9]$"


def _mode(value: object) -> object:
    return ParseMode(value) if isinstance(value, str) and value in set(ParseMode) else value


class RecipientBody(Body):
    to: ChatId
    variables: Annotated[
        dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=4096)]], Field(max_length=64)
    ] = Field(default_factory=dict)

    def named(self) -> Named:
        return Named(self.to, self.variables)


class PaceBody(Body):
    """`perMinute`: the service sets the most (BROADCAST_PER_MINUTE). `jitter`: each distance varies by so much."""

    per_minute: Annotated[int, Field(ge=1, le=100_000)] = 20
    jitter: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.2


class QuietBody(Body):
    """Nothing is sent from `from` to `to`, by the clocks of an IANA time zone; over midnight too."""

    from_: Annotated[str, Field(alias="from", pattern=_TIME)]
    to: Annotated[str, Field(pattern=_TIME)]
    time_zone: Annotated[str, Field(min_length=1, max_length=100)]


class WithPlan(Body):
    session_id: SessionId
    text: Annotated[
        str, Field(max_length=32_768, description="With places such as {{name|friend}}; with a file its caption")
    ] = ""
    file_id: Annotated[str, Field(min_length=1, max_length=2048)] | None = Field(
        None, description="A file that the session was told of; send one to `me` first, and it has an id."
    )
    spoiler: bool = False
    parse_mode: Annotated[ParseMode, BeforeValidator(_mode)] | None = None
    silent: bool = False
    link_preview: bool = True
    consent: Annotated[
        str,
        Field(
            min_length=10,
            max_length=1_000,
            pattern=r"\S",
            description="Your own statement of how the recipients agreed to get this. It is kept with the broadcast.",
        ),
    ]
    pace: PaceBody = PaceBody()
    quiet_hours: QuietBody | None = None
    strangers_cap: Annotated[
        int, Field(ge=0, le=1_000, description="How many may be written to whom the account has no chat with")
    ] = 10
    stop_after_failures: Annotated[int, Field(ge=1, le=1_000, description="In a row")] = 20
    start_at: Annotated[str, Field(max_length=40, description="An instant, ISO 8601")] | None = None

    def plan(self) -> Plan:
        """Raises Invalid."""
        quiet = self.quiet_hours
        if not self.text and self.file_id is None:
            refuse_fields([("text", "is needed where there is no fileId")])
        return Plan(
            text=self.text,
            consent=self.consent.strip(),
            pace=Pace(self.pace.per_minute, self.pace.jitter),
            parse_mode=self.parse_mode,
            silent=self.silent,
            link_preview=self.link_preview,
            quiet=None if quiet is None else QuietHours.of(quiet.from_, quiet.to, quiet.time_zone),
            strangers=self.strangers_cap,
            failures=self.stop_after_failures,
            start_at=None if self.start_at is None else parse_iso(self.start_at, field="startAt"),
            file_id=self.file_id,
            spoiler=self.spoiler,
        )


class BroadcastBody(WithPlan):
    name: Annotated[str, Field(max_length=200)] = ""
    recipients: Annotated[list[RecipientBody], Field(max_length=MOST_AT_ONCE)] = Field(default_factory=list)
    start: bool = Field(False, description="Start it at once; else it is a draft")


class PreviewBody(WithPlan):
    recipients: Annotated[list[RecipientBody], Field(min_length=1, max_length=50)]


class DryRunBody(WithPlan):
    recipients: Annotated[list[RecipientBody], Field(min_length=1, max_length=MOST_AT_ONCE)]


class RecipientsBody(Body):
    recipients: Annotated[list[RecipientBody], Field(min_length=1, max_length=MOST_AT_ONCE)]


class OptOutBody(Body):
    peer: ChatId
    session_id: Annotated[SessionId, Field(description="Look them up through this session")] | None = None
    note: Annotated[str, Field(max_length=500)] = ""


class PaceShape(Shape):
    per_minute: int
    jitter: float


class QuietShape(Shape):
    from_: str = Field(alias="from")
    to: str
    time_zone: str


class CountsShape(Shape):
    pending: int = 0
    queued: int = 0
    sent: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0


class BroadcastShape(Shape):
    """`cause`: why it stopped. `waitingFor`, `waitingUntil`: why a running one rests. `counts`: where asked for one."""

    id: str
    session_id: str
    name: str
    state: BroadcastStates
    cause: str | None = None
    waiting_for: Literal["startAt", "quietHours", "floodWait", "budget", "connection", "otherBroadcast"] | None = None
    waiting_until: str | None = None
    counts: CountsShape | None = None
    strangers_met: int
    file_id: str | None = None
    text: str
    parse_mode: str | None = None
    silent: bool
    link_preview: bool
    consent: str
    pace: PaceShape
    quiet_hours: QuietShape | None = None
    strangers_cap: int
    stop_after_failures: int
    start_at: str | None = None
    created_at: str
    started_at: str | None = None
    ended_at: str | None = None


class BroadcastPage(Shape):
    items: list[BroadcastShape]
    next_cursor: str | None = None
    has_more: bool


class RecipientShape(Shape):
    """`code` and `reason`: why nothing was sent. `chatId`: the marked id, once it is known."""

    number: int
    to: str
    state: RecipientStates
    chat_id: str | None = None
    job_id: str | None = None
    message_id: int | None = None
    code: str | None = None
    reason: str | None = None
    stranger: bool
    queued_at: str | None = None
    ended_at: str | None = None


class RecipientPage(Shape):
    items: list[RecipientShape]
    next_cursor: str | None = None
    has_more: bool


class AddedShape(Shape):
    """How many recipients there are now."""

    recipients: int


class PreviewShape(Shape):
    """What one recipient would be sent, or `code` and `reason` why nothing."""

    number: int
    to: str
    text: str | None = None
    code: str | None = None
    reason: str | None = None


class ForecastShape(Shape):
    """`unknown`: about whom Telegram would have to be asked. `strangers`: at least so many. `skipped`: the first 1,000.

    `skippedCount`: all of them.
    """

    recipients: int
    would_send: int
    unknown: int
    strangers: int
    skipped_count: int
    skipped: list[PreviewShape]


class OptOutShape(Shape):
    id: str
    peer: str
    note: str
    created_at: str


class OptOutPage(Shape):
    items: list[OptOutShape]
    next_cursor: str | None = None
    has_more: bool


def broadcast_shape(one: Broadcast, counts: Mapping[RecipientState, int] | None = None) -> BroadcastShape:
    plan = one.plan
    told: Any = {
        "counts": None if counts is None else CountsShape(**{state.value: number for state, number in counts.items()}),
        "quiet_hours": None if plan.quiet is None else _quiet(plan.quiet),
        "state": one.state.value,
        "waiting_for": one.waiting_for,
    }
    return BroadcastShape(
        id=one.id,
        session_id=one.session_id,
        name=one.name,
        cause=one.cause,
        waiting_until=_instant(one.waiting_until),
        strangers_met=one.strangers_met,
        text=plan.text,
        parse_mode=None if plan.parse_mode is None else plan.parse_mode.value,
        silent=plan.silent,
        file_id=plan.file_id,
        link_preview=plan.link_preview,
        consent=plan.consent,
        pace=PaceShape(per_minute=plan.pace.per_minute, jitter=plan.pace.jitter),
        strangers_cap=plan.strangers,
        stop_after_failures=plan.failures,
        start_at=_instant(plan.start_at),
        created_at=iso(one.created_at),
        started_at=_instant(one.started_at),
        ended_at=_instant(one.ended_at),
        **told,
    )


def recipient_shape(one: Recipient) -> RecipientShape:
    state: Any = one.state.value
    return RecipientShape(
        number=one.number,
        to=one.to,
        state=state,
        chat_id=None if one.chat_id is None else str(one.chat_id),
        job_id=one.job_id,
        message_id=one.message_id,
        code=one.code,
        reason=one.reason,
        stranger=one.stranger,
        queued_at=_instant(one.queued_at),
        ended_at=_instant(one.ended_at),
    )


def preview_shape(one: Seen) -> PreviewShape:
    return PreviewShape(number=one.number, to=one.to, text=one.text, code=one.error, reason=one.reason)


def forecast_shape(one: Forecast) -> ForecastShape:
    return ForecastShape(
        recipients=one.recipients,
        would_send=one.would_send,
        unknown=one.unknown,
        strangers=one.strangers,
        skipped_count=len(one.skipped),
        skipped=[preview_shape(each) for each in one.skipped[:1_000]],
    )


def opt_out_shape(one: OptOut) -> OptOutShape:
    return OptOutShape(id=one.id, peer=one.peer, note=one.note, created_at=iso(one.created_at))


def _quiet(quiet: QuietHours) -> QuietShape:
    values: Any = {"from": _clock(quiet.start)}
    return QuietShape(to=_clock(quiet.end), time_zone=quiet.zone, **values)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _instant(at: int | None) -> str | None:
    return None if at is None else iso(at)
