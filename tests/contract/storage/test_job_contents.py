"""What is to be sent comes back as it was accepted, whatever it is."""

from __future__ import annotations

import pytest

from teleflow.model.entities import Entity
from teleflow.model.jobs import Content, Forward, SendState, Text
from teleflow.storage.base import Settlement, Storage

from .rig import NOW, a_job, accept, stored_user

CONTENTS: list[Content] = [
    Text("plain"),
    Text(
        "rich", entities=(Entity("bold", 0, 2), Entity("text_link", 1, 3, url="https://example.org/?q=ü")), silent=True
    ),
    Text("later", reply_to=7, topic=3, link_preview=False, schedule=1_900_000_000),
    Forward("@news", (1, 2, 3), (2**63 - 1, -(2**63), 5), drop_author=True),
]


@pytest.mark.parametrize("content", CONTENTS, ids=["plain", "rich", "later", "forward"])
async def test_a_job_keeps_what_is_to_be_sent(storage: Storage, content: Content) -> None:
    user = await stored_user(storage)
    job = a_job(user, chat_id=-100_123, content=content)
    await accept(storage, job)
    assert await storage.send_job(user.id, job.id) == job


async def test_a_job_that_waits_is_queued_until_it_is_due_and_keeps_its_chat(storage: Storage) -> None:
    user = await stored_user(storage)
    job = a_job(user, chat_id=-100_123)
    await accept(storage, job)
    waiting = Settlement(SendState.QUEUED, "Waits", 1, error_code="TELEGRAM_FLOOD_WAIT", due_at=NOW + 5, retry_after=5)
    stored = await storage.settle_send(job.id, waiting, now=NOW)
    assert stored is not None
    assert (stored.state, stored.due_at, stored.chat_id) == (SendState.QUEUED, NOW + 5, -100_123)
    assert await storage.open_jobs() == 1
    assert await storage.cancel_send(job.id, detail="No more", now=NOW)


async def test_what_the_caller_was_told_is_kept(storage: Storage) -> None:
    user = await stored_user(storage)
    job = a_job(user)
    await accept(storage, job, key="one")
    await storage.settle_send(job.id, Settlement(SendState.SENT, "Sent", 1, message_id=4, result='{"id":4}'), now=NOW)
    again = await accept(storage, a_job(user), key="one")
    assert (again.replayed, again.job.result) == (True, '{"id":4}')
