"""What is told of a send follows from one question: may it have left?"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest

from teleflow.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Limited,
    NotFound,
    StorageUnavailable,
    TeleFlowError,
    Unavailable,
    Uncertain,
)
from teleflow.model.jobs import SendJob, SendState, Text
from teleflow.model.operations.sending import FindSent, SendText, Sent
from teleflow.model.peers import Peer, PeerKind, PeerRef, phone_ref
from teleflow.outbox.lanes import Lanes
from teleflow.outbox.sender import Sender
from teleflow.outbox.settle import Settler
from teleflow.outbox.tickets import Ticket
from teleflow.storage.base import Settlement

Answer = Sent | TeleFlowError | None


class Clock:
    """Time passes only in sleeps."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    monotonic = time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Storage:
    def __init__(self) -> None:
        self.settled: list[Settlement] = []
        self.failures = 0

    async def settle_send(self, _job_id: str, settlement: Settlement, *, now: int) -> SendJob:
        if self.failures:
            self.failures -= 1
            raise StorageUnavailable("disk full")
        self.settled.append(settlement)
        return replace(job(), state=settlement.state, error_code=settlement.error_code, attempts=settlement.attempts)

    async def send_job(self, _user_id: str, _job_id: str) -> SendJob:
        return job()


class Peers:
    asked_again = 0
    lost: Uncertain | None = None

    async def find(self, _session_id: str, ref: PeerRef, *, within: float) -> Peer:
        assert ref == phone_ref("+15550002")
        if self.lost is not None:
            raise self.lost
        return Peer(PeerKind.USER, 7, 8)

    async def find_again(self, _session_id: str, _ref: PeerRef, *, within: float) -> Peer:
        self.asked_again += 1
        return Peer(PeerKind.USER, 7, 9)

    def learn(self, _session_id: str, _known: object) -> None:
        pass


class Strangers:
    """Everybody is known, unless `refusal` says otherwise."""

    refusal: TeleFlowError | None = None

    async def admit(self, _session_id: str, _peer: Peer, *, within: float) -> None:
        if self.refusal is not None:
            raise self.refusal

    def refused(self, _session_id: str, _error: TeleFlowError) -> None:
        pass


def job() -> SendJob:
    return SendJob("job_1", "usr_1", "ses_1", 99, "+15550002", Text("text"), SendState.SENDING, 0, 999_990_000)


class NoFiles:
    """Texts have none."""

    async def bring(self, *_: Any) -> tuple[()]:
        return ()

    async def known(self, *_: Any) -> tuple[()]:
        return ()


class Scene:
    """Telegram answers `sends` one after the other; the history answers `history`."""

    def __init__(self, *sends: Answer, history: Answer = None) -> None:
        self._sends = list(sends)
        self._history = history
        self.clock, self.storage, self.peers, self.strangers = Clock(), Storage(), Peers(), Strangers()
        self.operations: list[Any] = []
        self.told: list[SendState] = []
        self.wait: float | None = None

    async def call(self, _session_id: str, operation: Any, *, within: float) -> Any:
        self.operations.append(operation)
        answer = self._history if isinstance(operation, FindSent) else self._sends.pop(0)
        if isinstance(answer, TeleFlowError):
            raise answer
        return answer

    async def carry(self, *, deadline: float | None = 30, may_have_left: bool = False) -> list[SendState]:
        loop = asyncio.get_running_loop()
        until = None if deadline is None else loop.time() + deadline
        settler = Settler(self.storage, self.clock, random.Random(1))
        ticket_told = self.told

        class Telling(Ticket):
            def tell(self, job: SendJob) -> None:
                ticket_told.append(job.state)
                super().tell(job)

        ticket = Telling(job(), deadline=until, may_have_left=may_have_left)
        uploads: Any = NoFiles()
        sender = Sender(self.call, self.peers, self.strangers, settler, Lanes(), self.clock, uploads)
        async with asyncio.timeout(5):
            self.wait = await sender.carry(ticket)
            await settler.written()
        return [settlement.state for settlement in self.storage.settled]


def lost(code: str | None = None) -> Uncertain:
    return Uncertain("no answer", code=code)


def after_lost_try(error: TeleFlowError) -> TeleFlowError:
    error.may_have_left = True
    return error


async def test_every_repeat_carries_the_same_random_id() -> None:
    scene = Scene(lost(), lost(), Sent(5, None))
    assert await scene.carry() == [SendState.UNCERTAIN, SendState.SENT]
    assert {operation.random_id for operation in scene.operations} == {99}
    assert scene.told == [SendState.UNCERTAIN, SendState.SENT]


async def test_an_answer_before_it_left_is_final() -> None:
    scene = Scene(Forbidden("no", code="USER_IS_BLOCKED"))
    assert await scene.carry() == [SendState.FAILED]


async def test_unreachable_fails_a_send_that_somebody_waits_for() -> None:
    scene = Scene(Unavailable("no link"))
    assert await scene.carry() == [SendState.FAILED]


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        (None, "TELEGRAM_UNAVAILABLE"),
        (Invalid("The session is disconnected", code="SESSION_NOT_CONNECTED"), "SESSION_NOT_CONNECTED"),
        (Conflict("This login was ended", code="SESSION_LOGGED_OUT"), "SESSION_LOGGED_OUT"),
    ],
)
async def test_a_look_up_lost_with_its_session_is_told_as_what_ended_that(
    ended: TeleFlowError | None, code: str
) -> None:
    scene = Scene()
    scene.peers.lost = lost()
    scene.peers.lost.__cause__ = ended
    assert await scene.carry() == [SendState.FAILED]
    assert [settled.error_code for settled in scene.storage.settled] == [code]
    assert scene.operations == []


