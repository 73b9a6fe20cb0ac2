"""What the service does with a session is in its owner's log, once, in the order in which it was done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.events.test_following import Log, opened
from tests.integration.gateway.rig import ANN, BOB, rigged


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    async with rigged(tmp_path / "data") as rig:
        yield await opened(rig)


async def test_a_login_by_code_is_told_from_its_beginning_to_the_connection(log: Log) -> None:
    await log.until(1, "session.connected")
    types = [event.type for event in await log.events() if event.session_id == log.session_id]
    firsts = [one for one in types if one in {"session.created", "session.authorized", "session.connected"}]
    assert firsts == ["session.created", "session.authorized", "session.connected"]
    assert (await log.data("session.created"))[0]["phoneNumber"] == ANN
    assert (await log.data("session.authorized"))[0] == {"method": "code"}
    changes = await log.data("session.state_changed")
    assert [one["previous"] for one in changes[1:]] == [one["state"] for one in changes[:-1]], "each follows the last"


async def test_a_send_by_the_api_settles_a_job_and_is_sent_once(log: Log) -> None:
    answer = await log.rig.send(log.headers, "by api")
    assert answer.status_code == 200, answer.text
    (job,) = await log.until(1, "job.settled")
    (sent,) = await log.until(1, "message.sent")
    assert (job["state"], job["message"]["id"], job["message"]["chatId"]) == ("sent", sent["id"], sent["chatId"])


async def test_an_edit_by_another_person_is_told_with_its_new_text(log: Log) -> None:
    made = await log.act(BOB, do="send", to=ANN, text="one")
    await log.act(BOB, do="edit", to=ANN, messageId=made["messageId"], text="two")
    (edited,) = await log.until(1, "message.edited")
    assert edited["text"] == "two"
