"""What is to be sent comes back as it was accepted, whatever it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from teleflow.errors import Invalid
from teleflow.model.entities import Entity
from teleflow.model.jobs import Content, Forward, SendState, Text
from teleflow.model.media import FileKind, FileRef, Media
from teleflow.model.messages import Message
from teleflow.storage.base import Settlement, Storage

from .rig import NOW, SENT, a_job, accept, stored_user

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


async def test_what_it_became_is_kept_and_sealed(storage: Storage, tmp_path: Path) -> None:
    user = await stored_user(storage)
    job = a_job(user)
    await accept(storage, job, key="one")
    file = FileRef(FileKind.PHOTO, 2**63 - 1, -(2**63), b"a reference", 2, "y")
    message = Message(
        4, -100_123, 7, "gone out", NOW, entities=(Entity("bold", 0, 2),), media=Media("photo", file, details={"a": 1})
    )
    await storage.settle_send(job.id, Settlement(SendState.SENT, "Sent", 1, message_id=4, messages=(message,)), now=NOW)
    again = await accept(storage, a_job(user), key="one")
    assert (again.replayed, again.job.messages) == (True, (message,))
    assert b"gone out" not in bytes_below(tmp_path)


def bytes_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*.db*"))


async def test_a_page_of_jobs_is_ones_own_and_goes_on(storage: Storage) -> None:
    user, stranger = await stored_user(storage), await stored_user(storage)
    jobs = [a_job(user, session_id=f"ses_{number % 2}") for number in range(5)]
    for job in (*jobs, a_job(stranger)):
        await accept(storage, job)
    await storage.settle_send(jobs[0].id, SENT, now=NOW)
    first, more = await storage.send_jobs(user.id, limit=3)
    assert ([job.id for job in first], more) == ([job.id for job in reversed(jobs[2:])], jobs[2].id)
    rest, end = await storage.send_jobs(user.id, limit=3, before=more)
    assert ([job.id for job in rest], end) == ([jobs[1].id, jobs[0].id], None)
    of_one, _ = await storage.send_jobs(user.id, limit=9, session_ids=frozenset({"ses_1"}))
    assert [job.id for job in of_one] == [jobs[3].id, jobs[1].id]
    sent, _ = await storage.send_jobs(user.id, limit=9, state=SendState.SENT)
    assert [job.id for job in sent] == [jobs[0].id]


async def test_a_key_leads_to_its_job_and_to_no_other(storage: Storage) -> None:
    user, stranger = await stored_user(storage), await stored_user(storage)
    job = a_job(user)
    await accept(storage, job, key="one", fingerprint="first")
    assert await storage.send_with_key(user.id, "one", fingerprint="first") == job
    assert await storage.send_with_key(user.id, "two", fingerprint="first") is None
    assert await storage.send_with_key(stranger.id, "one", fingerprint="first") is None
    with pytest.raises(Invalid):
        await storage.send_with_key(user.id, "one", fingerprint="second")