async def test_unreachable_does_not_fail_what_may_have_left() -> None:
    scene = Scene(Unavailable("no link"), Sent(5, None))
    assert await scene.carry(deadline=None, may_have_left=True) == [SendState.SENT]


async def test_a_recovered_send_that_never_left_waits_for_its_session() -> None:
    scene = Scene(Unavailable("no link"), Unavailable("no link"), Sent(5, None))
    assert await scene.carry(deadline=None) == [SendState.SENT]
    assert scene.clock.slept != []


async def test_a_flood_wait_fails_at_once_and_keeps_its_seconds() -> None:
    scene = Scene(Limited("wait", code="TELEGRAM_FLOOD_WAIT", retry_after=33))
    assert await scene.carry() == [SendState.FAILED]
    assert scene.storage.settled[0].retry_after == 33
    assert "33" in scene.storage.settled[0].detail


async def test_a_flood_wait_after_a_lost_try_is_no_failure() -> None:
    scene = Scene(after_lost_try(Limited("wait", retry_after=33)), Sent(5, None))
    assert await scene.carry() == [SendState.UNCERTAIN, SendState.SENT]
    assert 33 in scene.clock.slept


@pytest.mark.parametrize(("history", "end"), [(Sent(5, None), SendState.SENT), (None, SendState.FAILED)])
async def test_a_refusal_after_a_lost_try_is_checked_in_the_history(history: Sent | None, end: SendState) -> None:
    scene = Scene(after_lost_try(Forbidden("blocked", code="USER_IS_BLOCKED")), history=history)
    assert await scene.carry() == [end]
    assert isinstance(scene.operations[-1], FindSent)


@pytest.mark.parametrize("code", ["PEER_HUNG_UP", "TELEGRAM_ANSWER_UNREADABLE"])
@pytest.mark.parametrize(("history", "end"), [(Sent(5, None), SendState.SENT), (None, SendState.FAILED)])
async def test_what_would_end_the_same_again_is_checked_in_the_history(
    history: Sent | None, end: SendState, code: str
) -> None:
    scene = Scene(lost(code), history=history)
    assert await scene.carry() == [end]


async def test_a_history_that_can_not_be_read_proves_nothing() -> None:
    scene = Scene(lost("PEER_HUNG_UP"), Sent(5, None), history=Unavailable("no link"))
    assert await scene.carry() == [SendState.UNCERTAIN, SendState.SENT]


async def test_a_dead_session_ends_a_send_and_says_that_a_try_may_have_gone_out() -> None:
    scene = Scene(lost(), after_lost_try(Conflict("log in again", code="SESSION_LOGGED_OUT")))
    assert await scene.carry() == [SendState.UNCERTAIN, SendState.FAILED]
    assert "may have gone out" in scene.storage.settled[-1].detail


async def test_a_peer_that_is_no_longer_true_is_looked_up_once_more() -> None:
    scene = Scene(NotFound("?", code="PEER_NOT_FOUND"), Sent(5, None))
    assert await scene.carry() == [SendState.SENT]
    assert scene.peers.asked_again == 1
    assert [operation.peer.access_hash for operation in scene.operations if isinstance(operation, SendText)] == [8, 9]


async def test_a_sick_disk_delays_the_row_and_not_the_truth() -> None:
    scene = Scene(Sent(5, None))
    scene.storage.failures = 5
    assert await scene.carry() == [SendState.SENT]
    assert scene.told == [SendState.SENT]


async def test_past_its_deadline_it_is_never_sent() -> None:
    scene = Scene(Sent(5, None))
    assert await scene.carry(deadline=-1) == [SendState.FAILED]
    assert scene.operations == []


async def test_after_a_day_of_silence_it_is_given_up() -> None:
    scene = Scene(*[lost() for _ in range(20_000)])
    assert (await scene.carry(deadline=None))[-1] is SendState.FAILED
    assert 86_400 - 60 <= scene.clock.now - 999_990 <= 86_400 + 200


async def test_a_wait_fails_a_send_that_somebody_waits_for() -> None:
    scene = Scene(Limited("wait", code="TELEGRAM_FLOOD_WAIT", retry_after=7))
    assert await scene.carry() == [SendState.FAILED]
    assert scene.wait is None


async def test_a_wait_puts_off_a_send_that_nobody_waits_for() -> None:
    scene = Scene(Limited("wait", code="TELEGRAM_FLOOD_WAIT", retry_after=7))
    assert await scene.carry(deadline=None) == [SendState.QUEUED]
    assert scene.wait == 7
    (settlement,) = scene.storage.settled
    assert (settlement.due_at, settlement.error_code) == (1_000_007_000, "TELEGRAM_FLOOD_WAIT")


async def test_a_wait_longer_than_anybody_remembers_is_a_failure() -> None:
    scene = Scene(Limited("wait", code="TELEGRAM_FLOOD_WAIT", retry_after=90_000))
    assert await scene.carry(deadline=None) == [SendState.FAILED]


async def test_who_may_not_be_written_to_is_not() -> None:
    scene = Scene()
    scene.strangers.refusal = Limited("enough", code="CONTACT_BUDGET", retry_after=60)
    assert await scene.carry() == [SendState.FAILED]
    assert scene.operations == []
