"""Send jobs and the log: nothing twice, nothing lost, nothing told before it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from teleflow.errors import Invalid
from teleflow.model.jobs import SendState
from teleflow.model.messages import LogEntry
from teleflow.storage.base import Storage

from .rig import FAILED, NOW, SENT, UNCERTAIN, a_job, accept, stored_user

ODD_TEXTS = [
    "👩‍👩‍👧‍👦🏴‍☠️",
    "مرحبا بالعالم",
    "שלום\u200f abc",
    "e\u0301\u0323 a\u030a",
    "\u2028\r\n\ttabs",
    "𝔘𝔫𝔦",
    "'; --",
    "x" * 1_000_000,
]


async def test_an_accepted_job_and_its_log_row_are_there(storage: Storage) -> None:
    user, stranger = await stored_user(storage), await stored_user(storage)
    job = a_job(user, random_id=-(2**63))
    accepted = await accept(storage, job)
    assert (accepted.job, accepted.replayed) == (job, False)
    assert await storage.send_job(user.id, job.id) == job
    assert await storage.send_job(stranger.id, job.id) is None
    (entry,) = await storage.log_entries(user.id, limit=10)
    assert entry == LogEntry("ann", "+15550001", job.chat, job.text, None, entry.detail, NOW, entry.number)
    assert await storage.log_entries(stranger.id, limit=10) == []
    assert await storage.open_jobs() == 1


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
async def test_odd_and_large_texts_come_back_unchanged(storage: Storage, text: str) -> None:
    user = await stored_user(storage)
    job = a_job(user, text=text)
    await accept(storage, job)
    assert await storage.send_job(user.id, job.id) == job
    assert (await storage.log_entries(user.id, limit=1))[0].message == text


async def test_two_hundred_parallel_requests_with_one_key_make_one_job(storage: Storage) -> None:
    user = await stored_user(storage)
    accepted = await asyncio.gather(*[accept(storage, a_job(user), key="one") for _ in range(200)])
    assert len({each.job.id for each in accepted}) == 1
    assert [each.replayed for each in accepted].count(False) == 1
    assert await storage.open_jobs() == 1
    assert len(await storage.log_entries(user.id, limit=10)) == 1


async def test_numbers_come_back_as_numbers_that_every_encoder_knows(storage: Storage) -> None:
    user = await stored_user(storage)
    job = a_job(user, random_id=2**62, chat_id=-1_002_000_000_000)
    await accept(storage, job)
    stored = await storage.send_job(user.id, job.id)
    assert stored is not None
    assert {type(number) for number in (stored.random_id, stored.chat_id, stored.created_at)} == {int}


async def test_a_replay_tells_the_first_job_as_it_is_now(storage: Storage, opening: Callable[[], Storage]) -> None:
    user = await stored_user(storage)
    job = a_job(user)
    await accept(storage, job, key="one")
    settled = await storage.settle_send(job.id, SENT, now=NOW)
    again = opening()
    await again.start()
    try:
        replay = await accept(again, a_job(user), key="one")
    finally:
        await again.stop()
    assert (replay.job, replay.replayed) == (settled, True)


async def test_a_key_with_another_request_is_refused_and_stores_nothing(storage: Storage) -> None:
    user = await stored_user(storage)
    await accept(storage, a_job(user), key="one", fingerprint="first")
    with pytest.raises(Invalid) as raised:
        await accept(storage, a_job(user), key="one", fingerprint="second")
    assert raised.value.code == "IDEMPOTENCY_KEY_REUSED"
    assert await storage.open_jobs() == 1


async def test_a_key_belongs_to_its_user(storage: Storage) -> None:
    ann, bob = await stored_user(storage), await stored_user(storage)
    first = await accept(storage, a_job(ann), key="one", fingerprint="first")
    second = await accept(storage, a_job(bob), key="one", fingerprint="second")
    assert first.job.id != second.job.id
    assert not second.replayed


@pytest.mark.parametrize(
    ("settlement", "success"), [(SENT, True), (FAILED, False), (UNCERTAIN, None)], ids=["sent", "failed", "uncertain"]
)
async def test_an_outcome_is_written_to_job_and_log(storage: Storage, settlement: object, success: bool | None) -> None:
    user = await stored_user(storage)
    job = a_job(user)
    await accept(storage, job)
    settled = await storage.settle_send(job.id, settlement, now=NOW + 1)  # type: ignore[arg-type]
    assert settled is not None
    for field in ("state", "attempts", "message_id", "chat_id", "error_code", "error_message", "retry_after"):
        assert getattr(settled, field) == getattr(settlement, field)
    assert await storage.send_job(user.id, job.id) == settled
    (entry,) = await storage.log_entries(user.id, limit=1)
    assert (entry.success, entry.detail) == (success, settlement.detail)  # type: ignore[attr-defined]
    assert await storage.open_jobs() == (1 if success is None else 0)


async def test_a_final_state_never_changes(storage: Storage) -> None:
    user = await stored_user(storage)
    job = a_job(user)
    await accept(storage, job)
    assert await storage.settle_send(job.id, UNCERTAIN, now=NOW) is not None
    sent = await storage.settle_send(job.id, SENT, now=NOW)
    assert await storage.settle_send(job.id, FAILED, now=NOW) == sent
    assert await storage.settle_send(job.id, UNCERTAIN, now=NOW) == sent
    assert (await storage.log_entries(user.id, limit=1))[0].success is True
    assert await storage.settle_send("job_none", SENT, now=NOW) is None


async def test_only_a_job_that_never_left_can_be_cancelled(storage: Storage) -> None:
    user = await stored_user(storage)
    waiting, sending, uncertain, sent = (a_job(user) for _ in range(4))
    for job in (waiting, sending, uncertain, sent):
        await accept(storage, job)
    await storage.mark_sending(sending.id, attempts=1, node="node-a", lease_until=NOW)
    await storage.settle_send(uncertain.id, UNCERTAIN, now=NOW)
    await storage.settle_send(sent.id, SENT, now=NOW)
    cancelled = [
        await storage.cancel_send(job.id, detail="Too late", now=NOW) for job in (waiting, sending, uncertain, sent)
    ]
    assert cancelled == [True, False, False, False]
    assert not await storage.cancel_send(waiting.id, detail="x", now=NOW)
    stored = await storage.send_job(user.id, waiting.id)
    assert stored is not None
    assert stored.state is SendState.CANCELLED
    oldest = (await storage.log_entries(user.id, limit=4))[-1]
    assert (oldest.success, oldest.detail) == (False, "Too late")


async def test_cancelling_and_sending_at_once_has_one_winner(storage: Storage) -> None:
    user = await stored_user(storage)
    jobs = [a_job(user) for _ in range(50)]
    await asyncio.gather(*[accept(storage, job) for job in jobs])
    pairs = await asyncio.gather(
        *[
            asyncio.gather(
                storage.cancel_send(job.id, detail="x", now=NOW),
                storage.mark_sending(job.id, attempts=1, node="node-a", lease_until=NOW),
            )
            for job in jobs
        ]
    )
    assert all(cancelled != sending for cancelled, sending in pairs)


async def test_marking_needs_the_lease(storage: Storage) -> None:
    user = await stored_user(storage)
    job = a_job(user)
    await accept(storage, job, node="node-a")
    assert not await storage.mark_sending(job.id, attempts=1, node="node-b", lease_until=NOW)
    assert await storage.mark_sending(job.id, attempts=1, node="node-a", lease_until=NOW)
    assert await storage.mark_sending(job.id, attempts=2, node="node-a", lease_until=NOW)
    stored = await storage.send_job(user.id, job.id)
    assert stored is not None
    assert (stored.state, stored.attempts) == (SendState.SENDING, 2)


async def test_an_uncertain_job_stays_uncertain_while_it_is_sent_again(storage: Storage) -> None:
    user = await stored_user(storage)
    job = a_job(user)
    await accept(storage, job)
    await storage.settle_send(job.id, UNCERTAIN, now=NOW)
    assert await storage.mark_sending(job.id, attempts=2, node="node-a", lease_until=NOW)
    stored = await storage.send_job(user.id, job.id)
    assert stored is not None
    assert stored.state is SendState.UNCERTAIN


async def test_expired_leases_are_claimed_once_oldest_first(storage: Storage) -> None:
    user = await stored_user(storage)
    jobs = [a_job(user, created_at=NOW + number) for number in range(30)]
    for job in reversed(jobs):
        await accept(storage, job, lease_until=NOW + 10)
    await accept(storage, a_job(user), lease_until=NOW + 11)
    assert await storage.claim_sends(node="node-b", now=NOW + 9, lease_until=NOW + 50, limit=10) == []
    claims = await asyncio.gather(
        *[storage.claim_sends(node=f"n{k}", now=NOW + 10, lease_until=NOW + 50, limit=10) for k in range(5)]
    )
    assert [len(claim) for claim in claims] == [10, 10, 10, 0, 0]
    assert [job.id for claim in claims for job in claim] == [job.id for job in jobs]


async def test_a_renewed_lease_is_not_offered(storage: Storage) -> None:
    user = await stored_user(storage)
    jobs = [a_job(user) for _ in range(250)]
    await asyncio.gather(*[accept(storage, job, lease_until=NOW) for job in jobs])
    await storage.renew_leases([job.id for job in jobs[1:]], node="node-a", lease_until=NOW + 100)
    await storage.renew_leases([jobs[0].id], node="node-b", lease_until=NOW + 100)
    claimed = await storage.claim_sends(node="node-b", now=NOW + 50, lease_until=NOW + 90, limit=1000)
    assert [job.id for job in claimed] == [jobs[0].id]


async def test_a_start_frees_what_dead_nodes_held(storage: Storage) -> None:
    user = await stored_user(storage)
    mine, dead, done = a_job(user), a_job(user), a_job(user)
    await accept(storage, mine, node="node-b")
    await accept(storage, dead, node="node-a")
    await accept(storage, done, node="node-a")
    await storage.settle_send(done.id, SENT, now=NOW)
    assert await storage.release_leases(except_node="node-b") == 1
    claimed = await storage.claim_sends(node="node-b", now=NOW, lease_until=NOW + 1, limit=10)
    assert [job.id for job in claimed] == [dead.id]


async def test_the_log_is_paged_newest_first_for_one_and_for_all(storage: Storage) -> None:
    ann, bob = await stored_user(storage), await stored_user(storage)
    for number in range(6):
        await accept(storage, a_job(ann if number % 2 else bob, text=str(number)))
    everything = await storage.log_entries(None, limit=10)
    assert [entry.message for entry in everything] == ["5", "4", "3", "2", "1", "0"]
    first = await storage.log_entries(ann.id, limit=2)
    assert [entry.message for entry in first] == ["5", "3"]
    rest = await storage.log_entries(ann.id, limit=2, before=first[-1].number)
    assert [entry.message for entry in rest] == ["1"]


async def test_an_attempt_that_became_no_job_is_in_the_log(storage: Storage) -> None:
    user = await stored_user(storage)
    await storage.log_rejected(
        user_id=user.id, username="ann", from_phone="", to_phone="+1", message="hi", detail="Not connected", now=NOW
    )
    (entry,) = await storage.log_entries(user.id, limit=5)
    assert (entry.success, entry.detail, entry.from_phone) == (False, "Not connected", "")
    assert await storage.open_jobs() == 0


async def test_a_page_has_a_thousand_rows_at_most(storage: Storage) -> None:
    user = await stored_user(storage)
    await asyncio.gather(*[accept(storage, a_job(user)) for _ in range(1_005)])
    assert len(await storage.log_entries(user.id, limit=5_000)) == 1_000
    assert len(await storage.claim_sends(node="n", now=NOW + 10**9, lease_until=NOW, limit=5_000)) == 1_000


async def test_what_is_old_goes_from_the_log_and_with_it_jobs_that_ended(storage: Storage) -> None:
    user = await stored_user(storage)
    done, open_, late = a_job(user), a_job(user), a_job(user, created_at=NOW + 9)
    for job in (done, open_, late):
        await accept(storage, job)
    await storage.settle_send(done.id, SENT, now=NOW + 1)
    await storage.settle_send(late.id, SENT, now=NOW + 9)
    assert await storage.purge_log(before=NOW, jobs_before=NOW) == 0
    assert await storage.purge_log(before=NOW + 9, jobs_before=NOW + 1) == 1
    assert [entry.created_at for entry in await storage.log_entries(user.id, limit=10)] == [NOW + 9, NOW]
    assert await storage.purge_log(before=NOW + 9, jobs_before=NOW + 9) == 1
    assert await storage.purge_log(before=NOW + 9, jobs_before=NOW + 9) == 0
    assert await storage.send_job(user.id, done.id) is None
    for job in (open_, late):
        assert await storage.send_job(user.id, job.id) is not None
    settled = await storage.settle_send(open_.id, SENT, now=NOW + 10)
    assert settled is not None
    assert await storage.purge_log(before=NOW + 10, jobs_before=NOW + 11) == 4
    assert await storage.log_entries(user.id, limit=10) == []
